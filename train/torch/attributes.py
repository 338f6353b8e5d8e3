#!/usr/bin/env python3
"""Trains the gender-and-age network of the default pack.

    python3 attributes.py --faces DIR --out genderage.onnx [--epochs 40] [--threads 2]

DIR holds index.csv (columns file, age, gender) and the aligned 128x128 crops it
names (112 template plus 8 pixels). The network sees what the pipeline will show
it: a square of 1.5 times the longer side of the face's box, unrotated, scaled to
96x96, RGB, (x - 127.5) / 128. Outputs [n, 3]: score female, score male, age / 100.

Age: softmax over 0..100, KL to a Gaussian of sigma 2 around the label plus L1 on
the expectation (Gao et al., "Age Estimation Using Expectation of Label
Distribution Learning", IJCAI 2018, eq. 1-8). Gender: cross-entropy with smoothing
0.05, not below four years. Held back: every tenth labelled row (index % 10 == 7).
"""
import argparse, csv, math, os, time
import cv2, numpy as np, torch, torch.nn as nn, torch.nn.functional as F

BOX = (65.2, 72.8, 80.7, 102.3)   # centre, width, height of a detector's box on the crops, on average
SIZE = 96


def load(folder):
    rows = [r for r in csv.DictReader(open(os.path.join(folder, 'index.csv'))) if r['age'] and r['gender']]
    x = np.zeros((len(rows), 4, 128, 128), np.uint8)
    for i, r in enumerate(rows):
        im = cv2.imread(os.path.join(folder, r['file']))
        if im is None or im.shape != (128, 128, 3): raise SystemExit(f"{r['file']}: not a 128x128 picture")
        dark = (im.max(2) < 14).astype(np.uint8)          # black borders: dark areas that touch the edge
        _, lab = cv2.connectedComponents(dark, connectivity=4)
        edge = np.unique(np.r_[lab[0], lab[-1], lab[:, 0], lab[:, -1]])
        x[i, :3] = im[:, :, ::-1].transpose(2, 0, 1)
        mask = ~(np.isin(lab, edge[edge > 0])) if len(edge[edge > 0]) else np.ones((128, 128), bool)
        x[i, 3] = cv2.erode(mask.astype(np.uint8) * 255, np.ones((3, 3), np.uint8), borderValue=255)
    age = np.array([float(r['age']) for r in rows], np.float32)
    male = np.array([r['gender'] == 'M' for r in rows], np.int64)
    return rows, torch.from_numpy(x), torch.from_numpy(np.clip(age, 0, 100)), torch.from_numpy(male)


def crop(x4, scale, angle, dx, dy, flip, out=SIZE):
    """x4 [n,4,128,128] uint8 -> [n,4,out,out] float 0..255; the square of side 1.5 * box height, transformed."""
    n = len(x4); half = 1.5 * BOX[3] / 2 * scale
    c, s = torch.cos(angle), torch.sin(angle); f = 1 - 2 * flip
    cx, cy = BOX[0] + dx * BOX[2], BOX[1] + dy * BOX[3]
    th = torch.zeros(n, 2, 3)                             # output (-1..1) -> input (-1..1)
    th[:, 0, 0] = half / 64 * c * f; th[:, 0, 1] = -half / 64 * s; th[:, 0, 2] = (cx - 63.5) / 64
    th[:, 1, 0] = half / 64 * s * f; th[:, 1, 1] = half / 64 * c; th[:, 1, 2] = (cy - 63.5) / 64
    return F.grid_sample(x4.float(), F.affine_grid(th, (n, 4, out, out), align_corners=False), align_corners=False)


