# Files, folders, patterns, lists, standard input.

mkdir -p album/b album/a/deep album/.hidden "album/white space"
cp ada.png album/a/one.PNG
cp bob.png album/b/one.png
cp bob.png album/a/deep/two.png
cp ada.png album/.hidden/three.png
cp ada2.jpg "album/white space/four[1].jpeg"
ln -s a album/link
echo notes >album/notes.txt

check "a folder, recursively, in order" 0 facet detect -m pack album <<'END'
album/a/deep/two.png: 1 face
  1  score 0.95  box 168,56 80x80
album/a/one.PNG: 1 face
  1  score 0.95  box 120,72 80x80
album/b/one.png: 1 face
  1  score 0.95  box 168,56 80x80
album/white space/four[1].jpeg: 1 face
  1  score 0.86  box 56,104 80x80
END
check "a folder without pictures" 3 facet detect -m pack pack <<'END'
! facet: pack: no pictures in this folder
END
check "a pattern" 0 facet detect -m pack 'album/?/*.png' <<'END'
album/b/one.png: 1 face
  1  score 0.95  box 168,56 80x80
END
check "a set in a pattern" 0 facet detect -m pack 'bob*.[a-p]ng' <<'END'
bob.png: 1 face
  1  score 0.95  box 168,56 80x80
bob2.png: 1 face
  1  score 0.96  box 88,88 80x80
END
check "any depth" 0 facet detect -m pack 'album/**/t*.png' <<'END'
album/a/deep/two.png: 1 face
  1  score 0.95  box 168,56 80x80
END
check "a pattern that matches a folder" 0 facet detect -m pack 'album/[b]' <<'END'
album/b/one.png: 1 face
  1  score 0.95  box 168,56 80x80
END
check "a name with brackets is a name" 0 facet detect -m pack 'album/white space/four[1].jpeg' <<'END'
album/white space/four[1].jpeg: 1 face
  1  score 0.86  box 56,104 80x80
END
check "a pattern without match" 3 facet detect -m pack 'album/*.gif' ada.png <<'END'
ada.png: 1 face
  1  score 0.95  box 120,72 80x80
! facet: album/*.gif: no file matches this pattern
END
check "standard input" 0 sh -c "'$facet_exe' detect -m pack - <ada.png" <<'END'
standard input: 1 face
  1  score 0.95  box 120,72 80x80
END
printf 'ada.png\r\n\nalbum/b\n' >list
check "a list" 0 facet detect -m pack --files-from list <<'END'
ada.png: 1 face
  1  score 0.95  box 120,72 80x80
album/b/one.png: 1 face
  1  score 0.95  box 168,56 80x80
END
check "a list from standard input" 0 sh -c "echo bob.png | '$facet_exe' detect -m pack --files-from -" <<'END'
bob.png: 1 face
  1  score 0.95  box 168,56 80x80
END
check "a list that is not there" 3 facet detect -m pack --files-from gone <<'END'
! facet: gone: no such file or folder
END
check "nothing" 2 facet detect -m pack <<'END'
! facet: no photos were named
END
check "a name that starts with a dash" 3 facet detect -m pack -- -x.png <<'END'
! facet: -x.png: no such file or folder
END
check "photos of one name" 0 facet detect -q -m pack album/a/one.PNG album/b/one.png ada.png album --draw out <<'END'
album/a/one.PNG: 1 face
  1  score 0.95  box 120,72 80x80
album/b/one.png: 1 face
  1  score 0.95  box 168,56 80x80
ada.png: 1 face
  1  score 0.95  box 120,72 80x80
album/a/deep/two.png: 1 face
  1  score 0.95  box 168,56 80x80
album/a/one.PNG: 1 face
  1  score 0.95  box 120,72 80x80
album/b/one.png: 1 face
  1  score 0.95  box 168,56 80x80
album/white space/four[1].jpeg: 1 face
  1  score 0.86  box 56,104 80x80
END
check "each has its drawing" 0 sh -c 'find out -type f | sort' <<'END'
out/a/deep/two.png
out/a/one.PNG
out/ada.png
out/b/one.png
out/one.PNG
out/one.png
out/white space/four[1].jpeg
END
check "two hundred photos" 0 sh -c "i=0; while [ \$i -lt 200 ]; do echo ada.png; i=\$((i+1)); done |
    '$facet_exe' detect --det-size 128 -m pack --files-from - | sort | uniq -c | tr -s ' '" <<'END'
 200 ada.png: no face
END
# Output reaches a file in blocks: when some of it is there the run is well under way.
check "interrupted" 130 sh -c "i=0; while [ \$i -lt 5000 ]; do echo ada.png; i=\$((i+1)); done >many
    '$facet_exe' detect -m pack --files-from many >seen 2>stopped & pid=\$!
    while kill -0 \$pid && [ ! -s seen ]; do sleep 0.1; done
    kill -INT \$pid; wait \$pid; code=\$?; sed 's/after [0-9]* of/after N of/' stopped; exit \$code" <<'END'
facet: interrupted after N of 5000 photos
END
