# facet gallery: copies, exchange, another model.

export FCT_GALLERY=g.db
undated() { "$facet_exe" "$@" >.dated; code=$?; sed 's/20[0-9][0-9]-[0-9][0-9]-[0-9][0-9] [0-9][0-9]:[0-9][0-9]/DATE/' .dated; return $code; }

# Errors name the first twelve digits of a network's identity.
short=$(identity pack/embedder.onnx | cut -c1-12)
shortened() { "$facet_exe" "$@" 2>.long; code=$?; sed "s/$short/ID-SHORT/" .long >&2; return $code; }

check "no gallery yet" 3 facet gallery <<'END'
! facet: g.db: no such gallery; 'facet enroll' makes one
END
facet enroll -q Ada -m pack ada.png ada2.jpg >/dev/null 2>&1
facet enroll -q Bob -m pack bob.png >/dev/null 2>&1
facet enroll -q A. -m pack eve.webp >/dev/null 2>&1
check "what it is" 0 facet gallery <<'END'
g.db
  3 people, 4 faces
  embeddings of 64 values by network ID-EMBEDDER
  format version 3, searched exactly
END
check "as JSON" 0 facet gallery info --json <<'END'
{"schema": 1, "gallery": "g.db", "model_id": "ID-EMBEDDER", "dim": 64, "people": 3, "faces": 4, "format": 3, "search": "exact", "cached": false}
END
check "searched fast on request" 0 facet gallery --search fast <<'END'
g.db
  3 people, 4 faces
  embeddings of 64 values by network ID-EMBEDDER
  format version 3, searched fast, by signs first
END
check "no such way to search" 2 facet gallery --search slow <<'END'
! facet: gallery: --search: 'slow' is not one of auto|exact|fast
END
check "sound" 0 facet gallery check <<'END'
! g.db: sound, 4 faces
END

check "too few people for a threshold" 1 facet gallery calibrate <<'END'
! facet: g.db: 5 pairs of different people are too few to tell any threshold; a FAR of 0.0001 takes 300000 (776 people)
END

check "merging asks" 2 facet gallery merge A. Ada <<'END'
! facet: Give 1 face of A. to Ada, and forget the name A.? There is no terminal to ask on: add --yes
END
check "merged" 0 facet gallery merge A. Ada --yes <<'END'
! A. is now Ada, with 3 faces
END
check "the name is gone" 1 facet gallery merge A. Ada --yes <<'END'
! facet: A.: nobody of this name in the gallery
END
check "with oneself" 2 facet gallery merge Ada Ada --yes <<'END'
! facet: Ada and Ada are the same person already
END

check "backup" 0 facet gallery backup copy.db <<'END'
! copy.db: 2 people, a gallery itself
END
check "a backup overwrites nothing" 3 facet gallery backup copy.db <<'END'
! facet: copy.db: exists already
END
check "the copy" 0 undated people -g copy.db <<'END'
    3 faces  DATE  Ada
    1 face   DATE  Bob
END
check "backup into no folder" 3 facet gallery backup nowhere/copy.db <<'END'
! facet: nowhere/copy.db: there is no such folder to write into
END

check "export" 0 facet gallery export all.jsonl --pictures <<'END'
! all.jsonl: 4 faces
END
check "an export asks before it overwrites" 2 facet gallery export all.jsonl <<'END'
! facet: Replace all.jsonl? There is no terminal to ask on: add --yes
END
check "export as JSON" 0 facet gallery export bare.jsonl --json <<'END'
{"schema": 1, "gallery": "g.db", "file": "bare.jsonl", "faces": 4}
END
check "export to standard output" 0 sh -c "'$facet_exe' gallery export - --pictures >out.jsonl && cmp out.jsonl all.jsonl" <<'END'
! standard output: 4 faces
END
check "where a summary has no place" 2 facet gallery export - --json <<'END'
! facet: gallery export -: --json has no place: standard output takes the gallery's text
END
if [ -e /dev/full ] && ! on_windows; then
    check "a full disk behind it" 3 sh -c "'$facet_exe' gallery export -q - >/dev/full" <<'END'
! facet: standard output: cannot write
END
fi
check "import makes a gallery" 0 facet gallery import all.jsonl -g new.db <<'END'
! all.jsonl: 4 new faces
END
check "the same people" 0 undated people -g new.db <<'END'
    3 faces  DATE  Ada
    1 face   DATE  Bob
