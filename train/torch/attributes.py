#!/usr/bin/env python3
"""Trains the gender-and-age network of the default pack.

    python3 attributes.py --faces DIR --embeddings targets.npy --out genderage.onnx [--minutes 25] [--compile]

DIR holds index.csv (columns file, age, gender) and the aligned 128x128 crops it
names (112 template plus 8 pixels). The network sees what the pipeline shows it where
a manifest says "aligned": the whole of such a crop, scaled to 96x96, RGB,
(x - 127.5) / 128. Outputs [n, 3]: score female, score male, age / 100.

The labels are few and noisy, and a face embedding tells age and gender well: a small
perceptron on embeddings of permissively licensed teachers (files of
embedder_targets.py, side by side) is fitted to the labels first; its answers on every
crop, labeled or not, and its last hidden layer are then further targets of the network
(Hinton et al., arXiv 1503.02531). Held-back rows take part in neither step.

Age: softmax over 0..100, KL to a Gaussian of sigma 2 around the label plus L1 on
the expectation (Gao et al., "Age Estimation Using Expectation of Label
Distribution Learning", IJCAI 2018, eq. 1-8). Most labels are of people around thirty,
to whom all others would be pulled: rare ages are drawn more often, and at the end the
101 classes get the biases and years with which no age group's mean error is large on
the training crops (unpull()). Gender: cross-entropy with smoothing 0.05. Held back:
every tenth labeled row (its number % 10 == 7).
"""

import argparse
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

SIZE = 96
GROUPS = ((0, 4), (4, 13), (13, 20), (20, 40), (40, 60), (60, 120))  # of the card


def load(folder):
    """-> rows, crops with the mask of what is photo [n,4,128,128], age (-1 unknown), male (0, 1; -1 unknown)."""
    rows = list(csv.DictReader(open(os.path.join(folder, 'index.csv'))))
    x = np.stack([data.read_crop(os.path.join(folder, r['file'])) for r in rows])
    known = [bool(r['age'] and r['gender']) for r in rows]
    age = np.array([min(max(float(r['age']), 0), 100) if k else -1 for k, r in zip(known, rows)], np.float32)
    male = np.array([r['gender'] == 'M' if k else -1 for k, r in zip(known, rows)], np.int64)
    return rows, torch.from_numpy(x), torch.from_numpy(age), torch.from_numpy(male)


def embeddings(paths, device):
    """Unit embeddings of several teachers side by side, [n, d]."""
    e = [F.normalize(torch.from_numpy(np.load(p)).float()) for p in paths]
    return (torch.cat(e, 1) / len(e) ** 0.5).to(device)


def rarity(age, rows, power, most=4.0):
    """Weight of every row: the inverse density of its age to a power, among `rows` 1 on average; 1 without a label."""
    share = torch.bincount(age[rows].long(), minlength=101).float()
    wide = F.conv1d(F.pad(share, (3, 3), mode='constant')[None, None], torch.ones(1, 1, 7))[0, 0].clamp(min=1)
    w = wide[age.clamp(min=0).long()] ** -power
    w = (w / w[rows].mean()).clamp(max=most)
    return torch.where(age >= 0, w, 1.0)


def fit_teacher(emb, age, male, tr, epochs=25):
    """A perceptron from embedding to (age in years, logit of male), fitted to rows tr; -> its answers on all rows,
    and its last hidden layer."""
    d = emb.shape[1]
    x = emb * d**0.5

    def hid(i, o, p):
        return [nn.Linear(i, o), nn.BatchNorm1d(o), nn.ReLU(), nn.Dropout(p)]

    net = nn.Sequential(*hid(d, 512, 0.5), *hid(512, 256, 0.3), nn.Linear(256, 2)).to(emb.device)
    opt = torch.optim.AdamW(net.parameters(), 1e-3, weight_decay=1e-2)
    rare = rarity(age, tr, 0.5)
    for e in range(epochs):
        for p in opt.param_groups:
            p['lr'] = 1e-3 * (1 - e / epochs) + 1e-5
        for b in torch.randperm(len(tr), device=emb.device).split(256):
            i = tr[b]
            o = net(x[i])
            loss = (
                0.1 * ((o[:, 0] * 10 + 40 - age[i]).abs() * rare[i]).mean()
                + F.binary_cross_entropy_with_logits(o[:, 1], male[i] * 0.95 + 0.025)
            )
            opt.zero_grad()
            loss.backward()
            opt.step()
    net.eval()
    with torch.no_grad():
        h = net[:-1](x)
        o = net[-1](h)
    return (o[:, 0] * 10 + 40).clamp(0, 100), o[:, 1].sigmoid(), F.normalize(h)


