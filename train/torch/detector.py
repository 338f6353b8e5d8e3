#!/usr/bin/env python3
"""Trains the face detector of the default pack: five landmarks, SCRFD's nine outputs.

    python3 detector.py --faces DIR --labels FILE.npz --out det.onnx [--steps 12000] [--checkpoint FILE]

Assignment, losses and anchors after SCRFD (Guo et al., "Sample and Computation Redistribution for Efficient Face
Detection", ICLR 2022): ATSS over 9 candidates a level, quality focal loss (beta 2) on the root of the IoU (so that half
is asked of boxes that overlap by a quarter, and small faces stay above a threshold of 0.5), DIoU and landmark
smooth L1 weighted by the detached score. Backbone: depthwise separable, PAN neck of 64 channels.
The network sees RGB, (x - 127.5) / 128. A killed run resumes from its checkpoint.
"""

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
import warm

STRIDES, ANCHORS = (8, 16, 32), ((16, 32), (64, 128), (256, 512))
MOST = 40  # faces of a view that boxes beside them are compared with


def cba(i, o, k, s=1, g=1):
    return [nn.Conv2d(i, o, k, s, k // 2, groups=g, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True)]


def ds(i, o, s=1, k=3):
    return nn.Sequential(*cba(i, i, k, s, i), *cba(i, o, 1))


class Res(nn.Module):
    def __init__(s, c):
        super().__init__()
        s.b = nn.Sequential(*cba(c, c, 3, 1, c), nn.Conv2d(c, c, 1, bias=False), nn.BatchNorm2d(c))

    def forward(s, x):
        return F.relu(x + s.b(x))


class Net(nn.Module):
    def __init__(s, neck=64):
        super().__init__()
        s.stem = nn.Sequential(*cba(3, 16, 3, 2), ds(16, 32, 2), Res(32))
        s.s8 = nn.Sequential(ds(32, 64, 2), Res(64), Res(64))
        s.s16 = nn.Sequential(ds(64, 128, 2), Res(128), Res(128), Res(128))
        s.s32 = nn.Sequential(ds(128, 224, 2), Res(224), Res(224))
        s.lat = nn.ModuleList([nn.Sequential(*cba(c, neck, 1)) for c in (64, 128, 224)])
        s.td = nn.ModuleList([ds(neck, neck) for _ in range(2)])
        s.down = nn.ModuleList([ds(neck, neck, 2) for _ in range(2)])
        s.bu = nn.ModuleList([ds(neck, neck) for _ in range(2)])
        s.tower = nn.ModuleList([ds(neck, neck) for _ in STRIDES])
        s.points = nn.ModuleList(
            [nn.Sequential(ds(neck, neck, k=5), ds(neck, neck)) for _ in STRIDES]
        )  # landmarks need more of the face than its score does
        s.cls, s.reg, s.kps = (nn.ModuleList([nn.Conv2d(neck, 2 * n, 1) for _ in STRIDES]) for n in (1, 4, 10))
        for c in s.cls:
            nn.init.constant_(c.bias, -4.595)
            nn.init.normal_(c.weight, 0, 0.01)
        for c in s.reg:
            nn.init.constant_(c.bias, 2.0)

    def forward(s, x):
        c8 = s.s8(s.stem(x))
        c16 = s.s16(c8)
        c32 = s.s32(c16)
        p = [l(c) for l, c in zip(s.lat, (c8, c16, c32))]
        for i in (1, 0):
            p[i] = s.td[i](p[i] + F.interpolate(p[i + 1], scale_factor=2.0, mode='nearest'))
        for i in (0, 1):
            p[i + 1] = s.bu[i](p[i + 1] + s.down[i](p[i]))
        t = [f(v) for f, v in zip(s.tower, p)]
        u = [f(v) for f, v in zip(s.points, p)]
        n = x.shape[0]

        def flat(v, c):
            return v.permute(0, 2, 3, 1).reshape((n, -1, c) if s.training else (-1, c))

        def score(v):
            return flat(v, 1) if s.training else flat(v, 1).sigmoid()

        return (
            [score(h(t[i])) for i, h in enumerate(s.cls)]
            + [flat(h(t[i]), 4) for i, h in enumerate(s.reg)]
            + [flat(h(u[i]), 10) for i, h in enumerate(s.kps)]
        )


def anchors(size):
    """-> centers [A,2], stride [A], box [A,4] in the order of the outputs."""
    cs, st, bx = [], [], []
    for s, sizes in zip(STRIDES, ANCHORS):
        g = size // s
        c = (
            torch.stack(torch.meshgrid(torch.arange(g), torch.arange(g), indexing='ij')[::-1], -1)
            .reshape(-1, 1, 2)
            .repeat(1, 2, 1)
            .float()
            * s
        )
        h = torch.tensor(sizes).float()[None, :, None] / 2
        cs.append(c.reshape(-1, 2))
        bx.append(torch.cat([c - h, c + h], -1).reshape(-1, 4))
        st.append(torch.full((g * g * 2,), float(s)))
    return torch.cat(cs), torch.cat(st), torch.cat(bx)


def pair_iou(a, b):
    w = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0)
    i = w[..., 0] * w[..., 1]

    def area(v):
        return (v[..., 2] - v[..., 0]) * (v[..., 3] - v[..., 1])

    return i / (area(a) + area(b) - i).clamp(min=1e-6)


def assign(ctr, box, gt, levels):
    """ATSS: index of the face of each anchor, -1 none. levels: [A] level numbers."""
    n = len(gt)
    out = torch.full((len(ctr),), -1, dtype=torch.long)
    if not n:
        return out
    iou = pair_iou(box[:, None], gt[None])
    mid = (gt[:, :2] + gt[:, 2:]) / 2
    d = torch.cdist(ctr, mid)
    cand = torch.zeros_like(iou, dtype=torch.bool)
    for l in range(3):
        ix = torch.nonzero(levels == l)[:, 0]
        k = d[ix].topk(min(9, len(ix)), 0, largest=False).indices
        cand[ix[k], torch.arange(n)[None]] = True
    ci = torch.where(cand, iou, torch.nan)
    mean = ci.nanmean(0)
    std = ((ci - mean) ** 2).nanmean(0).sqrt()
    inside = (ctr[:, None] > gt[None, :, :2]).all(-1) & (ctr[:, None] < gt[None, :, 2:]).all(-1)
    near = d <= d.min(0).values[None] + 1e-3  # a face between the grid's points still gets its nearest anchors
    pos = cand & (iou >= (mean + std)[None]) & (inside | near)
    best, who = torch.where(pos, iou, torch.tensor(-1.0)).max(1)
    out[best >= 0] = who[best >= 0]
    return out


def target(views, grid):
    """-> what the losses need of views' (boxes, landmarks, weights): weight of each cell's score [B,A]; per
    positive cell its view, anchor, box [P,4], landmarks [P,5,2] and which are known [P,5]. Second: the faces of
    each view [B,MOST,4], zeros beyond."""
    ctr, stride, box, levels = grid
    w = torch.ones(len(views), len(ctr))
    faces = torch.zeros(len(views), MOST, 4)
    parts = []
    for b, (gt, pts, wt) in enumerate(views):
        a = assign(ctr, box, gt, levels)
        p = torch.nonzero(a >= 0)[:, 0]
        ign = gt[wt[:, 0] == 0]
        if len(ign):  # cells within an ignored face carry no loss
            w[b][((ctr[:, None] > ign[None, :, :2]).all(-1) & (ctr[:, None] < ign[None, :, 2:]).all(-1)).any(1)] = 0
        p = p[wt[a[p], 0] > 0] if len(p) else p
        w[b, p] = 1
        near = gt[wt[:, 0] > 0][:MOST]
        faces[b, : len(near)] = near
        parts.append((torch.full_like(p, b), p, gt[a[p]], pts[a[p]], wt[a[p], 1:]) if len(p) else
                     (p, p, torch.zeros(0, 4), torch.zeros(0, 5, 2), torch.zeros(0, 5)))  # fmt: skip
    return w, faces, *(torch.cat(v) for v in zip(*parts))


def losses(o, t, ctr, stride):
    cls = torch.cat(o[:3], 1)[..., 0]
    reg = torch.cat(o[3:6], 1)
    kps = torch.cat(o[6:], 1)
    w, faces, b, p, g, pts, wk = t
    s = stride[p][:, None]
    r = reg[b, p] * s
    c = ctr[p]
    pb = torch.cat([c - r[:, :2], c + r[:, 2:]], 1)
    i = pair_iou(pb, g)
    q = torch.zeros_like(cls).index_put((b, p), i.detach().clamp(0, 1).sqrt())
    dc = ((pb[:, :2] + pb[:, 2:]) - (g[:, :2] + g[:, 2:])).pow(2).sum(1) / 4
    dd = (torch.maximum(pb[:, 2:], g[:, 2:]) - torch.minimum(pb[:, :2], g[:, :2])).pow(2).sum(1).clamp(min=1e-6)
    size = ((g[:, 2:] - g[:, :2]).prod(1).clamp(min=1).sqrt())[:, None]
    kd = (
        (kps[b, p] * s - (pts - c[:, None]).reshape(-1, 10)) / size * 4
    )  # in quarters of the face's size: errors of all scales weigh alike
    lk = (F.smooth_l1_loss(kd, torch.zeros_like(kd), beta=0.1, reduction='none').reshape(-1, 5, 2).mean(2) * wk).mean(1)
    W = cls[b, p].detach().sigmoid().clamp(min=0.05)
    sg = cls.sigmoid()
    w = beside(w, faces, sg.detach(), q, reg.detach(), ctr, stride)
    qfl = F.binary_cross_entropy_with_logits(cls, q, reduction='none') * (sg - q).abs().pow(2) * w
    n, all_w = max(1, len(p)), W.sum().clamp(min=1e-6)
    return qfl.sum() / n, ((1 - i + dc / dd) * W).sum() / all_w, (lk * W).sum() / all_w


def beside(w, faces, score, q, reg, ctr, stride, factor=4.0):
    """Weights w [B,A] with more for boxes half a face off a true one: the suppression of overlaps does not
    remove them."""
    b, a = torch.nonzero((score > 0.05) & (q == 0) & (w > 0), as_tuple=True)
    if not len(b):
        return w
    d = reg[b, a] * stride[a][:, None]
    box = torch.cat([ctr[a] - d[:, :2], ctr[a] + d[:, 2:]], 1)
    over = pair_iou(box[:, None], faces[b]).max(1).values
    return w.index_put((b, a), torch.where((over > 0.02) & (over < 0.42), factor, 1.0))


class Stream(torch.utils.data.IterableDataset):
    """Batches: pictures [B,S,S,3] uint8 and target() of them."""

    def __init__(s, views, grid, batch, seed, start):
        s.v, s.grid, s.batch, s.seed, s.start = views, grid, batch, seed, start

    def __iter__(s):
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        info = torch.utils.data.get_worker_info()
        k, n = (info.id, info.num_workers) if info else (0, 1)
        step = s.start + k
        while True:  # a view depends on (seed, step, place) alone: a resumed run sees the same ones
            r = [s.v.view(np.random.default_rng((s.seed, step, i))) for i in range(s.batch)]
            t = [tuple(torch.from_numpy(np.ascontiguousarray(x)) for x in v[1:]) for v in r]
            yield torch.from_numpy(np.stack([v[0] for v in r])), target(t, s.grid)
            step += n


def export(net, path, device='cpu'):
    net.eval()
    names = [f'{k}_{s}' for k in ('score', 'bbox', 'kps') for s in STRIDES]
    kw = dict(dynamo=False) if torch.__version__ >= '2.5' else {}
    torch.onnx.export(
        net,
        torch.zeros(1, 3, 640, 640, device=device),
        path,
        input_names=['input.1'],
        output_names=names,
        opset_version=11,
        dynamic_axes={'input.1': {2: 'h', 3: 'w'}, **{n: {0: 'n'} for n in names}},
        **kw,
    )


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    for n in ('faces', 'labels', 'out'):
        a.add_argument('--' + n, required=True)
    a.add_argument('--steps', type=int, default=12000)
    a.add_argument('--batch', type=int, default=16)
    a.add_argument('--size', type=int, default=256)
    a.add_argument('--lr', type=float, default=0.02)
    a.add_argument('--threads', type=int, default=2)
    a.add_argument('--seed', type=int, default=1)
    a.add_argument('--checkpoint')
    a.add_argument('--device', default='cpu')
    a.add_argument(
        '--minutes',
        type=float,
        help='ends after so long at the latest, the learning rate falling with the time that is left',
    )
    a.add_argument('--workers', type=int, default=1)
    a.add_argument('--landmarks', type=float, default=3.0, help='weight of the landmarks in the loss')
    a.add_argument('--start', help='checkpoint, or exported network, whose weights to start from')
    a.add_argument('--hard', help='.npz of detector_hard.py: false alarms of an earlier state')
    a = a.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    torch.backends.cudnn.benchmark = True
    cv2.setNumThreads(1)
    _, scenes, crops, boxes = data.load(a.faces, a.labels)
    train_ix = [i for i in range(len(scenes)) if not data.held_back(i)]
    hard = data.read_hard(a.hard, train_ix) if a.hard else ()
    views = data.Views([scenes[i] for i in train_ix], crops, boxes, a.size, hard)
    ctr, stride, box = anchors(a.size)
    levels = torch.cat([torch.full(((a.size // s) ** 2 * 2,), i) for i, s in enumerate(STRIDES)])
    grid, device = (ctr, stride, box, levels), torch.device(a.device)
    ctr, stride = ctr.to(device), stride.to(device)
    net = Net()
    if a.start and a.start.endswith('.onnx'):
        few = next(iter(Stream(views, grid, 64, a.seed, 1 << 30)))[0]
        warm.start(net, a.start, lambda: net((few.permute(0, 3, 1, 2).float() - 127.5) / 128))
    elif a.start:
        net.load_state_dict(torch.load(a.start, map_location='cpu')['net'], strict=False)
    torch.set_num_threads(a.threads)
    net = net.to(device).to(memory_format=torch.channels_last)  # a quarter less time a step on CPUs
    rest = [p for p in net.parameters() if p.dim() <= 1]
    decay = [p for p in net.parameters() if p.dim() > 1]
    opt = torch.optim.SGD(
        [dict(params=decay, weight_decay=5e-4), dict(params=rest, weight_decay=0)], a.lr, 0.9, nesterov=True
    )
    ema = torch.optim.swa_utils.AveragedModel(net, avg_fn=lambda e, p, n: e * 0.998 + p * 0.002, use_buffers=True)
    step = 0
    if a.checkpoint and os.path.exists(a.checkpoint):
        c = torch.load(a.checkpoint, map_location=device)
        net.load_state_dict(c['net'])
        ema.load_state_dict(c['ema'])
        opt.load_state_dict(c['opt'])
        step = c['step']

    def save():
        if a.checkpoint:
            c = dict(net=net.state_dict(), ema=ema.state_dict(), opt=opt.state_dict(), step=step)
            torch.save(c, a.checkpoint + '.tmp')
            os.replace(a.checkpoint + '.tmp', a.checkpoint)
        export(ema.module, a.out, device)
        ema.module.train()

    it = iter(
        torch.utils.data.DataLoader(
            Stream(views, grid, a.batch, a.seed, step),
            batch_size=None,
            num_workers=a.workers,
            prefetch_factor=4 if a.workers else None,
        )
    )
    t0, s0, run = time.time(), step, 0
    saved = t0
    begun = step / a.steps
    while step < a.steps and (not a.minutes or time.time() - t0 < a.minutes * 60):
        x, t = next(it)
        at = begun + (1 - begun) * (time.time() - t0) / (a.minutes * 60) if a.minutes else step / a.steps
        lr = a.lr * min(1, (step + 1) / 300) * max(0.01, 0.5 * (1 + math.cos(math.pi * min(at, 1))))
        for p in opt.param_groups:
            p['lr'] = lr
        x = ((x.to(device).permute(0, 3, 1, 2).float() - 127.5) / 128).contiguous(memory_format=torch.channels_last)
        l = losses(net(x), [v.to(device) for v in t], ctr, stride)
        loss = l[0] + 2 * l[1] + a.landmarks * l[2]
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 10.0)
        opt.step()
        ema.update_parameters(net)
        step += 1
        run = run + torch.stack(l).detach()
        if step % 50 == 0:
            v = (step - s0) * a.batch / (time.time() - t0)
            r, run = (run / 50).tolist(), 0
            left = (a.steps - step) * a.batch / v / 60
            if a.minutes:
                left = min(left, a.minutes - (time.time() - t0) / 60)
            print(
                f'step {step} score {r[0]:.4f} box {r[1]:.4f} landmarks {r[2]:.4f} lr {lr:.4f} {v:.1f} images/s'
                f' {left:.0f} min left',
                flush=True,
            )
        if time.time() - saved > 120:
            save()
            saved = time.time()
    save()


if __name__ == '__main__':
    main()
