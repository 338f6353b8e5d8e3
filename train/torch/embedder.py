#!/usr/bin/env python3
"""Trains the embedder of the default pack where an accelerator is at hand: `facet train`'s networks, views,
losses and file.

    python3 embedder.py --faces DIR --teacher EMBEDDER.onnx --out embedder.onnx [--minutes 10] [--dev ALIGNED_LFW_DIR]
    python3 embedder.py --faces DIR --targets targets.npy --start ibex_recognition.onnx --freeze 5 --compile
        --out embedder.onnx

DIR holds index.csv (columns file, identity) and the aligned 128x128 crops it names (112 template plus 8
pixels). Half of each batch learns the teacher's answer to the very view, mixed with another one at times (Beyer
et al., "Knowledge distillation: A good teacher is patient and consistent", arXiv 2106.05237, sec. 3); the other
half its answer to the crop, averaged over five shifts by up to a pixel and their mirror images. Losses: 1 -
cosine, the difference of the Gram matrices (Park et al., "Relational Knowledge Distillation", CVPR 2019), and
CosFace (Wang et al., arXiv 1801.09414, eq. 4) over the identities, where every crop without one is a class of
its own; classes whose center the teacher finds similar to a crop do not count against it, since such a crop may
show the same person. Children of the sources whose photos show mostly different people (utk, aaf) are exempt
from that: to a teacher small children look alike, so each is a class that counts against the others, and weighs
more.

With --targets the answers come from a file (embedder_targets.py) and no teacher runs. --start with an exported
network of the same shape: its last layer is first fitted to the targets by least squares, so that a change of
teacher costs no passes.

--network FILE.onnx goes on from any embedder of convolutions that takes RGB 0..255, in its own form; its folded
BatchNorms stay so. Such weights want --adam, which scales the step of each."""

import argparse
import math
import os
import time
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import embedder_data as data
from embedder_net import Net, Teacher, export, load as load_weights

IBEX = (
    'input 112 3; conv 48 3 2; dw 3 1; down 64 128 2; res 128 4; down 128 256 2; res 256 10; down 128 512 2; res 256 3;'
    ' conv 512 1 1; gdc; linear 256'
)


def unit(x):
    return F.normalize(x.float())


class Centers(nn.Module):
    """CosFace over identities and single crops."""

    def __init__(s, who, target, scale, margin, alike, child, singles=True):
        super().__init__()
        s.child = child
        s.label = who.clone()
        alone = torch.nonzero((who < 0) & (child | singles))[:, 0]
        s.label[alone] = int(who.max()) + 1 + torch.arange(len(alone), device=who.device)
        first = torch.zeros(int(s.label.max()) + 1, target.shape[1], device=who.device)
        known = s.label >= 0
        first.index_add_(0, s.label[known], target[known])
        s.weight, s.first = nn.Parameter(F.normalize(first)), F.normalize(first)
        s.scale, s.margin, s.alike = scale, margin, alike
        s.young = torch.zeros(len(s.weight), dtype=torch.bool, device=who.device)
        s.young[s.label[child]] = True

    def forward(s, z, i, target):
        """z [m,d] unit embeddings of crops i [m], whose targets are [m,d] -> mean loss."""
        known = s.label[i] >= 0
        if not known.any():
            return z.sum() * 0
        z, i, target = z[known], i[known], target[known]
        own = F.one_hot(s.label[i], len(s.weight)).bool()
        c = z @ F.normalize(s.weight).T - s.margin * own
        may = (target @ s.first.T > s.alike) & ~own & ~(s.child[i][:, None] & s.young[None])
        loss = F.cross_entropy(s.scale * c.masked_fill(may, -1), s.label[i], reduction='none')
        weight = 1 + 2 * s.child[i].float()
        return (loss * weight).sum() / weight.sum()


SHIFTS = (0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)


def targets(teacher, x, autocast, shifts=SHIFTS, parts=512):
    """Unit mean of the teacher's answers to shifts of each crop and their mirror images, [n,d]. x: [n,3 or
    more,128,128] RGB 0..255."""
    out = []
    with torch.no_grad(), autocast():
        for p in x.split(parts):
            e = 0
            for dx, dy in shifts:
                v = p[:, :3, 8 + dy : 120 + dy, 8 + dx : 120 + dx].float()
                e = e + unit(teacher(v)) + unit(teacher(v.flip(3)))
            out.append(F.normalize(e))
    return torch.cat(out)


