# enroll, identify, people, remove, rename.

export FCT_GALLERY=g.db
# Dates differ from run to run.
undated() { "$facet_exe" "$@" >.dated; code=$?; sed 's/20[0-9][0-9]-[0-9][0-9]-[0-9][0-9] [0-9][0-9]:[0-9][0-9]/DATE/' .dated; return $code; }

check "nobody yet" 3 facet people <<'END'
! facet: g.db: no such gallery; 'facet enroll' makes one
END
check "identify without a gallery" 3 facet identify -m pack ada.png <<'END'
! facet: g.db: no such gallery; 'facet enroll' makes one
END
check "enroll" 0 facet enroll Ada -m pack ada.png <<'END'
Ada: ada.png: stored as face 1
END
check "the same photo again" 0 facet enroll Ada -m pack ada.png <<'END'
Ada: ada.png: already there as face 1
END
check "a stranger" 1 facet identify -m pack bob.png <<'END'
bob.png: 1 face
  1  unknown        score 0.95  box 168,56 80x80
END
check "a second photo" 0 facet enroll Ada -m pack ada2.jpg <<'END'
Ada: ada2.jpg: stored as face 2
END
check "somebody else's face for Ada" 0 facet enroll Ada -m pack eve.webp <<'END'
Ada: eve.webp: stored as face 3
! facet: warning: eve.webp: the face is blurred
! facet: warning: eve.webp: the face is unlike the other photos of Ada (cosine -0.44)
END
check "strict refuses it" 1 facet enroll Ada -m pack --strict bob.png <<'END'
! facet: bob.png: not stored: the face is unlike the other photos of Ada (cosine -0.17)
END
check "remove the wrong face" 0 facet remove --face-id 3 --yes <<'END'
! face 3 of Ada removed
END
check "Ada's face for somebody else" 0 facet enroll Eve -m pack ada.png <<'END'
Eve: ada.png: stored as face 4
! facet: warning: ada.png: the face is like Ada (cosine 1.00)
END
check "remove a person" 0 facet remove -y Eve <<'END'
! Eve removed
END
check "several faces: the largest" 0 facet enroll Bob -m pack three.png <<'END'
Bob: three.png: stored as face 5
! facet: warning: three.png: 3 faces; the largest is stored (--face N takes another)
END
check "a chosen face" 0 facet enroll Eve -m pack --face 2 three.png <<'END'
Eve: three.png: stored as face 6
! facet: warning: three.png: the face is small (40 pixels)
! facet: warning: three.png: the face is blurred
END
check "a face that is not there" 1 facet enroll Eve -m pack --face 4 three.png <<'END'
! facet: three.png: not stored: no face 4, there are 3
END
check "strict wants one face" 1 facet enroll Bob -m pack --strict three.png <<'END'
! facet: three.png: not stored: 3 faces, and with --strict there may be one
END
check "all faces: only with an answer" 2 facet enroll Bob -m pack --all-faces three.png <<'END'
! facet: Store every face of each photo as Bob? There is no terminal to ask on: add --yes
END
check "a small face is warned of" 0 facet enroll Ada -m pack small.png <<'END'
Ada: small.png: stored as face 7
! facet: warning: small.png: the face is small (20 pixels)
! facet: warning: small.png: the face is blurred
END
check "no face, a bad file, a good one" 3 facet enroll Bob -m pack empty.png gone.png bob2.png <<'END'
Bob: bob2.png: stored as face 8
! facet: empty.png: not stored: no face
! facet: gone.png: no such file or folder
! 2 photos, 1 new, 0 already there, 1 without a usable face
END
check "no face" 1 facet enroll Bob -m pack empty.png <<'END'
! facet: empty.png: not stored: no face
END
check "people" 0 undated people <<'END'
    3 faces  DATE  Ada
    2 faces  DATE  Bob
    1 face   DATE  Eve
