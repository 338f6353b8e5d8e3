# detect, embed, compare.

check "one face" 0 facet detect -m pack ada.png <<'END'
ada.png: 1 face
  1  score 0.95  box 120,72 80x80
END
check "three faces, best first" 0 facet detect --models=pack three.png <<'END'
three.png: 3 faces
  1  score 0.95  box 40,56 80x80
  2  score 0.94  box 140,36 40x40
  3  score 0.86  box 200,104 80x80
END
check "no face" 1 facet detect -m pack empty.png <<'END'
empty.png: no face
END
check "no face in one of two" 0 facet detect -m pack empty.png ada.png <<'END'
empty.png: no face
ada.png: 1 face
  1  score 0.95  box 120,72 80x80
END
check "threads do not change the result" 0 facet detect -m pack -t1 three.png <<'END'
three.png: 3 faces
  1  score 0.95  box 40,56 80x80
  2  score 0.94  box 140,36 40x40
  3  score 0.86  box 200,104 80x80
END
check "the most valuable face" 0 facet detect -m pack -n1 three.png <<'END'
three.png: 1 face
  1  score 0.94  box 140,36 40x40
END
check "a higher threshold" 1 facet detect -m pack --det-thresh 0.99 three.png <<'END'
three.png: no face
END
check "one detection size" 0 facet detect -m pack --det-size 640 ada.png <<'END'
ada.png: 1 face
  1  score 0.95  box 120,72 80x80
END
check "the small face is lost at 128" 1 facet detect -m pack --det-size 128x128 small.png <<'END'
small.png: no face
END
check "JSON of a face" 0 facet detect --precision exact -m pack --json small.png <<'END'
{"schema": 1, "file": "small.png", "width": 320, "height": 240, "faces": [{"box": [150.00, 110.00, 170.00, 130.00], "score": 0.9266, "kps": [[158.10, 119.54], [161.88, 119.52], [160.00, 121.69], [158.45, 123.90], [161.58, 123.88]]}]}
END
check "JSON of no face" 1 facet detect --precision exact -m pack --json empty.png <<'END'
{"schema": 1, "file": "empty.png", "width": 320, "height": 240, "faces": []}
END
check "JSON of a missing file" 3 facet detect --precision exact -m pack --json gone.png ada.png <<'END'
{"schema": 1, "file": "gone.png", "error": "gone.png: no such file or folder"}
{"schema": 1, "file": "ada.png", "width": 320, "height": 240, "faces": [{"box": [120.00, 72.00, 200.00, 152.00], "score": 0.9509, "kps": [[152.41, 110.16], [167.51, 110.07], [160.01, 118.74], [153.81, 127.59], [166.31, 127.52]]}]}
! facet: gone.png: no such file or folder
END
json "detect" 3 facet detect --precision exact -m pack --json three.png 'gone"\.png' empty.png

# CSV and pages
check "faces as CSV" 0 facet detect --precision exact -m pack --csv three.png empty.png <<'END'
file,face,x1,y1,x2,y2,score,gender,age,pitch,yaw,roll
three.png,1,40.00,56.00,120.00,136.00,0.9509,,,,,
three.png,2,140.00,36.00,180.00,76.00,0.9438,,,,,
three.png,3,200.00,104.00,280.00,184.00,0.8631,,,,,
END
check "a pair as CSV" 1 facet compare --precision exact -m pack --csv ada.png bob.png <<'END'
file_a,face_a,file_b,face_b,cosine,threshold,same
ada.png,1,bob.png,1,-0.369925,0.4000,false
END
check "one format" 2 facet detect -m pack --csv --json ada.png <<'END'
! facet: detect: --json and --csv contradict each other
END
marked='<b>&"3.png' escaped='&lt;b&gt;&amp;&quot;3.png'
# Windows allows one letter alone of those that a page must escape.
! on_windows || marked='&3.png' escaped='&amp;3.png'
cp three.png "$marked"
check "a page" 3 facet detect -q -m pack --html page.html "$marked" gone.png <<END
$marked: 3 faces
  1  score 0.95  box 40,56 80x80
  2  score 0.94  box 140,36 40x40
  3  score 0.86  box 200,104 80x80
! facet: gone.png: no such file or folder
END
check "has four pictures in it, and no other address" 0 sh -c '
    grep -o "src=.data:image/jpeg;base64," page.html | wc -l; grep -ciE "https?:|url\(|<script" page.html
    sed -n "s/<section><h2>//p; s/^<header>//p" page.html | cut -c1-70; sed -n "s/<p>\(1 photo.*\)/\1/p" page.html' <<END
4
0
$escaped <small>3 faces</small></h2>
gone.png</h2>
<h1>Faces in photos</h1>
1 photo, 3 faces; 1 file could not be read.</header>
END
check "a page's first picture is the drawn photo" 0 sh -c "
    sed -n 's/.*base64,\([^\"]*\).*/\1/p' page.html | head -1 | base64 -d >first.jpg
    '$facet_exe' detect -q -m pack --det-thresh 0.4 first.jpg | head -1" <<'END'
first.jpg: 3 faces
END
rm "$marked"

# drawing and crops
check "draw one photo" 0 facet detect -q -m pack ada.png --draw drawn.jpg <<'END'
ada.png: 1 face
  1  score 0.95  box 120,72 80x80
