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
CLANG   ?= $(firstword $(notdir $(wildcard /usr/bin/clang-14 /usr/bin/clang)) clang)
PREFIX  ?= /usr/local
DATA    ?= ./data
PORT    ?= 5000
NPROC   := $(shell nproc)
AISLE_DATA ?= ../shared/data
export AISLE_DATA
# the limits of unit tests are for a machine of its own
export CK_TIMEOUT_MULTIPLIER ?= 4

.DEFAULT_GOAL := all

DOMAINS := $(shell sed -n 's/^\([a-z][a-z]*\):.*/\1/p' tools/layers.txt)
# domains whose folder exists already
PRESENT := $(filter $(notdir $(wildcard src/*)),$(DOMAINS))
below = $(shell sed -n 's/^$(1): *//p' tools/layers.txt)

VERSION := $(shell cat VERSION 2>/dev/null || echo 0.0.0)

WARN := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
        -Wswitch-enum -Wvla -Wundef -Wwrite-strings -Wpointer-arith -Wno-sign-conversion
# A newer library may deprecate what the oldest supported one has only.
WERROR := $(if $(CI),-Werror -Wno-error=deprecated-declarations)
CPPFLAGS += -D_GNU_SOURCE -Isrc -Itests -I$(BUILD)/gen -DAISLE_VERSION='"$(VERSION)"'
BASEFLAGS = -std=gnu17 -g -fno-strict-aliasing -fno-omit-frame-pointer -fPIE -fvisibility=hidden \
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
override CC := $(CLANG)
CFLAGS ?= -O1 -DAISLE_DEBUG -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
LDFLAGS += -fsanitize=address,undefined
endif
ifeq ($(findstring clang,$(CC)),)
WARN += -Wno-format-truncation
endif
LDFLAGS += -pie -Wl,-z,relro,-z,now -Wl,--as-needed

# Libraries by pkg-config name; those without a .pc file are written out.
PKGS := yaml-0.1 sqlite3 libevent libevent_pthreads libevent_openssl openssl icu-uc libsodium libxxhash \
        libzstd zlib expat xgboost
LDLIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lopenblas -llapacke -lstemmer -lpthread -lm
CPPFLAGS += $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
TESTLIBS := $(shell pkg-config --libs check jansson 2>/dev/null)
Q := @

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
ifneq (,$(findstring x86_64,$(shell $(CC) -dumpmachine 2>/dev/null)))
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

$(foreach d,$(PRESENT),$(eval $(call domain_rules,$(d))))

-include $(wildcard src/*/rules.mk)

$(BUILD)/aisle: $(call arc_of,cli $(call below,cli))
	@mkdir -p $(@D)
	@echo "  LINK $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $(call arc_of,cli $(call below,cli)) $(LDLIBS)

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CPPFLAGS) $(BASEFLAGS) $(CFLAGS) $(WERROR) $(ISAFLAGS) -MMD -MP -c -o $@ $<

# What objects are compiled with; they depend on it and not on this file, so that a new target
# rebuilds nothing.
$(BUILD)/flags: export FLAGS = $(CC) $(CPPFLAGS) $(BASEFLAGS) $(CFLAGS)
$(BUILD)/flags: FORCE
	$(if $(shell pkg-config --exists $(PKGS) || echo no),$(error libraries are missing: run tools/setup.sh build))
	@mkdir -p $(@D)
	@printf '%s\n' "$$FLAGS" | cmp -s - $@ || printf '%s\n' "$$FLAGS" >$@
.PRECIOUS: $(BUILD)/obj/%.o
.PHONY: FORCE
FORCE:

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# --- two commands ----------------------------------------------------------------------------
# `setup GROUP...` installs what is missing; the rest is a make of its own, because this one looked
# for the libraries before they were there.
setup   = @tools/setup.sh --check $(1) || tools/setup.sh $(1)
submake = +@$(MAKE) --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j$(NPROC))

.PHONY: run test test-all
run:
	$(call setup,build)
	@echo "Building Aisle"
	$(submake) all
	@exec tools/run_shop.sh $(BUILD)/aisle $(DATA) $(PORT)

test:
	$(call setup,build test)
	@echo "Building Aisle and its tests"
	$(submake) test-all

# --- tests -----------------------------------------------------------------------------------
# Every test program prints TAP. Unit tests are C, one program a module; what needs the whole
# program (command line, web, browser, examples) is a script that finds it in $AISLE.
SYSTEM  := $(sort $(wildcard tests/system/test_*.py))
SCRIPTS := $(sort $(wildcard tests/cli/*.sh)) $(sort $(wildcard tests/steps/*.sh)) $(SYSTEM)

test-all: all tests fuzz-targets
	@echo "Running all tests"
	@AISLE=$(abspath $(BUILD))/aisle FUZZ_TARGETS=$(abspath $(BUILD))/fuzz \
	    tools/run_tests.sh $(TESTS) -- $(SCRIPTS)

.PHONY: tests check check-fuzz $(patsubst %,check-%,$(DOMAINS))
tests: $(TESTS)
# `make check-base`: build and run one domain's unit tests.
$(foreach d,$(PRESENT),$(eval check-$(d): $(TESTS_$(d)) ; @tools/run_tests.sh $(TESTS_$(d))))

# Unit tests and fuzzing corpora, without what needs the whole program.
check: $(TESTS) fuzz-targets
	@FUZZ_TARGETS=$(abspath $(BUILD))/fuzz tools/run_tests.sh $(TESTS) tests/steps/fuzz_corpora.sh

# The running server, for long: killed and swapped 200 times, more requests of schemathesis, others
# each time, and every page in every language, width and light.
.PHONY: test-long screenshot
test-long: all
	@AISLE=$(abspath $(BUILD))/aisle KILL_ROUNDS=200 SWAPS=200 SWAP_SECONDS=60 EXAMPLES=100 SEED=any \
	    AISLE_SCREENS=all tools/run_tests.sh $(SYSTEM) tests/steps/browser.sh

# The README's pictures, as the browser tests see the demonstration shop and its console.
screenshot: all
	@AISLE=$(abspath $(BUILD))/aisle SCREENSHOT=$(CURDIR)/docs/images/storefront.png \
	    CONSOLE_SCREENSHOT=$(CURDIR)/docs/images/console.png \
	    tests/browser/run.sh specs/readme.spec.ts specs/readme-console.spec.ts

# All tests under the sanitizers but those of the web code and the browser, which add none of ours:
# units, corpora, commands, and the running server with smaller numbers.
SANITIZED := $(filter-out tests/steps/%,$(SCRIPTS)) tests/steps/fuzz_corpora.sh tests/steps/node_backend.sh
.PHONY: sanitize sanitize-asan sanitize-tsan check-sanitized
sanitize: # one after the other: each fills the machine
	@$(MAKE) --no-print-directory sanitize-asan
	@$(MAKE) --no-print-directory sanitize-tsan
sanitize-asan:
	$(submake) VARIANT=asan BUILD=build/asan check-sanitized
sanitize-tsan:
	$(submake) VARIANT=tsan BUILD=build/tsan check-sanitized
check-sanitized: export CK_TIMEOUT_MULTIPLIER = 10
check-sanitized: export TSAN_OPTIONS = halt_on_error=1
check-sanitized: all tests fuzz-targets
	@AISLE=$(abspath $(BUILD))/aisle FUZZ_TARGETS=$(abspath $(BUILD))/fuzz KILL_ROUNDS=3 SWAPS=8 \
	    SANITIZER_REPORTS=$(BUILD)/reports tools/run_tests.sh $(TESTS) $(SANITIZED)

# --- fuzzing ---------------------------------------------------------------------------------
# fuzz/fuzz_<name>.c with the corpus fuzz/corpus/<name>/. In the variant "fuzz" libFuzzer makes
# inputs; in every other one fuzz/replay.c runs the inputs it is given.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS := $(patsubst %.c,$(BUILD)/%,$(wildcard fuzz/fuzz_*.c))
FUZZ_ARCHIVES := $(call arc_of,api $(call below,api))
ifeq ($(VARIANT),fuzz)
FUZZ_MAIN := -fsanitize=fuzzer
else
FUZZ_MAIN := $(BUILD)/obj/fuzz/replay.o
endif

.PHONY: fuzz fuzz-targets
fuzz-targets: $(FUZZ_TARGETS)
$(BUILD)/fuzz/fuzz_%: $(BUILD)/obj/fuzz/fuzz_%.o $(filter %.o,$(FUZZ_MAIN)) $(FUZZ_ARCHIVES)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(FUZZ_MAIN) $(FUZZ_ARCHIVES) $(LDLIBS) $(TESTLIBS)

fuzz:
	$(call setup,build test lint)
	$(submake) VARIANT=fuzz BUILD=build/fuzz fuzz-targets
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tools/run_fuzz.sh build/fuzz/fuzz

# --- lint ------------------------------------------------------------------------------------
CHECKED_C := $(wildcard src/*/*.c tests/*/*.c fuzz/*.c tools/*.c)
CHECKED_H := $(wildcard src/*/*.h tests/*/*.h)
CHECKED_INC := $(wildcard src/*/*.inc)
CHECKED_SH := $(wildcard tools/*.sh tests/*/*.sh examples/*/*.sh bench/*.sh deploy/*/*.sh) .ci/run
CLANG_FORMAT ?= clang-format-14
CLANG_TIDY   ?= clang-tidy-14

.PHONY: lint lint-layers lint-format lint-headers lint-shell lint-web lint-tidy
lint:
	$(call setup,build test lint)
	$(submake) lint-layers lint-format lint-headers lint-shell lint-web lint-tidy
	@echo "lint: all is well"
lint-layers:
	@$(PYTHON) tools/check_layers.py
lint-format:
	@$(CLANG_FORMAT) --dry-run -Werror $(CHECKED_C) $(CHECKED_H) $(CHECKED_INC)
lint-shell:
	@shellcheck $(CHECKED_SH)
lint-web: web/node_modules/.package-lock.json
	@cd web && npm run --silent lint
	@cd tests/browser && { [ -d node_modules ] || PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --loglevel=error; } && \
	    npm run --silent lint
lint-headers: $(CHECKED_H:%=$(BUILD)/lint/%.ok)
lint-tidy: $(SOURCES:%=$(BUILD)/lint/%.tidy)

$(BUILD)/lint/%.h.ok: %.h $(BUILD)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(BASEFLAGS) -Werror -fsyntax-only -include $< -x c /dev/null
	@touch $@
$(BUILD)/lint/%.tidy: % .clang-tidy $(BUILD)/gen/text_fold.inc
	@mkdir -p $(@D)
	@echo "  TIDY $<"
	$(Q)$(CLANG_TIDY) --quiet --warnings-as-errors='*' $< -- -std=gnu17 $(CPPFLAGS) \
	    $(if $(findstring _avx,$<),$(AVX512) -mavx512vnni) 2>$@.log || { cat $@.log; exit 1; }
	@touch $@

# --- the rest --------------------------------------------------------------------------------
# An experiment of docs/recommendations.md; part of nothing else.
$(BUILD)/bench/%: $(BUILD)/obj/bench/%.o $(call arc_of,cli $(call below,cli))
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(call arc_of,cli $(call below,cli)) $(LDLIBS)

.PHONY: bench install clean help
bench: all
	@AISLE=$(BUILD)/aisle BENCH_DIR=$(BUILD)/bench bench/run.sh

install: all
	install -D -m 755 $(BUILD)/aisle $(DESTDIR)$(PREFIX)/bin/aisle
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/aisle README.md LICENSE

clean:
	rm -rf build

help:
	@echo "make            build $(BUILD)/aisle"
	@echo "make run        install what is missing, build, make a demonstration shop, serve it on port 5000"
	@echo "                (DATA=$(DATA) PORT=$(PORT))"
	@echo "make test       install what is missing, build, run every test"
	@echo "make check      unit tests and fuzzing corpora; check-<domain>: those of one domain"
	@echo "make test-long  tests of the running server, with 200 kills and 200 model swaps"
	@echo "make screenshot the README's pictures, by the browser tests"
	@echo "make sanitize   tests under the address, undefined-behaviour and thread sanitizers"
	@echo "                (sanitize-asan, sanitize-tsan: one of the two builds)"
	@echo "make fuzz       libFuzzer on every target (FUZZ_SECONDS=$(FUZZ_SECONDS) each)"
	@echo "make bench      the figures of docs/benchmarks.md, one JSON line each"
	@echo "make lint       layers, format, headers, shell scripts, web code, clang-tidy"
	@echo "make install    to PREFIX=$(PREFIX) under DESTDIR"
	@echo "make clean      remove build/"
	@echo "VARIANT=release|debug|asan|tsan|fuzz picks the flags, BUILD=DIR the folder"
