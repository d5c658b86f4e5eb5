# Compiler and libraries. What the packages are called: architecture in README.md.

PKGS_BASE  := libcrypto liburcu-qsbr
PKGS       := $(PKGS_BASE) libssl libprotobuf-c libevent_core libevent_openssl libevent_pthreads \
              nanomsg jansson sqlite3 libcurl libmicrohttpd libidn2 libargon2 libzstd
# Debian's LMDB and ldns have no or odd pkg-config files in some releases.
LIBS_EXTRA := -llmdb -lldns -lpthread

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
        -Wvla -Wformat=2 -Wswitch-enum -Wundef -Wcast-qual -Wnull-dereference
# clang looks into the macros of generated headers even so; gcc checks our own casts on each commit.
ifneq ($(findstring clang,$(CC)),)
WARN += -Wno-cast-qual
endif
ifneq ($(WERROR),0)
WARN += -Werror
endif

# Generated headers are not held to our warnings (their initialisers cast const away).
CPPFLAGS += -D_GNU_SOURCE -I. -isystem $(BUILD)/gen
CFLAGS_STD := -std=c17 -g -fno-common -pthread
ifeq ($(FUZZ),1)
CFLAGS_MODE := -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
               -fno-sanitize-recover=undefined
LDFLAGS_MODE := -fsanitize=address,undefined
else ifeq ($(SAN),1)
# GCC's null-dereference analysis misfires on instrumented code.
CFLAGS_MODE := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined \
               -fno-sanitize-recover=undefined -Wno-null-dereference
LDFLAGS_MODE := -fsanitize=address,undefined
else
CFLAGS_MODE := -O2 -fstack-protector-strong -D_FORTIFY_SOURCE=3 -fPIE -ffile-prefix-map=$(CURDIR)=.
LDFLAGS_MODE := -pie -Wl,-z,relro,-z,now
endif

# Asked only when something is compiled, so that `make run` works before the packages are there.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)

CFLAGS_ALL = $(CFLAGS_STD) $(CFLAGS_MODE) $(WARN) $(CFLAGS)
CFLAGS_GEN = $(CFLAGS_STD) $(CFLAGS_MODE) -w
LIBS = $(PKG_LIBS) $(LIBS_EXTRA)