def augment(x4, background, g):
    n = len(x4); u = lambda a, b: a + (b - a) * torch.rand(n, generator=g)
    y = crop(x4, u(.82, 1.2), u(-.4, .4), u(-.06, .06), u(-.06, .06), (u(0, 1) < .5).float())
    rgb, m = y[:, :3], y[:, 3:] / 255
    bg = crop(background, u(.3, .9), u(-3, 3), u(-.2, .2), u(-.2, .2), (u(0, 1) < .5).float())[:, :3]
    kind = u(0, 1)[:, None, None, None]                   # what lies beyond the photo: black, one colour, another photo
    mean = torch.rand(n, 3, 1, 1, generator=g) * 255
    bg = torch.where(kind < .3, torch.zeros_like(bg), torch.where(kind < .5, mean.expand_as(bg), bg))
    rgb = rgb * m + bg * (1 - m)
    gray = rgb.mean((1, 2, 3), keepdim=True)
    rgb = (rgb - gray) * u(.7, 1.3)[:, None, None, None] + gray + u(-30, 30)[:, None, None, None]
    lum = rgb.mean(1, keepdim=True); sat = torch.where(u(0, 1) < .15, torch.zeros(n), u(.6, 1.4))[:, None, None, None]
    rgb = lum + (rgb - lum) * sat
    low = u(0, 1) < .25                                   # small faces: down and up again
    if low.any():
        k = int(torch.randint(28, 72, (1,), generator=g))
        rgb[low] = F.interpolate(F.interpolate(rgb[low], (k, k), mode='area'), (SIZE, SIZE), mode='bilinear')
    hide = u(0, 1) < .15                                  # an occluding block
    for i in torch.nonzero(hide)[:, 0].tolist():
        w, h, x0, y0 = (int(v) for v in torch.randint(10, 40, (4,), generator=g))
        rgb[i, :, y0 + 10:y0 + 10 + h, x0:x0 + w] = mean[i]
    return (rgb.clamp(0, 255) - 127.5) / 128


def cba(i, o, k, s=1, p=0, g=1): return [nn.Conv2d(i, o, k, s, p, groups=g, bias=False), nn.BatchNorm2d(o), nn.PReLU(o)]


class Block(nn.Module):
    def __init__(s, c, e):
        super().__init__()
        s.b = nn.Sequential(*cba(c, e, 1), *cba(e, e, 3, 1, 1, e), nn.Conv2d(e, c, 1, bias=False), nn.BatchNorm2d(c))
    def forward(s, x): return x + s.b(x)


def down(i, o): return cba(i, i, 3, 2, 1, i) + [nn.Conv2d(i, o, 1, bias=False), nn.BatchNorm2d(o)]


class Net(nn.Module):
    """About 9.4 million multiply-accumulates, 0.4 million weights."""
    def __init__(s):
        super().__init__()
        s.body = nn.Sequential(*cba(3, 16, 3, 2, 1), *down(16, 24), Block(24, 48), *down(24, 48), Block(48, 128), *down(48, 96),
                               Block(96, 256), *down(96, 192), Block(192, 512), *cba(192, 256, 1),
                               nn.Conv2d(256, 256, 3, groups=256, bias=False), nn.BatchNorm2d(256), nn.Flatten())
        s.drop = nn.Dropout(.1); s.age = nn.Linear(256, 101); s.gender = nn.Linear(256, 2)
        s.register_buffer('years', torch.arange(101).float()[:, None] / 100)
    def heads(s, x): f = s.drop(s.body(x)); return s.age(f), s.gender(f)
    def forward(s, x):
        a, g = s.heads(x)
        return torch.cat([g, torch.softmax(a, 1) @ s.years], 1)