def crop(x4, scale, angle, dx, dy, flip, out=SIZE):
    """x4 [n,4,128,128] uint8 -> [n,4,out,out] float 0..255: the crop, transformed; shifts in parts of its side."""
    n = len(x4)
    c, s = torch.cos(angle) * scale, torch.sin(angle) * scale
    f = 1 - 2 * flip
    th = torch.stack([c * f, -s, 2 * dx, s * f, c, 2 * dy], 1).reshape(n, 2, 3)  # output (-1..1) -> input (-1..1)
    return F.grid_sample(x4.float(), F.affine_grid(th, (n, 4, out, out), align_corners=False), align_corners=False)


def augment(x4, views, host):
    """views: embedder_data.Views, which draws; host: numpy generator. Turned, scaled and shifted as far as the
    landmarks of a small network are off."""
    n = len(x4)
    views.host = host

    def u(a, b):
        return views.uniform(n, a, b)

    y = crop(x4, u(0.88, 1.12), u(-0.15, 0.15), u(-0.04, 0.04), u(-0.04, 0.04), (u(0, 1) < 0.5).float())
    rgb, m = y[:, :3], y[:, 3:] / 255
    kind = u(0, 1)[:, None, None, None]  # what lies beyond the photo: black, one color, another photo
    color = torch.rand(n, 3, 1, 1, device=x4.device, generator=views.g) * 255
    fill = torch.where(kind < 0.3, 0.0, torch.where(kind < 0.5, color, rgb.roll(1, 0)))
    rgb = rgb * m + fill * (1 - m)
    gray = rgb.mean((1, 2, 3), keepdim=True)
    rgb = (rgb - gray) * u(0.7, 1.3)[:, None, None, None] + gray + u(-30, 30)[:, None, None, None]
    lum = rgb.mean(1, keepdim=True)
    rgb = lum + (rgb - lum) * torch.where(u(0, 1) < 0.15, 0.0, u(0.6, 1.4))[:, None, None, None]
    rgb = views.some(rgb, 0.25, views.small)  # small faces: down and up again
    rgb = views.some(rgb, 0.15, views.occlude)
    return (rgb.clamp(0, 255) - 127.5) / 128


def cba(i, o, k, s=1, p=0, g=1):
    return [nn.Conv2d(i, o, k, s, p, groups=g, bias=False), nn.BatchNorm2d(o), nn.PReLU(o)]


class Half(nn.Conv2d):
    """A depthwise convolution of stride two. PyTorch goes back through one slowly on CPUs, so in training it is one
    of stride one of which every second value is kept."""

    def forward(s, x):
        if not s.training:
            return super().forward(x)
        return F.conv2d(x, s.weight, None, 1, s.padding, 1, s.groups)[:, :, ::2, ::2]


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
    half = [Half(i, i, 3, 2, 1, groups=i, bias=False), nn.BatchNorm2d(i), nn.PReLU(i)]
    return half + [nn.Conv2d(i, o, 1, bias=False), nn.BatchNorm2d(o)]


class Net(nn.Module):
    """About 9.6 million multiply-accumulates, 0.5 million weights."""

    def __init__(s, hints=256):
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
        s.match = nn.Linear(256, hints)  # training only: the teacher's last hidden layer
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


def plain(x4):
    """Crops as the pipeline shows them."""
    z = torch.zeros(len(x4), device=x4.device)
    y = crop(x4, z + 1, z, z, z, z)
    return (y[:, :3] * (y[:, 3:] / 255) - 127.5) / 128


def evaluate(net, x, age, male):
    """-> text: error of age, right genders, the mean error of each age group."""
    net.eval()
    with torch.no_grad():
        o = torch.cat([net(plain(v)) for v in x.split(256)])
    net.train()
    e = o[:, 2] * 100 - age
    right = (o[:, :2].argmax(1) == male).float()
    bias = ', '.join(f'{e[(age >= a) & (age < b)].mean():+.1f}' for a, b in GROUPS)
    return (
        f'age error {e.abs().mean():.2f} years, gender {right.mean() * 100:.2f} % '
        f'({right[age >= 4].mean() * 100:.2f} % from four years); mean errors by age {bias}'
    )