class Batches:
    """Indices of crops: every crop once a pass, and further ones of people with several photos."""

    def __init__(s, who, batch, more, host):
        count = np.bincount(who[who >= 0])
        s.several = np.nonzero((who >= 0) & (count[np.maximum(who, 0)] >= 2))[0]
        s.n, s.k, s.more, s.host, s.left = (
            len(who),
            batch - int(batch * more),
            int(batch * more),
            host,
            np.empty(0, int),
        )

    def next(s):
        while len(s.left) < s.k:
            s.left = np.r_[s.left, s.host.permutation(s.n)]
        i, s.left = np.r_[s.left[: s.k], s.host.choice(s.several, s.more)], s.left[s.k :]
        return i[s.host.permutation(len(i))]


def options():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    for n in ('faces', 'out'):
        a.add_argument('--' + n, required=True)
    a.add_argument('--teacher', help='ONNX embedder, or')
    a.add_argument('--targets', help='.npy of embedder_targets.py')
    a.add_argument('--child', type=float, default=12, help='up to how many years a crop of utk and aaf is a child')
    a.add_argument(
        '--classes',
        default='all',
        choices=('all', 'people'),
        help='people: single crops are none, but for children; less work',
    )
    a.add_argument(
        '--freeze', type=int, default=0, help='first units, or convolutions of an ONNX network, that stay as they are'
    )
    a.add_argument('--compile', action='store_true', help='torch.compile: three times as fast on CPUs')
    a.add_argument('--network', default=IBEX, help='short description, or an ONNX embedder to go on from')
    a.add_argument('--adam', action='store_true', help='AdamW instead of SGD')
    a.add_argument(
        '--minutes', type=float, default=10, help='of training; the learning rate falls with the time that is left'
    )
    a.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    a.add_argument('--batch', type=int, default=512)
    a.add_argument('--lr', type=float, default=0.5)
    a.add_argument('--decay', type=float, default=3e-4)
    a.add_argument('--warmup', type=float, default=0.03, help='share of the time')
    a.add_argument('--margin-weight', type=float, default=0.03)
    a.add_argument('--margin-from', type=float, default=0.3, help='share of the time without that loss')
    a.add_argument('--margin', type=float, default=0.2)
    a.add_argument('--scale', type=float, default=32)
    a.add_argument('--alike', type=float, default=0.4, help='cosine from which two crops may show one person')
    a.add_argument('--mix', type=float, default=0.4, help='share of the consistent half that is mixed')
    a.add_argument('--more', type=float, default=0.1, help='share of a batch drawn from people with several photos')
    a.add_argument('--dev', help='aligned LFW development set, measured every --eval seconds')
    a.add_argument('--eval', type=float, default=60)
    a.add_argument('--start', help='checkpoint or exported network to start from')
    a.add_argument('--checkpoint')
    a.add_argument('--layout', choices=('channels_last', 'contiguous_format'), default='channels_last')
    a.add_argument('--float', choices=('bfloat16', 'float16', 'float32'), default='bfloat16')
    a.add_argument('--seed', type=int, default=1)
    a.add_argument('--threads', type=int, default=8)
    return a.parse_args()


