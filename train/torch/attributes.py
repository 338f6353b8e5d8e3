#!/usr/bin/env python3
"""Trains the gender-and-age network of the default pack.

    python3 attributes.py --faces DIR --teacher EMBEDDER.onnx --out genderage.onnx [--epochs 12] [--threads 2]

DIR holds index.csv (columns file, age, gender) and the aligned 128x128 crops it
names (112 template plus 8 pixels). The network sees what the pipeline will show
it: a square of 1.5 times the longer side of the face's box, unrotated, scaled to
96x96, RGB, (x - 127.5) / 128. Outputs [n, 3]: score female, score male, age / 100.

The labels are few and noisy, and a face embedding tells age and gender well: a small
perceptron on the embeddings of a permissively licensed teacher (crop and mirror
image) is fitted to the labels first (5.3 years and 95.5 % on the held-back rows);
its answers on every crop, labeled or not, and the embeddings themselves are then
further targets of the network (Hinton et al., arXiv 1503.02531). Held-back rows take
part in neither step.

Age: softmax over 0..100, KL to a Gaussian of sigma 2 around the label plus L1 on
the expectation (Gao et al., "Age Estimation Using Expectation of Label
Distribution Learning", IJCAI 2018, eq. 1-8). Gender: cross-entropy with smoothing
0.05, less below four years. Held back: every tenth labeled row (its number % 10 == 7).
"""

import argparse
import contextlib
import csv
import math
import os
import time
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import embedder_data as data
import warm
from embedder import targets
from embedder_net import Teacher

BOX = (65.2, 72.8, 80.7, 102.3)  # center, width, height of a detector's box on the crops, on average
SIZE = 96


def load(folder):
    """-> rows, crops with the mask of what is photo [n,4,128,128], age (-1 unknown), male (0, 1; -1 unknown)."""
    rows = list(csv.DictReader(open(os.path.join(folder, 'index.csv'))))
    x = np.stack([data.read_crop(os.path.join(folder, r['file'])) for r in rows])
    known = [bool(r['age'] and r['gender']) for r in rows]
    age = np.array([min(max(float(r['age']), 0), 100) if k else -1 for k, r in zip(known, rows)], np.float32)
    male = np.array([r['gender'] == 'M' if k else -1 for k, r in zip(known, rows)], np.int64)
    return rows, torch.from_numpy(x), torch.from_numpy(age), torch.from_numpy(male)


def embeddings(path, x, cache, device):
    """Unit mean of the teacher's embeddings of each crop and its mirror image, [n, d]."""
    if cache and os.path.exists(cache):
        return F.normalize(torch.from_numpy(np.load(cache))).to(device)
    e = targets(Teacher(path).eval().to(device), x, contextlib.nullcontext, ((0, 0),))
    if cache:
        np.save(cache, e.cpu().numpy())
    return e


def fit_teacher(emb, age, male, tr, epochs=25):
    """A perceptron from embedding to (age in years, logit of male), fitted to rows tr; -> its answers on all rows."""
    d = emb.shape[1]
    x = emb * d**0.5

    def hid(i, o, p):
        return [nn.Linear(i, o), nn.BatchNorm1d(o), nn.ReLU(), nn.Dropout(p)]

    net = nn.Sequential(*hid(d, 512, 0.5), *hid(512, 256, 0.3), nn.Linear(256, 2)).to(emb.device)
    opt = torch.optim.AdamW(net.parameters(), 1e-3, weight_decay=1e-2)
    for e in range(epochs):
        for p in opt.param_groups:
            p['lr'] = 1e-3 * (1 - e / epochs) + 1e-5
        for b in torch.randperm(len(tr), device=emb.device).split(256):
            i = tr[b]
            o = net(x[i])
            w = (age[i] >= 4).float()
            loss = (
                0.1 * (o[:, 0] * 10 + 40 - age[i]).abs().mean()
                + (F.binary_cross_entropy_with_logits(o[:, 1], male[i] * 0.95 + 0.025, reduction='none') * w).sum()
                / w.sum()
            )
            opt.zero_grad()
            loss.backward()
            opt.step()
    net.eval()
    with torch.no_grad():
        o = net(x)
    return (o[:, 0] * 10 + 40).clamp(0, 100), o[:, 1].sigmoid()


