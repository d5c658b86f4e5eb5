# Unit tests: tests/unit/<path>_test.c becomes $(BUILD)/tests/<path>_test, linked with all layers.

UNIT_SRC := $(shell find tests/unit -name '*_test.c' 2>/dev/null | sort)
UNIT_BIN := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(UNIT_SRC))
ALL_LIBS := $(DNSD_LIB) $(CLUSTERD_LIB) $(WEBD_LIB) $(COMMON_LIB)

# Only the libraries of the layer under test, so that one layer's break does not hide another's.
unit_libs = $(if $(filter dnsd/%,$(1)),$(DNSD_LIB))$(if $(filter clusterd/%,$(1)),$(CLUSTERD_LIB))$(if $(filter webd/%,$(1)),$(WEBD_LIB)) $(COMMON_LIB)

define UNIT_RULE
$(BUILD)/tests/$(1): $(BUILD)/obj/tests/unit/$(1).o $(call unit_libs,$(1))
	@mkdir -p $$(@D)
	$$(CC) $$(LDFLAGS_MODE) -o $$@ $$^ $$(LIBS) -lcmocka
endef
$(foreach t,$(patsubst tests/unit/%.c,%,$(UNIT_SRC)),$(eval $(call UNIT_RULE,$(t))))
-include $(patsubst tests/unit/%.c,$(BUILD)/obj/tests/unit/%.d,$(UNIT_SRC))

.PHONY: unit
unit: $(UNIT_BIN)
	@for t in $(UNIT_BIN); do echo "$$t"; $$t || exit 1; done
