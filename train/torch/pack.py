#!/usr/bin/env python3
"""Puts a pack's networks together: weights stored as float16, and pack.json.

    python3 pack.py --name ibex --out models/ibex --threshold 0.35 detection=det.onnx recognition=emb.onnx
        genderage=genderage.onnx

Convolution and matrix weights become float16 with a Cast to float behind them (half the size; facet,
onnxruntime and OpenCV compute in float as before); everything else stays as it is. Names the files
NAME_TASK.onnx and writes their SHA-256 into the manifest. Inputs of --norm TASK=MEAN,STD are written down too;
otherwise the reader's rule decides. The detector's landmarks are to be averaged over a face's candidates
(src/pack/manifest.c) unless --best-alone is given; --aligned says that the network of age and gender sees
aligned faces, as attributes.py trains it."""

import argparse
import hashlib
import json
import os
import numpy as np
import onnx
from onnx import helper, numpy_helper


def halve(model):
    """Float weights of at least 64 values and two dimensions -> float16 + Cast."""
    g = model.graph
    casts = []
    for t in g.initializer:
        if t.data_type != onnx.TensorProto.FLOAT or len(t.dims) < 2 or int(np.prod(t.dims)) < 64:
            continue
        v = numpy_helper.to_array(t)
        if np.abs(v).max() >= 65504:
            continue
        name, half = t.name, t.name + '.half'  # as `facet train` names them, which reads them back
        t.CopyFrom(numpy_helper.from_array(v.astype(np.float16), half))
        casts.append(helper.make_node('Cast', [half], [name], name=name + '.cast', to=onnx.TensorProto.FLOAT))
    nodes = casts + list(g.node)
    del g.node[:]
    g.node.extend(nodes)
    return model


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('--name', required=True)
    a.add_argument('--out', required=True)
    a.add_argument('--threshold', type=float, required=True)
    a.add_argument('--license', default='MIT')
    a.add_argument('--best-alone', action='store_true')
    a.add_argument('--aligned', action='store_true')
    a.add_argument('--norm', action='append', default=[])
    a.add_argument('files', nargs='+', metavar='TASK=FILE')
    a = a.parse_args()
    os.makedirs(a.out, exist_ok=True)
    norm = dict(v.split('=') for v in a.norm)
    files = []
    for v in a.files:
        task, path = v.split('=', 1)
        m = onnx.load(path)
        m.doc_string = ''
        for n in m.graph.node:
            n.doc_string = ''
        kept = [(p.key, p.value) for p in m.metadata_props if p.key.startswith('facet.')]  # for fine-tuning
        del m.metadata_props[:]
        for key, value in kept:
            p = m.metadata_props.add()
            p.key, p.value = key, value
        m = halve(m)
        onnx.checker.check_model(m)
        name = f'{a.name}_{task}.onnx'
        raw = m.SerializeToString()
        with open(os.path.join(a.out, name), 'wb') as f:
            f.write(raw)
        e = dict(file=name, task={'landmark': 'landmark_3d_68'}.get(task, task), sha256=hashlib.sha256(raw).hexdigest())
        if task in norm:
            e['mean'], e['std'] = (float(x) for x in norm[task].split(','))
        if task == 'detection' and not a.best_alone:
            e['agreement'] = e['second_look'] = True
        if task == 'genderage' and a.aligned:
            e['aligned'] = True
        files.append(e)
        print(f'{name}: {len(raw)} bytes')
    with open(os.path.join(a.out, 'pack.json'), 'w') as f:
        json.dump(dict(facet_pack=1, name=a.name, license=a.license, threshold=a.threshold, files=files), f, indent=2)
        f.write('\n')


if __name__ == '__main__':
    main()
