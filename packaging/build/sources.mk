# What is compiled from what. A .c file in a layer's folder is part of it; nothing is listed by hand.

# One short line a step; V=1 shows the commands.
ifeq ($(V),1)
Q   :=
SAY := :
else
Q   := @
SAY := echo
endif

PROTO    := $(sort $(wildcard proto/*.proto))
PROTO_C  := $(patsubst proto/%.proto,$(BUILD)/gen/proto/%.pb-c.c,$(PROTO))
PROTO_H  := $(PROTO_C:.c=.h)
PROTO_O  := $(PROTO_C:.c=.o)

sources   = $(sort $(wildcard $(1)/*.c) $(wildcard $(1)/*/*.c))
objects   = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

COMMON_SRC   := $(call sources,common)
DNSD_SRC     := $(call sources,dnsd)
CLUSTERD_SRC := $(filter-out clusterd/cli/%,$(call sources,clusterd))
CTL_SRC      := $(wildcard clusterd/cli/*.c)
WEBD_SRC     := $(filter-out webd/ui/%,$(call sources,webd))

COMMON_LIB   := $(BUILD)/lib/libcommon.a
# Everything of a daemon but its main.c, for the unit tests.
DNSD_LIB     := $(BUILD)/lib/libdnsd.a
CLUSTERD_LIB := $(BUILD)/lib/libclusterd.a
WEBD_LIB     := $(BUILD)/lib/libwebd.a

PROGRAMS := $(BUILD)/bin/dnsd $(BUILD)/bin/clusterd $(BUILD)/bin/webd $(BUILD)/bin/trellisctl

# Kept: make would take them for intermediate files and make them again each time.
.SECONDARY: $(PROTO_C) $(PROTO_H)

$(BUILD)/gen/proto/%.pb-c.c $(BUILD)/gen/proto/%.pb-c.h: proto/%.proto
	@mkdir -p $(@D)
	@$(SAY) "  PROTO  $<"
	$(Q)protoc-c --proto_path=proto --c_out=$(BUILD)/gen/proto $<

$(BUILD)/gen/proto/%.pb-c.o: $(BUILD)/gen/proto/%.pb-c.c | $(PROTO_H)
	@$(SAY) "  CC     $<"
	$(Q)$(CC) $(CPPFLAGS) -isystem $(BUILD)/gen/proto $(PKG_CFLAGS) $(CFLAGS_GEN) -c -o $@ $<

$(BUILD)/obj/%.o: %.c | $(PROTO_H)
	@mkdir -p $(@D)
	@$(SAY) "  CC     $<"
	$(Q)$(CC) $(CPPFLAGS) -isystem $(BUILD)/gen/proto $(PKG_CFLAGS) $(CFLAGS_ALL) -MD -MP -c -o $@ $<

$(COMMON_LIB): $(call objects,$(COMMON_SRC)) $(PROTO_O)
$(DNSD_LIB): $(call objects,$(filter-out dnsd/main.c,$(DNSD_SRC)))
$(CLUSTERD_LIB): $(call objects,$(filter-out clusterd/main.c,$(CLUSTERD_SRC)))
$(WEBD_LIB): $(call objects,$(filter-out webd/main.c,$(WEBD_SRC)))

$(BUILD)/lib/%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)ar rcsD $@ $^

$(BUILD)/bin/dnsd: $(call objects,dnsd/main.c) $(DNSD_LIB) $(COMMON_LIB)
$(BUILD)/bin/clusterd: $(call objects,clusterd/main.c) $(CLUSTERD_LIB) $(COMMON_LIB)
$(BUILD)/bin/webd: $(call objects,webd/main.c) $(WEBD_LIB) $(COMMON_LIB)
$(BUILD)/bin/trellisctl: $(call objects,$(CTL_SRC)) $(COMMON_LIB)

$(PROGRAMS):
	@mkdir -p $(@D)
	@$(SAY) "  LINK   $@"
	$(Q)$(CC) $(LDFLAGS_MODE) $(LDFLAGS) -o $@ $^ $(LIBS)

# Programs that tests run against the daemons; a layer adds its own to TEST_PROGRAMS in tests.mk.
.PHONY: programs test-programs
programs: $(PROGRAMS)

-include $(patsubst %.o,%.d,$(call objects,$(COMMON_SRC) $(DNSD_SRC) $(CLUSTERD_SRC) $(CTL_SRC) $(WEBD_SRC)))