def crop(x4, scale, angle, dx, dy, flip, out=SIZE):
    """x4 [n,4,128,128] uint8 -> [n,4,out,out] float 0..255; the square of side 1.5 * box height, transformed."""
    n = len(x4)
    half = 1.5 * BOX[3] / 2 * scale
    c, s = torch.cos(angle), torch.sin(angle)
    f = 1 - 2 * flip
    cx, cy = BOX[0] + dx * BOX[2], BOX[1] + dy * BOX[3]
    th = torch.zeros(n, 2, 3, device=x4.device)  # output (-1..1) -> input (-1..1)
    th[:, 0, 0] = half / 64 * c * f
    th[:, 0, 1] = -half / 64 * s
    th[:, 0, 2] = (cx - 63.5) / 64
    th[:, 1, 0] = half / 64 * s * f
    th[:, 1, 1] = half / 64 * c
    th[:, 1, 2] = (cy - 63.5) / 64
    return F.grid_sample(x4.float(), F.affine_grid(th, (n, 4, out, out), align_corners=False), align_corners=False)


def augment(x4, background, views, host):
    """views: embedder_data.Views, which draws; host: numpy generator."""
    n = len(x4)
    views.host = host

    def u(a, b):
        return views.uniform(n, a, b)

    y = crop(x4, u(0.82, 1.2), u(-0.4, 0.4), u(-0.06, 0.06), u(-0.06, 0.06), (u(0, 1) < 0.5).float())
    rgb, m = y[:, :3], y[:, 3:] / 255
    kind = u(0, 1)[:, None, None, None]  # what lies beyond the photo: black, one color, another photo
    color = torch.rand(n, 3, 1, 1, device=x4.device, generator=views.g) * 255
    other = crop(background, u(0.3, 0.9), u(-3, 3), u(-0.2, 0.2), u(-0.2, 0.2), (u(0, 1) < 0.5).float())[:, :3]
    rgb = rgb * m + torch.where(kind < 0.3, 0.0, torch.where(kind < 0.5, color, other)) * (1 - m)
    gray = rgb.mean((1, 2, 3), keepdim=True)
    rgb = (rgb - gray) * u(0.7, 1.3)[:, None, None, None] + gray + u(-30, 30)[:, None, None, None]
    lum = rgb.mean(1, keepdim=True)
    rgb = lum + (rgb - lum) * torch.where(u(0, 1) < 0.15, 0.0, u(0.6, 1.4))[:, None, None, None]
    rgb = views.some(rgb, 0.25, views.small)  # small faces: down and up again
    rgb = views.some(rgb, 0.15, views.occlude)
    return (rgb.clamp(0, 255) - 127.5) / 128


def cba(i, o, k, s=1, p=0, g=1):
    return [nn.Conv2d(i, o, k, s, p, groups=g, bias=False), nn.BatchNorm2d(o), nn.PReLU(o)]