class Run:
    def __init__(s, a):
        s.a, s.device = a, torch.device(a.device)
        torch.manual_seed(a.seed)
        torch.set_num_threads(a.threads)
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        s.g = torch.Generator(s.device).manual_seed(a.seed)
        s.host = np.random.default_rng(a.seed)
        t = time.time()
        x, who, source, age = data.load(a.faces, a.threads)
        s.x = torch.from_numpy(x).to(s.device)
        s.layout = getattr(torch, a.layout)
        if a.targets:
            s.teacher, s.target = (
                None,
                F.normalize(torch.from_numpy(np.load(a.targets).astype(np.float32))).to(s.device),
            )
        else:
            s.teacher = s.place(Teacher(a.teacher)).eval().requires_grad_(False)
            s.target = targets(s.teacher, s.x, s.autocast)
        s.raw = a.network.endswith('.onnx')
        s.net = s.place(Teacher(a.network) if s.raw else Net(a.network))
        child = torch.from_numpy((age >= 0) & (age <= a.child) & np.isin(source, ('utk', 'aaf'))).to(s.device)
        s.centers = Centers(
            torch.from_numpy(who).to(s.device), s.target, a.scale, a.margin, a.alike, child, a.classes == 'all'
        )
        s.batches = Batches(who, a.batch, a.more, s.host)
        s.views = data.Views(s.device, s.g)
        s.ema = {k: v.clone() for k, v in s.net.state_dict().items() if v.is_floating_point()}
        s.dev = data.Development(a.dev, s.device) if a.dev else None
        if a.start and a.start.endswith('.onnx'):
            load_weights(s.net, a.start)
            s.fit_last()
            s.ema = {k: v.clone() for k, v in s.net.state_dict().items() if v.is_floating_point()}
        s.freeze()
        if a.compile:
            s.head, s.rest = torch.compile(s.head), torch.compile(s.rest)
        s.opt = s.optimizer()
        s.step = 0
        if a.start and not a.start.endswith('.onnx'):
            c = torch.load(a.start, map_location=s.device)
            s.net.load_state_dict(c['ema'], strict=False)
        s.scaling = 1024.0 if a.float == 'float16' else 1.0
        print(
            f'{len(x)} crops, {int(who.max()) + 1} identities, network of '
            f'{sum(p.numel() for p in s.net.parameters()) / 1e6:.2f} M parameters; read in {time.time() - t:.0f} s',
            flush=True,
        )
        if s.dev and s.teacher is None:
            s.measure('start')
        elif s.dev:
            s.report('teacher', s.dev.measure(s.teach))
            s.report(
                'its mean of crop and mirror image',
                s.dev.measure(lambda x: unit(s.teach(x)) + unit(s.teach(x.flip(3)))),
            )

    def freeze(s):
        """Sets head and rest, what of the network stays as it is and what learns."""
        n = s.a.freeze
        if not s.raw:
            for u in s.net.units[:n]:
                u.requires_grad_(False)
            first = n
        else:
            first = s.net.cut(n) + 1 if n else 0
            for m in s.net.nodes[:first]:
                for i in m[1]:
                    if i in s.net.number:
                        s.net.weights[s.net.number[i]].requires_grad_(False)
        s.head, s.rest = (lambda x: s.net(x, 0, first)), (lambda x: s.net(x, first))

    def optimizer(s):
        a = s.a
        learned = [p for p in s.net.parameters() if p.requires_grad]
        groups = [
            dict(params=[p for p in learned if p.dim() > 1 and len(p) > 1], weight_decay=a.decay),
            dict(params=[p for p in learned if p.dim() == 1 or len(p) == 1], weight_decay=0),
            dict(params=[s.centers.weight], weight_decay=0),
        ]
        if a.adam:
            return torch.optim.AdamW(groups, a.lr)
        return torch.optim.SGD(groups, a.lr, 0.9, nesterov=True)

    def place(s, net):
        return net.to(s.device).to(memory_format=s.layout)

    def autocast(s):
        kind = getattr(torch, s.a.float)
        return torch.autocast(
            s.device.type, kind if kind != torch.float32 else torch.bfloat16, enabled=kind != torch.float32
        )

    def teach(s, x):
        with torch.no_grad(), s.autocast():
            return s.teacher(x.contiguous(memory_format=s.layout))

    def embed(s, x):
        with s.autocast():
            x = (x if s.raw else (x - 127.5) / 127.5).contiguous(memory_format=s.layout)
            if not s.net.training:
                return s.net(x)
            if s.a.freeze:
                with torch.no_grad():
                    x = s.head(x)
            return s.rest(x)

    def fit_last(s, crops=6144, ridge=1e-3):
        """The last layer's weights by least squares: what comes before it -> targets. Its BatchNorm keeps the
        variances that they have."""
        s.net.eval()
        i = torch.randperm(len(s.x), generator=torch.Generator().manual_seed(s.a.seed))[:crops].to(s.device)
        with torch.no_grad():
            f = []
            for k in i.split(64):
                v = (s.x[k, :3, 8:120, 8:120].float() - 127.5) / 127.5
                with s.autocast():
                    f.append(s.net(v.contiguous(memory_format=s.layout), 0, len(s.net.units) - 1).float().flatten(1))
            f = torch.cat(f)
            mean, t = f.mean(0), s.target[i] * 16
            d = f - mean
            g = d.T @ d
            g += ridge * g.diagonal().mean() * torch.eye(len(g), device=g.device)
            w = torch.linalg.solve(g, d.T @ (t - t.mean(0))).T
            last, y = s.net.units[-1], d @ w.T
            last.conv.weight.copy_(w[:, :, None, None])
            last.norm.running_mean.copy_(w @ mean)
            last.norm.running_var.copy_(y.var(0))
            last.norm.weight.copy_((y.var(0) + last.norm.eps).sqrt())
            last.norm.bias.copy_(t.mean(0))
            print(
                f'last layer fitted: mean cosine to the targets {F.cosine_similarity(y + t.mean(0), t).mean():.4f}',
                flush=True,
            )

    def report(s, what, m):
        print(
            f'{what}: pairs {m[0]:.1f} %, true accepts {m[1]:.1f}, {m[2]:.1f}, {m[3]:.1f} % at 1e-2, 1e-3, 1e-4',
            flush=True,
        )

    def batch(s, strength):
        """-> views [n,3,112,112], targets [n,d], crops' numbers [n], whether the view is of that crop alone [n]."""
        i = torch.from_numpy(s.batches.next()).to(s.device, non_blocking=True)
        n, half = len(i), len(i) // 2
        j = torch.randint(0, len(s.x), (n,), device=s.device, generator=s.g)
        v = s.views.color(s.views.geometry(s.x[i], s.x[j]))
        v = s.views.degrade(v, s.host, strength)
        mixed = int(half * s.a.mix) if s.teacher is not None else 0
        pure = torch.ones(n, dtype=torch.bool, device=s.device)
        if mixed:
            k = s.views.uniform(mixed, 0.1, 0.9)[:, None, None, None]
            v[:mixed] = v[:mixed] * k + v[half : half + mixed] * (1 - k)
            pure[:mixed] = False
        if s.teacher is None:
            return v, s.target[i], i, pure
        return v, torch.cat([unit(s.teach(v[:half])), s.target[i[half:]]]), i, pure

    def loss(s, v, t, i, pure, margin):
        z = unit(s.embed(v))
        distance = 1 - (z * t).sum(1).mean()
        like, child = t @ t.T, s.centers.child[i] & pure
        apart = (child[:, None] & child[None]).fill_diagonal_(False)
        gram = ((z @ z.T - torch.where(apart, like.clamp(max=0.25), like)) ** 2).mean()
        mixed = int(len(v) // 2 * s.a.mix) if s.teacher is not None else 0
        cosface = s.centers(z[mixed:], i[mixed:], s.target[i[mixed:]]) if margin > 0 else distance * 0
        return 4 * distance + 8 * gram + margin * cosface, torch.stack([distance, gram, cosface]).detach()

    def advance(s, at):
        """One step at the share `at` of the time."""
        a = s.a
        lr = a.lr * min(
            1, (at + 1e-4) / a.warmup, max(1e-3, 0.5 * (1 + math.cos(math.pi * (at - a.warmup) / (1 - a.warmup))))
        )
        for p, k in zip(s.opt.param_groups, (1, 1, 10)):
            p['lr'] = lr * k
        margin = a.margin_weight * min(1, max(0, (at - a.margin_from) / 0.1))
        loss, parts = s.loss(*s.batch(min(1, at / 0.2)), margin)
        s.opt.zero_grad(set_to_none=True)
        (loss * s.scaling).backward()
        if s.scaling != 1:
            torch._foreach_div_(
                [p.grad for g in s.opt.param_groups for p in g['params'] if p.grad is not None], s.scaling
            )
        nn.utils.clip_grad_norm_(s.net.parameters(), 5.0, foreach=True)
        s.opt.step()
        now = s.net.state_dict()
        keep = min(0.999, (1 + s.step) / (10 + s.step))
        torch._foreach_lerp_([s.ema[k] for k in s.ema], [now[k] for k in s.ema], 1 - keep)
        s.step += 1
        return parts, lr

    def averaged(s, f):
        """f() with the averaged weights in place."""
        now = {k: v.clone() for k, v in s.net.state_dict().items()}
        s.net.load_state_dict(s.ema, strict=False)
        s.net.eval()
        r = f()
        s.net.load_state_dict(now)
        s.training()
        return r

    def save(s):
        if not all(v.isfinite().all() for v in s.ema.values()):
            raise SystemExit('the weights are no longer finite: a lower --lr is needed')
        s.averaged(lambda: s.net.export(s.a.out) if s.raw else export(s.net, s.a.out))
        if s.a.checkpoint:
            c = dict(net=s.net.state_dict(), ema=s.ema, opt=s.opt.state_dict(), step=s.step)
            torch.save(c, s.a.checkpoint + '.tmp')
            os.replace(s.a.checkpoint + '.tmp', s.a.checkpoint)

    def measure(s, name):
        if s.dev:
            with torch.no_grad():
                s.report(name, s.averaged(lambda: s.dev.measure(s.embed)))

    def training(s):
        s.net.train()
        for u in [] if s.raw else s.net.units[: s.a.freeze]:
            u.eval()

    def train(s):
        s.save()
        s.training()
        t0 = shown = measured = time.time()
        total, since, sums = s.a.minutes * 60, s.step, 0
        while time.time() - t0 < total:
            parts, lr = s.advance((time.time() - t0) / total)
            sums = sums + parts
            if s.step % 50 == 0:
                if s.device.type == 'cuda':
                    torch.cuda.synchronize()  # so that the clock tells how far the device is
                if time.time() - shown >= 10:
                    p, v = (sums / (s.step - since)).tolist(), (s.step - since) * s.a.batch / (time.time() - shown)
                    print(
                        f'step {s.step} distance {p[0]:.4f} gram {p[1]:.5f} cosface {p[2]:.2f} lr {lr:.4f} {v:.0f}'
                        f' images/s {(total - time.time() + t0) / 60:.1f} min left',
                        flush=True,
                    )
                    shown, since, sums = time.time(), s.step, 0
            if time.time() - measured >= s.a.eval:
                s.measure(f'step {s.step}')
                s.save()
                measured = time.time()
        s.measure('end')
        s.save()


if __name__ == '__main__':
    Run(options()).train()