END
check "they are recognized" 0 facet identify -g new.db -m pack bob.png <<'END'
bob.png: 1 face
  1  Bob      1.00  score 0.95  box 168,56 80x80
END
facet gallery export again.jsonl --pictures -g new.db -q
check "export and import lose nothing" 0 sh -c 'sort all.jsonl >.a && sort again.jsonl | cmp - .a' <<'END'
END
check "nothing twice" 0 facet gallery import all.jsonl -g new.db --json <<'END'
{"schema": 1, "gallery": "new.db", "file": "all.jsonl", "added": 0, "kind": "facet"}
END
facet enroll -q Ada -m pack three.png -g second.db >/dev/null 2>&1
check "two galleries into one" 0 facet gallery import all.jsonl -g second.db <<'END'
! all.jsonl: 4 new faces
END
check "people of one name are one" 0 undated people -g second.db <<'END'
    4 faces  DATE  Ada
    1 face   DATE  Bob
END

head -c 1500 all.jsonl >cut.jsonl
check "a file that breaks off" 3 facet gallery import cut.jsonl -g new.db <<'END'
! facet: cut.jsonl: line 4 ends inside a string
END
check "another kind of file" 3 facet gallery import ada.png -g new.db <<'END'
! facet: ada.png: not a file of faces that is known
END
check "no such file" 3 facet gallery import nothing.jsonl -g new.db <<'END'
! facet: nothing.jsonl: no such file
END
check "a folder" 3 facet gallery import pack -g new.db <<'END'
! facet: pack: is a directory; 'facet enroll --folders' reads photos
END
check "nothing came of them" 0 facet gallery check -g new.db <<'END'
! new.db: sound, 4 faces
END

# One row of 64 values 1.0, float32, as numpy.save() writes it.
{ printf '\223NUMPY\001\000\166\000%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 64), }"
  for i in 1 2 3 4 5 6 7 8; do printf '\0\0\200?\0\0\200?\0\0\200?\0\0\200?\0\0\200?\0\0\200?\0\0\200?\0\0\200?'; done; } >one.npy
echo Carl >names.csv
check "NumPy says not which network" 2 facet gallery import one.npy names.csv -g new.db <<'END'
! facet: one.npy: nothing in it says which network made the embeddings: --model-id must, or --models PACK with the network
END
check "NumPy of another network" 3 shortened gallery import one.npy names.csv -g new.db --model-id other <<'END'
! facet: new.db: its faces were made by model ID-SHORT (64 values), not by other (64 values)
END
check "NumPy" 0 facet gallery import one.npy names.csv -g fresh.db --model-id mine <<'END'
! one.npy: 1 new face
END
check "a model for a file that has one" 2 facet gallery import all.jsonl -g fresh.db --model-id mine <<'END'
! facet: all.jsonl: says itself which network made the embeddings
END

printf '\200\002}(X\003\000\000\000Ada](K\001K\002eX\003\000\000\000Bob](K\003K\004eu.' >faces.pkl
check "a pickle" 0 facet gallery import faces.pkl -g pickled.db --model-id mine <<'END'
! faces.pkl: 2 new faces
END
check "a pickle again, as JSON" 0 facet gallery import faces.pkl -g pickled.db --model-id mine --json <<'END'
{"schema": 1, "gallery": "pickled.db", "file": "faces.pkl", "added": 0, "kind": "pickle", "faces": 2}
END
check "a pickle of another network than the gallery" 3 shortened gallery import faces.pkl -g g.db --model-id mine <<'END'
! facet: g.db: its faces were made by model ID-SHORT (64 values), not by mine (2 values)
END
check "a pickle without its network" 2 facet gallery import faces.pkl -g pickled.db <<'END'
! facet: faces.pkl: nothing in it says which network made the embeddings: --model-id must, or --models PACK with the network
END
printf 'cos\nsystem\n(S"touch executed"\ntR.' >evil.pkl
check "a pickle that wants a command run" 3 facet gallery import evil.pkl -g pickled.db --model-id mine <<'END'
! facet: evil.pkl: byte 0 asks for os.system; only plain values and NumPy arrays are read, and nothing is executed
END
check "nothing was run" 1 test -e executed </dev/null
check "another kind than it is" 3 facet gallery import faces.pkl --kind immich -g pickled.db --model-id mine <<'END'
! facet: faces.pkl: has no table of embeddings as immich keeps them
END
printf -- '--\nCOPY public.subject (id, api_key, subject_name) FROM stdin;\n1\tk\tAda\n2\tl\tEve\n\\.\nCOPY public.embedding (subject_id, embedding, calculator) FROM stdin;\n1\t{5,6}\tc\n\\.\n' >dump.sql
check "a dump of two services" 2 facet gallery import dump.sql -g pickled.db --model-id mine <<'END'
! facet: dump.sql: has people of 2 services: k, l; choose one with --part
END
check "one of them" 0 facet gallery import dump.sql -g pickled.db --model-id mine --part k <<'END'
! dump.sql: 1 new face (of c)
END

