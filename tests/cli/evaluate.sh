# facet evaluate: figures of scores, of photos by person, of pairs; groups; what cannot be read.

cat >scores.csv <<'END'
score,same,group
0.9,1,x
0.8,1,x
0.7,1,y
0.3,1,y
,1,y
0.35,0,x
0.2,0,x
0.1,0,x
0.05,0,x
0.04,0,x
0.03,0,y
0.02,0,y
0.01,0,y
0,0,y
-0.1,0,y
END
check "scores" 0 facet evaluate scores.csv <<'END'
scores: 5 pairs of one person, 10 of two
  1 pair without a score: such an attempt is rejected
       FAR  threshold   TAR (95 % interval)         false accepts
      1e-1  0.200000018  80.0 % (14.3 to 100.0)      1 *
  1e-2 and less: too few pairs of two people (100 at least, and 3,000 to be sure of it)
  * fewer than 30: the rate is uncertain by more than 30 %
  equal error rate 20.0 %
  accuracy of pairs 80.0 % (+- 33.2) in 10 folds
  threshold to use: 0.200000018, for a FAR of 1e-1
    of two people 10.0 % (0.0 to 30.0) match (FMR), of one person 0.0 % (0.0 to 59.9) do not (FNMR)
  by group, at the threshold to use, pairs within each group:
    x            2 pairs of one person, 5 of two          FMR 20.0 % (0.0 to 60.0)         FNMR 0.0 % (0.0 to 100.0)
    y            3 pairs of one person, 5 of two          FMR 0.0 % (0.0 to 59.9)          FNMR 0.00 % (0.00 to 99.86)

! facet: warning: scores: a FAR of 1e-1 rests on fewer than 30 false accepts
END
check "the same again with another number of threads" 0 sh -c "'$facet_exe' evaluate -q scores.csv >a; '$facet_exe' evaluate -q -t 3 scores.csv >b; cmp a b; FCT_CPU=c '$facet_exe' evaluate -q scores.csv | cmp a -" </dev/null
check "as a table" 0 sh -c "'$facet_exe' evaluate scores.csv --csv -q | cut -d, -f1-8,10" <<'END'
pack,measure,group,wanted,threshold,errors,far,far_low,tar
scores,pairs,,0.1,0.200000018,1,0.1,0,0.8
scores,threshold,,,0.200000018,1,0.1,0,0.8
scores,threshold,x,,0.200000018,1,0.2,0,1
scores,threshold,y,,0.200000018,0,0,0,0.666666667
END
json "scores as JSON" 1 facet evaluate scores.csv --json
check "a rate that is wanted" 0 sh -c "'$facet_exe' evaluate -q --far 0.3 scores.csv | grep use:" <<'END'
  threshold to use: 0.0500000045, for a FAR of 0.3
END

mkdir -p people/Ada people/Bob people/Eve
cp ada.png ada2.jpg empty.png people/Ada && cp bob.png bob2.png people/Bob && cp eve.webp people/Eve
check "photos by person" 0 facet evaluate people -m pack <<'END'
pack: 6 photos of 3 people, 4 pairs of one person, 11 of two
  no face in 1 photo: such an attempt is rejected
       FAR  threshold   TAR (95 % interval)         false accepts
      1e-1  -0.1765     50.0 % (33.3 to 100.0)      1 *
  1e-2 and less: too few pairs of two people (100 at least, and 3,000 to be sure of it)
  * fewer than 30: the rate is uncertain by more than 30 %
  equal error rate 50.0 %
  searches: 2 people known, 3 photos of them and 1 photo of 1 stranger
    found first 66.7 % (50.0 to 100.0), among 5 66.7 %, among 10 66.7 %
  threshold to use: -0.1765, for a FAR of 1e-1
    of two people 12.5 % (0.0 to 50.0) match (FMR), of one person 0.0 % (0.0 to 100.0) do not (FNMR)
    in searches of 2 people: somebody is named for 100.0 % of strangers (FPIR)
  the pack's own threshold: 0.4000
    of two people 0.0 % (0.0 to 37.4) match (FMR), of one person 0.0 % (0.0 to 100.0) do not (FNMR)

