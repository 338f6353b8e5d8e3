#!/usr/bin/env python3
"""Labels for the detector of the default pack, from permissively licensed teachers.

    python3 detector_labels.py --faces DIR --yunet FILE.onnx --mesh face_landmark.tflite --small
        omz_landmarks_0009.onnx --out labels.npz

Boxes: YuNet at several scales and mirrored (detector_data.label); with --centerface in photos of groups also
CenterFace (join). Landmarks: where at least two of YuNet,
MediaPipe's mesh and Open Model Zoo's small network agree (landmark_teachers.agree); the rest carry no loss. DIR
holds scenes/, groups/ and index.csv with its crops. The file has for photos (`n` faces each, names in `names`)
b [m,4], k [m,5,2], w [m,6] (1 a face, 0 not sure; five landmarks known) and c [m] (the teacher's mean score), and
for crops (`crop_i` row of index.csv) crop_b, crop_k, crop_w, crop_m [c,73,3] (the mesh's 68 and the five) and
crop_p, its presence. --part K/N does every N-th picture, for several processes; --join FILES puts parts together."""

import argparse
import csv
import os
import cv2
import numpy as np
from centerface import CenterFace
from detector_data import TEMPLATE, YuNet, iou, label, see
from landmark_teachers import MESH_68, Mesh, Small, agree, five_of

HOW = dict(
    scenes=((0.6, 1.0, 1.6), (3, 0.5)), groups=((0.7, 1.0, 1.5, 2.2), (2, 0.35))
)  # crowds hold faces that teachers half see
CLOSER = (1.5,)  # at which the second teacher looks at crowds
SURE, LEAST = 0.45, 0.08  # both teachers' score of a face that is sure, and of what is not background
BORDER = 32


def fuse(runs):
    """-> boxes [n,4], scores [n], landmarks [n,5,2]: a face's score is the mean over all runs of the best that each
    gives it."""
    run = np.repeat(np.arange(len(runs)), [len(r[1]) for r in runs])
    b, s, k = (np.concatenate(v) for v in zip(*runs))
    own, left, out = iou(b, b), np.ones(len(b), bool), []
    for i in np.argsort(-s):
        if not left[i]:
            continue
        m = left & (own[i] >= 0.5)
        left &= own[i] < 0.4
        best = np.zeros(len(runs))
        np.maximum.at(best, run[m], s[m])
        out.append((np.average(b[m], 0, s[m]), best.mean(), np.average(k[m], 0, s[m])))
    out = out or [(np.zeros(4), 0, np.zeros((5, 2)))]
    return tuple(np.array(v, np.float32) for v in zip(*out))


def join(a, b, sure=SURE, least=LEAST):
    """Labels a (boxes, landmarks, weights of label()) with those of a second teacher (fuse()): the score is the mean
    of both, the box their mean weighted with the scores. Landmarks are a's; of faces that b alone sees they are not
    known."""
    over = iou(a[0], b[0])
    pairs, first, second = [], set(), set()
    for i, j in sorted(zip(*np.nonzero(over >= 0.4)), key=lambda v: -over[v]):
        if i not in first and j not in second:
            pairs.append((i, j))
            first.add(i)
            second.add(j)
    out = []
    for i, j in pairs:
        p, q = a[2][i, 2], b[1][j]
        out.append(((a[0][i] * p + b[0][j] * q) / (p + q), a[1][i], a[2][i, 1], (p + q) / 2))
    out += [(a[0][i], a[1][i], a[2][i, 1], a[2][i, 2] / 2) for i in range(len(a[0])) if i not in first]
    out += [(b[0][j], b[2][j], -1, b[1][j] / 2) for j in range(len(b[0])) if j not in second]
    out = [v for v in out if v[3] >= least]
    box = np.array([v[0] for v in out], np.float32).reshape(-1, 4)
    pts = np.array([v[1] for v in out], np.float32).reshape(-1, 5, 2)
    w = np.array([(v[3] >= sure, v[2], v[3]) for v in out], np.float32).reshape(-1, 3)
    return box, pts, w


def look(a, rgb, b, k):
    """-> mesh's 68 and five points [n,73,3], presence [n], small's five [n,5,2]."""
    m, p, s = [], [], []
    for box, five in zip(b, k):
        q, c = a.mesh(rgb, box, five)
        m.append(np.concatenate([q[MESH_68], np.c_[five_of(q), np.zeros(5)]]))
        p.append(c)
        s.append(a.small(rgb, box))
    return (
        np.array(m, np.float32).reshape(-1, 73, 3),
        np.array(p, np.float32),
        np.array(s, np.float32).reshape(-1, 5, 2),
    )


