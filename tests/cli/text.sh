# Help, version, info, bench, man pages, completions.

check "version" 0 facet --version <<'END'
facet 0.1.0
END
check "overview" 0 facet --help <<'END'
facet 0.1.0: finds, compares and recognizes faces in photos.

Usage: facet COMMAND [OPTION...] [ARGUMENT...]

Commands:
  detect       find the faces in photos
  blur         make faces in photos unrecognizable
  embed        compute the embeddings of the faces in photos
  compare      tell whether two photos show the same person
  enroll       remember a person by photos
  evaluate     measure what a pack is worth on your photos
  identify     tell who is in photos
  people       list people or their faces, or note something of one
  forget       remove people so that no file holds anything of them
  remove       forget people, or single faces of theirs
  rename       give a person another name
  gallery      check, copy, exchange, convert and protect the gallery
  queue        have many machines analyze photos
  worker       analyze photos of a queue, beside as many others as wanted
  tags         show who is where in photos, as other programs wrote it down
  album        know who is in a photo library
  video        tell who appears in a video, and when
  camera       tell who is in front of a camera, live
  info         tell what this machine, build, pack and gallery are
  models       list, download, check, import and remove packs of networks
  doctor       check that machine, networks and gallery are in order
  train        train an embedder, or fine-tune one
  bench        measure how fast a network runs here
  serve        answer over HTTP: detect, enroll, search
  bridge       tell Frigate the names of the people it follows
  help         show help on a command or topic, write man pages and completions
  version      show the version

Topics:
  packs        where networks come from
  inputs       how photos are named
  exit-codes   what facet returns to a script
  environment  variables that facet reads

'facet COMMAND --help' shows a command's options and examples,
'facet help TOPIC' a topic.
END
check "help of a command" 0 facet remove -h <<'END'
facet remove: forget people, or single faces of theirs

Usage: facet remove [OPTION...] NAME... | --face-id ID

Removes people with all their faces, or one face. Asks before, unless --yes is
given. What is removed cannot be brought back.

Exit code 1 when there is nobody of that name, or the answer was no.

Options:
      --face-id ID        the stored face with this number, as 'facet people
                          NAME' shows it
  -y, --yes               do not ask
  -g, --gallery FILE      the gallery's file, or the address of a server,
                          postgresql://user@host/database (default:
                          FCT_GALLERY, else gallery.db in the user's data
                          folder)
      --collection NAME   work in this collection of the gallery alone; enroll
                          makes it if need be
      --key-file FILE     the key of an encrypted gallery (default:
                          FCT_GALLERY_KEY)
  -h, --help              show this help; --help all also explains the shared
                          options

Shared options: --quiet --verbose ('facet remove --help all' explains them)

Examples:
      facet remove 'Ada Lovelace'
  A wrong photo: find its number, remove it
      facet people Grace
      facet remove --face-id 17 --yes
END
check "help with the shared options" 0 sh -c "'$facet_exe' remove --help all | sed -n '/^Shared/,/^\$/p'; '$facet_exe' remove --help all >a
    '$facet_exe' help remove all | cmp - a" <<'END'
Shared options:
  -q, --quiet             no progress line, notes or warnings; errors are still
                          shown
  -v, --verbose           tell what is loaded and how long each photo takes, on
                          stderr

END
check "the same by help" 0 sh -c "'$facet_exe' help detect >a; '$facet_exe' detect --help >b; cmp a b" <<'END'
END
check "a topic" 0 facet help exit-codes <<'END'
  0   done
  1   no face in any of the photos, nobody recognized, not the same person
  2   wrong options or arguments
  3   a file could not be read or written (with several photos: at least one;
      the others were done), a model or a gallery is unusable
  128 and the number of the signal that interrupted (SIGINT: 130)

