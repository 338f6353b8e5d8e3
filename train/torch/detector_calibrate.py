#!/usr/bin/env python3
"""Makes a score of 0.5 mean the same for faces of all sizes.

    python3 detector_calibrate.py --faces DIR --labels FILE.npz --detector det.onnx --out calibrated.onnx

The loss teaches each anchor the IoU of its box, and what a threshold then lets through differs: of small detections with a score of 0.5 most
are texture, of large ones nearly all are faces. A logistic regression with a bias for each anchor (Platt, "Probabilistic outputs for support vector machines", 1999),
over what is found on the photos held back from training (every tenth) at several input sizes, tells where half of the detections are faces
that the labels have; the biases of the score layers are moved so that this is at 0.5, but not by more than --most: the photos are portraits,
where small faces are rare, and in composed group scenes (detector_data.py) each tenth of a logit loses 3 % of the faces of 12 to 16 pixels.
"""

import argparse
import os
import cv2
import numpy as np
import onnx
from onnx import numpy_helper
from detector_data import iou
from evaluate import Scrfd

SIZES = (128, 640), (640,), (448,), (320,), (192,)  # what the pipeline does, and others


def found(det, bgr, sizes, least):
    """Boxes, scores and anchors (0 to 5) after suppression, down to a score of `least`."""
    b, c, _ = (np.concatenate(v) for v in zip(*(det.one(bgr, z) for z in sizes)))
    a = np.concatenate([np.tile([2 * i, 2 * i + 1], (z // s) ** 2) for z in sizes for i, s in enumerate((8, 16, 32))])
    i = np.nonzero(c >= least)[0]
    keep = []
    for j in i[np.argsort(-c[i], kind='stable')]:
        if not keep or iou(b[j : j + 1], b[keep]).max() <= 0.4:
            keep.append(j)
    return b[keep], c[keep], a[keep]


def collect(a):
    """-> logits, anchors and whether a label overlaps, of all detections."""
    det, c = Scrfd(a.detector), np.load(a.labels)
    at = np.r_[0, np.cumsum(c['n'])]
    rows = []
    for i, name in enumerate(sorted(os.listdir(os.path.join(a.faces, 'scenes')))):
        if i % 10 != 7:
            continue
        im = cv2.imread(os.path.join(a.faces, 'scenes', name))
        known, sure = c['b'][at[i] : at[i + 1]], c['w'][at[i] : at[i + 1], 0] > 0
        for sizes in SIZES:
            b, score, anchor = found(det, im, sizes, 0.2)
            m = iou(b, known) if len(known) and len(b) else np.zeros((len(b), 1))
            best = m.argmax(1) if len(b) else ()
            for j, k in enumerate(best):
                if m[j, k] >= 0.3 and not sure[k]:
                    continue  # the labels do not know
                rows.append((np.log(score[j] / (1 - score[j])), anchor[j], m[j, k] >= 0.5))
    return np.array(rows, np.float64).T


def fit(x, anchor, y, most):
    """Logistic regression by Newton's method: a bias for each anchor, one slope. -> the logits to add, so that 0.5 is where half are faces."""
    f = np.c_[np.eye(6)[anchor.astype(int)], x]
    start = np.r_[np.zeros(6), 1]
    w = start.copy()
    for _ in range(60):
        p = 1 / (1 + np.exp(-f @ w))
        slope = (f * (p * (1 - p))[:, None]).T @ f + np.eye(
            7
        )  # drawn to the scores as they are where there is little to learn from
        w -= np.linalg.solve(slope, f.T @ (p - y) + w - start)
    return (w[:6] / w[6]).clip(-most, 2 * most)


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    for n in ('faces', 'labels', 'detector', 'out'):
        a.add_argument('--' + n, required=True)
    a.add_argument('--most', type=float, default=0.6, help='logits that an anchor may lose; it may gain twice as many')
    a = a.parse_args()
    x, anchor, y = collect(a)
    move = fit(x, anchor, y, a.most)
    for k in range(6):
        m = anchor == k
        print(f'anchor of {16 << k} pixels: {m.sum()} detections, {int(y[m].sum())} faces; logit {move[k]:+.2f}')
    model = onnx.load(a.detector)
    stored = {t.name: t for t in model.graph.initializer}
    layers = [
        n for n in model.graph.node if n.op_type == 'Conv' and len(n.input) > 2 and stored[n.input[2]].dims[0] == 2
    ]
    if len(layers) != 3:
        raise SystemExit(f'{a.detector}: not a detector of detector.py')
    for i, n in enumerate(layers):
        t = stored[n.input[2]]
        t.CopyFrom(
            numpy_helper.from_array((numpy_helper.to_array(t) + move[2 * i : 2 * i + 2]).astype(np.float32), t.name)
        )
    onnx.save(model, a.out)


if __name__ == '__main__':
    main()
