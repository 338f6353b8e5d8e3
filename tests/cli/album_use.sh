# album people, find, like, sort, tags, report. The whole way is gone by library_test.py.

export FCT_ALBUM=a.db
mkdir -p photos/more
cp ada.png photos/a.png; cp ada2.jpg photos/ada2.jpg; cp bob.png photos/more/a.png
{ cat bob.png; printf x; } >photos/more/bob2.png
touch -d 2019-05-03T10:00:00 photos/a.png; touch -d 2020-01-02T10:00:00 photos/ada2.jpg
touch -d 2021-12-31T23:00:00 photos/more/a.png; touch -d 2022-01-01T01:00:00 photos/more/bob2.png
here() { sed "s#$PWD/##g; s#Z:##g"; } # Z: is where Wine shows the files of this machine
run() { "$facet_exe" "$@" >.raw 2>.raw_err; code=$?; here <.raw; here <.raw_err >&2; return $code; }

check "nobody yet" 3 facet album people <<'END'
! facet: a.db: no such album; 'facet album scan FOLDER' makes one
END
"$facet_exe" album scan -q -m pack photos >/dev/null 2>&1
check "people without names" 0 facet album people <<'END'
     #1  not named     2 photos  2019-05-03 to 2020-01-02
     #2  not named     2 photos  2021-12-31 to 2022-01-01
END
"$facet_exe" album name 1 Ada >/dev/null 2>&1
"$facet_exe" album name 2 'B/B' >/dev/null 2>&1
check "people" 0 facet album people <<'END'
     #1  Ada           2 photos  2019-05-03 to 2020-01-02
     #2  B/B           2 photos  2021-12-31 to 2022-01-01
END
"$facet_exe" album name Ada 'Jörg 太郎, one with a longer name' >/dev/null 2>&1
check "people in columns" 0 facet album people <<'END'
     #2  B/B                                   2 photos  2021-12-31 to 2022-01-01
     #1  Jörg 太郎, one with a longer name     2 photos  2019-05-03 to 2020-01-02
END
case $("$facet_exe" info) in
*unicode*) check "an accent of its own" 0 run album find "$(printf 'Jo\314\210rg') 太郎, one with a longer name" --to 2019 <<'END'
photos/a.png
END
esac
"$facet_exe" album undo >/dev/null 2>&1
check "names for completion" 0 facet help names album <<'END'
Ada
B/B
END
tab=$(printf 'a\tb'); mkdir "photos/$tab"; printf y | cat bob.png - >"photos/$tab/c.png"
touch -d 2022-01-01T02:00:00 "photos/$tab/c.png"
on_windows || { # no such name there
    "$facet_exe" album scan -q -m pack >/dev/null 2>&1
    check "a path as it is" 0 run album find B/B --from 2022 <<END
photos/more/bob2.png
photos/$tab/c.png
END
    null() { run "$@" | tr '\0' '@'; echo; }
    check "paths that end in NUL" 0 null album find B/B --from 2022 --null <<END
photos/more/bob2.png@photos/$tab/c.png@
END
}
rm -r "photos/$tab"; "$facet_exe" album scan -q -m pack >/dev/null 2>&1
check "find" 0 run album find Ada <<'END'
photos/a.png
photos/ada2.jpg
END
check "find two people" 1 run album find Ada --with B/B <<'END'
! no photo
END
check "find nobody" 1 run album find Eve <<'END'
! facet: nobody in the album is called Eve ('facet album people' lists everybody)
END
check "a day counts whole" 0 run album find --from 2021-12-31 --to 2021-12-31 <<'END'
photos/more/a.png
END
check "a year" 0 run album find --to 2021 B/B <<'END'
photos/more/a.png
END
check "no date" 2 run album find --from 2021-02-30 <<'END'
! facet: --from 2021-02-30: a date is 2024, 2024-05 or 2024-05-17
END
check "like" 0 run album like -m pack --top 1 ada.png <<'END'
1.00  photos/a.png  (Ada)
END
check "like nobody" 1 run album like -m pack eve.webp <<'END'
! nobody like that
END
check "another network" 3 run album like -m other ada.png <<'END'
! facet: a.db: its faces were embedded by another network
END
check "sort how" 2 run album sort out <<'END'
! facet: album sort: say how: --copy, --link (symbolic links) or --hard-link
END
check "sort" 0 run album sort out --copy <<'END'
Ada: 2 photos, 2 new
B/B: 2 photos, 2 new
! out: 4 photos of 2 people, 4 new
END
check "what is there" 0 sh -c "find out -type f -printf '%p %TY\n' | sort" <<'END'
out/Ada/a.png 2019
out/Ada/ada2.jpg 2020
out/B_B/a.png 2021
out/B_B/bob2.png 2022
END
check "sort again" 0 run album sort out --copy <<'END'
! out: 4 photos of 2 people, 0 new
END
# Wine makes no links, and Windows none for everybody.
on_windows || check "sort into the library" 0 run album sort photos/out --link <<'END'
Ada: 2 photos, 2 new
B/B: 2 photos, 2 new
! facet: warning: photos/out is inside photos, which is scanned: the next scan will find these photos too
! photos/out: 4 photos of 2 people, 4 new
END
rm -rf photos/out
check "tags which way" 2 run album tags <<'END'
! facet: album tags: say which: --write or --read
END
check "tags read in place" 2 run album tags --read --in-place <<'END'
! facet: album tags: --in-place goes with --write
END
printf '[ada2.jpg]\nfaces=rect64(00000000ffffffff),1;rect64(0000000008000800),2\n[Contacts2]\n1=Ada\n2=Grace\n' >photos/.picasa.ini
check "tags read" 0 run album tags --read <<'END'
4 files: 0 faces named, 2 regions kept where no face was found
END
check "undone" 0 run album undo <<'END'
! undone: read tags
END
check "report" 0 run album report pages <<'END'
! pages/index.html: 2 people
END
check "report again" 0 run album report pages <<'END'
! pages/index.html: 2 people
END
mkdir mine; echo mine >mine/index.html
check "somebody's folder" 3 run album report mine <<'END'
! facet: mine: is there already and is no report; name a new folder
END
json "as JSON" 6 sh -c "for a in people 'find Ada' 'sort out --copy' 'tags --read' 'report pages' 'like -m pack ada.png'; do '$facet_exe' album \$a --json; done"
