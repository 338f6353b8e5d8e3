#!/usr/bin/env python3
"""The figures of a pack's model card.

    python3 evaluate.py lfw --facet build/tools/facet --faces DIR [--models PACK]
    python3 evaluate.py detector --detector det.onnx --reference scrfd_2.5g_kps.onnx --photos DIR...
        [--agreement] [--second-look] [--yunet yunet.onnx]
    python3 evaluate.py composed --detector det.onnx --faces DIR --labels detector-labels.npz

lfw: the whole pack on LFW's development set (lfw-dev.tar, lfw-dev-pairs.csv and lfw-dev-identities.csv in DIR):
facet's own detection and alignment, the largest face of each photo. Accuracy of the pairs with ten folds (pair
i in fold i mod 10; the threshold of nine is used on the tenth), and true accepts over all pairs of photos. A
photo in which no face was found is accepted as nobody; among the pairs it counts as a wrong answer.

detector: of the reference's faces above 0.6, the share found at IoU 0.5 at score 0.5 (sizes 128 and 640, one
NMS of 0.4); of the detections, the share that overlaps none of the reference's faces above 0.3; landmarks: mean
distance of the five in parts of the reference's eye distance. With --tenth only every tenth picture of each
folder (number % 10 == 7), which detector.py holds back. --yunet: the same for the labels that detector.py
learns from.

composed: recall by size on group scenes put together from the held-back photos and crops of faces, one input of
640 pixels, IoU 0.4."""

import argparse
import csv
import glob
import json
import os
import subprocess
import tarfile
import tempfile
import cv2
import numpy as np
import onnxruntime as ort
import detector_data
from detector_data import YuNet, iou, label


FROM = 0.25  # the score from which agree() wants candidates
LOOKS = {960: 0.2, 1280: 0.4}  # sizes of the second look, and what their logits lose


def company(b, logit):
    """Of every box [n]: how many others of its width are near, each as far as it is a face."""
    w, c = b[:, 2] - b[:, 0], (b[:, :2] + b[:, 2:]) / 2
    ratio = np.log(w[:, None] / w[None])
    far = np.linalg.norm(c[:, None] - c[None], axis=2) / np.sqrt(w[:, None] * w[None])
    near = np.exp(-(ratio**2) / 0.5 - far / 5)
    np.fill_diagonal(near, 0)
    return near @ (1 / (1 + np.exp(-logit)))


def agree(b, logit, k=None, own=None, look=None):
    """What a face's candidates agree on, as the pipeline finds it for a pack whose manifest says "agreement"
    (src/face/detect.h): boxes [n,4], logits of the scores [n], landmarks [n,5,2] -> the same of the faces, best first.
    own: the candidates' overlaps with one another. look [n]: which of LOOKS a candidate is of, where all were taken."""
    own = iou(b, b) if own is None else own
    taken, keep, near = np.full(len(b), -1), [], []
    for i in np.argsort(-logit, kind='stable'):
        over = [j for j, q in enumerate(keep) if own[i, q] > 0.4]
        taken[i] = over[0] if over else len(keep)
        if not over:
            keep.append(i)
    weight = 1 / (1 + np.exp(-logit)) ** 2
    value, boxes, points = logit[keep].copy(), b[keep].copy(), None if k is None else k[keep].copy()
    for j, i in enumerate(keep):
        mine = taken == j
        n = (mine & (own[i] >= 0.5)).sum()
        if look is None:
            value[j] += 0.2 * np.log(n / 3)
        else:
            seen = [logit[mine & (look == z)] for z in (0, *LOOKS)]
            value[j] = np.mean([v.max() if len(v) else np.log(FROM / (1 - FROM)) for v in seen]) + 0.4 * np.log(n / 14)
        m = mine & (own[i] >= 0.6)
        boxes[j] = np.average(b[m], 0, weight[m])
        if k is not None:
            m = mine & (own[i] >= 0.75)
            points[j] = np.average(k[m], 0, weight[m])
    order = np.argsort(-value, kind='stable')
    boxes, value = boxes[order], value[order]
    value -= 2 * np.tril(iou(boxes, boxes), -1).max(1, initial=0)
    value += 0.16 * np.log1p(company(boxes, value))
    last = np.argsort(-value, kind='stable')
    return boxes[last], value[last], None if k is None else points[order][last]


