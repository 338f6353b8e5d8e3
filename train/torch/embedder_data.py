"""Crops, training views and the development set of the embedder, all on the device that trains.

The views are those of `facet train` (train/augment.h, the same ranges): flip, shift, scale, rotation,
brightness, contrast, saturation, gray, down-scaling, blur, JPEG, occlusion and mask-like blocks, and black
borders filled."""

import csv
import os
import cv2
import numpy as np
import torch
import torch.nn.functional as F

LUMA = np.array([16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14,
17, 22, 29, 51, 87, 80,
                 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121,
                 120, 101, 72, 92, 95,
                 98, 112, 100, 103, 99], np.float32).reshape(8, 8)
CHROMA = np.full((8, 8), 99, np.float32)
CHROMA[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]


def read_crop(path):
    """-> [4,128,128] uint8: RGB and a mask that is 255 where the picture is, 0 in a black border and a pixel
    around it."""
    im = cv2.imread(path)
    if im is None or im.shape != (128, 128, 3):
        raise SystemExit(f'{path}: not a 128x128 picture')
    _, lab = cv2.connectedComponents((im.max(2) < 14).astype(np.uint8), connectivity=4)
    edge = np.unique(np.r_[lab[0], lab[-1], lab[:, 0], lab[:, -1]])
    mask = (~np.isin(lab, edge[edge > 0])).astype(np.uint8) * 255
    out = np.empty((4, 128, 128), np.uint8)
    out[:3] = im[:, :, ::-1].transpose(2, 0, 1)
    out[3] = cv2.erode(mask, np.ones((3, 3), np.uint8), borderValue=255)
    return out


def load(folder, workers=2):
    """-> crops [n,4,128,128] uint8, identities [n] (int64, -1 unknown), sources [n] (names of the folders),
    ages [n] (-1 unknown)."""
    from concurrent.futures import ThreadPoolExecutor

    rows = list(csv.DictReader(open(os.path.join(folder, 'index.csv'))))
    cv2.setNumThreads(1)
    x = np.empty((len(rows), 4, 128, 128), np.uint8)

    def one(i):
        x[i] = read_crop(os.path.join(folder, rows[i]['file']))

    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(one, range(len(rows)), chunksize=256):
            pass
    number = {k: i for i, k in enumerate(sorted({r['identity'] for r in rows if r['identity']}))}
    who = np.array([number.get(r['identity'], -1) for r in rows])
    age = np.array([float(r.get('age') or -1) for r in rows])
    return x, who, np.array([r['file'].split('/')[0] for r in rows]), age


