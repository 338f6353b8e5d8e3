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
mkdir -p kinds/below
cp ada.png kinds
touch kinds/a.psd kinds/b.PSD kinds/below/c.cr2 kinds/notes.txt
check "what a folder holds besides is counted" 0 facet detect -m pack kinds <<'END'
kinds/ada.png: 1 face
  1  score 0.95  box 120,72 80x80
! 3 files of unsupported formats: 2 psd, 1 cr2
END
rm -r kinds
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
printf '\357\273\277ada.png\nbob.png\n' >bom
check "a list with a byte order mark" 0 facet detect -m pack --files-from bom <<'END'
ada.png: 1 face
  1  score 0.95  box 120,72 80x80
bob.png: 1 face
  1  score 0.95  box 168,56 80x80
END
printf 'ada.png\000album/b/one.png\000' >zero
check "a list divided by NUL" 0 facet detect -m pack --files-from zero <<'END'
ada.png: 1 face
  1  score 0.95  box 120,72 80x80
album/b/one.png: 1 face
  1  score 0.95  box 168,56 80x80
END
cp ada.png 'new
line.png'
# Windows has no such names.
on_windows || check "in such a list a name may have a line feed" 0 sh -c "find . -maxdepth 1 -name 'new*' -print0 |
    '$facet_exe' detect -m pack --csv --files-from - | cut -d, -f1-2" <<'END'
file,face
"./new
line.png",1
END
rm 'new
line.png'
# Shares of other computers are below this folder of Wine's.
if on_windows; then
    mkdir -p "$WINEPREFIX/dosdevices/unc/nas/Familie 张伟/2026"
    cp bob.png "$WINEPREFIX/dosdevices/unc/nas/Familie 张伟/2026/bob.png"
    share() { facet detect -m pack "$@" | sed -n '2p'; }
    for path in '//nas/Familie 张伟/2026/bob.png' '\\nas\Familie 张伟\2026\bob.png' '\\NAS\familie 张伟\2026\BOB.PNG' \
        '\\?\UNC\nas\Familie 张伟\2026\bob.png' '//nas/Familie 张伟/2026/../2026' '\\nas\Familie 张伟\'; do
        check "a share: $path" 0 share "$path" <<'END'
  1  score 0.95  box 168,56 80x80
END
    done
    check "a share that is not there" 3 facet detect -m pack '\\nas\Family\bob.png' <<'END'
! facet: \\nas\Family\bob.png: no such file or folder
END
    rm -r "$WINEPREFIX/dosdevices/unc/nas/Familie 张伟"
fi
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
out/ada.png
out/album/a/deep/two.png
out/album/a/one-2.PNG
out/album/a/one.PNG
out/album/b/one-2.png
out/album/b/one.png
out/album/white space/four[1].jpeg
END

# Outputs: the folders below the common root, nothing twice, no photo overwritten.
mkdir -p trip/n1 trip/n2 trip/n3
cp ada2.jpg trip/n1/1.jpg
cp ada2.jpg trip/n2/1.jpg
cp ada2.jpg trip/n3/1-2.jpg
check "crops of photos of one name" 0 sh -c "'$facet_exe' detect -m pack --json --crop-dir faces trip/n1/1.jpg trip/n2/1.jpg trip/n3/1-2.jpg |
    sed -E 's/\"width.*\"crop\"/\"crop\"/'; find faces -type f | sort" <<'END'
{"schema": 1, "file": "trip/n1/1.jpg", "crop": "faces/n1/1-1.jpg"}]}
{"schema": 1, "file": "trip/n2/1.jpg", "crop": "faces/n2/1-1.jpg"}]}
{"schema": 1, "file": "trip/n3/1-2.jpg", "crop": "faces/n3/1-2-1.jpg"}]}
faces/n1/1-1.jpg
faces/n2/1-1.jpg
faces/n3/1-2-1.jpg
END
cp bob.png trip/n1/1.png
cp three.png trip/n1/1-1.png
check "crops that would have one name" 0 sh -c "'$facet_exe' detect -m pack --json --draw faces2 --crop-dir faces2 trip/n1 |
    grep -oE '\"(file|drawn|crop)\": \"[^\"]*\"'; find faces2 -type f | sort" <<'END'
"file": "trip/n1/1-1.png"
"drawn": "faces2/1-1.png"
"crop": "faces2/1-1-1.jpg"
"crop": "faces2/1-1-2.jpg"
"crop": "faces2/1-1-3.jpg"
"file": "trip/n1/1.jpg"
"drawn": "faces2/1.jpg"
"crop": "faces2/1-1.jpg"
"file": "trip/n1/1.png"
"drawn": "faces2/1.png"
"crop": "faces2/1-1-4.jpg"
faces2/1-1-1.jpg
faces2/1-1-2.jpg
faces2/1-1-3.jpg
faces2/1-1-4.jpg
faces2/1-1.jpg
faces2/1-1.png
faces2/1.jpg
faces2/1.png
END
check "one photo twice" 0 sh -c "'$facet_exe' detect -m pack --json --draw out3/ ada.png ./ada.png | grep -o '\"drawn\": \"[^\"]*\"'" <<'END'
"drawn": "out3/ada.png"
"drawn": "out3/ada-2.png"
END
check "a common root above, by other names of it" 0 sh -c "cd trip/n1 && '$facet_exe' detect -m ../../pack --json --draw '$work/out4' \
    1.jpg ../n2/../n2/1.jpg '$work/trip/n3' | grep -o '\"drawn\": .*out4/[^\"]*' | sed 's/.*out4/out4/'" <<'END'
out4/n1/1.jpg
out4/n2/1.jpg
out4/n3/1-2.jpg
END
cp ada.png trip/n2/1-1.jpg
check "a crop is not written over a photo" 0 sh -c "sum() { cksum trip/n2/1-1.jpg; }; before=\$(sum)
    '$facet_exe' detect -m pack --json --crop-dir trip/n2 trip/n2 | grep -oE '\"crop\": \"[^\"]*\"'; [ \"\$before\" = \"\$(sum)\" ]" <<'END'
"crop": "trip/n2/1-1-1.jpg"
"crop": "trip/n2/1-1-2.jpg"
END
ln trip/n1/1.jpg trip/linked.jpg
check "nor a drawing, by whatever name" 3 sh -c "'$facet_exe' detect -m pack --json --draw trip/linked.jpg trip/n1/1.jpg >drawn.json; code=\$?; grep -o '.drawn.: [^,]*' drawn.json; exit \$code" <<'END'
"drawn": null
! facet: trip/linked.jpg: --draw would overwrite the photo itself; name another place
END
check "several drawings over photos" 3 facet detect -m pack -q --draw trip/n1 trip/n1/1.jpg trip/n1/1.png <<'END'
trip/n1/1.jpg: 1 face
  1  score 0.86  box 56,104 80x80
trip/n1/1.png: 1 face
  1  score 0.95  box 168,56 80x80
! facet: trip/n1/1.jpg: --draw would overwrite one of the photos; name another place
! facet: trip/n1/1.png: --draw would overwrite one of the photos; name another place
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
