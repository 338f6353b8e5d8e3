# album scan, status, duplicates, forget, migrate, check: files that come, move, change and go.

export FCT_ALBUM=a.db
mkdir -p lib/sub
cp ada.png lib/1.png; cp bob.png lib/sub/2.png; cp ada2.jpg lib/3.jpg
old() { touch -d 2019-05-03T10:00:00 "$@"; }
old lib/1.png lib/sub/2.png lib/3.jpg
here() { sed "s#$PWD/##g; s#Z:##g"; } # Z: is where Wine shows the files of this machine
run() { "$facet_exe" "$@" >.raw 2>.raw_err; code=$?; grep -v '^people:' .raw | here; here <.raw_err >&2; return $code; }
short=$(identity pack/embedder.onnx | cut -c1-12) other=$(identity other/embedder.onnx | cut -c1-12)

check "no album yet" 3 facet album status <<'END'
! facet: a.db: no such album; 'facet album scan FOLDER' makes one
END
check "no action" 2 facet album <<'END'
! facet: album: no action; 'facet album --help' lists them
END
check "an action that there is not" 2 facet album scna <<'END'
! facet: album: unknown action 'scna'; did you mean 'scan'?
END
check "nothing to scan yet" 3 facet album scan -m pack <<'END'
! facet: a.db: no such album; 'facet album scan FOLDER' makes one
END
check "the first scan" 0 run album scan lib -m pack <<'END'
3 files, 3 read, 3 faces found
! 'facet album review' asks about those that may be one; 'facet album people' lists all
END
check "nothing new" 0 run album scan -m pack <<'END'
3 files, 3 unchanged, 0 faces found
END
mv lib/1.png lib/sub/moved.png
check "moved" 0 run album scan -m pack <<'END'
3 files, 2 unchanged, 1 moved, 1 gone, 0 faces found
END
cp lib/sub/moved.png lib/copy.png; old lib/copy.png
check "copied" 0 run album scan -m pack <<'END'
4 files, 3 unchanged, 1 copy, 0 faces found
END
sized() { run "$@" | sed 's/ *[0-9]* bytes/ N bytes/'; }
check "duplicates" 0 sized album duplicates <<'END'
the same file:
    320 x 240 N bytes  lib/copy.png
    320 x 240 N bytes  lib/sub/moved.png
END
json "duplicates as JSON" 1 facet album duplicates --json
cp lib/3.jpg lib/sub/2.png; touch -d 2020-05-03T10:00:00 lib/sub/2.png
rm lib/copy.png
check "changed, and gone" 0 run album scan -m pack <<'END'
3 files, 2 unchanged, 1 copy, 1 gone, 0 faces found
END
echo junk >lib/bad.jpg; old lib/bad.jpg
check "unreadable" 3 run album scan -m pack <<'END'
4 files, 3 unchanged, 1 read, 0 faces found
! facet: lib/bad.jpg: not a picture of a format that facet reads
END
check "known to be unreadable" 0 run album scan -m pack <<'END'
4 files, 4 unchanged, 0 faces found
! facet: lib/bad.jpg: not a picture of a format that facet reads
END
json "scan as JSON" 1 facet album scan -m pack --json
mv lib away
check "a folder that is missing" 3 run album scan -m pack <<'END'
0 files, 0 faces found
! facet: warning: lib: is missing, empty or not mounted; its photos are kept (--forget-missing forgets them)
! facet: lib/bad.jpg: not a picture of a format that facet reads
END
mv away lib
check "and back" 0 run album scan -m pack <<'END'
4 files, 4 unchanged, 0 faces found
! facet: lib/bad.jpg: not a picture of a format that facet reads
END
mkdir lib/previews lib/@eaDir; touch lib/previews/.nomedia lib/raw.NEF lib/raw.dng lib/2.dng
cp ada.png lib/previews/; cp ada.png lib/@eaDir/; old lib/previews/ada.png lib/@eaDir/ada.png
check "previews, and formats that are not read" 0 run album scan -m pack <<'END'
4 files, 4 unchanged, 0 faces found
! 3 photos are of formats that facet does not read: 2 dng, 1 nef
! facet: lib/bad.jpg: not a picture of a format that facet reads
END
rm -r lib/previews lib/@eaDir lib/*.NEF lib/*.dng
check "a folder that never was" 3 run album scan nowhere -m pack <<'END'
! facet: nowhere: no such folder
END
check "a pack without a detector" 3 facet album scan lib -m blind <<'END'
! facet: blind: no face detector in this pack (1 ONNX files)
END
named() { run "$@" 2>.e; code=$?; sed "s/$short/ID-SHORT/; s/$other/OTHER-SHORT/" .e >&2; return $code; }
check "another network" 3 named album scan -m other <<'END'
! facet: a.db: its faces are compared by network ID-SHORT of pack pack, and pack other has OTHER-SHORT: use that pack, or migrate the album ('--models PACK', or 'facet album migrate')
END
check "migration asks" 2 facet album migrate -m other <<'END'
! facet: Compare all faces of the album by other from now on? There is no terminal to ask on: add --yes
END
check "migrated" 0 facet album migrate -m other --yes <<'END'
! a.db: 2 faces embedded by other
END
check "status" 0 run album status <<'END'
a.db
  4 files: 2 photos, 0 videos, 1 unreadable
  2 faces of 1 person, 0 named
  embeddings of 64 values by network ID-OTHER
  lib: 4 files
END
check "sound" 0 facet album check <<'END'
! a.db: sound, 2 faces
END
check "a copy" 0 facet album backup copy.db <<'END'
! copy.db: a copy of the album, 2 faces
END
check "the copy is an album" 0 facet album check -a copy.db <<'END'
! copy.db: sound, 2 faces
END
check "a copy replaces nothing" 3 facet album backup copy.db <<'END'
! facet: copy.db: exists already
END
dd if=/dev/zero of=copy.db bs=8192 seek=2 count=1 conv=notrunc 2>/dev/null
check "a damaged album" 3 facet album check -a copy.db <<'END'
! facet: copy.db: damaged, or not an album; restore it from a copy ('facet album backup' makes them), or move it away and scan again (database disk image is malformed)
END
check "forget" 0 run album forget lib --yes <<'END'
! lib: forgotten
END
check "no duplicates" 1 facet album duplicates <<'END'
! no duplicates
END
