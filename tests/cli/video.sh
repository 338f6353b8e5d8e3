# video and camera, on the scene of tests/tools/video_tool.c: Bob all the time,
# Ada from frame 10 to 49, Eve, who is not enrolled, from 20 to 39.

export FCT_GALLERY=g.db
facet enroll Ada -q -m pack ada.png >/dev/null
facet enroll Bob -q -m pack bob.png >/dev/null
"$video_tool" make scene.mp4 || exit 1
watch() { facet video -m pack --det-size 320x320 "$@"; }
tool() { "$video_tool" "$@"; }

cat >events <<'END'
  0:00.0  appeared   #1
  0:00.0  recognized #1  Bob  0.94
  0:00.4  appeared   #2
  0:00.5  recognized #2  Ada  0.92
  0:00.8  appeared   #3
  0:02.4  left       #1  Bob  0.92
  0:02.0  left       #2  Ada  0.89
  0:01.6  left       #3

Bob                     2.4 s  0:00.0-0:02.4
Ada                     1.6 s  0:00.4-0:02.0
unknown #3              0.8 s  0:00.8-0:01.6
END
# Compression differs from encoder to encoder, and with it the last digit of scores.
rough() { sed -E 's/  [01]\.[0-9]{2}$/  SCORE/' "$1"; }
rough events >.events
told() { "$@" >.told 2>.told-err; code=$?; rough .told; cat .told-err >&2; return $code; }
same_events() { name=$1; shift; check "$name" "$@" <.events; }