Where several apply the highest wins.
END
check "no such topic" 2 facet help pack <<'END'
! facet: help: no command or topic 'pack'; did you mean 'packs'?
END
check "no line of help is wider than a terminal" 0 sh -c "
    for c in detect blur embed compare enroll identify people remove rename video camera info models doctor bench serve help version \
             packs inputs exit-codes environment; do '$facet_exe' help \$c; done | awk 'length > 79 && !/^      facet/ && !/^Usage/'" <<'END'
END
check "every command has examples or needs none" 0 sh -c "
    for c in detect blur embed compare enroll identify people remove rename info bench serve help; do
        '$facet_exe' help \$c | grep -q '^Examples:' || echo \$c; done" <<'END'
END

# man pages: no warning of groff, where there is one
if command -v groff >/dev/null; then
    for c in facet detect blur embed compare enroll identify people remove rename video camera info models doctor bench serve help version; do
        check "man page of $c" 0 sh -c "'$facet_exe' help man $c | groff -man -Tutf8 -ww -z" </dev/null
    done
else skip "man pages" "no groff (apt-get install groff)"
fi
check "every command's page is installed" 0 sh -c "'$facet_exe' help | sed -n '/^Commands:/,/^\$/s/^  \([a-z]*\) .*/\1/p' |
    while read -r c; do grep -q \"'\$c'\" '$FCT_SOURCE/tools/meson.build' || echo \"none for \$c\"; done" <<'END'
