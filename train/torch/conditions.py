#!/usr/bin/env python3
"""What an embedder makes of masked, turned, dark, blurred and small faces.

    python3 conditions.py --facet build/tools/facet --faces DIR --models PACK [--models OTHER]

LFW's development set (lfw-dev.tar and lfw-dev-identities.csv in DIR, see README.md), found by the first pack's
detector and aligned by its landmarks. One photo of each pair stays as it is, the other one is changed: a medical
mask drawn over mouth and chin, an eighth of the light with a sensor's noise, a blur of 2.5 pixels of the 112, or
24 pixels of width. Turned: the tenth of the photos whose nose is farthest from the middle of the eyes, against all
others, unchanged. Printed: true accepts at false accept rates of 1e-3 and 1e-4 within each condition, and at the
pack's threshold true and false accepts."""

import argparse
import csv
import json
import os
import subprocess
import tarfile
import tempfile
import cv2
import numpy as np
from fairness import run

TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)


def align(im, points):
    """RGB 112x112 of a BGR photo: the similarity that fits best (Umeyama, PAMI 1991)."""
    p, q = points - points.mean(0), TEMPLATE - TEMPLATE.mean(0)
    a = (p * q).sum() / (p**2).sum()
    b = (p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]).sum() / (p**2).sum()
    r = np.array([[a, -b], [b, a]])
    m = np.c_[r, TEMPLATE.mean(0) - r @ points.mean(0)]
    return cv2.warpAffine(im, m, (112, 112), flags=cv2.INTER_LINEAR)[:, :, ::-1]


def turned(p):
    """How far the nose is from the middle of the eyes, in eye distances along their line."""
    d = p[1] - p[0]
    return abs((p[2] - (p[0] + p[1]) / 2) @ d) / (d @ d)


def masked(x, rng):
    x = x.copy()
    color = rng.integers(150, 256, 3) if rng.random() < 0.7 else rng.integers(10, 80, 3)
    top = rng.integers(66, 73)
    shape = np.array([[22, top + 4], [56, top - 4], [90, top + 4], [86, 100], [68, 112], [44, 112], [26, 100]])
    cv2.fillPoly(x, [shape.astype(np.int32)], color.tolist(), cv2.LINE_AA)
    return x


def dark(x, rng):
    return (x / 8 + rng.normal(0, 3, x.shape)).round().clip(0, 255).astype(np.uint8)


def blurred(x, rng):
    return cv2.GaussianBlur(x, (0, 0), 2.5)


def small(x, rng):
    # 24 pixels of face are 24 / 102.3 of the crop's scale: the box of the template's face is 102.3 pixels wide.
    n = round(112 * 24 / 102.3)
    return cv2.resize(cv2.resize(x, (n, n), interpolation=cv2.INTER_AREA), (112, 112), interpolation=cv2.INTER_LINEAR)


def photos(a):
    """-> aligned crops [n,112,112,3], how far each is turned [n], identities [n]."""
    with tempfile.TemporaryDirectory() as d:
        tarfile.open(os.path.join(a.faces, 'lfw-dev.tar')).extractall(d)
        command = [a.facet, 'detect', '--json', '--quiet', '--max-faces', '1', '--models', a.models[0], d]
        out = subprocess.run(command, capture_output=True, text=True).stdout
        x, turn, name = [], [], []
        for r in map(json.loads, out.splitlines()):
            if r.get('faces'):
                p = np.array(r['faces'][0]['kps'], float)
                x.append(align(cv2.imread(r['file']), p))
                turn.append(turned(p))
                name.append(os.path.basename(r['file']).split('.')[0])
    rows = csv.DictReader(open(os.path.join(a.faces, 'lfw-dev-identities.csv')))
    who = {os.path.basename(r['file']).split('.')[0]: r['identity'] for r in rows}
    return np.stack(x), np.array(turn), np.array([who[n] for n in name])


def embed(pack, x):
    files = json.load(open(os.path.join(pack, 'pack.json')))
    f = next(f for f in files['files'] if f['task'] == 'recognition')
    e = run(os.path.join(pack, f['file']), x, f['mean'], f['std'])
    return e / np.linalg.norm(e, axis=1, keepdims=True), files['threshold']


def figures(score, same, threshold):
    genuine, impostor = score[same], np.sort(score[~same])[::-1]
    tar = [100 * (genuine > impostor[int(len(impostor) * f)]).mean() for f in (1e-3, 1e-4)]
    return *tar, 100 * (genuine >= threshold).mean(), (impostor >= threshold).mean()


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('--facet', required=True)
    a.add_argument('--faces', required=True)
    a.add_argument('--models', action='append', required=True)
    a = a.parse_args()
    x, turn, who = photos(a)
    pairs = ~np.eye(len(x), dtype=bool)
    same = who[:, None] == who[None]
    side = turn >= np.quantile(turn, 0.9)
    print(f'{len(x)} faces; turned: at least {turn[side].min():.2f}')
    for pack in a.models:
        clean, threshold = embed(pack, x)
        rows = {'as they are': (clean @ clean.T, pairs), 'turned': (clean @ clean.T, pairs & side[:, None])}
        for change in (masked, dark, blurred, small):
            rng = np.random.default_rng(1)
            changed, _ = embed(pack, np.stack([change(v, rng) for v in x]))
            rows[change.__name__] = (changed @ clean.T, pairs)
        for name, (score, use) in rows.items():
            r = figures(score[use], same[use], threshold)
            print(f'{pack}: {name}: {r[0]:.1f} %, {r[1]:.1f} %; at {threshold}: {r[2]:.1f} %, {r[3]:.1e}', flush=True)


if __name__ == '__main__':
    main()
