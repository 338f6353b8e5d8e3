# Bad photos, packs and galleries: exit code 3 and one line that says which file
# and what is wrong. The good ones beside them are done.

chmod 755 . # for the user without rights
cut() { head -c "$2" "$1" >"$3"; }
put() { printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null; }
# A command as a user to whom mode 000 means something.
unprivileged() {
    if [ "$(id -u)" = 0 ]; then setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; else "$@"; fi
}
may_drop() { [ "$(id -u)" != 0 ] || { command -v setpriv >/dev/null && unprivileged ./facet-copy version >/dev/null 2>&1; }; }
cp "$facet_exe" facet-copy

# ---- photos
cut ada2.jpg 700 cut.jpg
cut ada.png 300 cut.png
cut eve.webp 200 cut.webp
cut ada2.jpg 2 start.jpg
: >empty.jpg
echo "Dear diary" >text.jpg
cp ada.png flipped.png && put flipped.png 100 '\377'
cp ada2.jpg flipped.jpg && put flipped.jpg 200 '\377'
cp ada.png ada.txt
ln -s nowhere broken.jpg

check "photo gone.jpg" 3 facet detect -m pack gone.jpg <<'END'
! facet: gone.jpg: no such file or folder
END
check "photo cut.jpg" 3 facet detect -m pack cut.jpg <<'END'
! facet: cut.jpg: JPEG is cut off or has a hole at row 88 of 240
END
check "photo cut.png" 3 facet detect -m pack cut.png <<'END'
! facet: cut.png: PNG is cut off
END
check "photo cut.webp" 3 facet detect -m pack cut.webp <<'END'
! facet: cut.webp: WebP is cut off
END
check "photo start.jpg" 3 facet detect -m pack start.jpg <<'END'
! facet: start.jpg: not a picture of a format that facet reads
END
check "photo empty.jpg" 3 facet detect -m pack empty.jpg <<'END'
! facet: empty.jpg: the file is empty
END
check "photo text.jpg" 3 facet detect -m pack text.jpg <<'END'
! facet: text.jpg: not a picture of a format that facet reads
END
check "photo flipped.png" 3 facet detect -m pack flipped.png <<'END'
! facet: flipped.png: damaged PNG: invalid scanline filter
END
check "photo flipped.jpg" 3 facet detect -m pack flipped.jpg <<'END'
! facet: flipped.jpg: damaged JPEG: Bogus Huffman table definition
END
check "photo broken.jpg" 3 facet detect -m pack broken.jpg <<'END'
! facet: broken.jpg: no such file or folder
END
check "a wrong ending does not matter" 0 facet detect -m pack ada.txt <<'END'
ada.txt: 1 face
  1  score 0.95  box 120,72 80x80
END
check "too many pixels" 3 facet detect -m pack --max-pixels 1000 ada.png ada2.jpg eve.webp <<'END'
! facet: ada.png: picture of 320x240 pixels, the limit is 1000 (--max-pixels)
! facet: ada2.jpg: picture of 320x240 pixels, the limit is 1000 (--max-pixels)
! facet: eve.webp: picture of 320x240 pixels, the limit is 1000 (--max-pixels)
END
check "a bad photo among good ones" 3 facet detect -m pack ada.png cut.png bob.png <<'END'
ada.png: 1 face
  1  score 0.95  box 120,72 80x80
bob.png: 1 face
  1  score 0.95  box 168,56 80x80
! facet: cut.png: PNG is cut off
END
check "standard input that is no picture" 3 sh -c "echo hello | '$facet_exe' detect -m pack -" <<'END'
! facet: standard input: not a picture of a format that facet reads
END
# five gigabytes of zeros, refused by their first bytes; twenty seconds of CPU would mean that all were read
mkdir hugepack
truncate -s 5G huge.jpg hugepack/a.onnx
check "a huge file for a photo" 3 sh -c "ulimit -t 20; exec '$facet_exe' detect -m pack huge.jpg" <<'END'
! facet: huge.jpg: larger than 1073741824 bytes
END
check "a huge file for a network" 3 sh -c "ulimit -t 20; exec '$facet_exe' detect -m hugepack ada.png" <<'END'
! facet: hugepack/a.onnx: bad field at offset 0: not an ONNX file, or cut off
END
# a text of 4 GiB within the network, as its first field says
printf '\062\200\200\200\200\020' >hugepack/a.onnx && truncate -s 5G hugepack/a.onnx
check "a huge field in a network" 3 sh -c "ulimit -t 20; exec '$facet_exe' detect -m hugepack ada.png" <<'END'
! facet: hugepack/a.onnx: more than 1073741824 bytes beside raw weights: not a network, or too large
END
rm -r huge.jpg hugepack
check "compare tells of both" 3 facet compare -m pack gone.png cut.png <<'END'
! facet: gone.png: no such file or folder
! facet: cut.png: PNG is cut off
END
check "a drawing that cannot be written" 3 facet detect -m pack ada.png --draw ada.png/x.jpg <<'END'
ada.png: 1 face
  1  score 0.95  box 120,72 80x80
