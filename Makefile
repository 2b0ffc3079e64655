# SPDX-License-Identifier: Apache-2.0
# `make` builds build/lupine and the guest's init; `make help` lists the rest.

BUILD ?= build
CC ?= gcc
MUSL_CC ?= musl-gcc
PREFIX ?= /usr/local
VERSION := $(shell cat VERSION)

PACKAGES := libarchive jansson ext2fs com_err libelf libcrypto libzstd
PACKAGE_CFLAGS := $(shell pkg-config --cflags $(PACKAGES))
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wformat=2 -Werror
CFLAGS ?= -O2 -g
# SANITIZE=address,undefined builds everything with those sanitizers.
SANITIZE_FLAGS := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all)
ALL_CFLAGS = -std=gnu17 $(WARNINGS) -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DLUPINE_VERSION='"$(VERSION)"' $(PATHS) \
	-Isrc -I. $(PACKAGE_CFLAGS) $(SANITIZE_FLAGS) $(CFLAGS)
ALL_LDFLAGS := $(SANITIZE_FLAGS) $(LDFLAGS)
LIBS := $(shell pkg-config --libs $(PACKAGES)) -lm

SOURCES := $(wildcard src/*/*.c)
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
LIBRARY := $(BUILD)/liblupine.a
LIBRARY_OBJECTS := $(filter-out $(BUILD)/src/cli/main.o,$(OBJECTS))
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))

.DELETE_ON_ERROR:
.PHONY: all unit fuzz man install clean help
all: $(BUILD)/lupine $(BUILD)/guest/init bench-programs

$(BUILD)/lupine: $(BUILD)/src/cli/main.o $(LIBRARY)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(LIBRARY): $(LIBRARY_OBJECTS)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/%.o: %.c VERSION
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Paths of this checkout go only into what needs them, so that ccache serves other checkouts too.
$(BUILD)/src/base/paths.o $(BUILD)/tests/unit/test_files.o: PATHS := -DLUPINE_BUILD_DATA='"$(CURDIR)"' \
	-DLUPINE_BUILD='"$(abspath $(BUILD))"' -DLUPINE_DATADIR='"$(PREFIX)/share/lupine"'

# The guest's init: static, without sanitizers, with the smallest C library at hand.
GUEST_SOURCES := $(wildcard guest/*.c)
$(BUILD)/guest/init: $(GUEST_SOURCES) $(wildcard guest/*.h)
	@mkdir -p $(@D)
	$(MUSL_CC) -std=gnu17 $(WARNINGS) -D_GNU_SOURCE -Os -static -s -ffunction-sections -fdata-sections \
		-Wl,--gc-sections -Wl,-z,noseparate-code -Wl,--build-id=none -I. -o $@ $(GUEST_SOURCES)

# What `lupine bench` runs in guests: static, but for syscall-dynamic, which is its own twin with the
# C library of the distribution. None of them has sanitizers: they would be what is measured.
BENCH := $(BUILD)/guest/bench
BENCH_PROGRAMS := $(addprefix $(BENCH)/,hello syscall-static syscall-dynamic degrade load)
BENCH_CFLAGS := -std=gnu17 $(WARNINGS) -D_GNU_SOURCE -O2 -s -I.
BENCH_HEADERS := $(wildcard guest/*.h guest/bench/*.h)
BENCH_CALLS := guest/clock.c guest/bench/measure.c $(wildcard guest/bench/syscall_*.c)
.PHONY: bench-programs
bench-programs: $(BENCH_PROGRAMS)

$(BENCH)/hello: guest/bench/hello.c
	@mkdir -p $(@D)
	$(MUSL_CC) $(BENCH_CFLAGS) -static -nostdlib -ffreestanding -Wl,-z,noseparate-code -Wl,--build-id=none -o $@ $<

$(BENCH)/syscall-static $(BENCH)/syscall-dynamic: guest/bench/syscall.c $(BENCH_CALLS) $(BENCH_HEADERS)
$(BENCH)/syscall-dynamic:
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -pthread -o $@ $(filter %.c,$^)

$(BENCH)/degrade: guest/bench/degrade.c $(BENCH_CALLS) $(BENCH_HEADERS)
$(BENCH)/load: guest/clock.c $(wildcard guest/bench/load*.c) $(BENCH_HEADERS)
$(BENCH)/syscall-static $(BENCH)/degrade $(BENCH)/load:
	@mkdir -p $(@D)
	$(MUSL_CC) $(BENCH_CFLAGS) -static -ffunction-sections -Wl,--gc-sections -o $@ $(filter %.c,$^)

# Unit tests: tests/unit/test_NAME.c, each a cmocka program of its own.
unit: $(UNIT_TESTS) $(BENCH_PROGRAMS)
	@set -e; for test in $(UNIT_TESTS); do $$test; done

# For scripts/check, which runs them one by one and counts.
.PHONY: unit-programs print-unit-tests
unit-programs: $(UNIT_TESTS) $(BENCH_PROGRAMS)
print-unit-tests:
	@printf '%s\n' $(UNIT_TESTS)

.SECONDARY: $(UNIT_TESTS:=.o)
$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(LIBRARY)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(LIBRARY) $(LIBS) -lcmocka

# Programs that the scripts in tests/bench measure.
$(BUILD)/tests/bench/%: tests/bench/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(LIBRARY) $(LIBS)

# libFuzzer programs, in $(BUILD)/fuzz/: tests/fuzz/fuzz_NAME.c; corpora in tests/fuzz/corpus/NAME/.
# Everything is built a second time, with clang and its instrumentation.
FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz:
	$(MAKE) CC=clang BUILD=$(BUILD)/fuzz SANITIZE=fuzzer-no-link,address,undefined $(FUZZERS)

$(BUILD)/fuzz_%: tests/fuzz/fuzz_%.c $(LIBRARY)
	$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(ALL_LDFLAGS) -MMD -MP -o $@ $< $(LIBRARY) $(LIBS)

# Man pages come from the program's own tables: one of lupine, one a verb.
man: $(BUILD)/man/lupine.1
$(BUILD)/man/lupine.1: $(BUILD)/lupine
	@rm -rf $(@D) && mkdir -p $(@D)
	@set -e; verbs=$$($(BUILD)/lupine completion words -- '' | cut -f1); \
	for verb in $$verbs; do $(BUILD)/lupine help --man $$verb >$(@D)/lupine-$$verb.1; done
	$(BUILD)/lupine help --man >$@

INSTALL := install -D -m 644
SHARE := $(DESTDIR)$(PREFIX)/share
install: all man
	install -D $(BUILD)/lupine $(DESTDIR)$(PREFIX)/bin/lupine
	install -D $(BUILD)/guest/init $(SHARE)/lupine/guest/init
	install -D -t $(SHARE)/lupine/guest/bench $(BENCH_PROGRAMS)
	install -D -m 644 -t $(SHARE)/lupine/guest/bench/apps guest/bench/apps/*.json
	@set -e; find linux data -type f | while read -r file; do $(INSTALL) $$file $(SHARE)/lupine/$$file; done
	@set -e; for page in $(BUILD)/man/*.1; do $(INSTALL) $$page $(SHARE)/man/man1/$${page##*/}; done
	$(INSTALL) data/completion.bash $(SHARE)/bash-completion/completions/lupine
	$(INSTALL) data/completion.zsh $(SHARE)/zsh/site-functions/_lupine

clean:
	rm -rf $(BUILD)

help:
	@echo 'make            the program and the guest init, in $(BUILD)/'
	@echo 'make unit       the unit tests'
	@echo 'make fuzz       the fuzzers, in $(BUILD)/fuzz/'
	@echo 'make man        the man pages, in $(BUILD)/man/'
	@echo 'make install    everything, beneath DESTDIR and PREFIX ($(PREFIX))'
	@echo 'make clean      remove $(BUILD)/'
	@echo 'SANITIZE=address,undefined, CC=clang and BUILD=DIR can be given to each.'

-include $(OBJECTS:.o=.d) $(UNIT_TESTS:=.d)
