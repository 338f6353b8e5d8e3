# Thin: everything is done by Meson; see meson_options.txt for what can be chosen.
BUILD ?= build
MESON_FLAGS ?=
PREFIX ?= /usr/local

.PHONY: all deps demo test install clean asan tsan cross cross-deps test-windows dist-linux dist-windows fuzz valgrind

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@scripts/install-deps
	meson setup $(BUILD) --prefix $(PREFIX) $(MESON_FLAGS)

deps:
	@scripts/install-deps

# Recognizes people in a photo with the pack that is there: make demo PHOTO=my.jpg
demo: all
	@BUILD=$(BUILD) scripts/demo $(PHOTO)

test: all
	@status=0; meson test -C $(BUILD) --no-rebuild --print-errorlogs || status=$$?; \
		scripts/count-tests $(BUILD); exit $$status

# The folder that was built for may be another one than PREFIX, given now.
install: all
	@if [ "$(origin PREFIX)" != file ] && [ "$$(scripts/built-prefix $(BUILD))" != "$(PREFIX)" ]; then \
		meson configure $(BUILD) --prefix "$(PREFIX)" && ninja -C $(BUILD); fi
	meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf build build-asan build-tsan build-mingw build-aarch64 build-fuzz build-dist build-dist-*

asan tsan:
	@BUILD=build-$@ scripts/sanitize $@

cross:
	@scripts/cross-build mingw-w64
	@scripts/cross-build aarch64

# The libraries that facet.exe needs, built once into a cache folder (an hour on two cores).
cross-deps:
	@scripts/cross-deps mingw-w64

# All suites of programs for 64-bit Windows with all features, under Wine (some minutes, once the libraries are built).
test-windows: cross-deps
	@FCT_SLOW=1 scripts/cross-build mingw-w64

# What users download, below build-dist: a .deb and a tar file; a zip file with facet.exe.
dist-linux:
	@scripts/dist linux

dist-windows:
	@scripts/dist windows

fuzz:
	@scripts/fuzz

# Loads and frees models a thousand times and runs the unit tests under valgrind.
valgrind: all
	@BUILD=$(BUILD) scripts/valgrind
