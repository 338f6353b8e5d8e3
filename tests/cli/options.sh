# Options and their faults: exit code 2 and one line.

check "no command" 2 sh -c "'$facet_exe' 2>&1 | head -3; exit 2" <<'END'
facet 0.1.0: finds, compares and recognizes faces in photos.

Usage: facet COMMAND [OPTION...] [ARGUMENT...]
END
check "unknown command" 2 facet detekt ada.png <<'END'
! facet: unknown command 'detekt'; did you mean 'detect'?
END
check "a very unknown command" 2 facet frobnicate <<'END'
! facet: unknown command 'frobnicate'; see 'facet --help'
END
check "a photo for a command" 2 facet ada.png <<'END'
! facet: 'ada.png' is a file, not a command; did you mean 'facet detect ada.png'?
END
check "options before the command" 0 facet --models pack -qn1 --det-size=640 detect ada.png <<'END'
ada.png: 1 face
  1  score 0.95  box 120,72 80x80
END
check "one that the command does not take" 2 facet --layers detect ada.png <<'END'
! facet: detect: unknown option '--layers'; see 'facet detect --help'
END
check "an option for a command" 2 facet --json <<'END'
! facet: a command is missing after '--json'; see 'facet --help'
END
check "a mistyped one" 2 facet --jsn=yes <<'END'
! facet: unknown option '--jsn'; did you mean '--json'?
END
check "help after options" 0 sh -c "'$facet_exe' -m pack detect --help | head -1" <<'END'
facet detect: find the faces in photos
END
check "unknown option, near" 2 facet detect --jsn ada.png <<'END'
! facet: detect: unknown option '--jsn'; did you mean '--json'?
END
check "the beginning of an option" 2 facet identify --tresh 0.4 ada.png <<'END'
! facet: identify: unknown option '--tresh'; did you mean '--threshold'?
END
check "a part of an option" 2 facet detect --tresh 0.4 ada.png <<'END'
! facet: detect: unknown option '--tresh'; did you mean '--det-thresh'?
END
check "unknown option, far" 2 facet detect --frobnicate ada.png <<'END'
! facet: detect: unknown option '--frobnicate'; see 'facet detect --help'
END
check "an option of another command" 2 facet detect --gallery x.db ada.png <<'END'
! facet: detect: unknown option '--gallery'; see 'facet detect --help'
END
check "unknown letter" 2 facet detect -z ada.png <<'END'
! facet: detect: unknown option '-z'; see 'facet detect --help'
END
check "a flag with a value" 2 facet detect --json=yes ada.png <<'END'
! facet: detect: --json takes no value
END
check "an option without its value" 2 facet detect ada.png --models <<'END'
! facet: detect: --models needs a value: PACK
END
check "an empty value" 2 facet detect ada.png --models= <<'END'
! facet: detect: --models: the value is empty
END
check "a letter without its value" 2 facet detect ada.png -m <<'END'
! facet: detect: --models needs a value: PACK
END
check "not a number" 2 facet detect --det-thresh high ada.png <<'END'
! facet: detect: --det-thresh: 'high' is not a number from 0 to 1
END
check "a number with a tail" 2 facet detect --det-thresh 0.5x ada.png <<'END'
! facet: detect: --det-thresh: '0.5x' is not a number from 0 to 1
END
check "a number that is none" 2 facet detect --det-thresh nan ada.png <<'END'
! facet: detect: --det-thresh: 'nan' is not a number from 0 to 1
END
check "out of range" 2 facet detect --det-thresh 1.5 ada.png <<'END'
! facet: detect: --det-thresh: '1.5' is not a number from 0 to 1
END
check "not whole" 2 facet detect --max-faces 1.5 ada.png <<'END'
! facet: detect: --max-faces: '1.5' is not a whole number from 0 to 1000000
END
check "too many threads" 2 facet detect --threads 2000 ada.png <<'END'
! facet: detect: --threads: '2000' is not a whole number from 0 to 1024
END
check "an odd size" 2 facet detect --det-size 600x600 ada.png <<'END'
! facet: detect: --det-size: '600x600' is not auto, or WIDTHxHEIGHT in multiples of 32 from 32 to 8192, at most 4096x4096 pixels (up to four, by commas)
END
check "a size too large" 2 facet detect --det-size 6144x6144 ada.png <<'END'
! facet: detect: --det-size: '6144x6144' is not auto, or WIDTHxHEIGHT in multiples of 32 from 32 to 8192, at most 4096x4096 pixels (up to four, by commas)
END
check "the largest sizes" 1 facet detect -q -m pack --det-size 8192x2048 empty.png <<'END'
empty.png: no face
END
check "five sizes" 2 facet detect --det-size 32,64,96,128,160 ada.png <<'END'
! facet: detect: --det-size: '32,64,96,128,160' is not auto, or WIDTHxHEIGHT in multiples of 32 from 32 to 8192, at most 4096x4096 pixels (up to four, by commas)
END
check "a size of one side" 2 facet detect --det-size 640x ada.png <<'END'
! facet: detect: --det-size: '640x' is not auto, or WIDTHxHEIGHT in multiples of 32 from 32 to 8192, at most 4096x4096 pixels (up to four, by commas)
END
check "not a choice" 2 facet embed --format xml ada.png <<'END'
! facet: embed: --format: 'xml' is not one of json|csv|npy
END
check "two that contradict" 2 facet embed --json --format csv ada.png <<'END'
! facet: embed: --json and --format contradict each other
END
check "too few arguments" 2 facet rename Ada <<'END'
! facet: rename: too few arguments; usage: facet rename NAME NEW-NAME
END
check "too many arguments" 2 facet version now <<'END'
! facet: version: unexpected argument 'now'; usage: facet version
END

# forms of options, all meaning the same
check "long with =" 0 facet detect --models=pack --max-faces=1 --det-size=640x640,128 ada.png <<'END'
ada.png: 1 face
  1  score 0.95  box 120,72 80x80
END
check "long and apart" 0 facet detect --models pack --max-faces 1 ada.png <<'END'
ada.png: 1 face
  1  score 0.95  box 120,72 80x80
END
check "short and together" 0 facet detect -mpack -n1 -qt1 ada.png <<'END'
ada.png: 1 face
  1  score 0.95  box 120,72 80x80
END
check "after the photo" 0 facet detect ada.png -q -m pack <<'END'
ada.png: 1 face
  1  score 0.95  box 120,72 80x80
END
check "help wins over faults that follow" 0 sh -c "'$facet_exe' rename --help --frobnicate | head -1" <<'END'
facet rename: give a person another name
END
