#!/usr/bin/env python3
"""What a teacher says of every crop, once: unit mean of crop and mirror image, as float16 [n, d] in the order
of index.csv.

python3 embedder_targets.py --faces DIR --teacher EMBEDDER.onnx --out targets.npy"""

import argparse
import csv
import os
import cv2
import numpy as np
import openvino


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    for v in ('faces', 'teacher', 'out'):
        a.add_argument('--' + v, required=True)
    a.add_argument('--threads', type=int, default=1)
    a.add_argument('--float', default='bf16', choices=('bf16', 'f32'), help='bf16: twice as fast where the CPU has it')
    a.add_argument('--normal', action='store_true', help='the teacher takes (x - 127.5) / 127.5 instead of 0..255')
    a = a.parse_args()
    core = openvino.Core()
    net = core.read_model(a.teacher)
    net.reshape([16, 3, 112, 112])
    net = core.compile_model(net, 'CPU', {'INFERENCE_NUM_THREADS': a.threads, 'INFERENCE_PRECISION_HINT': a.float})
    rows = [r['file'] for r in csv.DictReader(open(os.path.join(a.faces, 'index.csv')))]
    out = []
    for k in range(0, len(rows), 16):
        x = np.stack(
            [cv2.imread(os.path.join(a.faces, f))[8:120, 8:120, ::-1].transpose(2, 0, 1) for f in rows[k : k + 16]]
        )
        x = x.astype(np.float32)
        x = (x - 127.5) / 127.5 if a.normal else x
        e = 0
        for v in (x, np.ascontiguousarray(x[..., ::-1])):
            v = net(np.concatenate([v, v[: 16 - len(v)]]) if len(v) < 16 else v)[0].reshape(16, -1)[: len(x)]
            e = e + v / np.linalg.norm(v, axis=1, keepdims=True)
        out.append((e / np.linalg.norm(e, axis=1, keepdims=True)).astype(np.float16))
        if k % 4000 == 0:
            print(f'{k} of {len(rows)}', flush=True)
    np.save(a.out, np.concatenate(out))


if __name__ == '__main__':
    main()