! facet: warning: pack: a FAR of 1e-1 rests on fewer than 30 false accepts
END
json "photos as JSON" 1 facet evaluate people -m pack --json
printf 'a,b,same\nada.png,ada2.jpg,1\nbob.png,bob2.png,yes\nada.png,bob.png,0\nada2.jpg,eve.webp,no\n' >pairs.csv
check "pairs" 0 facet evaluate pairs.csv -m pack <<'END'
pack: 5 photos, 2 pairs of one person, 2 of two
       FAR  threshold   TAR (95 % interval)         false accepts
  1e-1 and less: too few pairs of two people (10 at least, and 300 to be sure of it)
  equal error rate 0.0 %
  accuracy of pairs 75.0 % (+- 43.3) in 10 folds
  threshold to use: none can be told from so few pairs of two people
  the pack's own threshold: 0.4000
    of two people 0.0 % (0.0 to 100.0) match (FMR), of one person 0.0 % (0.0 to 100.0) do not (FNMR)

END
printf 'file,identity,age\nada.png,A,old\nada2.jpg,A,old\nbob.png,B,young\nbob2.png,B,young\nlost.png,C,old\n' >who.csv
check "a list of photos, one of them lost" 3 facet evaluate who.csv -m pack --by age <<'END'
pack: 5 photos of 3 people, 2 pairs of one person, 8 of two
  no face in 1 photo (1 could not be read): such an attempt is rejected
       FAR  threshold   TAR (95 % interval)         false accepts
  1e-1 and less: too few pairs of two people (10 at least, and 300 to be sure of it)
  equal error rate 0.0 %
  searches: 2 people known, 2 photos of them and 1 photo of 1 stranger
    found first 100.0 % (0.0 to 100.0), among 5 100.0 %, among 10 100.0 %
  threshold to use: none can be told from so few pairs of two people
  the pack's own threshold: 0.4000
    of two people 0.0 % (0.0 to 74.9) match (FMR), of one person 0.0 % (0.0 to 100.0) do not (FNMR)

! facet: ./lost.png: no such file or folder
END
check "two packs, and a page" 0 facet evaluate people -m pack -m other --html page.html -q <<'END'
pack: 6 photos of 3 people, 4 pairs of one person, 11 of two
  no face in 1 photo: such an attempt is rejected
       FAR  threshold   TAR (95 % interval)         false accepts
      1e-1  -0.1765     50.0 % (33.3 to 100.0)      1 *
  1e-2 and less: too few pairs of two people (100 at least, and 3,000 to be sure of it)
  * fewer than 30: the rate is uncertain by more than 30 %
  equal error rate 50.0 %
  searches: 2 people known, 3 photos of them and 1 photo of 1 stranger
    found first 66.7 % (50.0 to 100.0), among 5 66.7 %, among 10 66.7 %
  threshold to use: -0.1765, for a FAR of 1e-1
    of two people 12.5 % (0.0 to 50.0) match (FMR), of one person 0.0 % (0.0 to 100.0) do not (FNMR)
    in searches of 2 people: somebody is named for 100.0 % of strangers (FPIR)
  the pack's own threshold: 0.4000
    of two people 0.0 % (0.0 to 37.4) match (FMR), of one person 0.0 % (0.0 to 100.0) do not (FNMR)

other: 6 photos of 3 people, 4 pairs of one person, 11 of two
  no face in 1 photo: such an attempt is rejected
       FAR  threshold   TAR (95 % interval)         false accepts
      1e-1  -0.0759     50.0 % (33.3 to 100.0)      1 *
  1e-2 and less: too few pairs of two people (100 at least, and 3,000 to be sure of it)
  * fewer than 30: the rate is uncertain by more than 30 %
  equal error rate 50.0 %
  searches: 2 people known, 3 photos of them and 1 photo of 1 stranger
    found first 66.7 % (50.0 to 100.0), among 5 66.7 %, among 10 66.7 %
  threshold to use: -0.0759, for a FAR of 1e-1
    of two people 12.5 % (0.0 to 50.0) match (FMR), of one person 0.0 % (0.0 to 100.0) do not (FNMR)
    in searches of 2 people: somebody is named for 0.0 % of strangers (FPIR)
  the pack's own threshold: 0.4000
    of two people 0.0 % (0.0 to 37.4) match (FMR), of one person 0.0 % (0.0 to 100.0) do not (FNMR)

                          pack              other
  TAR at FAR 1e-1         50.0 %            50.0 %
  equal error rate        50.0 %            50.0 %
  found first             66.7 %            66.7 %
