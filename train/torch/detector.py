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
import tempfile
import time
import cv2
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import detector_data as data
import warm

SURE = 0.85  # the teachers' mean score of faces that are clear
MOST = 40  # faces of a view that boxes beside them are compared with
STRIDES = (8, 16, 32)


def ds(i, o):
    """1x1, then 3x3 in each channel."""
    return nn.Sequential(
        nn.Conv2d(i, o, 1), nn.Conv2d(o, o, 3, 1, 1, groups=o, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True)
    )


class Net(nn.Module):
    """YuNet's shape (Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research
    20, 2023), its layers in the order of libfacedetection.train's file: 74,000 weights, 0.54 GMAC at 640x640.

    In training: scores' logits of two kinds [B,A,2], distances to the sides and offsets of the landmarks, in strides,
    from the corner of each cell. Else SCRFD's nine outputs, of whose two anchors the second never finds anything."""

    def __init__(s):
        super().__init__()
        first = [nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
        pool = nn.MaxPool2d(2)
        s.s8 = nn.Sequential(
            *first, ds(16, 16), pool, ds(16, 16), ds(16, 64), ds(64, 64), ds(64, 64), pool, ds(64, 64), ds(64, 64)
        )
        s.s16 = nn.Sequential(pool, ds(64, 64), ds(64, 64))
        s.s32 = nn.Sequential(pool, ds(64, 64), ds(64, 64))
        s.neck, s.tower = (nn.ModuleList([ds(64, 64) for _ in STRIDES]) for _ in 'ab')
        s.heads = nn.ModuleList(
            [nn.Sequential(nn.Conv2d(64, 16, 1), nn.Conv2d(16, 16, 3, 1, 1, groups=16)) for _ in STRIDES]
        )  # two logits of the score, center and size of the box, landmarks
        for k in STRIDES:  # what a score's odds are divided by: see detector_calibrate.py; an exporter would store
            s.register_buffer(f'odds_{k}', torch.tensor([1 + 1e-6 * k]))  # equal ones once

    def forward(s, x):
        c8 = s.s8(x)
        c16 = s.s16(c8)
        p = [c8, c16, s.s32(c16)]
        p[2] = s.neck[2](p[2])
        for i in (1, 0):
            p[i] = s.neck[i](p[i] + F.interpolate(p[i + 1], scale_factor=2.0, mode='nearest'))
        p = [f(v) for f, v in zip(s.tower, p)]
        o = [rows(h(v)) for h, v in zip(s.heads, p)]
        if s.training:
            o = torch.cat([v.reshape(len(x), -1, 16) for v in o], 1)
            return o[..., :2], sides(o[..., 2:6]), o[..., 6:]
        score = [(v[:, :1].sigmoid() * v[:, 1:2].sigmoid()).sqrt() for v in o]
        score = [v / (v + (1 - v) * getattr(s, f'odds_{k}')) for v, k in zip(score, STRIDES)]
        return (
            [torch.cat([v, v * 0], 1).reshape(-1, 1) for v in score]
            + [torch.cat([v, v], 1).reshape(-1, 4) for v in (sides(v[:, 2:6]) for v in o)]
            + [torch.cat([v, v], 1).reshape(-1, 10) for v in (v[:, 6:] for v in o)]
        )


def rows(v):
    """[B,16,H,W] -> [B*H*W,16]."""
    return v.permute(0, 2, 3, 1).reshape(-1, 16)


def sides(v):
    """Center and logarithm of the size -> distances to left, top, right and bottom."""
    half = v[..., 2:].exp() / 2
    return torch.cat([half - v[..., :2], half + v[..., :2]], -1)


def cells(size):
    """-> corner [A,2] and stride [A] of each cell, in the order of the outputs."""
    c, st = [], []
    for s in STRIDES:
        g = torch.arange(size // s)
        c.append(torch.stack(torch.meshgrid(g, g, indexing='ij')[::-1], -1).reshape(-1, 2).float() * s)
        st.append(torch.full((len(c[-1]),), float(s)))
    return torch.cat(c), torch.cat(st)


def pair_iou(a, b):
    w = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0)
    i = w[..., 0] * w[..., 1]

    def area(v):
        return (v[..., 2] - v[..., 0]) * (v[..., 3] - v[..., 1])

    return i / (area(a) + area(b) - i).clamp(min=1e-6)


def assign(score, box, gt, middle, stride):
    """Index of the face of each cell, -1 none: of the cells near a face's middle those whose boxes and scores fit it
    best, as many as the sum of its best overlaps (SimOTA: Ge et al., "YOLOX", arXiv 2107.08430, section 2.1)."""
    out = torch.full((len(score),), -1, dtype=torch.long, device=score.device)
    if not len(gt):
        return out
    within = (middle[:, None] > gt[None, :, :2]).all(-1) & (middle[:, None] < gt[None, :, 2:]).all(-1)
    off = (middle[:, None] - (gt[:, :2] + gt[:, 2:])[None] / 2).abs().amax(-1)
    central = off < 2.5 * stride[:, None]
    near = off <= off.min(0).values[None] + 1e-3  # a face between the grid's points still gets its nearest cells
    k = torch.nonzero((within | central | near).any(1))[:, 0]
    over = pair_iou(box[k, None], gt[None])
    cost = 3 * -(over + 1e-7).log() - score[k, None].clamp(min=1e-7).log()
    cost = cost + 1e5 * ~((within & central) | near)[k]
    count = over.topk(min(10, len(k)), 0).values.sum(0).long().clamp(min=1)
    rank = cost.argsort(0).argsort(0)
    taken = rank < count[None]
    best, who = torch.where(taken, cost, torch.inf).min(1)
    out[k] = torch.where(torch.isfinite(best), who, -1)
    return out


def target(views):
    """Boxes [B,n,4], landmarks [B,n,5,2] and weights [B,n,7] of views, as many as the fullest has; -1 as the first
    weight: none."""
    n = max(1, max(len(v[0]) for v in views))
    out = [torch.zeros(len(views), n, 4), torch.zeros(len(views), n, 5, 2), torch.full((len(views), n, 7), -1.0)]
    for b, v in enumerate(views):
        for o, x in zip(out, v):
            o[b, : len(x)] = x
    return out


def losses(o, t, ctr, stride):
    logit, reg, kps = (v.float() for v in o)
    log = F.logsigmoid(logit).mean(2)  # of the score, the root of the product of both kinds
    sg = log.exp()
    gts, pts, wts = t
    B, A = sg.shape
    d = reg * stride[:, None]
    boxes = torch.cat([ctr - d[..., :2], ctr + d[..., 2:]], 2)
    w = torch.ones(B, A, device=sg.device)
    faces = torch.zeros(B, MOST, 4, device=sg.device)
    parts = []
    middle = ctr + stride[:, None] / 2
    with torch.no_grad():
        for b in range(B):
            known = (wts[b, :, 0] > 0) | (wts[b, :, 6] > 0)
            ign = gts[b, (wts[b, :, 0] == 0)]
            gt = gts[b, known]
            a = assign(sg[b], boxes[b], gt, middle, stride)
            p = torch.nonzero(a >= 0)[:, 0]
            if len(ign):  # cells within an ignored face carry no loss
                inside = (middle[:, None] > ign[None, :, :2]) & (middle[:, None] < ign[None, :, 2:])
                w[b, inside.all(-1).any(1)] = 0
                w[b, pair_iou(boxes[b][:, None], ign[None]).amax(1) > 0.4] = 0
            w[b, p] = 1
            faces[b, : min(len(gt), MOST)] = gt[:MOST]
            parts.append((torch.full_like(p, b), p, gt[a[p]], pts[b, known][a[p]], wts[b, known][a[p], 1:]))
        b, p, g, pts, wk = (torch.cat(v) for v in zip(*parts))
    s = stride[p][:, None]
    pb, c = boxes[b, p], ctr[p]
    i = pair_iou(pb, g)
    sure = (wk[:, 5] / SURE).clamp(max=1)  # a face that the teachers hardly see is not to pass for a clear one
    wk = wk[:, :5]
    q = torch.zeros_like(sg).index_put((b, p), i.detach().clamp(0, 1).sqrt() * sure)
    dc = ((pb[:, :2] + pb[:, 2:]) - (g[:, :2] + g[:, 2:])).pow(2).sum(1) / 4
    dd = (torch.maximum(pb[:, 2:], g[:, 2:]) - torch.minimum(pb[:, :2], g[:, :2])).pow(2).sum(1).clamp(min=1e-6)
    size = ((g[:, 2:] - g[:, :2]).prod(1).clamp(min=1).sqrt())[:, None]
    kd = (
        (kps[b, p] * s - (pts - c[:, None]).reshape(-1, 10)) / size * 4
    )  # in quarters of the face's size: errors of all scales weigh alike
    lk = (F.smooth_l1_loss(kd, torch.zeros_like(kd), beta=0.1, reduction='none').reshape(-1, 5, 2).mean(2) * wk).mean(1)
    W = sure.sqrt()  # not the score: the boxes of small faces are what has most to learn
    w = beside(w, faces, sg.detach(), q, boxes.detach())
    cross = -(q * log + (1 - q) * torch.log1p(-sg.clamp(max=1 - 1e-6)))
    qfl = cross * (sg - q).abs().pow(2) * w
    n, all_w = max(1, len(p)), W.sum().clamp(min=1e-6)
    return qfl.sum() / n, ((1 - i + dc / dd) * W).sum() / all_w, (lk * W).sum() / all_w


def beside(w, faces, score, q, boxes, factor=4.0):
    """Weights w [B,A] with more for boxes half a face off a true one, which the suppression of overlaps does not
    remove, and for false alarms, which are few among the cells."""
    b, a = torch.nonzero((score > 0.05) & (q == 0) & (w > 0), as_tuple=True)
    if not len(b):
        return w
    over = pair_iou(boxes[b, a][:, None], faces[b]).max(1).values
    more = ((over > 0.02) & (over < 0.42)) | (score[b, a] > 0.25)
    return w.index_put((b, a), torch.where(more, factor, 1.0))


class Stream(torch.utils.data.IterableDataset):
    """Batches: pictures [B,S,S,3] uint8 and target() of them."""

    def __init__(s, views, batch, seed, start):
        s.v, s.batch, s.seed, s.start = views, batch, seed, start

    def __iter__(s):
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        info = torch.utils.data.get_worker_info()
        k, n = (info.id, info.num_workers) if info else (0, 1)
        step = s.start + k
        while True:  # a view depends on (seed, step, place) alone: a resumed run sees the same ones
            r = [s.v.view(np.random.default_rng((s.seed, step, i))) for i in range(s.batch)]
            t = [tuple(torch.from_numpy(np.ascontiguousarray(x)) for x in v[1:]) for v in r]
            yield torch.from_numpy(np.stack([v[0] for v in r])), target(t)
            step += n


def start_from(net, path, few):
    """Weights of an exported network, or of YuNet's own file, which takes blue, green, red from 0 to 255 and has a
    head for each kind of value: scores, boxes, second scores, landmarks, of three levels each."""
    import onnx
    from onnx import helper, numpy_helper

    m = onnx.load(path)
    if not m.graph.output[0].name.startswith('cls'):
        return warm.start(net, path, lambda: net(few))
    stored = {t.name: numpy_helper.to_array(t) for t in m.graph.initializer}
    conv = [tuple(stored[i] for i in n.input[1:]) for n in m.graph.node if n.op_type == 'Conv']
    w, b = conv[0]
    conv[0] = w[:, ::-1] * np.float32(128), b + np.float32(127.5) * w.sum((1, 2, 3))
    heads, conv = conv[-24:], conv[:-24]
    for level in range(3):
        for layer in range(2):
            parts = [heads[(kind * 3 + level) * 2 + layer] for kind in (0, 2, 1, 3)]
            conv.append(tuple(np.concatenate(v) for v in zip(*parts)))
    flat = [numpy_helper.from_array(np.ascontiguousarray(v), f'v{i}') for i, v in enumerate(sum(conv, ()))]
    nodes = [helper.make_node('Conv', ['', f'v{2 * i}', f'v{2 * i + 1}'], [f'y{i}']) for i in range(len(conv))]
    with tempfile.NamedTemporaryFile(suffix='.onnx') as f:
        onnx.save(helper.make_model(helper.make_graph(nodes, 'weights', [], [], flat)), f.name)
        warm.start(net, f.name, lambda: net(few))


def still(net):
    """Batch norms that keep their statistics: those of the views are not those of whole photos."""
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.eval()


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
    a.add_argument('--plain', action='store_true', help='photos nearly as they are; batch norms keep their statistics')
    a.add_argument('--hard', help='.npz of detector_hard.py: false alarms of an earlier state')
    a = a.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    torch.backends.cudnn.benchmark = True
    cv2.setNumThreads(1)
    _, scenes, crops, boxes = data.load(a.faces, a.labels)
    train_ix = [i for i in range(len(scenes)) if not data.held_back(i) and not data.for_choosing(i)]
    hard = data.read_hard(a.hard, train_ix) if a.hard else ()
    views = data.Views([scenes[i] for i in train_ix], crops, boxes, a.size, hard, 0.7 if a.plain else 0.5, a.plain)
    device = torch.device(a.device)
    ctr, stride = (v.to(device) for v in cells(a.size))
    net = Net()
    if a.start and a.start.endswith('.onnx'):
        few = next(iter(Stream(views, 64, a.seed, 1 << 30)))[0]
        start_from(net, a.start, (few.permute(0, 3, 1, 2).float() - 127.5) / 128)
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
    if a.plain:
        still(net)
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
            Stream(views, a.batch, a.seed, step),
            batch_size=None,
            num_workers=a.workers,
            prefetch_factor=4 if a.workers else None,
        )
    )
    t0, s0, run = time.time(), step, 0
    saved = t0
    begun = step / max(1, a.steps)
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
