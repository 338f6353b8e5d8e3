#!/usr/bin/env python3
"""Trains the network of the default pack that finds 68 points in space, InsightFace's `landmark_3d_68`.

    python3 landmarks.py --faces DIR --labels detector-labels.npz --out landmark.onnx [--minutes 30] [--checkpoint FILE]

Targets: the points of MediaPipe's mesh that stand for the 68 (landmark_teachers.MESH_68), as detector_labels.py
stored them. Input: the square of 1.5 times the longer side of the face's box at 192x192, RGB, (x - 127.5) /
128, which the network itself halves. Output [n,3309], as 1103 points of which the last 68 count: x, y from -1
to 1 over the square, z in the same unit, growing towards the camera. The loss is the L1 distance, z by half.
Every tenth face is held back; its errors are those of the points in parts of the eye distance and of the pose
(src/face/pose.c) in degrees, against the mesh's."""

import argparse
import math
import os
import time
import cv2
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import detector_data as data

SIZE, KEPT, WIDE = 192, 160, 1.9  # input; side of the stored square, which is WIDE times the box
FLIP = [*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31, 45, 44, 43, 42, 47, 46, 39, 38,
37, 36, 41, 40,
        54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]


def cba(i, o, k, s=1, g=1):
    return [nn.Conv2d(i, o, k, s, k // 2, groups=g, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True)]


class Block(nn.Module):
    """Widened, depthwise, narrowed; a residual where size and channels stay."""

    def __init__(s, i, e, o, stride=1):
        super().__init__()
        s.same = stride == 1 and i == o
        s.b = nn.Sequential(*cba(i, e, 1), *cba(e, e, 3, stride, e), nn.Conv2d(e, o, 1, bias=False), nn.BatchNorm2d(o))

    def forward(s, x):
        return x + s.b(x) if s.same else s.b(x)


class Net(nn.Module):
    """[n,3,192,192] -> [n,204]; exported with zeros before, [n,3309]. 35 MMAC."""

    def __init__(s):
        super().__init__()
        s.body = nn.Sequential(
            *cba(3, 16, 3, 2), Block(16, 48, 32, 2), Block(32, 64, 32), Block(32, 64, 32), Block(32, 128, 64, 2),
            *(Block(64, 128, 64) for _ in range(4)), Block(64, 256, 128, 2), *(Block(128, 256,
            128) for _ in range(3)), *cba(128, 256, 1),
            nn.Conv2d(256, 256, 6, groups=256, bias=False), nn.BatchNorm2d(256),
        )
        s.last = nn.Linear(256, 204)
        nn.init.normal_(s.last.weight, 0, 0.01)
        s.exporting = False

    def forward(s, x):
        y = s.last(s.body(F.avg_pool2d(x, 2)).flatten(1))
        if not s.exporting:
            return y
        none = y * 0  # 15 times and 45 values of it make the 3105 that come first; facet has no Pad
        return torch.cat([none] * 15 + [none[:, :45], y], 1)


def square(im, box, pts):
    """-> the square of WIDE times the box [KEPT,KEPT,3], a mask of what is photo, points in its pixels."""
    f = KEPT / (WIDE * max(box[2] - box[0], box[3] - box[1]))
    g = 1.0
    if f < 0.6:
        g = f * 1.5
        im = cv2.resize(im, None, fx=g, fy=g, interpolation=cv2.INTER_AREA)
    mid = (box[:2] + box[2:]) / 2
    m = np.array([[f / g, 0, KEPT / 2 - f * mid[0]], [0, f / g, KEPT / 2 - f * mid[1]]])
    out = cv2.warpAffine(im, m, (KEPT, KEPT), borderMode=cv2.BORDER_REPLICATE)
    mask = cv2.warpAffine(np.full(im.shape[:2], 255, np.uint8), m, (KEPT, KEPT))
    return np.dstack([out, mask]), np.c_[(pts[:, :2] - mid) * f + KEPT / 2, -pts[:, 2:] * f].astype(np.float32)


def load(faces, labels, least=24, every=2):
    """-> squares [n,KEPT,KEPT,4] uint8, points [n,68,3] in their pixels, box sides in pixels of the photo [n],
    held back [n], kinds [n]."""
    c = dict(np.load(labels))
    at = np.r_[0, np.cumsum(c['n'])]
    x, p, side, held, kind = [], [], [], [], []
    import csv

    def add(im, b, m, h, k):
        s, q = square(im, b, m)
        x.append(s), p.append(q), side.append(max(b[2] - b[0], b[3] - b[1])), held.append(h), kind.append(k)

    for i, n in enumerate(c['names']):
        r = [
            j
            for j in range(at[i], at[i + 1])
            if c['w'][j, 0] > 0 and c['w'][j, 1:].sum() >= 4 and c['b'][j, 3] - c['b'][j, 1] >= least
        ]
        im = cv2.imread(os.path.join(faces, str(n)))[:, :, ::-1] if r else None
        for j in r:
            add(im, c['b'][j], c['m'][j, :68].astype(np.float32), data.held_back(i), str(n).split('/')[0])
    rows = [r['file'] for r in csv.DictReader(open(os.path.join(faces, 'index.csv')))]
    for j, i in enumerate(c['crop_i']):
        if c['crop_w'][j, 1:].sum() >= 4 and c['crop_p'][j] > 0.5 and j % every == 0:
            im = cv2.imread(os.path.join(faces, rows[i]))[:, :, ::-1]
            add(im, c['crop_b'][j], c['crop_m'][j, :68], j // every % 10 == 7, rows[i].split('/')[0])
    return np.stack(x), np.stack(p), np.array(side), np.array(held), np.array(kind)


def view(rng, x, p, other, change=True):
    """A square and its points -> what the network sees [192,192,3] uint8 and its targets [68,3] (-1..1)."""
    scale, angle, dx, dy, flip = 1.0, 0.0, 0.0, 0.0, False
    if change:
        scale, (dx, dy), flip = np.exp(rng.uniform(-0.18, 0.16)), rng.uniform(-0.07, 0.07, 2), rng.random() < 0.5
        angle = rng.normal(0, 0.25) if rng.random() < 0.85 else rng.uniform(-1.2, 1.2)
    f = SIZE / (KEPT * 1.5 / WIDE) * scale
    c, s = np.cos(angle) * f, np.sin(angle) * f
    m = np.array([[c, s, 0], [-s, c, 0]])
    m[:, 2] = SIZE * (0.5 + np.array([dx, dy])) - m[:, :2] @ (KEPT / 2, KEPT / 2)
    y = cv2.warpAffine(x, m, (SIZE, SIZE))
    rgb, mask = y[..., :3], y[..., 3:].astype(np.float32) / 255
    if mask.min() < 1:
        kind = rng.random() if change else 0
        fill = 0 if kind < 0.3 else rng.integers(0, 256, 3) if kind < 0.6 else cv2.resize(other[..., :3], (SIZE, SIZE))
        rgb = (rgb * mask + fill * (1 - mask)).astype(np.uint8)
    q = np.c_[p[:, :2] @ m[:, :2].T + m[:, 2], p[:, 2] * f]
    t = q / (SIZE / 2) - (1, 1, 0)
    if flip:
        rgb, t = rgb[:, ::-1], t[FLIP] * (-1, 1, 1)
    if change:
        rgb = worse(rng, np.ascontiguousarray(rgb))
    return rgb, t.astype(np.float32)


def worse(rng, im):
    """Light, color, small originals, blur, JPEG and things before the face."""
    u = rng.random(8)
    if u[0] < 0.35:
        k = int(SIZE / 1.5 * np.exp(rng.uniform(np.log(0.12), 0)))
        im = cv2.resize(
            cv2.resize(im, (k, k), interpolation=cv2.INTER_AREA), (SIZE, SIZE), interpolation=cv2.INTER_LINEAR
        )
    if u[1] < 0.2:
        x0, y0 = rng.integers(0, 150, 2)
        w, h = rng.integers(25, 75, 2)
        im[y0 : y0 + h, x0 : x0 + w] = rng.integers(0, 256, 3)
    if u[2] < 0.1:  # a mask or a scarf
        im[int(rng.uniform(0.52, 0.62) * SIZE) :, 30:162] = rng.integers(0, 256, 3)
    if u[3] < 0.1:
        im = cv2.GaussianBlur(im, (0, 0), rng.uniform(0.6, 2.5))
    if u[4] < 0.15:
        im = cv2.imdecode(cv2.imencode('.jpg', im, [1, int(rng.integers(25, 90))])[1], 1)
    gain, off = rng.uniform(0.6, 1.4), rng.uniform(-30, 30)
    tint = rng.uniform(0.85, 1.15, 3) if u[5] < 0.5 else np.ones(3)
    if u[6] < 0.12:
        im = np.repeat(im.mean(2, keepdims=True), 3, 2)
    table = (np.arange(256)[:, None] * gain * tint + off).clip(0, 255).astype(np.uint8)
    return np.dstack(
        [
            cv2.LUT(np.ascontiguousarray(im[..., k]).astype(np.uint8), np.ascontiguousarray(table[:, k]))
            for k in range(3)
        ]
    )


def poses(p, mean):
    """Pitch, yaw, roll in degrees [n,3] of points [n,68,2 or more], as src/face/pose.c: the camera that turns
    the mean shape into them."""
    a = np.c_[mean, np.ones(68)]
    r = (
        np.linalg.lstsq(a, p[..., :2].transpose(1, 0, 2).reshape(68, -1), rcond=None)[0][:3]
        .reshape(3, len(p), 2)
        .transpose(1, 2, 0)
    )
    r = r / np.linalg.norm(r, axis=2, keepdims=True)
    z = np.cross(r[:, 0], r[:, 1])
    sy = np.hypot(r[:, 0, 0], r[:, 1, 0])
    return np.degrees(
        np.stack([np.arctan2(z[:, 1], z[:, 2]), np.arctan2(-z[:, 0], sy), np.arctan2(r[:, 1, 0], r[:, 0, 0])], 1)
    )


def mean_shape(folder=os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../src/face/meanshape.inc')):
    import re

    text = re.sub(r'/\*.*?\*/', '', open(folder).read(), flags=re.S)
    v = re.findall(r'-?\d+\.\d*(?:e[-+]?\d+)?', text.split('=', 1)[1])
    return np.array([float(t) for t in v], np.float64).reshape(68, 3)


def measure(net, sets, small=0):
    """Errors on the held-back faces; small: of pictures reduced to so many pixels of the box."""
    x, p, kind = sets
    net.eval()
    out, rng = [], np.random.default_rng(0)
    target = []
    for k in range(0, len(x), 64):
        v = [view(rng, a, b, None, False) for a, b in zip(x[k : k + 64], p[k : k + 64])]
        im = [u[0] for u in v]
        if small:
            w = int(round(small * 1.5))
            im = [cv2.resize(cv2.resize(u, (w, w), interpolation=cv2.INTER_AREA), (SIZE, SIZE)) for u in im]
        t = (torch.from_numpy(np.stack(im)).permute(0, 3, 1, 2).float() - 127.5) / 128
        with torch.no_grad():
            out.append(net(t).reshape(-1, 68, 3).numpy())
        target += [u[1] for u in v]
    net.train()
    out, target = np.concatenate(out), np.stack(target)
    eye = np.linalg.norm(target[:, 36:42, :2].mean(1) - target[:, 42:48, :2].mean(1), axis=1).clip(0.1)
    e = np.linalg.norm(out - target, axis=2)[..., None].mean((1, 2)) / eye
    e2 = np.linalg.norm((out - target)[..., :2], axis=2).mean(1) / eye
    mean = mean_shape()
    a, b = poses(out, mean), poses(target, mean)
    d = np.abs((a - b + 180) % 360 - 180)
    for name, m in [('all', e > -1), ('turned over 25 degrees', np.abs(b[:, 1]) > 25)] + [
        (k, kind == k) for k in sorted(set(kind))
    ]:
        if m.any():
            print(
                f'  {name}: {m.sum()} faces, points {100 * e2[m].mean():.1f} % '
                f'(in space {100 * e[m].mean():.1f} %) of the eye distance, '
                f'pitch {d[m, 0].mean():.1f}, yaw {d[m, 1].mean():.1f}, roll {d[m, 2].mean():.1f} degrees',
                flush=True,
            )


class Stream(torch.utils.data.IterableDataset):
    def __init__(s, x, p, batch, seed, start):
        s.x, s.p, s.batch, s.seed, s.start = x, p, batch, seed, start

    def __iter__(s):
        cv2.setNumThreads(1)
        step = s.start
        while True:
            rng = np.random.default_rng((s.seed, step))
            v = [view(rng, s.x[i], s.p[i], s.x[j]) for i, j in rng.integers(len(s.x), size=(s.batch, 2))]
            yield torch.from_numpy(np.stack([u[0] for u in v])), torch.from_numpy(np.stack([u[1] for u in v]))
            step += 1


def export(net, path):
    net.eval()
    net.exporting = True
    kw = dict(dynamo=False) if torch.__version__ >= '2.5' else {}
    torch.onnx.export(net, torch.zeros(1, 3, SIZE, SIZE), path, input_names=['data'], output_names=['fc1'],
    opset_version=13,
                      dynamic_axes={'data': {0: 'N'}, 'fc1': {0: 'N'}}, **kw)
    net.exporting = False
    net.train()


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    for n in ('faces', 'labels', 'out'):
        a.add_argument('--' + n, required=True)
    a.add_argument('--minutes', type=float, default=30)
    a.add_argument('--batch', type=int, default=64)
    a.add_argument('--lr', type=float, default=3e-3)
    a.add_argument('--threads', type=int, default=1)
    a.add_argument('--workers', type=int, default=0)
    a.add_argument('--seed', type=int, default=1)
    a.add_argument('--checkpoint')
    a.add_argument('--start', help='checkpoint to start from')
    a.add_argument('--compile', action='store_true')
    a.add_argument('--every', type=int, default=2, help='how many of the labeled crops one is taken of')
    a.add_argument('--cache', help='.npz of the squares, made when it is not there')
    a = a.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    cv2.setNumThreads(1)
    if a.cache and os.path.exists(a.cache):
        x, p, side, held, kind = np.load(a.cache).values()
    else:
        x, p, side, held, kind = load(a.faces, a.labels, every=a.every)
        if a.cache:
            np.savez(a.cache, x=x, p=p, side=side, held=held, kind=kind)
    net = Net()
    print(
        f'{(~held).sum()} faces, {held.sum()} held back; {sum(v.numel() for v in net.parameters()) / 1e6:.2f} M'
        ' parameters',
        flush=True,
    )
    test = x[held], p[held], kind[held]
    x, p = x[~held], p[~held]
    if a.start:
        net.load_state_dict(torch.load(a.start, map_location='cpu'))
    else:
        with torch.no_grad():  # starts at the mean face
            f = np.mean([view(None, v, q, v, False)[1] for v, q in zip(x[::40], p[::40])], 0)
            net.last.bias.copy_(torch.from_numpy(f).reshape(-1))
    net = net.to(memory_format=torch.channels_last)
    ema = torch.optim.swa_utils.AveragedModel(
        net, avg_fn=lambda e, q, n: e + (q - e) * max(0.003, 9 / (10 + n)), use_buffers=True
    )
    opt = torch.optim.AdamW(net.parameters(), a.lr, weight_decay=1e-3)
    forward = torch.compile(net) if a.compile else net
    it = iter(torch.utils.data.DataLoader(Stream(x, p, a.batch, a.seed, 0), batch_size=None, num_workers=a.workers))
    weight = torch.tensor([1, 1, 0.5])
    t0 = saved = time.time()
    step, run = 0, 0
    while time.time() - t0 < a.minutes * 60:
        at = (time.time() - t0) / (a.minutes * 60)
        for g in opt.param_groups:
            g['lr'] = a.lr * min(1, (step + 1) / 100) * max(0.005, 0.5 * (1 + math.cos(math.pi * at)))
        im, t = next(it)
        with torch.autocast('cpu', torch.bfloat16):
            y = forward(((im.permute(0, 3, 1, 2).float() - 127.5) / 128).contiguous(memory_format=torch.channels_last))
        loss = ((y.float().reshape(-1, 68, 3) - t).abs() * weight).mean()
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        ema.update_parameters(net)
        step, run = step + 1, run + float(loss)
        if step % 50 == 0:
            print(f'step {step} loss {run / 50:.4f} {step * a.batch / (time.time() - t0):.0f} images/s '
                  f'{(a.minutes - (time.time() - t0) / 60):.0f} min left', flush=True)
            run = 0
        if time.time() - saved > 180:
            if a.checkpoint:
                torch.save(ema.module.state_dict(), a.checkpoint)
            export(ema.module, a.out)
            saved = time.time()
    if a.checkpoint:
        torch.save(ema.module.state_dict(), a.checkpoint)
    export(ema.module, a.out)
    for small in (0, 24):
        print('reduced to 24 pixels' if small else 'as they are')
        measure(ema.module, test, small)


if __name__ == '__main__':
    main()