END
check "the page holds its pictures and nothing from elsewhere" 0 sh -c "grep -c 'data:image/jpeg' page.html; grep -c 'src=\"http\|href=\"http\|<script' page.html; tail -1 page.html" <<'END'
42
0
</main>
END

check "nothing" 2 facet evaluate <<'END'
! facet: evaluate: too few arguments; usage: facet evaluate FOLDER... | LIST.csv
END
check "no such file" 3 facet evaluate nowhere <<'END'
! facet: nowhere: no such file or folder
END
printf 'score,same\n0.9,1\n0.4,0\n0.2,0\n' >plain.csv
printf 'Score; Same\n0,9;Yes\n0,4 ;NO\n0,2;no\n' >sheet.csv
check "as spreadsheets write it" 0 sh -c "for f in plain sheet; do '$facet_exe' evaluate -q \$f.csv --csv >\$f.out; done; cmp plain.out sheet.out" </dev/null
mkdir people_dir
check "folders and a list" 2 facet evaluate people_dir plain.csv <<'END'
! facet: evaluate: one CSV file or folders of people; 'plain.csv' is too much
END
printf 'x,y\n1,2\n' >odd.csv
check "unknown columns" 3 facet evaluate odd.csv <<'END'
! facet: odd.csv: the first line must name columns: file and identity, or a, b and same, or score and same
END
printf 'score,same\n0.1,maybe\n' >odd.csv
check "neither same nor different" 3 facet evaluate odd.csv <<'END'
! facet: odd.csv: line 2: same is not 1 or 0: maybe
END
printf 'score,same\n0.1,1\nhigh,0\n' >odd.csv
check "no number" 3 facet evaluate odd.csv <<'END'
! facet: odd.csv: line 3: the score is not a number: high
END
printf 'score,same,fold\n0.1,1,100\n' >odd.csv
check "no fold" 3 facet evaluate odd.csv <<'END'
! facet: odd.csv: line 2: the fold is not 0 to 99: 100
END
printf 'score,same\n' >odd.csv
check "no lines" 3 facet evaluate odd.csv <<'END'
! facet: odd.csv: has no lines
END
printf 'a,b,same\np,q,1\nq,r,1\np,r,0\n' >odd.csv
check "pairs that contradict each other" 1 facet evaluate odd.csv -m pack --photos nowhere -q <<'END'
! facet: nowhere/p: no such file or folder
! facet: nowhere/q: no such file or folder
! facet: nowhere/r: no such file or folder
! facet: evaluate: no face was found in any of 3 photos
END
check "no column" 2 facet evaluate scores.csv --by sex <<'END'
! facet: scores.csv: no column sex for --by
END
check "two files" 2 facet evaluate scores.csv odd.csv <<'END'
! facet: evaluate: one CSV file or folders of people; 'odd.csv' is too much
END
check "a folder without people" 3 facet evaluate pack <<'END'
! facet: pack: no folders with pictures in it; 'evaluate' wants one folder a person
END
check "a column for folders" 2 facet evaluate people --by age <<'END'
! facet: evaluate: --by goes with a CSV file
END
check "two forms" 2 facet evaluate people --json --csv <<'END'
! facet: evaluate: --json and --csv contradict each other
END
check "too many packs" 2 facet evaluate people -m 1 -m 2 -m 3 -m 4 -m 5 -m 6 -m 7 <<'END'
! facet: evaluate: 7 packs; at most 6 can be compared
END
