#!/bin/sh
# Runs one script of command-line tests:  run.sh SCRIPT FACET MAKE_PACK JSON_CHECK [VIDEO_TOOL]
# (JSON_CHECK empty where there is none)
#
# A script is made of
#     check NAME EXIT_CODE COMMAND... <<'END'
#     what the command prints on standard output
#     ! what it prints on standard error
#     END
# in a scratch folder that holds the photos and packs of tests/tools/make_pack.c.
# The output must be exactly that, but that ID-DETECTOR, ID-EMBEDDER and ID-OTHER
# stand for the networks' identities. `json NAME LINES COMMAND...` wants so many
# lines of one JSON object each. Prints last "N passed, N failed, N skipped".
set -u
absolute() { case $1 in /* | '') echo "$1" ;; *) echo "$PWD/$1" ;; esac; }
script=$(absolute "$1") facet_exe=$(absolute "$2") make_pack=$(absolute "$3") json_check=$(absolute "${4:-}")
video_tool=$(absolute "${5:-}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset FCT_PACK FCT_MODELS FCT_GALLERY FCT_THREADS FCT_CACHE XDG_DATA_HOME XDG_CACHE_HOME
export HOME="$work" TZ=UTC LC_ALL=C
mkdir "$work/pack" "$work/other" "$work/blind" "$work/headless" && "$make_pack" "$work" || exit 1
cd "$work" || exit 1

# The identity of a network is the start of its file's SHA-256.
identity() { sha256sum "$1" | cut -c1-16; }
ids="s/$(identity pack/detector.onnx)/ID-DETECTOR/g; s/$(identity pack/embedder.onnx)/ID-EMBEDDER/g
    s/$(identity other/embedder.onnx)/ID-OTHER/g"

# Whether programs for Windows are tested, under Wine (tests/windows/under_wine). Rights of files are another matter
# there (tests/unit/windows_test.c), and there is no /dev/full.
on_windows() { [ -n "${FCT_WINDOWS:-}" ]; }

passed=0 failed=0 skipped=0
facet() { "$facet_exe" "$@"; }

check() {
    name=$1 code=$2
    shift 2
    cat >.expected
    "$@" >.out 2>.err
    status=$?
    { cat .out; sed 's/^/! /' .err; } | sed "$ids" >.got
    if [ $status = "$code" ] && cmp -s .expected .got; then
        passed=$((passed + 1))
        return
    fi
    failed=$((failed + 1))
    echo "FAIL $name: exit code $status, wanted $code"
    diff -u .expected .got | sed 1,2d
}

# skip NAME REASON: with how to have it run
skip() {
    skipped=$((skipped + 1))
    echo "SKIP $1: $2"
}

json() {
    name=$1 lines=$2
    shift 2
    if [ ! -x "$json_check" ]; then
        skip "$name" "built without jansson (apt-get install libjansson-dev)"
        return
    fi
    "$@" >.out 2>.err
    got=$("$json_check" <.out 2>&1 | tr -d '\r')
    if [ "$got" = "$lines" ]; then
        passed=$((passed + 1))
        return
    fi
    failed=$((failed + 1))
    echo "FAIL $name: $got, wanted $lines lines of JSON"
    head -c 1000 .out .err
}

. "$script"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
