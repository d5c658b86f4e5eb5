# Unit tests: tests/unit/<path>_test.c becomes $(BUILD)/tests/<path>_test, linked with all layers.

UNIT_SRC := $(shell find tests/unit -name '*_test.c' 2>/dev/null | sort)
UNIT_BIN := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(UNIT_SRC))
ALL_LIBS := $(DNSD_LIB) $(CLUSTERD_LIB) $(WEBD_LIB) $(COMMON_LIB)

# Only the libraries of the layer under test, so that one layer's break does not hide another's.
unit_libs = $(if $(filter dnsd/%,$(1)),$(DNSD_LIB))$(if $(filter clusterd/%,$(1)),$(CLUSTERD_LIB))$(if $(filter webd/%,$(1)),$(WEBD_LIB)) $(COMMON_LIB)

define UNIT_RULE
$(BUILD)/tests/$(1): $(BUILD)/obj/tests/unit/$(1).o $(call unit_libs,$(1))
	@mkdir -p $$(@D)
	@$$(SAY) "  LINK   $$@"
	$$(Q)$$(CC) $$(LDFLAGS_MODE) -o $$@ $$^ $$(LIBS) -lcmocka
endef
$(foreach t,$(patsubst tests/unit/%.c,%,$(UNIT_SRC)),$(eval $(call UNIT_RULE,$(t))))
-include $(patsubst tests/unit/%.c,$(BUILD)/obj/tests/unit/%.d,$(UNIT_SRC))

.PHONY: unit
unit: $(UNIT_BIN)
	@for t in $(UNIT_BIN); do echo "$$t"; $$t || exit 1; done

.PHONY: unit-build
unit-build: $(UNIT_BIN)

# Stand-ins and load generators of the system tests: tests/fake/<name>.c, linked with common.
FAKE_SRC := $(sort $(wildcard tests/fake/*.c))
TEST_PROGRAMS += $(patsubst tests/fake/%.c,$(BUILD)/test-programs/%,$(FAKE_SRC))
-include $(patsubst tests/fake/%.c,$(BUILD)/obj/tests/fake/%.d,$(FAKE_SRC))

$(BUILD)/test-programs/%: $(BUILD)/obj/tests/fake/%.o $(COMMON_LIB)
	@mkdir -p $(@D)
	@$(SAY) "  LINK   $@"
	$(Q)$(CC) $(LDFLAGS_MODE) $(LDFLAGS) -o $@ $^ $(LIBS)

.PHONY: test-programs
test-programs: $(TEST_PROGRAMS)

# Fuzz targets: tests/fuzz/<name>_fuzz.c, clang's libFuzzer over instrumented layers in build/fuzz.
FUZZ_SRC     := $(sort $(wildcard tests/fuzz/*_fuzz.c))
FUZZ_BIN     := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))
FUZZ_SECONDS ?= 60
-include $(patsubst tests/fuzz/%.c,$(BUILD)/obj/tests/fuzz/%.d,$(FUZZ_SRC))

$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(WEBD_LIB) $(DNSD_LIB) $(CLUSTERD_LIB) $(COMMON_LIB)
	@mkdir -p $(@D)
	@$(SAY) "  LINK   $@"
	$(Q)$(CC) -fsanitize=fuzzer,address,undefined -o $@ $^ $(LIBS)

.PHONY: fuzz fuzz-build
fuzz-build: $(FUZZ_BIN)
fuzz:
	@$(MAKE) --no-print-directory CC="$(FUZZ_CC)" FUZZ=1 BUILD=build/fuzz fuzz-build
	@exec /usr/bin/python3 tests/run.py --only fuzz --fuzz-seconds $(FUZZ_SECONDS)
FUZZ_CC ?= clang

.PHONY: lint format
lint:
	@/usr/bin/python3 tests/lint/lint.py
format:
	clang-format -i $$(git ls-files '*.c' '*.h')

# Figures. The peers are those that happen to be installed (packaging/setup/packages-test.txt).
BENCH_SCENARIOS ?= small
.PHONY: bench bench-dns bench-rpc bench-zone
bench: all bench-rpc bench-zone bench-dns
bench-dns:
	cd tests/bench && /usr/bin/python3 gen.py small && /usr/bin/python3 bench.py $(BENCH_SCENARIOS) --tools load
bench-rpc: $(BUILD)/bench/rpc_bench
	$(BUILD)/bench/rpc_bench

bench-zone: $(BUILD)/bench/lookup_bench
	$(BUILD)/bench/lookup_bench

$(BUILD)/bench/lookup_bench: $(BUILD)/obj/tests/bench/lookup_bench.o $(DNSD_LIB) $(COMMON_LIB)
	@mkdir -p $(@D)
	@$(SAY) "  LINK   $@"
	$(Q)$(CC) $(LDFLAGS_MODE) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(COMMON_LIB)
	@mkdir -p $(@D)
	@$(SAY) "  LINK   $@"
	$(Q)$(CC) $(LDFLAGS_MODE) $(LDFLAGS) -o $@ $^ $(LIBS)
-include $(BUILD)/obj/tests/bench/rpc_bench.d
