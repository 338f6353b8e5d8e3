# facet blur: whom, how, where to; what is left of the file.

export FCT_GALLERY=g.db
mkdir -p party
cp ada.png bob.png party
cp ada2.jpg three.jpg
# an APP1 segment with EXIF (orientation 1) and a text, behind the first two bytes
{
    head -c 2 ada2.jpg
    printf '\377\341\0\070Exif\0\0II*\0\010\0\0\0\001\0\022\001\003\0\001\0\0\0\001\0\0\0\0\0\0\0SECRET-PLACE-AND-TIME..'
    tail -c +3 ada2.jpg
} >tagged.jpg

check "nowhere to write" 2 facet blur -m pack ada.png <<'END'
! facet: blur: either --draw OUT or --in-place says where the photos are written
END
check "two answers to whom" 2 facet blur -m pack --blur all --keep Ada --draw out.png ada.png <<'END'
! facet: blur: --blur and --keep are two answers to whom to cover
END
check "all" 0 facet blur -m pack --det-thresh 0.5 --tile 0 --det-size auto --draw out.png ada.png <<'END'
ada.png: 1 face, 1 covered, written to out.png
END
check "nobody is found where a face is covered" 1 facet detect -m pack out.png <<'END'
out.png: no face
END
check "the photo itself is not written over" 3 facet blur -m pack --det-size auto --tile 0 --draw ada.png ada.png <<'END'
! facet: ada.png: --draw would overwrite the photo itself; name another place
END
check "a folder, as boxes" 0 facet blur -m pack --det-size auto --tile 0 --cover box --draw covered party <<'END'
party/ada.png: 1 face, 1 covered, written to covered/ada.png
party/bob.png: 1 face, 1 covered, written to covered/bob.png
END
check "metadata is there" 0 grep -c -a SECRET tagged.jpg <<'END'
1
END
check "in place" 0 facet blur -m pack --det-size auto --tile 0 --in-place --cover pixels tagged.jpg <<'END'
tagged.jpg: 1 face, 1 covered, written to tagged.jpg
END
check "metadata is gone" 1 grep -c -a SECRET tagged.jpg <<'END'
0
END
check "and the face" 1 facet detect -m pack tagged.jpg <<'END'
tagged.jpg: no face
END
check "nobody is enrolled" 3 facet blur -m pack --keep Ada --draw out.png ada.png <<'END'
! facet: g.db: no such gallery; 'facet enroll' makes one
END
facet enroll Ada -m pack ada.png >/dev/null
check "an unknown name" 1 facet blur -m pack --keep Eve --draw out.png ada.png <<'END'
! facet: Eve: nobody of this name in the gallery
END
check "all but Ada" 0 facet blur -m pack --det-size auto --tile 0 --keep Ada --draw kept party <<'END'
party/ada.png: 1 face, 0 covered, written to kept/ada.png
party/bob.png: 1 face, 1 covered, written to kept/bob.png
END
check "who is unknown" 0 facet blur -m pack --det-size auto --tile 0 --blur unknown --draw kept2 party <<'END'
party/ada.png: 1 face, 0 covered, written to kept2/ada.png
party/bob.png: 1 face, 1 covered, written to kept2/bob.png
END
check "Ada, and who may be Ada" 0 facet blur -m pack --det-size auto --tile 0 --blur Ada --draw kept3 party <<'END'
party/ada.png: 1 face, 1 covered, written to kept3/ada.png
party/bob.png: 1 face, 1 covered, written to kept3/bob.png
END