# a threshold of the gallery's own: 80 people with random embeddings, as a pickle of protocol 0
awk 'BEGIN { printf "(dp0\n"; for (p = 1; p <= 80; p++) {
    printf "Vperson %d\np%d\n(lp%d\n", p, 2 * p, 2 * p + 1
    for (i = 0; i < 64; i++) printf "F%.6f\na", (p * 7919 * (i + 3) * (i * i + p + 11)) % 1009 / 504.5 - 1
    printf "s" } printf "." }' >crowd.pkl
check "a crowd" 0 facet gallery import crowd.pkl --models pack -g crowd.db <<'END'
! crowd.pkl: 80 new faces
END
check "too few for a low rate" 1 facet gallery calibrate -g crowd.db --far 1e-3 <<'END'
! facet: crowd.db: 3160 pairs of different people are too few for a FAR of 0.001, which takes 30000 (246 people); the lowest that they tell is 0.0095
END
facet gallery calibrate -g crowd.db --far 0.02 >calibrated.txt 2>&1
check "a threshold is found" 0 sed -n 's/.*of 3160 pairs.*people \([0-9.]*\) % match.*/\1/p' calibrated.txt <<'END'
1.99
END
near() { awk "BEGIN { d = $1 - $2; exit !($1 > 0 && d * d < 1.1e-8) }" </dev/null; } # up to how it is rounded
found=$(sed -n 's/.*threshold \([0-9.]*\) for a FAR of 0.02/\1/p' calibrated.txt)
check "it stays with the gallery" 0 near "$found" "$("$facet_exe" gallery -g crowd.db | sed -n 's/.*own: //p')" </dev/null
used() { "$facet_exe" identify -m pack -g crowd.db --json "$@" | sed "s/.*\"threshold\": \([0-9.]*\).*/\1/"; }
check "what names people uses it" 0 near "$found" "$(used ada.png)" </dev/null
check "unless another one is given" 0 used --threshold 0.9 ada.png <<'END'
0.9000
END

check "another network is refused" 3 shortened gallery import bare.jsonl -g fresh.db <<'END'
! facet: fresh.db: its faces were made by model mine (64 values), not by ID-SHORT (64 values)
END
check "migration asks" 2 facet gallery migrate -m other <<'END'
! facet: Make all 4 embeddings anew with other? There is no terminal to ask on: add --yes
END
check "migrated" 0 facet gallery migrate -m other --yes <<'END'
! g.db: 4 faces of other
END
check "recognized by the other network" 0 facet identify -m other ada.png <<'END'
ada.png: 1 face
  1  Ada      1.00  score 0.95  box 120,72 80x80
END
check "migrated before" 0 facet gallery migrate -m other <<'END'
! g.db: of this network already
END
facet gallery import -q bare.jsonl -g plain.db
check "no pictures, nothing changes" 3 facet gallery migrate -m other --yes -g plain.db <<'END'
! facet: plain.db: face 1: has no picture to embed again (of ada.png); --drop removes such faces
END
check "still of the old network" 0 facet gallery -g plain.db <<'END'
plain.db
  2 people, 4 faces
  embeddings of 64 values by network ID-EMBEDDER
  format version 3, searched exactly
END
check "dropped on request" 0 facet gallery migrate -m other --yes --drop --json -g plain.db <<'END'
{"schema": 1, "gallery": "plain.db", "dropped": 4}
END
check "no embedder" 3 facet gallery migrate -m headless --yes <<'END'
! facet: headless: no embedder in this pack ('facet info' shows what is in it)
END