def evaluate(net, x, age, male):
    net.eval(); o = []
    with torch.no_grad():
        for i in range(0, len(x), 256):
            n = len(x[i:i + 256]); z = torch.zeros(n)
            y = crop(x[i:i + 256], z + 1, z, z, z, z); y = y[:, :3] * (y[:, 3:] / 255)
            o.append(net((y - 127.5) / 128))
    o = torch.cat(o); net.train(); grown = age >= 4
    mae = (o[:, 2] * 100 - age).abs().mean().item()
    acc = (o[:, :2].argmax(1) == male).float()
    return mae, acc.mean().item() * 100, acc[grown].mean().item() * 100


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('--faces', required=True); a.add_argument('--out', required=True)
    a.add_argument('--epochs', type=int, default=40); a.add_argument('--batch', type=int, default=128)
    a.add_argument('--lr', type=float, default=.1); a.add_argument('--threads', type=int, default=2)
    a.add_argument('--seed', type=int, default=1); a.add_argument('--checkpoint')
    a = a.parse_args(); torch.set_num_threads(a.threads); torch.manual_seed(a.seed); cv2.setNumThreads(a.threads)
    g = torch.Generator().manual_seed(a.seed)
    _, x, age, male = load(a.faces); ix = torch.arange(len(x)); held = ix % 10 == 7; tr = ix[~held]
    xv, av, mv = x[held], age[held], male[held]; print(f'{len(tr)} to train on, {len(av)} held back', flush=True)
    net = Net(); decay = [p for p in net.parameters() if p.dim() > 1]; rest = [p for p in net.parameters() if p.dim() <= 1]
    opt = torch.optim.SGD([dict(params=decay, weight_decay=2e-4), dict(params=rest, weight_decay=0)], a.lr, .9, nesterov=True)
    total = a.epochs * (len(tr) // a.batch); step = 0; t0 = time.time()
    ema = torch.optim.swa_utils.AveragedModel(net, avg_fn=lambda e, p, n: e * .998 + p * .002, use_buffers=True)
    grid = torch.arange(101).float()[None]; start = 0
    if a.checkpoint and os.path.exists(a.checkpoint):
        c = torch.load(a.checkpoint); net.load_state_dict(c['net']); ema.load_state_dict(c['ema']); opt.load_state_dict(c['opt'])
        g.set_state(c['rng']); start, step = c['epoch'] + 1, c['step']
    for e in range(start, a.epochs):
        perm = tr[torch.randperm(len(tr), generator=g)]
        for b in range(len(tr) // a.batch):
            i = perm[b * a.batch:(b + 1) * a.batch]; j = tr[torch.randint(0, len(tr), (a.batch,), generator=g)]
            lr = a.lr * min(1, (step + 1) / 300) * .5 * (1 + math.cos(math.pi * step / total))
            for p in opt.param_groups: p['lr'] = lr
            la, lg = net.heads(augment(x[i], x[j], g)); t = torch.exp(-(grid - age[i][:, None]) ** 2 / 8); t = t / t.sum(1, keepdim=True)
            lp = F.log_softmax(la, 1); exp = (lp.exp() * grid).sum(1)
            w = (age[i] >= 4).float()
            loss = F.kl_div(lp, t, reduction='batchmean') + .1 * (exp - age[i]).abs().mean() + \
                .5 * (F.cross_entropy(lg, male[i], label_smoothing=.05, reduction='none') * w).sum() / w.sum()
            opt.zero_grad(); loss.backward(); nn.utils.clip_grad_norm_(net.parameters(), 5.); opt.step(); ema.update_parameters(net); step += 1
            if step % 100 == 0: print(f'step {step}/{total} loss {loss.item():.3f} lr {lr:.4f} {step * a.batch / (time.time() - t0):.0f} images/s', flush=True)
        r = evaluate(ema.module, xv, av, mv)
        print(f'epoch {e + 1} age error {r[0]:.2f} years, gender {r[1]:.2f} % ({r[2]:.2f} % from four years)', flush=True)
        if a.checkpoint:
            torch.save(dict(net=net.state_dict(), ema=ema.state_dict(), opt=opt.state_dict(), rng=g.get_state(), epoch=e, step=step), a.checkpoint + '.tmp')
            os.replace(a.checkpoint + '.tmp', a.checkpoint)
    ema.module.eval()
    torch.onnx.export(ema.module, torch.zeros(1, 3, SIZE, SIZE), a.out, input_names=['data'], output_names=['fc1'], opset_version=11,
                      dynamic_axes={'data': {0: 'n'}, 'fc1': {0: 'n'}}, **({'dynamo': False} if torch.__version__ >= '2.5' else {}))


if __name__ == '__main__': main()