END
check "man page" 0 facet help man remove <<'END'
.TH FACET\-REMOVE 1 "" "facet 0.1.0" "facet"
.SH NAME
facet\-remove \- forget people, or single faces of theirs
.SH SYNOPSIS
\fBfacet remove\fR [\fIOPTION\fR...] NAME... | \-\-face\-id ID
.SH DESCRIPTION
Removes people with all their faces, or one face. Asks before, unless \-\-yes is given. What is removed cannot be brought back.
.PP
Exit code 1 when there is nobody of that name, or the answer was no.
.SH OPTIONS
.TP
\fB\-\-face\-id\fR \fIID\fR
the stored face with this number, as \(aqfacet people NAME\(aq shows it
.TP
\fB\-y\fR, \fB\-\-yes\fR
do not ask
.TP
\fB\-g\fR, \fB\-\-gallery\fR \fIFILE\fR
the gallery\(aqs file, or the address of a server, postgresql://user@host/database (default: FCT_GALLERY, else gallery.db in the user\(aqs data folder)
.TP
\fB\-\-collection\fR \fINAME\fR
work in this collection of the gallery alone; enroll makes it if need be
.TP
\fB\-\-key\-file\fR \fIFILE\fR
the key of an encrypted gallery (default: FCT_GALLERY_KEY)
.TP
\fB\-h\fR, \fB\-\-help\fR
show this help; \-\-help all also explains the shared options
.TP
\fB\-q\fR, \fB\-\-quiet\fR
no progress line, notes or warnings; errors are still shown
.TP
\fB\-v\fR, \fB\-\-verbose\fR
tell what is loaded and how long each photo takes, on stderr
.SH EXAMPLES
.RS 4
.nf
facet remove \(aqAda Lovelace\(aq
.fi
.RE
.PP
A wrong photo: find its number, remove it
.RS 4
.nf
facet people Grace
.fi
.RE
.RS 4
.nf
facet remove \-\-face\-id 17 \-\-yes
.fi
.RE
.SH SEE ALSO
\fBfacet\fR(1)
END

# completions
mkdir -p store/one
check "bash completes commands, options and values" 0 bash --norc -c "
    facet_complete() { COMP_WORDS=(facet \"\$@\"); COMP_CWORD=\$#; _facet; echo \${COMPREPLY[@]}; }
    eval \"\$('$facet_exe' help completion bash)\"
    facet_complete de
    facet_complete detect --det
    facet_complete embed --format ''
    facet_complete embed --format c
    facet_complete help in
    facet_complete gallery m
    facet_complete models re
    facet_complete gallery merge m
    facet_complete album st
    facet_complete album undo --al
    facet() { '$facet_exe' \"\$@\"; }
    facet_complete models get buffalo_s
    facet_complete album find z
    facet_complete detect --models store/
    facet_complete --models buffalo_sc
    facet_complete help completion ''
    facet_complete help man gal" <<'END'
detect
--det-size --det-thresh
json csv npy
csv
info inputs
merge migrate
remove

status
--album
buffalo_s buffalo_sc

store/one
buffalo_sc
bash zsh fish
gallery
END
if command -v zsh >/dev/null; then
    check "zsh reads its completion" 0 sh -c "'$facet_exe' help completion zsh >_facet; zsh -n _facet" </dev/null
else skip "zsh completion" "no zsh (apt-get install zsh)"
fi
if command -v fish >/dev/null; then
    check "fish reads its completion" 0 sh -c "'$facet_exe' help completion fish >f.fish; fish -n f.fish" </dev/null
    check "fish completes commands, actions and values" 0 fish -c "source f.fish
        function facet; '$facet_exe' \$argv; end
        for line in 'facet models get buffalo_sc' 'facet help completion z' 'facet gall' 'facet gallery mi' 'facet album und' 'facet embed --format c'
            complete -C \$line | string replace -r '\t.*' ''
        end" <<'END'
buffalo_sc
zsh
gallery
migrate
undo
csv
END
else skip "fish completion" "no fish (apt-get install fish)"
fi
check "no such shell" 2 facet help completion csh <<'END'
! facet: help: no completion for 'csh'; there are bash, zsh and fish
END

# info and bench: what does not depend on the machine
check "info of the pack" 0 sh -c "'$facet_exe' info -m pack | sed -n '/^pack/,/embedder/p'" <<'END'
pack       pack, threshold 0.40
  detector.onnx            detection        ID-DETECTOR  any size, (x - 127.5) / 128
  embedder.onnx            recognition      ID-EMBEDDER  112x112, 64 numbers, (x - 127.5) / 127.5
END
check "info without a pack" 0 sh -c "'$facet_exe' info | grep '^pack'" <<'END'
pack       none; 'facet help packs' says where to get one
END
check "threads" 0 sh -c "'$facet_exe' info -t 3 | grep '^threads'; FCT_THREADS=2 '$facet_exe' info | grep '^threads'" <<'END'
threads    3
threads    2
END
check "a variable that is no number" 0 sh -c "FCT_THREADS=all '$facet_exe' version" <<'END'
facet 0.1.0
! facet: warning: FCT_THREADS: 'all' is not a whole number from 1 to 1024, and is ignored
END
check "the level can be capped" 0 sh -c "FCT_CPU=c '$facet_exe' info | grep '^kernels' | cut -d' ' -f1-5" <<'END'
kernels    c
END
if "$facet_exe" doctor -m pack | grep -q 'window.*built without'; then skip "info tells of the window" "built without (libsdl2-dev)"
else check "info tells of the window" 0 sh -c "'$facet_exe' info | grep -c '^built with .* window'" <<'END'
1
END
fi
json "info" 1 facet info -m pack --json
json "bench" 2 facet bench --json --layers -s 0.01 pack/embedder.onnx pack/detector.onnx
check "bench" 0 sh -c "'$facet_exe' bench -t 1 -s 0.01 -b 2 pack/embedder.onnx | sed 's/[0-9][0-9.]*/N/g; s/, [a-zN]*)/, LEVEL)/'" <<'END'
embedder.onnx  NxNxNxN  N GMAC, N M weights
  load N ms, first run N ms
  best N ms, median N ms, mean N ms; N runs, N thread
  N GFLOP/s (median), N % of the measured peak (N x N GFLOP/s, LEVEL)
  memory: network N MB, session N MB
END
check "bench of layers" 0 sh -c "'$facet_exe' bench -s 0.01 --layers pack/embedder.onnx | sed -n 7p" <<'END'
     ms     %  GFLOP/s  peak  operation                     algorithm       layer
END
