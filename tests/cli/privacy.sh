# Collections, notes about people, forgetting, encryption, the audit log.

export FCT_GALLERY=g.db LOGNAME=tester
undated() {
    "$facet_exe" "$@" >.dated; code=$?
    sed 's/20[0-9][0-9]-[0-9][0-9]-[0-9][0-9] [0-9:]*/DATE/; s/last [0-9a-f]*/last HASH/' .dated; return $code
}

"$facet_exe" enroll -q -m pack Ada ada.png >/dev/null 2>&1
check "enroll into a collection" 0 facet enroll --collection staff Bob -m pack bob.png <<'END'
Bob: bob.png: stored as face 2
END
check "collections" 0 facet gallery collections <<'END'
     1 person  default
     1 person  staff
END
check "a threshold of one" 0 facet gallery set threshold 0.55 --collection staff <<'END'
! staff: threshold is 0.55
END
check "a bad threshold" 2 facet gallery set threshold high <<'END'
! facet: a threshold is a number from -1 to 1, not high
END
check "nobody of another collection is found" 1 facet identify --collection staff -m pack ada.png <<'END'
ada.png: 1 face
  1  unknown        score 0.95  box 120,72 80x80
END
check "no such collection" 3 facet people --collection guests <<'END'
! facet: g.db: no collection guests
END
check "the log begins" 0 facet gallery set audit changes <<'END'
! g.db: audit is changes
END
check "notes" 0 undated people Ada --set badge=12 --consent 'signed paper' --expires 2020-02-29 <<'END'
    1 face   DATE  Ada
  {"badge": 12}
  consent of DATE, noted by tester: signed paper
  to be forgotten on 2020-02-29
  face 1      DATE  score 0.95  quality 0.21  80x80  ada.png
! facet: warning: --expires: 2020-02-29 is past; the next 'gallery expire' forgets
END
check "no day" 2 facet people Ada --expires 2021-02-29 <<'END'
! facet: people: --expires: '2021-02-29' is neither a day, such as 2027-01-31, nor never
END
check "no pair" 2 facet people Ada --set badge <<'END'
! facet: people: --set wants KEY=VALUE, not 'badge'
END
check "a wrong option: nothing is changed" 2 facet people Ada --set badge=13 --expires soon <<'END'
! facet: people: --expires: 'soon' is neither a day, such as 2027-01-31, nor never
END
check "of two notes none is lost" 2 facet people Ada --set badge=13 --set room=2 <<'END'
! facet: people: --set is given twice; it takes one KEY=VALUE
END
check "the note is as it was" 0 undated people Ada <<'END'
    1 face   DATE  Ada
  {"badge": 12}
  consent of DATE, noted by tester: signed paper
  to be forgotten on 2020-02-29
  face 1      DATE  score 0.95  quality 0.21  80x80  ada.png
END
check "a slip makes no collection" 3 facet rename --collection guests Ada Eve <<'END'
! facet: g.db: no collection guests
END
check "a setting that is none" 2 facet gallery set treshold 0.5 <<'END'
! facet: gallery set: no setting 'treshold'; there are threshold and audit
END
check "about nobody" 2 facet people --set a=1 <<'END'
! facet: people: --set, --consent, --expires, --not-face and --move-to are about one person
END
check "whose time is over" 0 facet gallery expire --dry-run <<'END'
2020-02-29  Ada
END
check "encrypt" 0 facet gallery encrypt --key-file g.key <<'END'
! g.key: a new key; without it nobody can read the gallery again
! g.db: encrypted
END
check "twice" 3 facet gallery encrypt --key-file g.key <<'END'
! facet: g.db: encrypted already
END
check "without the key" 3 facet people <<'END'
! facet: g.db: encrypted: give its key by --key-file, or by FCT_GALLERY_KEY
END
check "a copy and its keys" 0 facet gallery backup copy.db --key-file g.key <<'END'
! copy.db.keys: the keys of its people; keep only the newest such file
! copy.db: 2 people, a gallery itself
END
check "expire" 0 facet gallery expire --yes --key-file g.key <<'END'
2020-02-29  Ada
! 1 person forgotten
END
check "another key" 0 facet gallery rekey new.key --key-file g.key <<'END'
! new.key: a new key
! g.db: opens with the key of new.key from now on
END
check "the old one" 3 facet people --key-file g.key <<'END'
! facet: g.db: encrypted, and the key that was given is not its key
END
check "forget" 0 facet forget --yes Bob --key-file new.key <<'END'
! Bob forgotten
END
check "forget nobody" 1 facet forget --yes Bob --key-file new.key <<'END'
! facet: Bob: nobody of this name in the gallery
END
check "the copy, read by its keys" 0 facet gallery restore-keys copy.db.keys --gallery copy.db --key-file g.key <<'END'
! copy.db: 2 people, 0 forgotten since
END
check "a copy in the clear" 0 facet gallery copy copy.db clear.db --key-file g.key <<'END'
! copy.db: 2 new people, 2 new faces
END
check "is one that needs no key" 0 undated people --gallery clear.db <<'END'
    1 face   DATE  Ada
    1 face   DATE  Bob  (in staff)
END
check "the log" 0 undated gallery audit --key-file new.key <<'END'
     1  DATE  setting      tester  {"collection":0,"key":"audit"}
     2  DATE  metadata     tester  {"person":1}
     3  DATE  consent      tester  {"person":1}
     4  DATE  expires      tester  {"person":1}
     5  DATE  encrypt      tester  {}
     6  DATE  forget       tester  {"person":1}
     7  DATE  rekey        tester  {}
     8  DATE  forget       tester  {"person":2}
END
check "its chain" 0 undated gallery audit --verify --key-file new.key <<'END'
g.db: whole, 8 entries, the last HASH
END
check "decrypt" 0 facet gallery decrypt --yes --key-file new.key <<'END'
! g.db: not encrypted any more
END
check "enroll into another" 0 facet enroll --collection guests Bob -m pack bob.png <<'END'
Bob: bob.png: stored as face 3
END
check "a collection's new name" 0 facet gallery rename-collection guests visitors <<'END'
! guests is now visitors
END
check "a name that another one has" 2 facet gallery rename-collection visitors staff <<'END'
! facet: staff: another collection has this name
END
check "no collection to rename" 1 facet gallery rename-collection guests others <<'END'
! facet: guests: no collection of this name in the gallery
END
check "removing one is asked about" 2 facet gallery remove-collection visitors <<'END'
! facet: Remove visitors with 1 person and all their faces? There is no terminal to ask on: add --yes
END
check "a rehearsal that there is not" 2 facet gallery remove-collection visitors --dry-run --yes <<'END'
! facet: gallery remove-collection: --dry-run has no place here; see 'facet gallery --help'
END
check "remove a collection" 0 facet gallery remove-collection --yes visitors <<'END'
! visitors removed with 1 person
END
check "the default one stays" 2 facet gallery remove-collection --yes default <<'END'
! facet: the default collection cannot be removed
END
check "what is left" 0 facet gallery collections <<'END'
     0 people  default
     0 people  staff  (threshold 0.55)
END
end_of_log() { facet gallery audit | tail -5 | sed 's/^ *[0-9]*  20[0-9-]* [0-9:]*/DATE/'; }
check "the log of collections" 0 end_of_log <<'END'
DATE  collection   tester  {"collection":3}
DATE  enroll       tester  {"person":3,"faces":[3]}
DATE  rename-collection tester  {"collection":3}
DATE  remove       tester  {"person":3}
DATE  remove-collection tester  {"collection":3}
END