# A file system that other computers may have open: through FUSE, under Wine its folder for shares. SQLite's write-ahead
# log must not be used there; bytes 18 and 19 of the file's header say whether it is.
if on_windows; then
    behind="$WINEPREFIX/dosdevices/unc/nas/gallery test" there="//nas/gallery test"
    mkdir -p "$behind" && mounted=y
else
    behind=$work/behind there=network
    mkdir behind network
    if command -v bindfs >/dev/null && bindfs -n behind network 2>/dev/null; then
        mounted=y
        trap 'fusermount -u "$work/network"; rm -rf "$work"' EXIT
    else
        mounted=
        skip "on a network" "no file system can be mounted through FUSE (apt-get install bindfs)"
    fi
fi
journal() { case $(od -An -tu1 -j18 -N2 "$1") in *2*2*) echo log ;; *) echo journal ;; esac; }
on_network() {
    "$facet_exe" "$@" && journal "$behind/net.db"
}
if [ -n "$mounted" ]; then
    facet gallery backup -q local.db
    check "a log on this computer's disk" 0 journal local.db <<'END'
log
END
    cp local.db "$behind/net.db"
    check "a gallery of this computer is read on a network" 0 on_network identify -m other -g "$there/net.db" ada.png <<END
ada.png: 1 face
  1  Ada      1.00  score 0.95  box 120,72 80x80
log
END
    check "and has no log once it is written there" 0 on_network enroll -m other -g "$there/net.db" Eve bob.png <<'END'
Eve: bob.png: stored as face 5
journal
! facet: warning: bob.png: the face is like Bob (cosine 1.00)
END
    rm "$behind/net.db"
    check "one made there has none either" 0 on_network enroll -m pack -g "$there/net.db" Ada ada.png <<'END'
Ada: ada.png: stored as face 1
journal
END
    check "and is sound" 0 on_network gallery check -g "$there/net.db" <<END
journal
! $there/net.db: sound, 1 face
END
    rm -r "$behind"
fi

head -c 9000 copy.db >torn.db
check "a damaged gallery" 3 facet gallery check -g torn.db <<'END'
! facet: torn.db: damaged, or not a gallery; restore it from a copy (database disk image is malformed)
END
check "an action that is none" 2 facet gallery mirge <<'END'
! facet: gallery: unknown action 'mirge'; did you mean 'merge'?
END
check "what?" 2 facet gallery merge Ada <<'END'
! facet: gallery merge: what?; see 'facet gallery --help'
END
check "too much" 2 facet gallery check everything <<'END'
! facet: gallery check: too many arguments; see 'facet gallery --help'
END
check "an option that another action heeds" 2 facet gallery merge --dry-run --yes Ada Bob <<'END'
! facet: gallery merge: --dry-run has no place here; see 'facet gallery --help'
END
check "a part where the whole is written" 2 facet gallery backup --collection staff whole.db <<'END'
! facet: gallery backup: --collection has no place here; see 'facet gallery --help'
END
check "a gallery that has no part in a copy" 2 facet gallery copy --gallery g.db copy.db other.db <<'END'
! facet: gallery copy: --gallery has no place here; see 'facet gallery --help'
END
ln copy.db same.db
check "an export over the gallery" 2 facet gallery export --yes -g copy.db same.db <<'END'
! facet: same.db: is the gallery itself; name another file
END
check "a gallery is copied, not imported" 3 facet gallery import -g other.db copy.db <<'END'
! facet: copy.db: is a gallery itself: 'facet gallery copy copy.db TO' adds it to another
END
facet enroll -q -m pack -g pair.db Ada ada.png >.out; facet enroll -q -m pack -g pair.db Bob bob.png >.out
check "one pair" 1 facet gallery calibrate -g pair.db <<'END'
! facet: pair.db: 1 pair of different people is too few to tell any threshold; a FAR of 0.0001 takes 300000 (776 people)
END
check "nearly the same name is told" 0 facet enroll -m pack -g pair.db 'ADA ' ada2.jpg <<'END'
ADA: ada2.jpg: stored as face 3
! facet: warning: ADA becomes a new person beside Ada; 'facet gallery merge' makes one of two
! facet: warning: ada2.jpg: the face is like Ada (cosine 0.96)
END
check "once" 0 facet enroll -m pack -g pair.db ADA ada2.jpg <<'END'
ADA: ada2.jpg: already there as face 3
! facet: warning: ada2.jpg: the face is like Ada (cosine 0.96)
END