def unpull(net, x, age, steps=400, least=1.5):
    """Gives the classes of age biases and years, both linear between eleven knots, with which the error is small and
    the mean error of no age group above `least`."""
    net.eval()
    with torch.no_grad():
        la = torch.cat([net.age(net.body(plain(v))) for v in x.split(256)])
    net.train()
    edges = torch.tensor([0, 4, 13, 20, 40, 60, 75], device=age.device)  # GROUPS, and the last one in two
    member = F.one_hot(torch.bucketize(age, edges, right=True) - 1, len(edges)).float()
    member = member / member.sum(0).clamp(min=1)
    at = (torch.arange(101, device=age.device).float() / 10)[:, None]
    spread = (1 - (at - torch.arange(11, device=age.device)).abs()).clamp(min=0)  # [101, 11]
    bias, gain = (torch.zeros(11, device=age.device, requires_grad=True) for _ in 'bg')
    opt = torch.optim.Adam([bias, gain], 0.02)
    for _ in range(steps):
        years = torch.cumsum(F.softplus(spread[1:] @ gain + 0.5413), 0)  # 0.5413: a year where the gain is 0
        years = torch.cat([years[:1] * 0, years])
        e = torch.softmax(la + spread @ bias, 1) @ years - age
        over = F.relu((e @ member).abs() - least)
        loss = (over**2).mean() + e.abs().mean() + 0.1 * (bias**2).mean() + (gain**2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        net.age.bias += spread @ bias
        net.years.copy_(years[:, None] / 100)


def draw(p, n, g):
    """n numbers of rows, with chances p."""
    return torch.searchsorted(p.cumsum(0) / p.sum(), torch.rand(n, device=p.device, generator=g)).clamp(max=len(p) - 1)


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('--faces', required=True)
    a.add_argument('--out', required=True)
    a.add_argument('--embeddings', required=True, nargs='+', help='files of embedder_targets.py, one a teacher')
    a.add_argument('--minutes', type=float, default=25)
    a.add_argument('--batch', type=int, default=128)
    a.add_argument('--lr', type=float, default=0.1)
    a.add_argument('--threads', type=int, default=1)
    a.add_argument('--seed', type=int, default=1)
    a.add_argument('--checkpoint')
    a.add_argument('--device', default='cpu')
    a.add_argument('--compile', action='store_true', help='torch.compile and bfloat16: faster on CPUs')
    a.add_argument('--start', help='checkpoint, or exported network, whose weights to start from')
    a.add_argument('--rare', type=float, default=0.5, help='power of the inverse density with which ages are drawn')
    a.add_argument('--least', type=float, default=1.5, help='years that an age group may be off on average')
    a.add_argument('--gender', type=float, default=2.0, help='weight of the gender in the loss')
    a.add_argument('--unlabeled', type=float, default=0.3, help='chance of crops without labels')
    a = a.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    device = torch.device(a.device)
    views = data.Views(device, torch.Generator(device).manual_seed(a.seed))
    host = np.random.default_rng(a.seed)
    _, *parts = load(a.faces)
    x, age, male = (v.to(device) for v in parts)
    ix = torch.arange(len(x), device=device)
    lab = ix[age >= 0]
    held = lab[torch.arange(len(lab), device=device) % 10 == 7]
    keep = torch.ones(len(x), dtype=torch.bool, device=device)
    keep[held] = False
    tr = ix[keep]
    known = (age >= 0).float()
    labeled = tr[age[tr] >= 0]
    tage, tmale, hint = fit_teacher(embeddings(a.embeddings, device), age, male.float(), labeled)
    xv, av, mv = x[held], age[held], male[held]
    ok = ((tmale[held] > 0.5) == (mv == 1)).float()
    bias = ', '.join(f'{(tage[held] - av)[(av >= p) & (av < q)].mean():+.1f}' for p, q in GROUPS)
    print(
        f'{len(tr)} to train on, {len(labeled)} labeled, {len(held)} held back; on these the teacher: age error'
        f' {(tage[held] - av).abs().mean():.2f} years, gender {ok.mean() * 100:.2f} %'
        f' ({ok[av >= 4].mean() * 100:.2f} % from four years); mean errors by age {bias}',
        flush=True,
    )
    share = 0.75 * known
    tage = share * age.clamp(min=0) + (1 - share) * tage
    share = 0.5 * known
    tmale = share * (0.025 + 0.95 * male.clamp(min=0)) + (1 - share) * tmale
    chance = rarity(age, labeled, a.rare)[tr] * torch.where(age[tr] >= 0, 1.0, a.unlabeled)
    net = Net(hint.shape[1]).to(device)
    if a.start:
        start_from(net, a.start, augment(x[tr[draw(chance, 512, views.g)]], views, host))
        print('start:', evaluate(net, xv, av, mv), flush=True)
    net = net.to(memory_format=torch.channels_last)
    decay = [p for p in net.parameters() if p.dim() > 1]
    rest = [p for p in net.parameters() if p.dim() <= 1]
    opt = torch.optim.SGD(
        [dict(params=decay, weight_decay=1e-4), dict(params=rest, weight_decay=0)], a.lr, 0.9, nesterov=True
    )
    ema = torch.optim.swa_utils.AveragedModel(
        net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998), use_buffers=True
    )
    grid = torch.arange(101, device=device).float()[None]
    step = spent = 0
    if a.checkpoint and os.path.exists(a.checkpoint):
        c = torch.load(a.checkpoint, map_location=device)
        net.load_state_dict(c['net'])
        ema.load_state_dict(c['ema'])
        opt.load_state_dict(c['opt'])
        views.g.set_state(c['rng'].cpu())
        step, spent = c['step'], c['spent']

    def save():
        print(f'step {step}:', evaluate(ema.module, xv, av, mv), flush=True)
        if a.checkpoint:
            c = dict(net=net.state_dict(), ema=ema.state_dict(), opt=opt.state_dict(), rng=views.g.get_state())
            torch.save(dict(c, step=step, spent=spent + time.time() - t0), a.checkpoint + '.tmp')
            os.replace(a.checkpoint + '.tmp', a.checkpoint)

    heads = torch.compile(net.heads) if a.compile else net.heads
    t0 = saved = time.time()
    s0, run = step, 0
    while (at := (spent + time.time() - t0) / (60 * a.minutes)) < 1:
        i = tr[draw(chance, a.batch, views.g)]
        lr = a.lr * min(1, (step + 1) / 300) * max(0.002, 0.5 * (1 + math.cos(math.pi * at)))
        for p in opt.param_groups:
            p['lr'] = lr
        v = augment(x[i], views, host).contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=a.compile):
            la, lg, le = heads(v)
        la, lg, le = la.float(), lg.float(), le.float()
        t = torch.exp(-((grid - tage[i][:, None]) ** 2) / 8)
        t = t / t.sum(1, keepdim=True)
        lp = F.log_softmax(la, 1)
        exp = (lp.exp() * grid).sum(1)
        q = torch.stack([1 - tmale[i], tmale[i]], 1)
        parts = (
            F.kl_div(lp, t, reduction='batchmean'),
            (exp - tage[i]).abs().mean(),
            -(F.log_softmax(lg, 1) * q).sum(1).mean(),
            1 - F.cosine_similarity(le, hint[i]).mean(),
        )
        loss = parts[0] + 0.1 * parts[1] + a.gender * parts[2] + parts[3]
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        opt.step()
        ema.update_parameters(net)
        step += 1
        run = run + torch.stack(parts).detach()
        if step % 50 == 0:
            p, run = (run / 50).tolist(), 0
            v = (step - s0) * a.batch / (time.time() - t0)
            print(
                f'step {step} ages {p[0]:.3f} years {p[1]:.2f} gender {p[2]:.3f} hint {p[3]:.3f} lr {lr:.4f}'
                f' {v:.0f} images/s {(1 - at) * a.minutes:.0f} min left',
                flush=True,
            )
        if time.time() - saved > 180:
            save()
            saved = time.time()
    save()
    some = labeled[torch.randperm(len(labeled), device=device)[:12000]]
    unpull(ema.module, x[some], age[some], least=a.least)
    print('ages unpulled:', evaluate(ema.module, xv, av, mv), flush=True)
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