! facet: ada.png: is a file, not a folder
END
check "embeddings that cannot be written" 3 facet embed -m pack ada.png -o gone/e.json <<'END'
! facet: gone/e.json: there is no such folder to write into
END

# ---- packs
mkdir hollow cutpack flippedpack emptypack textpack
cut pack/detector.onnx 20000 cutpack/detector.onnx
cp pack/detector.onnx flippedpack && put flippedpack/detector.onnx 3 '\377'
: >emptypack/detector.onnx
echo "Dear diary" >textpack/detector.onnx
check "no such pack" 3 env FCT_MODELS=store "$facet_exe" detect -m gone ada.png <<'END'
! facet: no pack gone in store; "facet models get gone" fetches InsightFace's packs, "facet models import" takes a zip or a folder
END
check "a known pack that is not here" 3 env FCT_MODELS=store "$facet_exe" detect -m buffalo_l ada.png <<'END'
! facet: no pack buffalo_l in store; "facet models get buffalo_l" fetches InsightFace's packs, "facet models import" takes a zip or a folder
END
check "a pack that may have been meant" 3 facet detect -m bufalo_l ada.png <<'END'
! facet: no pack bufalo_l; did you mean 'buffalo_l'? ('facet models' lists all)
END
check "no such pack to fetch" 2 facet models get NONESUCH --accept-license <<'END'
! facet: there is no pack 'NONESUCH' ('facet models' lists the known ones); --url says where another one is
END
check "nor a mistyped one" 2 facet models get bufallo_l <<'END'
! facet: there is no pack 'bufallo_l'; did you mean 'buffalo_l'?
END
mkdir -p nested/within twice/a twice/b
cp pack/*.onnx nested/within
cp pack/*.onnx twice/a
cp pack/*.onnx twice/b
check "a pack unzipped one folder too deep" 0 facet detect -m nested ada.png <<'END'
ada.png: 1 face
  1  score 0.95  box 120,72 80x80
END
check "two of them are no pack" 3 facet detect -m twice ada.png <<'END'
! facet: twice: no face detector in this pack (0 ONNX files)
END
check "and imported" 0 sh -c "'$facet_exe' models import nested --root stored | sed 's/^.*stored/stored/'; ls stored/nested" <<'END'
stored/nested: 2 networks
SHA256SUMS
detector.onnx
embedder.onnx
END
check "and again" 3 facet models import nested --root stored <<'END'
! facet: stored/nested: installed already; --replace puts the new one in its place
END
check "one size" 2 facet bench --size 64x64,96x96 nested/detector.onnx <<'END'
! facet: bench: --size takes one size, for instance 640x640
END
check "the variable of packs names no pack" 3 env FCT_MODELS=pack "$facet_exe" detect ada.png <<'END'
! facet: warning: FCT_MODELS is the folder of all packs, and pack is a pack itself: name it in FCT_PACK
! facet: no face models: this build holds no default pack and pack has none; get one by "facet models get buffalo_l" (InsightFace's, for research), or name a folder of ONNX files in FCT_PACK
END
check "the one that does" 0 env FCT_PACK=pack "$facet_exe" detect ada.png <<'END'
ada.png: 1 face
  1  score 0.95  box 120,72 80x80
END
check "no such folder" 3 facet detect -m ./gone ada.png <<'END'
! facet: ./gone: no such pack: there is no folder of this name
END
home=$HOME
! on_windows || home='C:.users.[^/]*' # Wine has its own
check "no pack at all" 0 sh -c "'$facet_exe' detect ada.png 2>&1 | sed 's,$home,HOME,'" <<'END'
facet: no face models: this build holds no default pack and HOME/.insightface/models has none; get one by "facet models get buffalo_l" (InsightFace's, for research), or name a folder of ONNX files in FCT_PACK
END
check "a variable that names no pack" 0 sh -c "FCT_PACK=gone '$facet_exe' detect ada.png 2>&1 | sed 's,$home,HOME,'" <<'END'
facet: no pack gone in HOME/.insightface/models; "facet models get gone" fetches InsightFace's packs, "facet models import" takes a zip or a folder
END
check "a variable that names a folder without networks" 3 env FCT_PACK=hollow "$facet_exe" detect ada.png <<'END'
! facet: hollow: no face detector in this pack (0 ONNX files)
END
check "a file for a pack" 3 facet detect -m ./ada.png ada.png <<'END'
! facet: ./ada.png: bad field at offset 10: not an ONNX file, or cut off
END
check "a folder without networks" 3 facet detect -m hollow ada.png <<'END'
! facet: hollow: no face detector in this pack (0 ONNX files)
END
check "no detector" 3 facet detect -m blind ada.png <<'END'
! facet: blind: no face detector in this pack (1 ONNX files)
END
check "no embedder" 3 facet compare -m headless ada.png bob.png <<'END'
! facet: headless: no embedder in this pack ('facet info' shows what is in it)
END
check "a network cut off" 3 facet detect -m cutpack ada.png <<'END'
! facet: cutpack/detector.onnx: length beyond the end at offset 6: not an ONNX file, or cut off
END
check "a network with a flipped byte" 3 facet detect -m flippedpack ada.png <<'END'
! facet: flippedpack/detector.onnx: bad field at offset 2180: not an ONNX file, or cut off
END
check "an empty network" 3 facet detect -m emptypack ada.png <<'END'
! facet: emptypack/detector.onnx: not an ONNX file: it holds no graph
END
check "a text for a network" 3 facet detect -m textpack ada.png <<'END'
! facet: textpack/detector.onnx: unknown wire type at offset 0: not an ONNX file, or cut off
END
check "bench without a file" 3 facet bench gone.onnx <<'END'
! facet: gone.onnx: no such file or folder
END
check "bench of a text" 3 facet bench textpack/detector.onnx <<'END'
! facet: textpack/detector.onnx: unknown wire type at offset 0: not an ONNX file, or cut off
END
check "info on a bad pack" 3 sh -c "'$facet_exe' info -m textpack >/dev/null" <<'END'
! facet: textpack/detector.onnx: unknown wire type at offset 0: not an ONNX file, or cut off
END

# ---- permissions
if may_drop; then
    mkdir locked
    cp ada.png locked.png
    cp pack/*.onnx locked
    : >locked.db
    chmod 000 locked.png locked/detector.onnx locked.db
    check "a photo without permission" 3 unprivileged ./facet-copy detect -m pack locked.png <<'END'
! facet: locked.png: permission denied
END
    check "a network without permission" 3 unprivileged ./facet-copy detect -m locked ada.png <<'END'
! facet: locked/detector.onnx: permission denied
END
    check "a drawing without permission" 3 unprivileged ./facet-copy detect -q -m pack ada.png --draw here.jpg <<'END'
ada.png: 1 face
  1  score 0.95  box 120,72 80x80
! facet: here.jpg: permission denied
END
    if facet info | grep -q 'built with.* gallery'; then
        check "a gallery without permission" 3 unprivileged ./facet-copy people -g locked.db <<'END'
! facet: locked.db: permission denied
END
        mkdir hidden && cp locked.db hidden/g.db && chmod 700 hidden
        check "a gallery in a folder without permission" 3 unprivileged ./facet-copy people -g hidden/g.db <<'END'
! facet: hidden/g.db: permission denied
END
    fi
else
    skipped=$((skipped + 1))
    echo "SKIP permissions: cannot drop the rights of root"
fi

# ---- output
if [ -w /dev/full ] && ! on_windows; then
    check "a full disk" 3 sh -c "'$facet_exe' detect -m pack ada.png >/dev/full" <<'END'
! facet: standard output: cannot write
END
    check "help to a full disk" 3 sh -c "'$facet_exe' --help >/dev/full" <<'END'
! facet: standard output: cannot write
END
fi