END
check "faces of a person" 0 undated people Ada <<'END'
    3 faces  DATE  Ada
  face 1      DATE  score 0.95  quality 0.21  80x80  ada.png
  face 2      DATE  score 0.86  quality 0.29  80x80  ada2.jpg
  face 7      DATE  score 0.93  20x20  small.png
END
check "nobody of that name" 1 facet people Zoe <<'END'
! facet: Zoe: nobody of this name in the gallery
END
check "a person who may have been meant" 1 facet people ADDA <<'END'
! facet: ADDA: nobody of this name in the gallery; did you mean 'Ada'?
END
check "one accent is one mistake" 0 sh -c "'$facet_exe' enroll -q -g near.db -m pack 'Jurgen von Ö' ada.png >/dev/null
    '$facet_exe' people -g near.db 'Jürgen von O'; '$facet_exe' people -g near.db Jürgen; '$facet_exe' remove --yes -g near.db jurgn
    '$facet_exe' people -g near.db Ö; '$facet_exe' people -g near.db Jan; true" <<'END'
! facet: Jürgen von O: nobody of this name in the gallery; did you mean 'Jurgen von Ö'?
! facet: Jürgen: nobody of this name in the gallery; did you mean 'Jurgen von Ö'?
! facet: jurgn: nobody of this name in the gallery; did you mean 'Jurgen von Ö'?
! facet: Ö: nobody of this name in the gallery
! facet: Jan: nobody of this name in the gallery
END
check "bash completes people" 0 bash --norc -c "
    facet() { '$facet_exe' \"\$@\"; }
    facet_complete() { COMP_WORDS=(facet \"\$@\"); COMP_CWORD=\$#; _facet; echo \${COMPREPLY[@]}; }
    eval \"\$('$facet_exe' help completion bash)\"
    facet_complete people A
    FCT_GALLERY=near.db facet_complete remove ''
    FCT_GALLERY=near.db facet_complete rename \"'Jur\"
    facet_complete gallery merge ''" <<'END'
Ada
$'Jurgen von \303\226'
$'Jurgen von \303\226'
Ada Bob Eve
END
check "names for scripts" 2 sh -c "FCT_GALLERY=gone.db '$facet_exe' help names people; '$facet_exe' help names cats" <<'END'
! facet: help: no names of 'cats'; there are people, packs and album
END
json "people" 3 facet people --json
check "dates in JSON have day, time and zone" 0 sh -c "'$facet_exe' people --json Ada Bob |
    sed -E 's/20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z/DATE/g; s/, \"source.*//'" <<'END'
{"schema": 1, "name": "Ada", "person_id": 1, "faces": 3, "since": "DATE", "list": [{"face_id": 1, "since": "DATE"
{"schema": 1, "name": "Bob", "person_id": 3, "faces": 2, "since": "DATE", "list": [{"face_id": 5, "since": "DATE"
END
json "one of them" 1 facet people --json Ada
json "enroll" 1 facet enroll Bob -m pack --json bob.png

check "identify" 0 facet identify -m pack three.png bob2.png <<'END'
three.png: 3 faces
  1  Bob      1.00  score 0.95  box 40,56 80x80
  2  Eve      1.00  score 0.94  box 140,36 40x40
  3  Ada      1.00  score 0.86  box 200,104 80x80
bob2.png: 1 face
  1  Bob      1.00  score 0.96  box 88,88 80x80
END
check "the nearest people" 0 facet identify --precision exact -m pack --top 3 ada.png <<'END'
ada.png: 1 face
  1  Ada      1.00  score 0.95  box 120,72 80x80
        1.00  Ada
       -0.37  Bob
       -0.51  Eve
END
check "nobody in the photo" 1 facet identify -m pack empty.png <<'END'
empty.png: no face
END
check "drawn" 0 facet identify -q -m pack three.png --draw named.png <<'END'
three.png: 3 faces
  1  Bob      1.00  score 0.95  box 40,56 80x80
  2  Eve      1.00  score 0.94  box 140,36 40x40
  3  Ada      1.00  score 0.86  box 200,104 80x80
END
check "JSON of a match" 0 facet identify --precision exact -m pack --json bob.png <<'END'
{"schema": 1, "file": "bob.png", "width": 320, "height": 240, "threshold": 0.4000, "faces": [{"name": "Bob", "nearest": [{"name": "Bob", "cosine": 1.0000, "person_id": 3, "face_id": 5}], "box": [168.00, 56.00, 248.00, 136.00], "score": 0.9509, "kps": [[200.41, 94.16], [215.51, 94.07], [208.01, 102.74], [201.81, 111.59], [214.31, 111.52]]}]}
END
check "CSV of matches" 0 facet identify --precision exact -m pack --csv three.png empty.png <<'END'
file,face,x1,y1,x2,y2,score,name,cosine,person_id
three.png,1,40.00,56.00,120.00,136.00,0.9509,Bob,1.0000,3
three.png,2,140.00,36.00,180.00,76.00,0.9438,Eve,1.0000,4
three.png,3,200.00,104.00,280.00,184.00,0.8631,Ada,1.0000,1
END
check "a page with names" 0 sh -c "'$facet_exe' identify -q -m pack --html who.html three.png bob.png >/dev/null
    sed -n 's/<figcaption><span>\(.*\)<.small>.*/\1/p; s/^<p>//p' who.html" <<'END'
Bob</span><small>cosine 1.00, face 0.95
Eve</span><small>cosine 1.00, face 0.94
Ada</span><small>cosine 1.00, face 0.86
Bob</span><small>cosine 1.00, face 0.95
2 photos, 4 faces, 4 of them of 3 people.</header>
END
json "identify" 2 facet identify -m pack --json three.png empty.png

check "embeddings of another network" 3 facet identify -m other ada.png <<'END'
! facet: g.db: made with another network (ID-EMBEDDER) than the pack other has (ID-OTHER); embeddings of the two do not compare
END
check "nor may they be stored" 3 facet enroll Ada -m other ada2.jpg <<'END'
! facet: g.db: made with another network (ID-EMBEDDER) than the pack other has (ID-OTHER); embeddings of the two do not compare
END

check "rename" 0 facet rename Eve 'Eve Online' <<'END'
! Eve is now Eve Online
END
check "to a name that is taken" 2 facet rename Ada Bob <<'END'
! facet: Bob: somebody else has this name
END
check "nobody to rename" 1 facet rename Zoe Zora <<'END'
! facet: Zoe: nobody of this name in the gallery
END
check "remove asks" 2 sh -c "'$facet_exe' remove Bob </dev/null" <<'END'
! facet: Remove Bob with 2 faces? There is no terminal to ask on: add --yes
END
check "remove nobody" 1 facet remove -y Zoe <<'END'
! facet: Zoe: nobody of this name in the gallery
END
check "remove a face that is not there" 1 facet remove -y --face-id 99 <<'END'
! facet: face 99: not in the gallery
END
check "remove what?" 2 facet remove <<'END'
! facet: remove: either names or --face-id; usage: facet remove NAME... | --face-id ID
END
check "a name that is none" 2 facet enroll '' -m pack ada.png <<'END'
! facet: enroll: a name and at least one photo are needed; usage: facet enroll NAME PHOTO... | --folders DIR [--report FILE]
END

# many people at once
mkdir -p folk/Ada folk/Bob "folk/Eve O'Hara" folk/Nobody
cp ada.png ada2.jpg folk/Ada && cp bob.png folk/Bob && cp eve.webp "folk/Eve O'Hara"
check "folders" 0 facet enroll --folders folk -m pack -g folk.db <<'END'
Ada: folk/Ada/ada.png: stored as face 1
Ada: folk/Ada/ada2.jpg: stored as face 2
Bob: folk/Bob/bob.png: stored as face 3
Eve O'Hara: folk/Eve O'Hara/eve.webp: stored as face 4
! facet: warning: folk/Nobody: no pictures in this folder
! facet: warning: folk/Eve O'Hara/eve.webp: the face is blurred
! 4 photos, 4 new, 0 already there, 0 without a usable face
END
check "folders again" 0 facet enroll --folders folk -m pack -g folk.db --quiet <<'END'
Ada: folk/Ada/ada.png: already there as face 1
Ada: folk/Ada/ada2.jpg: already there as face 2
Bob: folk/Bob/bob.png: already there as face 3
Eve O'Hara: folk/Eve O'Hara/eve.webp: already there as face 4
END
check "all of them are known" 0 facet identify -m pack -g folk.db three.png <<'END'
three.png: 3 faces
  1  Bob         1.00  score 0.95  box 40,56 80x80
  2  Eve O'Hara  1.00  score 0.94  box 140,36 40x40
  3  Ada         1.00  score 0.86  box 200,104 80x80
END
check "folders without folders" 3 facet enroll --folders pack -m pack -g folk.db <<'END'
! facet: pack: no folders with pictures in it; 'enroll --folders' wants one folder a person
END
check "folders and a name" 2 facet enroll Ada --folders folk -m pack <<'END'
! facet: enroll: --folders takes names from the folders; 'Ada' is too much
END
check "a name without photos" 2 facet enroll Ada -m pack <<'END'
! facet: enroll: a name and at least one photo are needed; usage: facet enroll NAME PHOTO... | --folders DIR [--report FILE]
END

# folders with a report, by which a run that was stopped goes on
cp empty.png folk/Bob && echo "no picture" >folk/Ada/broken.png
short_report() { cut -d, -f1-4,8 "$1"; }
check "folders with a report" 3 facet enroll --folders folk -m pack -g report.db --report done.csv -q <<'END'
Ada: folk/Ada/ada.png: stored as face 1
Ada: folk/Ada/ada2.jpg: stored as face 2
Bob: folk/Bob/bob.png: stored as face 3
Eve O'Hara: folk/Eve O'Hara/eve.webp: stored as face 4
! facet: folk/Ada/broken.png: not a picture of a format that facet reads
! facet: folk/Bob/empty.png: not stored: no face
END
check "the report" 0 short_report done.csv <<'END'
file,person,result,face_id,why
folk/Ada/ada.png,Ada,stored,1,
folk/Ada/ada2.jpg,Ada,stored,2,
folk/Ada/broken.png,,unreadable,,folk/Ada/broken.png: not a picture of a format that facet reads
folk/Bob/bob.png,Bob,stored,3,
folk/Bob/empty.png,Bob,no face,,no face
folk/Eve O'Hara/eve.webp,Eve O'Hara,stored,4,blurred
END
on_windows || check "the page is for the user alone" 0 stat -c %a who.html <<'END'
600
END
on_windows || check "the report is for the user alone" 0 stat -c %a done.csv <<'END'
600
END
check "goes on: only what could not be read is tried again" 3 facet enroll --folders folk -m pack -g report.db --report done.csv <<'END'
! facet: warning: folk/Nobody: no pictures in this folder
! facet: folk/Ada/broken.png: not a picture of a format that facet reads
! 5 photos were done before
END
head -c -20 done.csv >cut.csv && mv cut.csv done.csv && cp bob.png folk/Ada/broken.png
check "a line that a kill cut off, and a photo that is whole now" 0 facet enroll --folders folk -m pack -g report.db --report done.csv <<'END'
Ada: folk/Ada/broken.png: stored as face 5
! facet: warning: folk/Nobody: no pictures in this folder
! facet: warning: folk/Ada/broken.png: the face is unlike the other photos of Ada (cosine -0.37)
! facet: warning: folk/Ada/broken.png: the face is like Bob (cosine 1.00)
! 5 photos were done before
END
facet remove Bob -y -q -g report.db >/dev/null 2>&1
check "somebody who has left the gallery is enrolled again" 0 facet enroll --folders folk -m pack -g report.db --report done.csv <<'END'
Bob: folk/Bob/bob.png: stored as face 6
! facet: warning: folk/Nobody: no pictures in this folder
! facet: warning: folk/Bob/bob.png: the face is like Ada (cosine 1.00)
! 5 photos were done before
END
check "nothing left to do" 0 facet enroll --folders folk -m pack -g report.db --report done.csv <<'END'
! facet: warning: folk/Nobody: no pictures in this folder
! 6 photos were done before
END
check "a report of another network" 3 facet enroll --folders folk -m other -g other.db --report done.csv <<'END'
! facet: warning: folk/Nobody: no pictures in this folder
! facet: done.csv: line 2: of another network (ID-EMBEDDER) than the pack's (ID-OTHER); begin another report
END
check "no report" 3 facet enroll --folders folk -m pack -g report.db --report ada.png <<'END'
! facet: warning: folk/Nobody: no pictures in this folder
! facet: ada.png: is not a report of 'facet enroll --folders'
END
check "a report of single photos" 2 facet enroll Ada ada.png -m pack -g report.db --report done.csv <<'END'
! facet: enroll: --report goes with --folders
END

# the gallery's file
echo "Dear diary, this is not a database at all, whatever its name may say" >text.db
head -c 5000 g.db >cut.db
mkdir folder.db
check "a text for a gallery" 3 facet people -g text.db <<'END'
! facet: text.db: damaged, or not a gallery; restore it from a copy (file is not a database)
END
check "a gallery cut off" 3 facet people -g cut.db <<'END'
! facet: cut.db: damaged, or not a gallery; restore it from a copy (database disk image is malformed)
END
# bytes of the header, of the table of contents and of the size of a page turned over
for at in 0 16 100 104; do
    cp g.db flipped.db
    printf '\377\377\377\377\377\377\377\377' | dd of=flipped.db bs=1 seek=$at conv=notrunc 2>/dev/null
    check "a gallery with wrong bytes at $at" 3 sh -c "'$facet_exe' people -g flipped.db 2>&1 | sed 's/; restore.*//'; '$facet_exe' people -g flipped.db 2>/dev/null" <<'END'
facet: flipped.db: damaged, or not a gallery
END
done
check "a folder for a gallery" 3 facet people -g folder.db <<'END'
! facet: folder.db: is a directory
END
check "a photo for a gallery" 3 facet enroll Ada -m pack -g ada.png ada2.jpg <<'END'
! facet: ada.png: damaged, or not a gallery; restore it from a copy (file is not a database)
END
check "the gallery's health" 0 sh -c "'$facet_exe' info -m pack | sed -n '/^gallery/,\$p'" <<'END'
gallery    g.db
  3 people, 6 faces, network ID-EMBEDDER
END
check "a sick gallery" 3 sh -c "'$facet_exe' info -m pack -g cut.db >/dev/null" <<'END'
! facet: cut.db: damaged, or not a gallery; restore it from a copy (database disk image is malformed)
END
check "a gallery in a folder to be made" 0 facet enroll -q Ada -m pack -g new/folder/g.db ada.png <<'END'
Ada: ada.png: stored as face 1
END
on_windows || check "the default place" 0 sh -c "unset FCT_GALLERY; '$facet_exe' enroll -q Ada -m pack ada.png; ls .local/share/facet/gallery.db" <<'END'
Ada: ada.png: stored as face 1
.local/share/facet/gallery.db
END

on_windows || check "blanks around a name are not part of it, and what it makes is for the user alone" 0 sh -c '
    '"$facet_exe"' enroll -m pack -g new/deep/p.db " Ada " ada.png && ls -ld new new/deep new/deep/p.db | cut -c1-10' <<'END'
Ada: ada.png: stored as face 1
drwx------
drwx------
-rw-------
END

check "no name: the first photo is not one" 2 facet enroll -m pack ada.png ada2.jpg <<'END'
! facet: enroll: 'ada.png' is a photo, and the name comes first; usage: facet enroll NAME PHOTO... | --folders DIR [--report FILE]
END
check "a name without quotes" 2 facet enroll -m pack Ada Lovelace ada.png <<'END'
! facet: enroll: there is no photo 'Lovelace'; a name of several words is written in quotes: 'Ada Lovelace'
END
facet enroll -q -m pack -g names.db Ada ada.png >.out
check "a new name is told as it is stored" 0 facet rename -g names.db Ada ' Eve  ' <<'END'
! Ada is now Eve
END
check "somebody else's face number" 2 facet remove -g names.db --face-id 1 <<'END'
! facet: Remove face 1 of Eve? There is no terminal to ask on: add --yes
END
check "of two numbers none is lost" 2 facet remove -g names.db --face-id 1 --face-id 2 --yes <<'END'
! facet: remove: --face-id is given twice; it takes one ID
END
check "the last face" 0 facet remove -g names.db --face-id 1 --yes <<'END'
! face 1 of Eve removed; it was the last
END
facet enroll -q -m pack -g names.db --collection staff Eve ada2.jpg >.out
check "a namesake stays" 2 facet people -g names.db --collection staff Eve --move-to default --set a=1 <<'END'
! facet: the collection default has somebody of this name; rename one of the two
END
check "a move is told" 0 undated people -g names.db --collection staff Eve --move-to guests <<'END'
    1 face   DATE  Eve  (in guests)
  face 2      DATE  score 0.86  quality 0.29  80x80  ada2.jpg
! Eve is in the collection guests now
END
check "namesakes are told apart" 0 undated people -g names.db <<'END'
    0 faces  DATE  Eve
    1 face   DATE  Eve  (in guests)
END
check "two options that contradict each other" 2 facet compare -m pack --face 1 --all-faces ada.png bob.png <<'END'
! facet: compare: --face and --all-faces contradict each other
END
cp ada.png only.png
check "a page over the photo" 2 facet identify -m pack -g names.db --html ./only.png only.png <<'END'
! facet: --html: './only.png' is one of the photos; name another file
END
check "embeddings over the photo" 2 facet embed -m pack --out only.png only.png <<'END'
! facet: --out: 'only.png' is one of the photos; name another file
END
check "the photo is whole" 0 cmp ada.png only.png <<'END'
END
check "a list of the nearest has no place in CSV" 2 facet identify -m pack -g names.db --csv --top 3 ada.png <<'END'
! facet: identify: --top has no place in --csv, which has a line per face; --json lists the nearest people
END
# Windows has no names with a blank at the end.
on_windows || { mkdir -p 'blanks/ Ada '; cp ada.png 'blanks/ Ada '; cp bob.png blanks; }
on_windows || check "a folder's name is told as it is stored, and a photo beside the folders" 0 facet enroll --folders blanks -m pack -g b.db --report b.csv <<'END'
Ada: blanks/ Ada /ada.png: stored as face 1
! facet: warning: blanks: 1 photo beside the folders is nobody's, and passed over
END
on_windows || check "and is done once" 0 facet enroll -q --folders blanks -m pack -g b.db --report b.csv <<'END'
END
check "help on an action" 0 sh -c "'$facet_exe' help gallery merge | head -1" <<'END'
facet gallery: check, copy, exchange, convert and protect the gallery
END
check "two outputs, one file" 2 facet detect -m pack --draw one.jpg --html one.jpg ada.png <<'END'
! facet: --draw and --html are both to write 'one.jpg'
END
check "a file's ending says the form" 0 sh -c "'$facet_exe' embed -m pack --out e.csv ada.png && '$facet_exe' embed -m pack --out e.npy ada.png && '$facet_exe' embed -m pack --json --out j.csv ada.png &&
    cut -c1-12 e.csv | head -1; cut -c2-6 e.npy | head -1; cut -c1-12 j.csv" <<'END'
0	1	ada.png
file,face,x1
NUMPY
{"schema": 1
END
check "a number in plain figures" 2 facet remove --face-id all <<'END'
! facet: remove: --face-id: 'all' is not a whole number from 1 to 9000000000000000
END