class Scrfd:
    """(bgr, threshold, sizes) -> boxes [n,4], scores [n], landmarks [n,5,2] in pixels of the picture."""

    def __init__(s, path, agreement=False, second_look=False):
        o = ort.SessionOptions()
        o.intra_op_num_threads = 1
        s.net = ort.InferenceSession(path, o, providers=['CPUExecutionProvider'])
        s.agreement, s.second_look = agreement, second_look

    def one(s, bgr, size):
        h, w = bgr.shape[:2]
        nw, nh = (int(size * w / h), size) if h > w else (size, int(size * h / w))
        p = np.zeros((size, size, 3), np.float32)
        p[:nh, :nw] = cv2.resize(bgr, (nw, nh))
        x = ((p[:, :, ::-1] - 127.5) / 128).transpose(2, 0, 1)[None]
        o = [v.reshape(-1, v.shape[-1]) for v in s.net.run(None, {s.net.get_inputs()[0].name: np.ascontiguousarray(x)})]
        b, k = [], []
        for i, t in enumerate((8, 16, 32)):
            c = np.repeat(np.stack(np.mgrid[: size // t, : size // t][::-1], -1).reshape(-1, 2) * t, 2, 0).astype(
                np.float32
            )
            d = o[3 + i] * t
            b.append(np.c_[c - d[:, :2], c + d[:, 2:]])
            k.append(o[6 + i].reshape(-1, 5, 2) * t + c[:, None])
        return np.concatenate(b) * h / nh, np.concatenate(o[:3])[:, 0], np.concatenate(k) * h / nh

    def __call__(s, bgr, threshold, sizes=(128, 640)):
        b, c, k = (np.concatenate(v) for v in zip(*(s.one(bgr, z) for z in sizes)))
        m = c >= (min(threshold, FROM) if s.agreement else threshold)
        b, c, k = b[m], c[m], k[m]
        if s.agreement:
            logit, look = np.log(c / (1 - c).clip(1e-6)), None
            small = (b[:, 2] - b[:, 0]) * 640 / max(bgr.shape[:2]) < 20
            if s.second_look and (small & (c >= 0.35)).any():
                look = np.zeros(len(b))
                for z, surer in LOOKS.items():
                    B, C, K = s.one(bgr, z)
                    L = np.log(C.clip(1e-6) / (1 - C).clip(1e-6)) - surer
                    m = L >= np.log(FROM / (1 - FROM))
                    b, logit, k = np.r_[b, B[m]], np.r_[logit, L[m]], np.r_[k, K[m]]
                    look = np.r_[look, [z] * m.sum()]
            b, logit, k = agree(b, logit, k, look=look)
            c = 1 / (1 + np.exp(-logit))
            m = c >= threshold
            return b[m], c[m], k[m]
        keep = []
        for i in np.argsort(-c, kind='stable'):
            over = iou(b[i : i + 1], b[keep])[0] if keep else np.zeros(0)
            if not (over > 0.4).any():
                keep.append(i)
        return b[keep], c[keep], k[keep]


WIDTHS = (0, 16, 24, 48, 128, 9999)  # bins of a face's width where the picture's longer side is 640


def references(a, files):
    """-> per file boxes, scores, landmarks of the reference's detections above 0.3; kept in --cache, since the
    reference costs most."""
    known = {}
    if a.cache and os.path.exists(a.cache):
        c = dict(np.load(a.cache))
        at = np.r_[0, np.cumsum(c['n'])]
        known = {str(f): tuple(c[k][at[i] : at[i + 1]] for k in 'bck') for i, f in enumerate(c['files'])}
    reference = Scrfd(a.reference)
    for f in files:
        if f not in known:
            known[f] = reference(cv2.imread(f), 0.3)
    if a.cache:
        cat = {k: np.concatenate([v[j] for v in known.values()]) for j, k in enumerate('bck')}
        np.savez(a.cache, files=list(known), n=[len(v[0]) for v in known.values()], **cat)
    return known


def compare(find, known, files, sizes=False):
    """find(bgr) -> boxes, landmarks."""
    faces = found = extra = detections = 0
    errors, hit, all_of = [], np.zeros(5, int), np.zeros(5, int)
    for f in files:
        im = cv2.imread(f)
        b, c, k = known[f]
        B, K = find(im)
        detections += len(B)
        m = iou(b, B) if len(b) and len(B) else np.zeros((len(b), len(B)))
        extra += sum(1 for j in range(len(B)) if not len(b) or m[:, j].max() < 0.5)
        for i in np.nonzero(c > 0.6)[0]:
            size = np.digitize((b[i, 2] - b[i, 0]) * 640 / max(im.shape), WIDTHS) - 1
            faces, all_of[size] = faces + 1, all_of[size] + 1
            j = m[i].argmax() if len(B) else -1
            if j < 0 or m[i, j] < 0.5:
                continue
            found, hit[size] = found + 1, hit[size] + 1
            errors.append(np.linalg.norm(K[j] - k[i], axis=1).mean() / max(np.linalg.norm(k[i][0] - k[i][1]), 1))
    print(
        f'  found {found} of {faces} ({100 * found / max(faces, 1):.1f} %), extra {extra} of {detections}'
        f' ({100 * extra / max(detections, 1):.1f} %), landmarks median {100 * np.median(errors):.1f} %, mean'
        f' {100 * np.mean(errors):.1f} % of the eye distance'
    )
    if sizes:
        print(
            '  by width: '
            + ', '.join(f'{lo} to {hi}: {h} of {n}' for lo, hi, h, n in zip(WIDTHS, WIDTHS[1:], hit, all_of))
        )


def run_detector(a):
    files = []
    for d in a.photos:
        own = sorted(
            f
            for f in glob.glob(os.path.join(d, '**', '*'), recursive=True)
            if f.lower().endswith(('.jpg', '.png', '.webp'))
        )
        files += own[7::10] if a.tenth else own
    files = [f for f in files if cv2.imread(f) is not None]
    known, det = references(a, files), Scrfd(a.detector, a.agreement, a.second_look)
    print(f'{len(files)} pictures\n{a.detector}')
    compare(lambda im: (lambda r: (r[0], r[2]))(det(im, a.threshold)), known, files, a.sizes)
    if not a.yunet:
        return
    yunet = YuNet(a.yunet)

    def teacher(im):
        f = min(1, 1200 / max(im.shape))
        b, k, w = label(yunet, cv2.resize(im, None, fx=f, fy=f) if f < 1 else im)
        m = w[:, 0] > 0
        return b[m] / f, k[m] / f

    print(a.yunet)
    compare(teacher, known, files, a.sizes)


def run_composed(a):
    """Group scenes composed of held-back photos and crops (detector_data.py): which share of their faces is
    found, by height."""
    _, scenes, crops, boxes = detector_data.load(a.faces, a.labels)
    views = detector_data.Views([s for i, s in enumerate(scenes) if detector_data.held_back(i)], crops, boxes, 640)
    views.fill = (0, 0, 0)
    det, bins = Scrfd(a.detector), (8, 12, 16, 24, 48, 640)
    hit, faces, false, n = np.zeros(5, int), np.zeros(5, int), 0, 0
    for i in range(a.scenes):
        im, (b, _, w) = views.mosaic(np.random.default_rng(i), 640)
        found = det(im[:, :, ::-1], 0.5, (640,))[0]
        m = iou(b, found) if len(b) and len(found) else np.zeros((len(b), len(found)))
        n, false = n + len(found), false + (int((m.max(0) < 0.4).sum()) if len(b) else len(found))
        k = np.digitize(b[:, 3] - b[:, 1], bins) - 1
        for j in np.nonzero((w[:, 0] > 0) & (k >= 0) & (k < 5))[0]:
            faces[k[j]] += 1
            hit[k[j]] += len(found) > 0 and m[j].max() >= 0.4
    print(f'{a.scenes} composed scenes, {false} of {n} detections false')
    for k in range(5):
        print(
            f'  faces of {bins[k]} to {bins[k + 1]} pixels: {hit[k]} of {faces[k]}'
            f' ({100 * hit[k] / max(faces[k], 1):.0f} %)'
        )


def run_lfw(a):
    def rows(name):
        return list(csv.DictReader(open(os.path.join(a.faces, name))))

    def stem(f):
        return os.path.basename(f).split('.')[0]

    with tempfile.TemporaryDirectory() as d:
        tarfile.open(os.path.join(a.faces, 'lfw-dev.tar')).extractall(d)
        run = subprocess.run(
            [a.facet, 'embed', '--json', '--quiet', '--max-faces', '1', d]
            + (['--models', a.models] if a.models else []),
            capture_output=True,
            text=True,
        )
    e = {}
    for line in run.stdout.splitlines():
        r = json.loads(line)
        if r.get('faces'):
            v = np.array(r['faces'][0]['embedding'])
            e[stem(r['file'])] = v / np.linalg.norm(v)
    who = {stem(r['file']): r['identity'] for r in rows('lfw-dev-identities.csv')}
    n = sorted(who)
    dim = len(next(iter(e.values())))
    x = np.stack([e.get(k, np.full(dim, np.nan)) for k in n])
    s = x @ x.T
    up = np.triu_indices(len(n), 1)
    same = np.array([[who[i] == who[j] for j in n] for i in n])[up]
    none = np.isnan(s[up])
    s = np.where(none, -1, s[up])
    genuine, impostor = s[same], np.sort(s[~same])[::-1]
    print(f'{len(n)} photos, no face in {len(n) - len(e)}; {len(genuine)} pairs of one person, {len(impostor)} of two')
    for f in (1e-2, 1e-3, 1e-4, 1e-5):
        t = impostor[int(len(impostor) * f)]
        print(f'  true accepts at a false accept rate of {f:g}: {100 * (genuine > t).mean():.1f} % (threshold {t:.3f})')
    pairs = [(stem(r['a']), stem(r['b']), r['same'] == '1') for r in rows('lfw-dev-pairs.csv')]
    y = np.array([p[2] for p in pairs])
    v = np.array([e[p] @ e[q] if p in e and q in e else (-1 if z else 1) for p, q, z in pairs])
    fold = np.arange(len(pairs)) % 10
    right = []
    for k in range(10):
        tr = fold != k
        t = max(np.unique(v[tr]), key=lambda t: ((v[tr] >= t) == y[tr]).mean())
        right.append(((v[~tr] >= t) == y[~tr]).mean())
    print(f'  pairs {100 * np.mean(right):.1f} % (+- {100 * np.std(right):.1f})')


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    sub = p.add_subparsers(required=True)
    q = sub.add_parser('lfw')
    q.set_defaults(run=run_lfw)
    q.add_argument('--facet', required=True)
    q.add_argument('--faces', required=True)
    q.add_argument('--models')
    q = sub.add_parser('detector')
    q.set_defaults(run=run_detector)
    q.add_argument('--detector', required=True)
    q.add_argument('--reference', required=True)
    q.add_argument('--photos', nargs='+', required=True)
    q.add_argument('--tenth', action='store_true')
    q.add_argument('--yunet')
    q.add_argument('--cache', help=".npz in which the reference's answers are kept")
    q.add_argument('--sizes', action='store_true', help='recall by the width of the face')
    q.add_argument('--threshold', type=float, default=0.5)
    q.add_argument('--agreement', action='store_true', help='as for a pack whose manifest says agreement')
    q.add_argument('--second-look', action='store_true', help='with --agreement: and second_look')
    q = sub.add_parser('composed')
    q.set_defaults(run=run_composed)
    q.add_argument('--detector', required=True)
    q.add_argument('--faces', required=True)
    q.add_argument('--labels', required=True, help='as detector.py wrote them')
    q.add_argument('--scenes', type=int, default=120)
    a = p.parse_args()
    a.run(a)


if __name__ == '__main__':
    main()