class Excite(nn.Module):
    """Scales channels by what the whole picture shows (Hu et al., "Squeeze-and-Excitation Networks", CVPR 2018,
    sec. 3)."""

    def __init__(s, c):
        super().__init__()
        s.squeeze, s.excite = nn.Conv2d(c, c // 8, 1), nn.Conv2d(c // 8, c, 1)
        nn.init.zeros_(s.excite.weight)  # at first a constant: a network without it goes on as it was
        nn.init.ones_(s.excite.bias)

    def forward(s, x):
        return x * s.excite(F.relu(s.squeeze(F.adaptive_avg_pool2d(x, 1)))).sigmoid()


class Block(nn.Module):
    def __init__(s, c, e):
        super().__init__()
        s.b = nn.Sequential(
            *cba(c, e, 1), *cba(e, e, 3, 1, 1, e), Excite(e), nn.Conv2d(e, c, 1, bias=False), nn.BatchNorm2d(c)
        )

    def forward(s, x):
        return x + s.b(x)


def down(i, o):
    return cba(i, i, 3, 2, 1, i) + [nn.Conv2d(i, o, 1, bias=False), nn.BatchNorm2d(o)]


class Net(nn.Module):
    """About 9.6 million multiply-accumulates, 0.5 million weights."""

    def __init__(s):
        super().__init__()
        s.body = nn.Sequential(
            *cba(3, 16, 3, 2, 1),
            *down(16, 24),
            Block(24, 48),
            *down(24, 48),
            Block(48, 128),
            *down(48, 96),
            Block(96, 256),
            *down(96, 192),
            Block(192, 512),
            *cba(192, 256, 1),
            nn.Conv2d(256, 256, 3, groups=256, bias=False),
            nn.BatchNorm2d(256),
            nn.Flatten(),
        )
        s.match = nn.Linear(256, 256)  # training only: the teacher's embedding
        s.age = nn.Linear(256, 101)
        s.gender = nn.Linear(256, 2)
        s.register_buffer('years', torch.arange(101).float()[:, None] / 100)

    def heads(s, x):
        f = s.body(x)
        return s.age(f), s.gender(f), s.match(f)

    def forward(s, x):
        f = s.body(x)
        a, g = s.age(f), s.gender(f)
        return torch.cat([g, torch.softmax(a, 1) @ s.years], 1)


def start_from(net, path, views):
    """Weights of a checkpoint of this program or of an exported network, which may lack the channel scalings."""
    if not path.endswith('.onnx'):
        net.load_state_dict(torch.load(path, map_location='cpu')['net'], strict=False)
        return
    excite = [m for e in net.modules() if isinstance(e, Excite) for m in (e.squeeze, e.excite)]

    def undo_scaling():
        for m in net.modules():
            if isinstance(m, Block):
                m.b[-2].weight.data /= torch.sigmoid(torch.ones(()))

    warm.start(net, path, lambda: net(views), excite, undo_scaling)


def evaluate(net, x, age, male):
    net.eval()
    o = []
    with torch.no_grad():
        for i in range(0, len(x), 256):
            n = len(x[i : i + 256])
            z = torch.zeros(n, device=x.device)
            y = crop(x[i : i + 256], z + 1, z, z, z, z)
            y = y[:, :3] * (y[:, 3:] / 255)
            o.append(net((y - 127.5) / 128))
    o = torch.cat(o)
    net.train()
    grown = age >= 4
    mae = (o[:, 2] * 100 - age).abs().mean().item()
    acc = (o[:, :2].argmax(1) == male).float()
    return mae, acc.mean().item() * 100, acc[grown].mean().item() * 100


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('--faces', required=True)
    a.add_argument('--out', required=True)
    a.add_argument('--teacher', required=True)
    a.add_argument('--embeddings', help="cache of the teacher's embeddings, .npy")
    a.add_argument('--epochs', type=int, default=12)
    a.add_argument('--batch', type=int, default=128)
    a.add_argument('--lr', type=float, default=0.1)
    a.add_argument('--threads', type=int, default=2)
    a.add_argument('--seed', type=int, default=1)
    a.add_argument('--checkpoint')
    a.add_argument('--device', default='cpu')
    a.add_argument(
        '--minutes',
        type=float,
        help='ends after so long, the learning rate falling with the time that is left, whatever --epochs says',
    )
    a.add_argument('--start', help='checkpoint, or exported network, whose weights to start from')
    a = a.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    device = torch.device(a.device)
    views = data.Views(device, torch.Generator(device).manual_seed(a.seed))
    host = np.random.default_rng(a.seed)
    _, *parts = load(a.faces)
    x, age, male = (v.to(device) for v in parts)
    emb = embeddings(a.teacher, x, a.embeddings, device)
    ix = torch.arange(len(x), device=device)
    lab = ix[age >= 0]
    held = lab[torch.arange(len(lab), device=device) % 10 == 7]
    keep = torch.ones(len(x), dtype=torch.bool, device=device)
    keep[held] = False
    tr = ix[keep]
    known = (age >= 0).float()
    tage, tmale = fit_teacher(emb, age, male.float(), tr[age[tr] >= 0])
    grown = age[held] >= 4
    ok = ((tmale[held] > 0.5) == (male[held] == 1)).float()
    print(
        f'{len(tr)} to train on, {int(known[tr].sum())} labeled, {len(held)} held back; on these the teacher: age error'
        f' {(tage[held] - age[held]).abs().mean():.2f} years, gender {ok.mean() * 100:.2f} %'
        f' ({ok[grown].mean() * 100:.2f} % from four years)',
        flush=True,
    )
    half = 0.5 * known
    tage = half * age.clamp(min=0) + (1 - half) * tage
    tmale = half * (0.025 + 0.95 * male.clamp(min=0)) + (1 - half) * tmale
    xv, av, mv = x[held], age[held], male[held]
    net = Net().to(device)
    if a.start:
        i = tr[torch.randperm(len(tr), device=device)[: 2 * 512]]
        start_from(net, a.start, augment(x[i[:512]], x[i[512:]], views, host))
        r = evaluate(net, xv, av, mv)
        print(f'start: age error {r[0]:.2f} years, gender {r[1]:.2f} % ({r[2]:.2f} % from four years)', flush=True)
    net = net.to(memory_format=torch.channels_last)
    decay = [p for p in net.parameters() if p.dim() > 1]
    rest = [p for p in net.parameters() if p.dim() <= 1]
    opt = torch.optim.SGD(
        [dict(params=decay, weight_decay=1e-4), dict(params=rest, weight_decay=0)], a.lr, 0.9, nesterov=True
    )
    if a.minutes:
        a.epochs = 1 << 20
    total = a.epochs * (len(tr) // a.batch)
    step = 0
    ema = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998), use_buffers=True
    )
    grid = torch.arange(101, device=device).float()[None]
    start = 0
    if a.checkpoint and os.path.exists(a.checkpoint):
        c = torch.load(a.checkpoint, map_location=device)
        net.load_state_dict(c['net'])
        ema.load_state_dict(c['ema'])
        opt.load_state_dict(c['opt'])
        views.g.set_state(c['rng'].cpu())
        start, step = c['epoch'] + 1, c['step']
    t0, s0 = time.time(), step
    begun = step / total
    for e in range(start, a.epochs):
        perm = tr[torch.randperm(len(tr), device=device, generator=views.g)]
        for b in range(len(tr) // a.batch):
            i = perm[b * a.batch : (b + 1) * a.batch]
            j = tr[torch.randint(0, len(tr), (a.batch,), device=device, generator=views.g)]
            at = begun + (1 - begun) * (time.time() - t0) / (60 * a.minutes) if a.minutes else step / total
            lr = a.lr * min(1, (step + 1) / 300) * max(0.002, 0.5 * (1 + math.cos(math.pi * min(at, 1))))
            for p in opt.param_groups:
                p['lr'] = lr
            la, lg, le = net.heads(augment(x[i], x[j], views, host).contiguous(memory_format=torch.channels_last))
            t = torch.exp(-((grid - tage[i][:, None]) ** 2) / 8)
            t = t / t.sum(1, keepdim=True)
            lp = F.log_softmax(la, 1)
            exp = (lp.exp() * grid).sum(1)
            q = torch.stack([1 - tmale[i], tmale[i]], 1)
            w = torch.where((age[i] >= 0) & (age[i] < 4), 0.3, 1.0)
            parts = (
                F.kl_div(lp, t, reduction='batchmean'),
                (exp - tage[i]).abs().mean(),
                -(F.log_softmax(lg, 1) * q * w[:, None]).sum(1).mean(),
                1 - F.cosine_similarity(le, emb[i]).mean(),
            )
            loss = parts[0] + 0.1 * parts[1] + parts[2] + 2 * parts[3]
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            opt.step()
            ema.update_parameters(net)
            step += 1
            if step % 50 == 0:
                p = [float(q) for q in parts]
                v = (step - s0) * a.batch / (time.time() - t0)
                left = a.minutes - (time.time() - t0) / 60 if a.minutes else (total - step) * a.batch / v / 60
                print(
                    f'step {step} ages {p[0]:.3f} years {p[1]:.2f} gender {p[2]:.3f} match {p[3]:.3f} lr {lr:.4f}'
                    f' {v:.0f} images/s {left:.0f} min left',
                    flush=True,
                )
        over = a.minutes and time.time() - t0 > 60 * a.minutes
        if a.minutes and e % 5 and not over:
            continue
        r = evaluate(ema.module, xv, av, mv)
        print(
            f'epoch {e + 1} age error {r[0]:.2f} years, gender {r[1]:.2f} % ({r[2]:.2f} % from four years)', flush=True
        )
        if a.checkpoint:
            torch.save(
                dict(
                    net=net.state_dict(),
                    ema=ema.state_dict(),
                    opt=opt.state_dict(),
                    rng=views.g.get_state(),
                    epoch=e,
                    step=step,
                ),
                a.checkpoint + '.tmp',
            )
            os.replace(a.checkpoint + '.tmp', a.checkpoint)
        if over:
            break
    ema.module.eval()
    torch.onnx.export(
        ema.module,
        torch.zeros(1, 3, SIZE, SIZE, device=device),
        a.out,
        input_names=['data'],
        output_names=['fc1'],
        opset_version=11,
        dynamic_axes={'data': {0: 'n'}, 'fc1': {0: 'n'}},
        **({'dynamo': False} if torch.__version__ >= '2.5' else {}),
    )


if __name__ == '__main__':
    main()
