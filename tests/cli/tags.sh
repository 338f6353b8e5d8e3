# tags: what other programs say of a photo. XMP is compared with exiftool's in tags_test.py.

check "no photo" 2 facet tags <<'END'
! facet: no photos were named
END
check "nothing said" 1 facet tags ada.png <<'END'
ada.png: 0 regions
END
printf '[ada.png]\r\nfaces=rect64(4000200080006000),1;rect64(a000b000c000d000),ffffffffffffffff\r\n[Contacts2]\r\n1=Ada\r\n' >.picasa.ini
check "Picasa" 0 facet tags ada.png bob.png <<'END'
ada.png: 2 regions
  1  Ada  face  box 80,30 80x60  picasa
  2  without a name  face  box 200,165 40x30  picasa
bob.png: 0 regions
END
check "the same as JSON" 0 facet tags --json ada.png <<'END'
{"schema": 1, "file": "ada.png", "width": 320, "height": 240, "orientation": 1, "sidecar": null, "regions": [{"name": "Ada", "kind": "face", "area": [0.250004, 0.125002, 0.500008, 0.375006], "source": "picasa", "doubtful": false}, {"name": null, "kind": "face", "area": [0.625010, 0.687510, 0.750011, 0.812512], "source": "picasa", "doubtful": false}]}
END
check "a name that a terminal would obey" 0 sh -c "printf '[ada.png]\nfaces=rect64(4000200080006000),1\n[Contacts2]\n1=A\033[31mda\n' >.picasa.ini; '$facet_exe' tags ada.png" <<'END'
ada.png: 1 region
  1  A?[31mda  face  box 80,30 80x60  picasa
END
echo "no XMP <" >ada.png.xmp
check "a damaged sidecar is named" 3 facet tags ada.png bob.png <<'END'
bob.png: 0 regions
! facet: ada.png.xmp: XMP is damaged at byte 7: an element without a name
END
rm ada.png.xmp .picasa.ini
echo text >text.jpg
check "no photo at all" 3 facet tags text.jpg <<'END'
! facet: text.jpg: not a photo of a format that facet reads
END
