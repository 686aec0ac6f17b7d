# Aisle - build, run and test. `make help` lists the targets.
#
# One static archive per domain (src/<domain>), one binary. Everything made lies under
# $(BUILD); VARIANT picks the flags: release (default), debug, asan, tsan, fuzz.
# What may link with what is read from tools/layers.txt.

VARIANT ?= release
BUILD   ?= build/$(VARIANT)
CC      ?= gcc
ifeq ($(origin CC),default)
CC      := gcc
endif
PYTHON  ?= python3
PREFIX  ?= /usr/local
AISLE_DATA ?= ../shared/data
export AISLE_DATA

.DEFAULT_GOAL := all

DOMAINS := $(shell sed -n 's/^\([a-z][a-z]*\):.*/\1/p' tools/layers.txt)
# domains whose folder exists already
PRESENT := $(filter $(notdir $(wildcard src/*)),$(DOMAINS))
below = $(shell sed -n 's/^$(1): *//p' tools/layers.txt)

VERSION := $(shell cat VERSION 2>/dev/null || echo 0.0.0)

WARN := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
        -Wswitch-enum -Wvla -Wundef -Wwrite-strings -Wpointer-arith -Wno-sign-conversion -Wno-format-truncation
ifdef CI
WARN += -Werror
endif
CPPFLAGS += -D_GNU_SOURCE -Isrc -Itests -I$(BUILD)/gen -DAISLE_VERSION='"$(VERSION)"'
BASEFLAGS := -std=gnu17 -g -fno-strict-aliasing -fno-omit-frame-pointer -fPIE -fvisibility=hidden \
        -fstack-protector-strong $(WARN)
ifeq ($(VARIANT),release)
CFLAGS ?= -O2 -D_FORTIFY_SOURCE=2
else ifeq ($(VARIANT),debug)
CFLAGS ?= -O1 -DAISLE_DEBUG
else ifeq ($(VARIANT),asan)
CFLAGS ?= -O1 -DAISLE_DEBUG -fsanitize=address,undefined -fno-sanitize-recover=undefined
LDFLAGS += -fsanitize=address,undefined
else ifeq ($(VARIANT),tsan)
CFLAGS ?= -O1 -DAISLE_DEBUG -fsanitize=thread
LDFLAGS += -fsanitize=thread
else ifeq ($(VARIANT),fuzz)
CC     := clang-14
CFLAGS ?= -O1 -DAISLE_DEBUG -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
LDFLAGS += -fsanitize=address,undefined
endif
LDFLAGS += -pie -Wl,-z,relro,-z,now -Wl,--as-needed

# Libraries by pkg-config name; those without a .pc file are written out.
PKGS := jansson yaml-0.1 sqlite3 libevent libevent_pthreads libevent_openssl openssl libcurl icu-uc icu-i18n \
        libsodium libxxhash libzstd zlib expat
LDLIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lopenblas -llapacke -lstemmer -lpthread -lm
CPPFLAGS += $(shell pkg-config --cflags $(PKGS) 2>/dev/null)

# --- sources, archives, binary ---------------------------------------------------------------
src_of  = $(sort $(wildcard src/$(1)/*.c))
obj_of  = $(patsubst %.c,$(BUILD)/obj/%.o,$(call src_of,$(1)))
arc_of  = $(patsubst %,$(BUILD)/lib%.a,$(filter $(PRESENT),$(1)))
SOURCES := $(foreach d,$(PRESENT),$(call src_of,$(d)))
OBJECTS := $(patsubst %.c,$(BUILD)/obj/%.o,$(SOURCES))

.PHONY: all
all: $(BUILD)/aisle

define domain_rules
$(BUILD)/lib$(1).a: $(call obj_of,$(1)) $$(EXTRA_OBJ_$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcs $$@ $$^
$(foreach t,$(wildcard tests/$(1)/test_*.c),$(eval $(call test_rules,$(1),$(t))))
endef

# Per-file flags: instruction-set files carry their own -m.
ifneq (,$(findstring x86_64,$(shell $(CC) -dumpmachine)))
AVX512 := -mavx512f -mavx512bw -mavx512vl -mavx512dq -mfma
$(BUILD)/obj/src/num/%_avx2.o:       ISAFLAGS := -mavx2 -mfma
$(BUILD)/obj/src/num/%_avx512.o:     ISAFLAGS := $(AVX512)
$(BUILD)/obj/src/num/%_avx512vnni.o: ISAFLAGS := $(AVX512) -mavx512vnni
endif

define test_rules
$(BUILD)/$(basename $(2)): $(BUILD)/obj/$(basename $(2)).o $(call arc_of,$(1) $(call below,$(1))) $(BUILD)/obj/tests/support/main.o
	@mkdir -p $$(@D)
	$(Q)$(CC) $(LDFLAGS) -o $$@ $$< $(BUILD)/obj/tests/support/main.o $(call arc_of,$(1) $(call below,$(1))) $(LDLIBS) $(TESTLIBS)
TESTS += $(BUILD)/$(basename $(2))
TESTS_$(1) += $(BUILD)/$(basename $(2))
endef
TESTLIBS := $(shell pkg-config --libs check 2>/dev/null)
Q := @

$(foreach d,$(PRESENT),$(eval $(call domain_rules,$(d))))

-include $(wildcard src/*/rules.mk)

$(BUILD)/aisle: $(call arc_of,cli $(call below,cli))
	@mkdir -p $(@D)
	@echo "  LINK $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $(call arc_of,cli $(call below,cli)) $(LDLIBS)

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CPPFLAGS) $(BASEFLAGS) $(CFLAGS) $(ISAFLAGS) -MMD -MP -c -o $@ $<

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# --- tests -----------------------------------------------------------------------------------
.PHONY: check $(patsubst %,check-%,$(DOMAINS))
tests: $(TESTS)
# `make check-base`: build and run one domain's unit tests.
$(foreach d,$(PRESENT),$(eval check-$(d): $(TESTS_$(d)) ; @tools/run_tests.sh $(TESTS_$(d))))

check: $(TESTS)
	@tools/run_tests.sh $(TESTS)

.PHONY: clean
clean:
	rm -rf build