class Views:
    """Random views of a batch. Everything is drawn on the device, and nothing waits for it: shares of a batch,
    not chances, decide how many pictures are degraded."""

    def __init__(s, device, generator):
        s.d, s.g = device, generator
        k = np.arange(8)
        dct = np.cos((2 * k[None] + 1) * k[:, None] * np.pi / 16) / 2
        dct[0] /= 2**0.5
        s.dct = torch.tensor(dct, dtype=torch.float32, device=device)
        s.tables = [torch.tensor(t, device=device) for t in (LUMA, CHROMA)]
        s.rgb2ycc = torch.tensor(
            [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], device=device
        )
        s.ycc2rgb = torch.linalg.inv(s.rgb2ycc)

    def uniform(s, n, a, b):
        return a + (b - a) * torch.rand(n, device=s.d, generator=s.g)

    def number(s, a, b):
        """One number on the host."""
        return a + (b - a) * float(s.host.random())

    def warp(s, x4, scale, angle, dx, dy, flip, size=112):
        """x4 [n,4,128,128] uint8 -> the 112x112 around the middle, transformed; shifts in pixels, angles in radians."""
        n = len(x4)
        half = size / 128 / scale
        c, q, f = torch.cos(angle) * half, torch.sin(angle) * half, 1 - 2 * flip
        th = torch.stack([c * f, -q, dx / 64, q * f, c, dy / 64], 1).reshape(n, 2, 3)
        grid = F.affine_grid(th, (n, 4, size, size), align_corners=False)
        return F.grid_sample(x4.float(), grid, align_corners=False, padding_mode='border')

    def geometry(s, x4, other, shift=4.0, scale=0.06, rotate=6.0, flip=0.5):
        """-> [n,3,112,112] float 0..255; what lies beyond a photo's edge becomes black, a color or another crop."""
        n = len(x4)
        y = s.warp(
            x4,
            1 + s.uniform(n, -scale, scale),
            s.uniform(n, -rotate, rotate) * (np.pi / 180),
            s.uniform(n, -shift, shift),
            s.uniform(n, -shift, shift),
            (s.uniform(n, 0, 1) < flip).float(),
        )
        rgb, mask = y[:, :3], y[:, 3:] / 255
        kind = s.uniform(n, 0, 1)[:, None, None, None]
        color = torch.rand(n, 3, 1, 1, device=s.d, generator=s.g) * 255
        fill = torch.where(kind < 0.25, 0.0, torch.where(kind < 0.6, color, other[:, :3, 8:120, 8:120].float()))
        return rgb * mask + fill * (1 - mask)

    def color(s, x, brightness=0.2, contrast=0.2, saturation=0.2, gray=0.1):
        n = len(x)

        def u(r):
            return (1 + s.uniform(n, -r, r))[:, None, None, None]

        mean, gain = x.mean((1, 2, 3), keepdim=True), u(brightness)
        x = (x - mean) * u(contrast) * gain + mean * gain
        y = (x * s.rgb2ycc[0][:, None, None]).sum(1, keepdim=True)
        keep = (s.uniform(n, 0, 1) >= gray).float()[:, None, None, None]
        return (y + (x - y) * u(saturation) * keep).clamp(0, 255)

    def some(s, x, share, change, parts=4):
        """change(pictures) on a random share of the batch, in a few parts that draw their strengths on the host."""
        k = int(len(x) * share / parts)
        if k < 1:
            k, parts = int(len(x) * share), 1
        if k < 1:
            return x
        order = torch.randperm(len(x), device=s.d, generator=s.g)
        for p in range(parts):
            i = order[p * k : (p + 1) * k]
            x = x.index_copy(0, i, change(x[i]))
        return x

    def small(s, x):
        k = int(round(x.shape[2] * s.number(0.25, 0.8)))
        return F.interpolate(F.interpolate(x, (k, k), mode='area'), x.shape[2:], mode='bilinear')

    def blur(s, x):
        sigma = s.number(0.4, 1.4)
        w = torch.exp(-(torch.arange(-2, 3, device=s.d).float() ** 2) / (2 * sigma * sigma))
        w = (w / w.sum()).expand(3, 1, 1, 5)
        x = F.conv2d(F.pad(x, (2, 2, 2, 2), mode='replicate'), w, groups=3)
        return F.conv2d(x, w.transpose(2, 3), groups=3)

    def quantize(s, y, table):
        """y [n,h,w] around 0 -> what the 8x8 cosine transform leaves after dividing by the table."""
        n, h, w = y.shape
        b = y.reshape(n, h // 8, 8, w // 8, 8).transpose(2, 3)
        c = torch.round(s.dct @ b @ s.dct.T / table) * table
        return (s.dct.T @ c @ s.dct).transpose(2, 3).reshape(n, h, w)

    def jpeg(s, x):
        q = s.number(30, 90)
        q = 5000 / q if q < 50 else 200 - 2 * q
        t = [((v * q + 50) / 100).floor().clamp(1, 255) for v in s.tables]
        y = torch.einsum('ij,njhw->nihw', s.rgb2ycc, x.round())
        luma = s.quantize(y[:, 0] - 128, t[0]) + 128
        n, _, h, w = y.shape
        c = s.quantize(F.avg_pool2d(y[:, 1:], 2).reshape(2 * n, h // 2, w // 2), t[1]).reshape(n, 2, h // 2, w // 2)
        y = torch.cat([luma[:, None], F.interpolate(c, (h, w), mode='bilinear')], 1)
        return torch.einsum('ij,njhw->nihw', s.ycc2rgb, y).clamp(0, 255)

    def noise(s, x):
        return (x + s.number(2, 10) * torch.randn(x.shape, device=s.d, generator=s.g)).clamp(0, 255)

    def paint(s, x, x0, y0, x1, y1):
        n, size = len(x), x.shape[2]
        p = torch.arange(size, device=s.d).float()
        column = (p >= x0[:, None]) & (p < x1[:, None])
        row = (p >= y0[:, None]) & (p < y1[:, None])
        inside = row[:, None, :, None] & column[:, None, None, :]
        color = torch.rand(n, 3, 1, 1, device=s.d, generator=s.g) * 255
        rough = torch.rand(x.shape, device=s.d, generator=s.g) * 255
        fill = torch.where((s.uniform(n, 0, 1) < 0.3)[:, None, None, None], rough, color)
        return torch.where(inside, fill, x)

    def occlude(s, x):
        n, size = len(x), x.shape[2]
        w, h = s.uniform(n, 0.12, 0.4) * size, s.uniform(n, 0.12, 0.4) * size
        x0, y0 = s.uniform(n, 0, size) - w / 2, s.uniform(n, 0, size) - h / 2
        return s.paint(x, x0, y0, x0 + w, y0 + h)

    def mask(s, x):
        n, size = len(x), x.shape[2]
        top, side = s.uniform(n, 0.54, 0.66) * size, s.uniform(n, 0.05, 0.2) * size
        return s.paint(x, side, top, size - side, torch.full_like(top, size))

    def degrade(s, x, host, strength=1.0):
        """host: numpy generator. Shares at strength 1: `facet train`'s chances."""
        s.host = host
        for share, change in (
            (0.2, s.small),
            (0.1, s.blur),
            (0.05, s.noise),
            (0.15, s.jpeg),
            (0.1, s.occlude),
            (0.05, s.mask),
        ):
            x = s.some(x, share * strength, change)
        return x


class Development:
    """LFW's development set, aligned (a folder with lfw-dev-identities.csv, lfw-dev-pairs.csv and the pictures)."""

    def __init__(s, folder, device):
        def rows(name):
            return list(csv.DictReader(open(os.path.join(folder, name))))

        who = {r['file']: r['identity'] for r in rows('lfw-dev-identities.csv')}
        names = sorted(who)
        x = np.stack([cv2.imread(os.path.join(folder, n))[:, :, ::-1].transpose(2, 0, 1) for n in names])
        s.x = torch.from_numpy(np.ascontiguousarray(x)).to(device)
        at = {n: i for i, n in enumerate(names)}
        s.pairs = np.array([(at[r['a']], at[r['b']], r['same'] == '1') for r in rows('lfw-dev-pairs.csv')])
        k = np.array([who[n] for n in names])
        up = np.triu_indices(len(k), 1)
        s.up, s.same = up, (k[:, None] == k[None])[up]

    def measure(s, embed):
        """embed(pictures [n,3,112,112] 0..255) -> [n,d]. -> accuracy of the pairs (10 folds), true accept rates
        at 1e-2, 1e-3, 1e-4; per cent."""
        with torch.no_grad():
            e = torch.cat([F.normalize(embed(v.float()).float()) for v in s.x.split(256)]).cpu().numpy()
        c = (e @ e.T)[s.up]
        genuine, impostor = c[s.same], np.sort(c[~s.same])[::-1]
        tar = [100 * float((genuine > impostor[int(len(impostor) * f)]).mean()) for f in (1e-2, 1e-3, 1e-4)]
        v, y = (e[s.pairs[:, 0]] * e[s.pairs[:, 1]]).sum(1), s.pairs[:, 2] == 1
        fold, right = np.arange(len(v)) % 10, []
        for k in range(10):
            tr = fold != k
            order = np.sort(v[tr])
            t = order[np.argmax([((v[tr] >= z) == y[tr]).mean() for z in order])]
            right.append(((v[~tr] >= t) == y[~tr]).mean())
        return 100 * float(np.mean(right)), *tar
