#!/usr/bin/env python3
"""Errors of a pack by age, gender and origin, as far as the labels of the training crops allow; for the model
card.

    python3 fairness.py --faces DIR --pack models/ibex

- Attributes, on the tenth of the labeled rows that attributes.py holds back: age error, gender.
- False matches, on crops with an origin (UTKFace: no identities, nearly all different people, the same photo
twice left out): share of pairs within a group above the pack's threshold, against the share over all pairs. The
embedder has seen these crops (without identities), so only the differences between groups mean something."""

import argparse
import csv
import json
import os
import cv2
import numpy as np
import onnxruntime as ort

AGES = ((0, 4), (4, 13), (13, 20), (20, 40), (40, 60), (60, 120))


def run(path, x, mean, std):
    o = ort.SessionOptions()
    o.intra_op_num_threads = 1
    net = ort.InferenceSession(path, o, providers=['CPUExecutionProvider'])
    name = net.get_inputs()[0].name
    return np.concatenate(
        [
            net.run(None, {name: (x[i : i + 32].transpose(0, 3, 1, 2).astype(np.float32) - mean) / std})[0]
            for i in range(0, len(x), 32)
        ]
    )


def read(folder, rows, size, aligned=False):
    """RGB: the 112 center, or what the attributes' network sees: the crop, or the square of 1.5 times a face's box."""
    out = []
    for r in rows:
        im = cv2.imread(os.path.join(folder, r['file']))[:, :, ::-1]
        if size == 112:
            out.append(im[8:120, 8:120])
            continue
        half = 1.5 * 102.3 / 2
        k = 128 / size if aligned else 2 * half / size
        x, y = (0, 0) if aligned else (65.2 - half + k / 2 - 0.5, 72.8 - half + k / 2 - 0.5)
        m = np.array([[k, 0, x], [0, k, y]], np.float32)
        out.append(
            cv2.warpAffine(np.ascontiguousarray(im), m, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        )
    return np.stack(out)


def groups(rows):
    g = {'all': np.ones(len(rows), bool)}
    age = np.array([float(r['age'] or -1) for r in rows])
    for s in 'MF':
        g[f'gender {s}'] = np.array([r['gender'] == s for r in rows])
    for a, b in AGES:
        g[f'age {a} to {b - 1}'] = (age >= a) & (age < b)
    for o in sorted({r['origin'] for r in rows if r['origin']}):
        g[f'origin {o}'] = np.array([r['origin'] == o for r in rows])
    return {k: v for k, v in g.items() if v.sum() >= 50}


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('--faces', required=True)
    a.add_argument('--pack', required=True)
    a.add_argument('--most', type=int, default=6000, help='crops for the false matches')
    a = a.parse_args()
    rows = list(csv.DictReader(open(os.path.join(a.faces, 'index.csv'))))
    manifest = json.load(open(os.path.join(a.pack, 'pack.json')))
    threshold = manifest['threshold']

    def network(task):
        """What run() takes of it."""
        f = next(f for f in manifest['files'] if f['task'] == task)
        return os.path.join(a.pack, f['file']), f['mean'], f['std'], f.get('aligned', False)

    held = [r for i, r in enumerate(r for r in rows if r['age'] and r['gender']) if i % 10 == 7]
    path, *norm, aligned = network('genderage')
    z = run(path, read(a.faces, held, 96, aligned), *norm)
    age = np.array([float(r['age']) for r in held])
    male = np.array([r['gender'] == 'M' for r in held])
    print('| group | crops | age error, years | mean of the error | gender |\n|---|---|---|---|---|')
    for k, m in groups(held).items():
        e = z[m, 2] * 100 - age[m]
        print(
            f'| {k} | {m.sum()} | {np.abs(e).mean():.1f} | {e.mean():+.1f} |'
            f' {((z[m, 1] > z[m, 0]) == male[m]).mean() * 100:.1f} % |'
        )
    some = [r for r in rows if r['origin']]
    some = [some[i] for i in np.random.default_rng(1).permutation(len(some))[: a.most]]
    path, *norm, _ = network('recognition')
    e = run(path, read(a.faces, some, 112), *norm)
    e /= np.linalg.norm(e, axis=1, keepdims=True)
    s = e @ e.T
    pair = np.triu(s < 0.9, 1)
    base = (s[pair] >= threshold).mean()  # above .9: the same photo again
    print(
        f'\nFalse matches at the threshold {threshold}\n| group | crops | share of pairs | times the share over all'
        ' |\n|---|---|---|---|'
    )
    for k, m in groups(some).items():
        q = (s[np.ix_(m, m)])[pair[np.ix_(m, m)]]
        f = (q >= threshold).mean()
        print(f'| {k} | {m.sum()} | {f:.2e} | {f / base:.1f} |')


if __name__ == '__main__':
    main()