def photos(a, net, k, n):
    out = []
    for folder in ('scenes', 'groups'):
        for i, name in enumerate(sorted(os.listdir(os.path.join(a.faces, folder)))):
            if i % n != k:
                continue
            im = cv2.imread(os.path.join(a.faces, folder, name))
            b, pts, w = label(net, im, *HOW[folder])
            if a.center and folder == 'groups':
                b, pts, w = join((b, pts, w), fuse(see(a.center, im, CLOSER)))
            sure = w[:, 2].astype(np.float32)
            out.append((f'{folder}/{name}', b, pts, w, *look(a, im[:, :, ::-1].copy(), b, pts), sure))
            if len(out) % 200 == 0:
                print(f'{len(out)} photos', flush=True)
    return out


def crops(a, net, k, n):
    rows = [r['file'] for r in csv.DictReader(open(os.path.join(a.faces, 'index.csv')))]
    out = []
    for i in range(2 * k, len(rows), 2 * n):  # every other crop is plenty
        im = cv2.imread(os.path.join(a.faces, rows[i]))
        im = cv2.copyMakeBorder(
            im, BORDER, BORDER, BORDER, BORDER, cv2.BORDER_REPLICATE
        )  # for faces that touch the edge
        b, pts, w = label(net, im, (0.8, 1.25))
        far = np.abs(pts.mean(1) - BORDER - TEMPLATE.mean(0)).max(1) if len(b) else np.array([99.0])
        j = far.argmin()
        if far[j] < 8 and w[j, 0]:
            m, p, s = look(a, im[:, :, ::-1].copy(), b[j : j + 1], pts[j : j + 1])
            out.append((i, b[j] - BORDER, pts[j] - BORDER, w[j], m[0] - (BORDER, BORDER, 0), p[0], s[0] - BORDER))
    return out


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    for v in ('faces', 'yunet', 'mesh', 'small'):
        a.add_argument('--' + v)
    a.add_argument('--centerface', help='a second teacher of boxes in photos of groups')
    a.add_argument('--out', required=True)
    a.add_argument('--part', default='0/1')
    a.add_argument('--join', nargs='+')
    a = a.parse_args()
    cv2.setNumThreads(1)
    if not a.join:
        net, a.mesh, a.small = YuNet(a.yunet), Mesh(a.mesh), Small(a.small)
        a.center = CenterFace(a.centerface) if a.centerface else None
        k, n = (int(v) for v in a.part.split('/'))
        p = photos(a, net, k, n)
        c = crops(a, net, k, n)
        cat = [np.concatenate([v[j] for v in p]) for j in range(1, 8)]
        np.savez(a.out, names=[v[0] for v in p], n=[len(v[1]) for v in p], **dict(zip('bkwmpsc', cat)),
                 **{f'crop_{t}': np.array([v[j] for v in c]) for j, t in enumerate('ibkwmps')})
        return
    parts = [dict(np.load(f)) for f in a.join]
    faces = [(str(name), *(d[t][j : j + c] for t in 'bkwmsc'))
             for d in parts for name, c, j in zip(d['names'], d['n'], np.cumsum(d['n']) - d['n'])]
    faces.sort(key=lambda v: (v[0] < 'scenes', v[0]))  # scenes first, then groups, as detector_data.load counts
    b, k, w, m, s, sure_of = (np.concatenate([v[j] for v in faces]) for j in range(1, 7))
    cb, ck, cw, cm, cs, cp, ci = (np.concatenate([d[f'crop_{t}'] for d in parts]) for t in 'bkwmspi')
    order = np.argsort(ci)
    cb, ck, cw, cm, cs, cp, ci = (v[order] for v in (cb, ck, cw, cm, cs, cp, ci))
    pts, sure = agree(np.concatenate([k, ck]), np.concatenate([m, cm])[:, 68:, :2], np.concatenate([s, cs]))
    face = np.concatenate([w, cw])[:, :1]
    w6 = np.c_[face, sure * face * (np.concatenate([w, cw])[:, 1:2] >= 0)].astype(np.float32)
    n = len(k)
    np.savez(a.out, names=[v[0] for v in faces], n=[len(v[1]) for v in faces], b=b, k=pts[:n], w=w6[:n],
    c=sure_of, m=m.astype(np.float16),
             crop_i=ci, crop_b=cb, crop_k=pts[n:], crop_w=w6[n:], crop_m=cm, crop_p=cp)
    print(f'{len(faces)} photos, {int(face[:n].sum())} faces, {int(n - face[:n].sum())} ignored; {len(ci)} crops; '
          f'landmarks known: photos {100 * sure[:n][face[:n, 0] > 0].mean():.1f} %, '
          f'crops {100 * sure[n:].mean():.1f} %')


if __name__ == '__main__':
    main()
