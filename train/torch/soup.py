#!/usr/bin/env python3
"""Mean of the weights of two exported detectors, one trained on from the other.

    python3 soup.py --a det1.onnx --b det2.onnx --share 0.75 --out det.onnx [--landmarks det3.onnx]

Keeps what the earlier state knew of the photos that the later training saw less of (Wortsman et al., "Robust
fine-tuning of zero-shot models", CVPR 2022): between the two, fewer false alarms at the same recall than either
has. Both are files of one program, whose layers lie in one order; --share is the weight of b. --landmarks: the
channels that give the landmarks are that file's, for training that helps boxes and scores alone."""

import argparse
import numpy as np
import onnx
from onnx import numpy_helper

LANDMARKS = slice(6, 16)  # of the heads' channels: see detector.Net


def stored(model):
    """Weights and biases of the convolutions in the order of the graph; a Cast before them, from float16, is
    looked through."""
    t = {i.name: i for i in model.graph.initializer}
    cast = {n.output[0]: n.input[0] for n in model.graph.node if n.op_type == 'Cast'}
    return [t[cast.get(i, i)] for n in model.graph.node if n.op_type == 'Conv' for i in n.input[1:]]


def take_landmarks(model, other):
    names = [n.name for n in model.graph.node if n.op_type == 'Conv' for _ in n.input[1:]]
    for name, p, q in zip(names, stored(model), stored(other)):
        if '/heads.' in name:
            v = numpy_helper.to_array(p).copy()
            v[LANDMARKS] = numpy_helper.to_array(q)[LANDMARKS]
            p.CopyFrom(numpy_helper.from_array(v, p.name))


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    for v in ('a', 'b', 'out'):
        a.add_argument('--' + v, required=True)
    a.add_argument('--landmarks')
    a.add_argument('--share', type=float, default=0.75)
    a = a.parse_args()
    first, second = onnx.load(a.a), onnx.load(a.b)
    one, two = stored(first), stored(second)
    if [list(v.dims) for v in one] != [list(v.dims) for v in two]:
        raise SystemExit(f'{a.a} and {a.b}: not networks of one shape')
    for p, q in zip(one, two):
        v = (
            numpy_helper.to_array(p).astype(np.float32) * (1 - a.share)
            + numpy_helper.to_array(q).astype(np.float32) * a.share
        )
        q.CopyFrom(numpy_helper.from_array(v.astype(numpy_helper.to_array(q).dtype), q.name))
    if a.landmarks:
        take_landmarks(second, onnx.load(a.landmarks))
    onnx.save(second, a.out)


if __name__ == '__main__':
    main()