same_events "events and times of presence" 0 told watch scene.mp4
same_events "by one thread, one frame after the other" 0 told watch -t 1 scene.mp4
same_events "by more threads than frames are read ahead" 0 told watch -t 12 scene.mp4
same_events "all outputs" 0 told watch --events e.jsonl --record named.mp4 --sheet who.html --snapshot-dir snaps scene.mp4
json "events as JSON" 8 cat e.jsonl
check "events to the frame" 0 sed -E 's/, "score".*//' e.jsonl <<'END'
{"schema": 1, "event": "appeared", "track": 1, "time": 0.000, "frame": 0, "name": null
{"schema": 1, "event": "recognized", "track": 1, "time": 0.000, "frame": 0, "name": "Bob"
{"schema": 1, "event": "appeared", "track": 2, "time": 0.400, "frame": 10, "name": null
{"schema": 1, "event": "recognized", "track": 2, "time": 0.480, "frame": 12, "name": "Ada"
{"schema": 1, "event": "appeared", "track": 3, "time": 0.800, "frame": 20, "name": null
{"schema": 1, "event": "left", "track": 1, "time": 2.360, "frame": 59, "name": "Bob"
{"schema": 1, "event": "left", "track": 2, "time": 1.960, "frame": 49, "name": "Ada"
{"schema": 1, "event": "left", "track": 3, "time": 1.560, "frame": 39, "name": null
END
json "JSON on standard output" 8 watch --json scene.mp4
check "the recorded video has every frame at its time" 0 tool count named.mp4 <<'END'
60 frames of 320x240, the last at 2.36 s
END
check "snapshots of who came and who was recognized" 0 sh -c 'ls snaps | sed -E "s/-[0-9]{8}T[0-9]{6}Z/-DATE/" | sort -u' <<'END'
facet-DATE-1-Bob.jpg
facet-DATE-2-Ada.jpg
facet-DATE-3-unknown.jpg
END
check "a snapshot is a picture of the face" 0 sh -c "'$facet_exe' detect -m pack --json snaps/*-Ada.jpg | grep -o '\"width.*height[^,]*' | sort -u" <<'END'
"width": 160, "height": 160
END

# the page
check "the page names everybody, the known first" 0 sh -c "grep -o '<h2>[^<]*' who.html" <<'END'
<h2>Bob 
<h2>Ada 
<h2>unknown #3 
END
check "its pictures are in it, nothing else is loaded" 0 sh -c "grep -o 'src=\"[^,]*,' who.html; grep -ciE 'https?:|<script|<link|url\(|@import' who.html || true" <<'END'
src="data:image/jpeg;base64,
src="data:image/jpeg;base64,
src="data:image/jpeg;base64,
0
END
on_windows || cp scene.mp4 '<b>&"x.mp4' # no name there
on_windows || check "a title cannot be markup" 0 sh -c "'$facet_exe' video -q -m pack --det-size 320x320 --sheet odd.html '<b>&\"x.mp4' >/dev/null
    grep -o '<title>.*</title>' odd.html" <<'END'
<title>&lt;b>&amp;&quot;x.mp4</title>
END


# other sources
mkdir shots
tool pictures shots
same_events "a folder of pictures" 0 told watch shots
same_events "numbered pictures, recorded" 0 told watch --record shots.mp4 'shots/img_%03d.png'
check "as many frames as pictures" 0 tool count shots.mp4 <<'END'
60 frames of 320x240, the last at 2.36 s
END
same_events "raw frames from a pipe" 0 told sh -c "'$video_tool' raw | '$facet_exe' video -m pack --det-size 320x320 --frame-size 320x240 -"
check "of half the rate" 0 sh -c "'$video_tool' raw | '$facet_exe' video -q -m pack --det-size 320x320 --frame-size 320x240 --fps 12.5 - |
    grep appeared" <<'END'
  0:00.0  appeared   #1
  0:00.8  appeared   #2
  0:01.6  appeared   #3
END
check "a pipe of unknown size" 2 watch - <<'END'
! facet: raw frames on standard input: their size must be given
END
check "a pipe that is cut off" 3 sh -c "'$video_tool' raw | head -c 1000000 | '$facet_exe' video -m pack --det-size 320x320 --frame-size 320x240 - 2>&1 |
    grep -v Bob; '$video_tool' raw | head -c 1000000 | '$facet_exe' video -m pack --frame-size 320x240 - >/dev/null 2>&1" <<'END'
  0:00.0  appeared   #1
facet: standard input: frame 4 is cut off: 78400 of 230400 bytes

END
same_events "the camera command in the terminal" 0 told facet camera -m pack --det-size 320x320 --terminal --sheet camera.html scene.mp4
check "no camera" 3 facet camera -m pack --terminal /dev/video99 <<'END'
! facet: /dev/video99: cannot open this camera: No such file or directory
END
check "stop after a second" 0 sh -c "'$facet_exe' video -m pack --det-size 320x320 --stop-after 1 scene.mp4 | grep '^Bob'" <<'END'
Bob                     1.0 s  0:00.0-0:01.0
END
check "each third frame searched" 0 sh -c "'$facet_exe' video -m pack --det-size 320x320 --every 3 scene.mp4 | tail -3 | cut -d' ' -f1 | sort" <<'END'
Ada
Bob
unknown
END

# blur: who is made unrecognizable at frame 30
seen() {
    watch -q --blur "$1" --record blurred.mp4 scene.mp4 >/dev/null || echo "exit code $?"
    echo "Ada $(tool look blurred.mp4 30 80 24 80 80), Bob $(tool look blurred.mp4 30 160 136 80 80)," \
        "Eve $(tool look blurred.mp4 30 232 24 80 80)"
}
check "nobody" 0 sh -c "'$video_tool' look named.mp4 30 80 24 80 80; '$video_tool' look named.mp4 30 232 24 80 80" <<'END'
sharp
sharp
END
check "all" 0 seen all <<'END'
Ada destroyed, Bob destroyed, Eve destroyed
END
check "the unknown" 0 seen unknown <<'END'
Ada sharp, Bob sharp, Eve destroyed
END
check "one person" 0 seen Bob <<'END'
Ada sharp, Bob destroyed, Eve sharp
END
check "from the first frame on, while nothing is decided" 0 sh -c "for i in 0 1 2 3; do
    '$video_tool' look blurred.mp4 \$i \$((220 - 2 * i)) 136 80 80; done" <<'END'
destroyed
destroyed
destroyed
destroyed
END
tool missed missed.mp4
watch -q --record shown.mp4 missed.mp4 >shown.txt
watch -q --blur unknown --record covered.mp4 missed.mp4 >covered.txt
looks() { for i in 5 8 12 25 27 29 40 50 53; do echo "$i $(tool look "$1" $i $((40 + 2 * i)) 24 80 80)"; done; }
check "what the detector misses, not covered" 0 looks shown.mp4 <<'END'
5 sharp
8 sharp
12 sharp
25 sharp
27 sharp
29 sharp
40 sharp
50 sharp
53 sharp
END
check "is covered from before the first to after the last sighting" 0 looks covered.mp4 <<'END'
5 destroyed
8 destroyed
12 destroyed
25 destroyed
27 destroyed
29 destroyed
40 destroyed
50 destroyed
53 destroyed
END
check "and no frame is lost by waiting" 0 tool count covered.mp4 <<'END'
60 frames of 320x240, the last at 2.36 s
END
check "no pictures of hidden faces" 0 sh -c "'$facet_exe' video -q -m pack --det-size 320x320 --blur unknown --snapshot-dir hidden --sheet hidden.html \
    scene.mp4 >/dev/null; ls hidden | sed 's/.*Z-//' | sort -u; grep -c 'src=' hidden.html" <<'END'
1-Bob.jpg
2-Ada.jpg
2
END
cp scene.mp4 only.mp4
for option in --record --events --sheet; do
    check "$option over the video" 2 watch $option ./only.mp4 only.mp4 <<END
! facet: $option: './only.mp4' is the video itself; name another file
END
done
check "the video is whole" 0 cmp scene.mp4 only.mp4 <<'END'
END
check "two outputs, one file" 2 watch --events both --sheet both scene.mp4 <<'END'
! facet: --events and --sheet are both to write 'both'
END
check "covered, and shown nowhere" 2 watch --blur all scene.mp4 <<'END'
! facet: video: --blur is about what --record, --sheet or --snapshot-dir writes, and none is given
END
check "days of no snapshots" 2 watch --keep-days 3 scene.mp4 <<'END'
! facet: --keep-days is about the snapshots of --snapshot-dir, which is not given
END
check "nobody of that name" 2 watch --blur Zoe --record b.mp4 scene.mp4 <<'END'
! facet: --blur: there is no 'Zoe' in the gallery; unknown, all or a person's name is needed
END

# identity: three people at one place with hard cuts; Eve, the second, is not enrolled
tool cuts cuts.mp4 || exit 1
same() { name=$1; shift; rough - >.events; check "$name" "$@" <.events; }
same "a name does not outlive a cut" 0 told watch cuts.mp4 <<'END'
  0:00.0  appeared   #1
  0:00.0  recognized #1  Ada  0.94
  0:01.0  appeared   #2
  0:01.0  left       #1  Ada  0.94
  0:02.0  appeared   #3
  0:02.1  recognized #3  Bob  0.94
  0:02.0  left       #2
  0:03.0  left       #3  Bob  0.94

Ada                     1.0 s  0:00.0-0:01.0
unknown #2              1.0 s  0:01.0-0:02.0
Bob                     1.0 s  0:02.0-0:03.0
END
check "who follows her is blurred from his first frame on" 0 sh -c "'$facet_exe' video -q -m pack --det-size 320x320 --blur unknown --record c.mp4 cuts.mp4 >/dev/null
    for i in 10 25 26 40 49 53; do '$video_tool' look c.mp4 \$i 232 24 80 80; done" <<'END'
sharp
destroyed
destroyed
destroyed
destroyed
sharp
END
tool one one.mp4
same "a video of one frame" 0 told watch one.mp4 <<'END'
  0:00.0  appeared   #1
  0:00.0  recognized #1  Ada  0.94
  0:00.0  left       #1  Ada  0.94

Ada                     0.0 s  0:00.0-0:00.0
END
mkdir slides
tool slides slides
check "photos as a video: three people in turns" 0 sh -c "'$facet_exe' video -m pack --det-size 320x320 slides | sed -n '/appeared/p' | wc -l | tr -d ' '" <<'END'
3
END

# retention
mkdir old
for f in facet-20200101T000000Z-1-Ada.jpg facet-notes.txt facet-holiday.jpg; do cp ada.png old/$f; touch -d '10 days ago' old/$f; done
cp ada.png old/facet-20990101T000000Z-1-Ada.jpg
touch -d '6 days ago' old/facet-20990101T000000Z-1-Ada.jpg
check "a week is kept, and what others have put there" 0 sh -c "'$facet_exe' video -q -m pack --det-size 320x320 --snapshot-dir old --keep-days 7 \
    --stop-after 0.1 scene.mp4 >/dev/null; ls old | sed -E 's/-20[2-8][0-9]{5}T/-NOW-T/; s/T[0-9]{6}Z-1-(Bob|unknown)/T-\1/' | uniq" <<'END'
facet-NOW-T-Bob.jpg
facet-20990101T000000Z-1-Ada.jpg
facet-holiday.jpg
facet-notes.txt
END

# damage
head -c 3000 scene.mp4 >short.mp4
check "cut off" 3 sh -c "'$facet_exe' video -m pack short.mp4 2>&1 >/dev/null; code=\$?; exit \$code" <<'END'
facet: short.mp4: cannot open this video: Invalid data found when processing input
END
echo 'not a video' >text.mp4
check "not a video" 3 watch text.mp4 <<'END'
! facet: text.mp4: this is a text file, not a video
END
: >nothing.mp4
check "an empty file" 3 watch nothing.mp4 <<'END'
! facet: nothing.mp4: the file is empty
END
# A second of silence: 8000 bytes of 8 bits.
{ printf 'RIFF\144\037\000\000WAVEfmt \020\000\000\000\001\000\001\000\100\037\000\000\100\037\000\000\001\000\010\000data\100\037\000\000'
    head -c 8000 /dev/zero; } >silence.wav
on_windows || check "sound alone" 3 watch silence.wav <<'END'
! facet: silence.wav: no video track in it
END
check "RTSP over TLS, which FFmpeg does not verify" 3 watch rtsps://user:secret@127.0.0.1:9/x <<'END'
! facet: rtsps://127.0.0.1:9/x: FFmpeg does not verify the certificates of rtsps; it is opened only where that is allowed (insecure)
END
if command -v ffmpeg >/dev/null; then
    for kind in mkv webm; do
        codec=copy
        [ $kind = webm ] && codec=vp8
        ffmpeg -v error -i scene.mp4 -f lavfi -i sine=d=2.4 -c:v $codec -b:v 2M -g 5 -cluster_time_limit 200 whole.$kind 2>/dev/null || continue
        check "a whole $kind" 0 sh -c "'$facet_exe' video -q -m pack --det-size 320x320 whole.$kind >/dev/null" </dev/null
        head -c $(($(wc -c <whole.$kind) * 55 / 100)) whole.$kind >cut.$kind
        check "cut off, $kind" 3 sh -c "'$facet_exe' video -q -m pack --det-size 320x320 cut.$kind 2>&1 >/dev/null | sed -E 's/[0-9.]+ s/N s/g; s/; [0-9]+/; N/'
            '$facet_exe' video -q -m pack cut.$kind >/dev/null 2>&1" <<END
facet: cut.$kind: cut off: the last N s of N s are missing; N frames were read
END
    done
    check "a recording has no sound, and that is said" 0 sh -c "'$facet_exe' video -m pack --det-size 320x320 --stop-after 0.2 --record soundless.mp4 whole.mkv 2>&1 >/dev/null | grep sound" <<'END'
the sound of whole.mkv is not kept in soundless.mp4
END
fi
check "no such video" 3 watch gone.mp4 <<'END'
! facet: gone.mp4: cannot open this video: No such file or directory
END
# Noise over a tenth of the file, well before the index at its end.
size=$(wc -c <scene.mp4)
{ head -c $((size / 3)) scene.mp4; head -c $((size / 10)) /dev/zero | tr '\0' '\377'; tail -c +$((size / 3 + size / 10 + 1)) scene.mp4; } >noisy.mp4
check "damaged in the middle: what is left is used" 3 sh -c "'$facet_exe' video -m pack --det-size 320x320 --record rest.mp4 noisy.mp4 >out.txt 2>err.txt
    code=\$?; sed -E 's/[0-9.]+/N/g' err.txt; grep -c 'appeared' out.txt; '$video_tool' count rest.mp4 | sed -E 's/^[0-9]+//'; exit \$code" <<'END'
facet: noisyNmpN: N damaged parts, the first near N s; N frames were read
2
 frames of 320x240, the last at 2.36 s
END
cp empty.png nobody.png
mkdir blank
cp empty.png blank/1.png
cp empty.png blank/2.png
check "nobody appears" 1 watch blank <<'END'
END
check "a record that cannot be written" 3 watch -q --record gone/x.mp4 shots <<'END'
  0:00.0  appeared   #1
  0:00.0  recognized #1  Bob  0.88
  0:00.0  left       #1  Bob  0.88

Bob                     0.0 s  0:00.0-0:00.0
! facet: gone/x.mp4: cannot write this video: No such file or directory
END
check "frame size" 2 watch --frame-size 320 scene.mp4 <<'END'
! facet: --frame-size '320' is not WIDTHxHEIGHT
END

# libraries that are loaded when needed: files that are none stand for missing ones
mkdir missing
for major in $(seq 50 90); do : >missing/libavformat.so.$major; done
: >missing/libSDL2-2.0.so.0
without() {
    LD_LIBRARY_PATH=missing "$facet_exe" "$@" >.out1 2>.err1
    code=$?
    sed -E 's/(so\.|libavformat)[0-9]+/\1N/g' .out1
    sed -E 's/(so\.|libavformat)[0-9]+/\1N/g' .err1 >&2
    return $code
}
on_windows || check "FFmpeg is missing" 3 without video -m pack scene.mp4 <<'END'
! facet: scene.mp4: FFmpeg's libavformat.so.N is missing or older than what facet was built with (Debian package libavformatN); everything but videos works without it
END
check "pictures without FFmpeg" 0 without detect -m pack ada.png <<'END'
ada.png: 1 face
  1  score 0.95  box 120,72 80x80
END
check "a folder of pictures without FFmpeg" 1 without video -m pack blank <<'END'
END
on_windows || check "the doctor knows what is missing" 0 sh -c "LD_LIBRARY_PATH=missing '$facet_exe' doctor -m pack | grep -cE '^ok   (video +no video: FFmpeg|window +no window: )'" <<'END'
2
END

# progress, shown to terminals alone
if command -v script >/dev/null && ! on_windows; then
    check "progress with time left" 0 sh -c "script -qec \"'$facet_exe' video -m pack --det-size 320x320 scene.mp4\" /dev/null </dev/null | tr '\r' '\n' |
        grep -oE '^[0-9]+ of 60 frames, [0-9]+ %, [0-9.]+ frames/s, [0-9]+ s left' | sed -E 's/[0-9.]+/N/g' | sort -u" <<'END'
N of N frames, N %, N frames/s, N s left
END
fi