END
check "the drawn photo is a photo" 0 facet detect -m pack --det-thresh 0.4 drawn.jpg <<'END'
drawn.jpg: 1 face
  1  score 0.95  box 240,144 160x160
END
check "draw several into a folder" 0 facet detect -m pack ada.png ada2.jpg --draw marked <<'END'
ada.png: 1 face
  1  score 0.95  box 120,72 80x80
ada2.jpg: 1 face
  1  score 0.86  box 56,104 80x80
END
check "named as the photos are" 0 ls marked <<'END'
ada.png
ada2.jpg
END
check "several into one file" 2 facet detect -m pack ada.png bob.png --draw marked.jpg <<'END'
! facet: --draw: several photos are drawn into a folder, and 'marked.jpg' is named like a file
END
check "no picture's ending" 2 facet detect -m pack ada.png --draw marked.gif <<'END'
! facet: --draw: 'marked.gif' does not end in .jpg, .png or .webp (for a folder, end it in /)
END
check "never over the photo" 3 facet detect -m pack ada.png --draw ./ada.png <<'END'
ada.png: 1 face
  1  score 0.95  box 120,72 80x80
! facet: ./ada.png: --draw would overwrite the photo itself; name another place
END
check "crops" 0 facet detect -q -m pack three.png --crop-dir crops <<'END'
three.png: 3 faces
  1  score 0.95  box 40,56 80x80
  2  score 0.94  box 140,36 40x40
  3  score 0.86  box 200,104 80x80
END
check "a crop a face" 0 ls crops <<'END'
three-1.jpg
three-2.jpg
three-3.jpg
END

# compare
check "same person" 0 facet compare --precision exact -m pack bob.png bob2.png <<'END'
same person: cosine 0.971, threshold 0.40
END
check "different people" 1 facet compare --precision exact -m pack ada.png bob.png <<'END'
different people: cosine -0.370, threshold 0.40
END
check "threshold" 0 facet compare --precision exact -m pack --threshold -1 ada.png bob.png <<'END'
same person: cosine -0.370, threshold -1.00
END
check "several faces" 0 facet compare --precision exact -m pack bob.png three.png <<'END'
same person: cosine 1.000, threshold 0.40
! facet: warning: three.png: 3 faces; the largest is compared
END
check "a chosen face" 2 facet compare --precision exact -m pack --face 0 ada.png three.png <<'END'
! facet: compare: --face: '0' is not a whole number from 1 to 1000000
END
check "a face that is not there" 1 facet compare --precision exact -m pack --face 3 three.png bob.png <<'END'
! facet: bob.png: no face 3, there is 1
END
check "the most similar pair" 0 facet compare --precision exact -m pack --all-faces ada.png three.png <<'END'
same person: cosine 0.962, threshold 0.40
END
check "no face to compare" 1 facet compare --precision exact -m pack ada.png empty.png <<'END'
! facet: empty.png: no face
END
check "two photos are needed" 2 facet compare --precision exact -m pack ada.png <<'END'
! facet: compare: too few arguments; usage: facet compare PHOTO PHOTO
END
check "not more" 2 facet compare --precision exact -m pack ada.png bob.png eve.webp <<'END'
! facet: compare: unexpected argument 'eve.webp'; usage: facet compare PHOTO PHOTO
END
check "a pair in a picture" 0 facet compare --precision exact -m pack -d pair.png bob.png bob2.png <<'END'
same person: cosine 0.971, threshold 0.40
END
json "compare" 1 facet compare --precision exact -m pack --json ada.png bob.png

# embed
json "embeddings" 2 facet embed -m pack --json ada.png three.png
check "CSV" 0 sh -c "'$facet_exe' embed -m pack -f csv three.png | cut -d, -f1-7" <<'END'
file,face,x1,y1,x2,y2,score
three.png,1,40.00,56.00,120.00,136.00,0.9509
three.png,2,140.00,36.00,180.00,76.00,0.9438
three.png,3,200.00,104.00,280.00,184.00,0.8631
END
check "NumPy" 0 facet embed -m pack -f npy -o e.npy three.png ada.png <<'END'
0	1	three.png
1	2	three.png
2	3	three.png
3	1	ada.png
END
check "header and size of the NumPy file" 0 sh -c "head -c 128 e.npy | tail -c +11 | tr -s ' '; wc -c <e.npy" <<'END'
{'descr': '<f4', 'fortran_order': False, 'shape': (4, 64), } 
1152
END
check "no part is left" 0 sh -c 'ls e.npy*' <<'END'
e.npy
END
check "normalized" 0 sh -c "'$facet_exe' embed -m pack -f csv --normalize ada.png | tail -1 | tr , '\n' | tail -n +8 |
    awk '{ s += \$1 * \$1 } END { printf \"%d numbers, length %.5f\n\", NR, sqrt(s) }'" <<'END'
64 numbers, length 1.00000
END
check "no face to embed" 1 facet embed -m pack empty.png <<'END'
{"schema": 1, "file": "empty.png", "width": 320, "height": 240, "model": "ID-EMBEDDER", "faces": []}
! facet: warning: empty.png: no face
END
check "NumPy needs a file" 2 facet embed -m pack -f npy ada.png <<'END'
! facet: embed: --format npy needs --out FILE
END
