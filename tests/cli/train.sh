# train: settings, a run, going on, export, fine-tuning, bad data.

facet detect -q -m pack --crop-dir crops ada.png ada2.jpg bob.png bob2.png >/dev/null
mkdir -p people/ada people/bob
cp crops/ada-1.jpg crops/ada2-1.jpg people/ada
cp crops/bob-1.jpg crops/bob2-1.jpg people/bob
cat >recipe.conf <<'END'
# small enough for a test
network = input 112 3; conv 8 3 2; down 8 16 2; res 16 1; down 16 16 2; gdc; linear 16
batch = 4
lr = 0.05
warmup = 0
margin_weight = 1
log_every = 1
END
# Speed and time left differ from run to run, losses in their last digits between processors.
steady() {
    "$facet_exe" "$@" >.run
    code=$?
    sed 's/: loss .*//' .run
    return $code
}

listed() { facet train | grep -c '^[a-z_0-9]* *= '; }
check "all settings are listed" 0 listed <<'END'
64
END
check "an unknown setting" 2 facet train nosuch=1 <<'END'
! facet: command line: unknown setting "nosuch"
END
check "a value that is none" 2 facet train lr=abc <<'END'
! facet: command line: lr: "abc" is not a number in its range
END
check "no data" 2 facet train recipe.conf <<'END'
! facet: no training data: set "data"
END
check "no loss" 2 facet train recipe.conf margin_weight=0 data=people out=none <<'END'
! facet: no loss: set "teacher" and distill_*, or "margin_weight"
END
check "nothing to grow" 2 facet train recipe.conf grow=yes data=people out=none <<'END'
! facet: grow needs a network to grow: set "init"
END
check "data that is not there" 3 facet train recipe.conf data=nowhere out=none <<'END'
! facet: nowhere: no such file or folder
END
check "no folder is made for a run that cannot start" 1 test -e none <<'END'
END
check "a recipe that is not there" 3 facet train none.conf <<'END'
! facet: none.conf: no such file or folder
END
check "nothing to export" 3 facet train recipe.conf out=none --export exported <<'END'
! facet: none/checkpoint.fct: no such file or folder
END
check "a run" 0 steady train recipe.conf data=people out=run epochs=2 <<'END'
step 1 of 2, epoch 1.00
step 2 of 2, epoch 2.00
! people: 4 pictures, 2 identities with 2 pictures or more
! network: 1.8 MMAC, 5376 parameters; 2 steps of 4
END
check "it goes on where it stopped" 0 steady train recipe.conf data=people out=run epochs=4 <<'END'
step 3 of 4, epoch 3.00
step 4 of 4, epoch 4.00
! people: 4 pictures, 2 identities with 2 pictures or more
! going on from step 2
! network: 1.8 MMAC, 5376 parameters; 4 steps of 4
END
check "quietly" 0 steady train -q recipe.conf data=people out=run epochs=4 <<'END'
END
check "another network in the same folder" 3 facet train -q recipe.conf data=people out=run network="input 32 3; conv 8 3 2; gdc; linear 16" <<'END'
! facet: run/checkpoint.fct: of another network
END
check "export" 0 facet train recipe.conf out=run --export exported <<'END'
END
cp pack/detector.onnx exported
check "the export is a pack's embedder" 0 facet compare -m exported --threshold 0.99 ada.png ada.png <<'END'
same person: cosine 1.000, threshold 0.99
END
check "fine-tuning an export" 0 steady train init=exported/w_16.onnx train_stages=1 data=people margin_weight=1 batch=4 epochs=1 out=tuned <<'END'
step 1 of 1, epoch 1.00
! people: 4 pictures, 2 identities with 2 pictures or more
! network: 1.8 MMAC, 5376 parameters; 1 steps of 4
END
check "going on as a deeper network" 0 steady train init=exported/w_16.onnx grow=yes network="input 112 3; conv 8 3 2; down 8 16 2; res 16 3; down 16 16 2; gdc; linear 16" data=people margin_weight=1 batch=4 epochs=1 out=deeper <<'END'
step 1 of 1, epoch 1.00
! people: 4 pictures, 2 identities with 2 pictures or more
! network: 2.4 MMAC, 6400 parameters; 1 steps of 4
END
check "a network that is not a deeper one" 3 facet train -q init=exported/w_16.onnx grow=yes network="input 32 3; conv 9 3 2; gdc; linear 16" data=people margin_weight=1 batch=4 epochs=1 out=other <<'END'
! facet: exported/w_16.onnx: of another network, and not one with fewer "res" blocks: input 112 3; conv 8 3 2; down 8 16 2; res 16 1; down 16 16 2; gdc; linear 16
END
printf 'not a picture' >people/bob/bad.jpg
mkdir people/empty
# A worker tells of a bad picture when it meets it.
told() { "$facet_exe" "$@" 2>&1 >/dev/null | sort; }
check "bad pictures are told and left out" 0 told train recipe.conf data=people out=run2 epochs=2 <<'END'
1 identities have no picture: left out
left out: people/bob/bad.jpg: not a picture of a format that facet reads
network: 1.8 MMAC, 5376 parameters; 3 steps of 4
people: 5 pictures, 2 identities with 2 pictures or more
END
