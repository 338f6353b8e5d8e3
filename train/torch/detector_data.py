"""Labels and training views for the detector of the default pack.

Labels (detector_labels.py) come from a YuNet detector (permissive license) run at several scales and mirrored;
a face is a positive where at least three of the runs agree (score >= 0.6, one >= 0.7, IoU >= 0.5). Where some
see something, or one does well, training ignores what is there; what fewer see, and weakly, is background.
Views are composed on the fly: crops of photos, mosaics of faces at many scales over real backgrounds, pasted
patches that are not faces (so that seams mean nothing), and empty pictures."""

import csv
import os
import cv2
import numpy as np
import onnxruntime as ort

LEAST = 8  # pixels of height of a face in a view below which nothing is learned from it
TEMPLATE = (
    np.array(
        [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)], np.float32
    )
    + 8
)
SWAP = [1, 0, 2, 4, 3]
SWAP_WEIGHTS = [0, 2, 1, 3, 5, 4, 6]  # of a mirrored face: it is one, its landmarks are known, how sure teachers are


def iou(a, b):
    w = np.minimum(a[:, None, 2], b[None, :, 2]) - np.maximum(a[:, None, 0], b[None, :, 0])
    h = np.minimum(a[:, None, 3], b[None, :, 3]) - np.maximum(a[:, None, 1], b[None, :, 1])
    i = w.clip(0) * h.clip(0)

    def area(v):
        return (v[:, 2] - v[:, 0]) * (v[:, 3] - v[:, 1])

    return i / (area(a)[:, None] + area(b)[None] - i).clip(1e-6)


class YuNet:
    """raw(bgr) -> boxes [n,4], scores [n], landmarks [n,5,2] of every cell (libfacedetection.train, BGR 0..255)."""

    def __init__(s, path):
        o = ort.SessionOptions()
        o.intra_op_num_threads = 1
        s.net = ort.InferenceSession(path, o, providers=['CPUExecutionProvider'])
        s.names = [v.name for v in s.net.get_outputs()]

    def raw(s, bgr):
        h, w = bgr.shape[:2]
        H, W = (h + 31) // 32 * 32, (w + 31) // 32 * 32
        p = np.zeros((H, W, 3), np.float32)
        p[:h, :w] = bgr
        o = dict(zip(s.names, s.net.run(None, {s.net.get_inputs()[0].name: p.transpose(2, 0, 1)[None]})))
        bs, ss, ks = [], [], []
        for st in (8, 16, 32):
            c, ob, b, k = (o[f'{n}_{st}'][0] for n in ('cls', 'obj', 'bbox', 'kps'))
            n = len(c)
            gw = W // st
            cell = np.stack([np.arange(n) % gw, np.arange(n) // gw], 1)
            ctr, size = (cell + b[:, :2]) * st, np.exp(b[:, 2:].clip(-9, 6)) * st
            bs.append(np.c_[ctr - size / 2, ctr + size / 2])
            ks.append((k.reshape(-1, 5, 2) + cell[:, None]) * st)
            ss.append(np.sqrt(c.clip(0, 1) * ob.clip(0, 1))[:, 0])
        return np.concatenate(bs), np.concatenate(ss), np.concatenate(ks)

    def __call__(s, bgr, thresh=0.2):
        b, sc, k = s.raw(bgr)
        m = sc >= thresh
        b, sc, k = b[m], sc[m], k[m]
        keep = []
        for i in np.argsort(-sc):
            if not keep or iou(b[i : i + 1], b[keep]).max() <= 0.4:
                keep.append(i)
        return b[keep], sc[keep], k[keep]


def see(net, bgr, scales):
    """What net sees at each scale, as it is and mirrored: (boxes, scores, landmarks) of each run."""
    runs = []
    for f in scales:
        for flip in (0, 1):
            im = cv2.resize(bgr, None, fx=f, fy=f)
            im = im[:, ::-1] if flip else im
            b, s, k = net(np.ascontiguousarray(im))
            w = im.shape[1]
            if flip and len(b):
                b = np.c_[w - b[:, 2], b[:, 1], w - b[:, 0], b[:, 3]]
                k = k[:, SWAP].copy()
                k[..., 0] = w - k[..., 0]
            runs.append((b / f, s, k / f))
    return runs


def label(net, bgr, scales=(0.6, 1.0, 1.6), hints=(3, 0.5)):
    """-> boxes, landmarks, weights (1 a face, 0 not sure; 1 runs agree about the landmarks; the mean over all runs of
    the best score that each gives it). hints: what so many runs see or one sees so well is not background."""
    runs = see(net, bgr, scales)
    run = np.repeat(np.arange(len(runs)), [len(r[1]) for r in runs])
    b, s, k = (np.concatenate(v) for v in zip(*runs))
    out = []
    left = np.ones(len(b), bool)
    for i in np.argsort(-s):
        if not left[i]:
            continue
        m = left & (iou(b[i : i + 1], b)[0] >= 0.5)
        left &= ~(iou(b[i : i + 1], b)[0] >= 0.4)
        strong = m & (s >= 0.6)
        pos = strong.sum() >= 3 and s[i] >= 0.7
        if m.sum() < hints[0] and s[i] < hints[1]:
            continue
        q = strong if pos else m
        wt = s[q] / s[q].sum()
        kk = (k[q] * wt[:, None, None]).sum(0)
        bb = (b[q] * wt[:, None]).sum(0)
        spread = np.abs(k[q] - kk).max() / max(bb[2] - bb[0], 1)
        best = np.zeros(len(runs))
        np.maximum.at(best, run[m], s[m])
        out.append((bb, kk, float(pos), float(pos and spread < 0.06), best.mean()))
    if not out:
        return np.zeros((0, 4), np.float32), np.zeros((0, 5, 2), np.float32), np.zeros((0, 3), np.float32)
    return (
        np.array([o[0] for o in out], np.float32),
        np.array([o[1] for o in out], np.float32),
        np.array([o[2:] for o in out], np.float32),
    )


def turn(rng, angle):
    """Every sixteenth picture lies on its side, or nearly."""
    return rng.uniform(-1.9, 1.9) if rng.random() < 0.06 else angle


def of_pixels(m, g):
    """The map m [2,3] of points, whose zero is a picture's corner, for middles of pixels of the picture scaled by g."""
    m = m.copy()
    m[:, :2] /= g
    m[:, 2] += m[:, :2].sum(1) / 2 - 0.5
    return m


def cut(rng, im, lab, fill):
    """Ends the picture within a face: beyond lies nothing, as beyond the edge of a photo. Faces more than half
    hidden are ignored."""
    b, k, w = lab
    q = b[rng.integers(len(b))]
    axis, far = rng.integers(2), rng.random() < 0.7  # what is padded is mostly the right or the bottom
    at = q[axis] + (q[axis + 2] - q[axis]) * rng.uniform(0.35, 1.0)
    at = int(np.clip(at if far else q[axis] + q[axis + 2] - at, 0, im.shape[1 - axis]))
    hidden = slice(at, None) if far else slice(0, at)
    im[(slice(None), hidden) if axis == 0 else hidden] = fill
    seen = (at - b[:, axis] if far else b[:, axis + 2] - at) / (b[:, axis + 2] - b[:, axis]).clip(1)
    w[seen < 0.5] = 0
    keep = seen > 0.1
    return b[keep], k[keep], w[keep]


class Views:
    """view(rng) -> (rgb uint8 [size,size,3], boxes [n,4], landmarks [n,5,2], weights [n,7]: 1 a face, landmarks known,
    how sure the teachers are; where the first and the last are 0, nothing is learned)."""

    def __init__(s, scenes, crops, crop_labels, size=256, hard=(), groups=0.5, plain=False):
        s.scenes, s.crops, s.crop_labels, s.size, s.hard = (
            scenes,
            crops,
            crop_labels,
            size,
            hard,
        )  # hard: (scene, box) that an earlier state took for faces
        s.plain = plain  # a network that already knows faces keeps what it knows best on photos as they are
        s.crowds = np.array([i for i, v in enumerate(scenes) if (v[1][2][:, 0] > 0).sum() >= 3])
        s.groups = groups if len(s.crowds) else 0  # share of the photos that are drawn from those with many faces

    def transform(s, im, lab, m, size):
        out = cv2.warpAffine(
            im,
            m,
            (size, size),
            flags=cv2.INTER_AREA if abs(m[0, 0]) < 0.6 else cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=s.fill,
        )
        b, k, w = lab
        if len(b):
            mid = (b[:, :2] + b[:, 2:]) / 2 @ m[:, :2].T + m[:, 2]
            ext = np.sqrt(((b[:, 2:] - b[:, :2]) / 2) ** 2 @ (m[:, :2] ** 2).T)  # of the ellipse that fills the box
            b = np.c_[mid - ext, mid + ext].astype(np.float32)
            k = (k @ m[:, :2].T + m[:, 2]).astype(np.float32)
        return out, (b, k, w.copy())

    def photo(s, rng, size, negative=False, hard=False):
        which = rng.integers(len(s.scenes))
        if rng.random() < s.groups and not negative:
            which = s.crowds[rng.integers(len(s.crowds))]
        box = None
        if hard and len(s.hard):
            which, box = s.hard[rng.integers(len(s.hard))]
        im, lab = s.scenes[which]
        h, w = im.shape[:2]
        crowd = (lab[2][:, 0] > 0).sum() >= 3
        side = min(h, w) * (rng.uniform(0.3, 1.0) if rng.random() < 0.6 else rng.uniform(1.0, 1.3 if crowd else 2.2))
        if crowd and size > 100 and rng.random() < 0.7:  # about as large as where the longer side is 640
            near = 1 if s.plain and rng.random() < 0.5 else np.exp(rng.uniform(np.log(0.6), np.log(1.6)))
            side = size / 640 * max(h, w) * near
        f = size / side
        if box is not None:
            f = np.exp(rng.uniform(np.log(10), np.log(size * (0.9 if size < 100 else 0.4)))) / max(box[3] - box[1], 4)
        if f < 0.5:
            im = cv2.resize(im, None, fx=f * 1.5, fy=f * 1.5, interpolation=cv2.INTER_AREA)
            g = im.shape[1] / w
        else:
            g = 1.0
        a = rng.normal(0, 0.15) if rng.random() < 0.4 else 0.0
        a = a / 2 * (f != 1) if s.plain else turn(rng, a)
        if box is not None:
            cx, cy = box.reshape(2, 2).mean(0) + rng.uniform(-0.4, 0.4, 2) * size / f * (0.1 if size < 100 else 1)
        elif len(lab[0]) and rng.random() < 0.6 and not negative:
            i = rng.integers(len(lab[0]))
            cx, cy = lab[0][i].reshape(2, 2).mean(0) + rng.uniform(-0.45, 0.45, 2) * side
        else:
            cx, cy = rng.uniform(0, w), rng.uniform(0, h)
        if s.plain and rng.random() < 0.85:  # little of what lies beyond the photo
            cx, cy = (np.clip(v, *sorted((size / f / 2, d - size / f / 2))) for v, d in ((cx, w), (cy, h)))
        c, n = np.cos(a) * f, np.sin(a) * f
        m = np.array([[c, -n, 0], [n, c, 0]], np.float32)
        m[:, 2] = size / 2 - m[:, :2] @ (cx, cy)
        if f == 1 and a == 0:
            m[:, 2] = np.round(m[:, 2])  # not a pixel blurred
        if negative and box is None:
            m[:, :2] *= np.exp(rng.uniform(0, 1.4))
            m[:, 2] = size / 2 - m[:, :2] @ (cx, cy)  # backgrounds also from close by: textures
        mi = of_pixels(m, g)
        out = s.transform(im, (np.zeros((0, 4), np.float32),) * 2 + (np.zeros((0, 7), np.float32),), mi, size)[0]
        _, lab = s.transform(np.zeros((1, 1, 3), np.uint8), lab, m, 1)
        return out, lab

    def patch(s, rng, px):
        """A face whose box is px high: (rgb, alpha, label) or a patch that is no face."""
        i = rng.integers(len(s.crops))
        im = s.crops[i]
        b, pts, wt = (v[i] for v in s.crop_labels)
        f = px / (b[3] - b[1])
        n = max(8, int(round(128 * f)))
        a = turn(rng, rng.normal(0, 0.2))
        c, q = np.cos(a) * f, np.sin(a) * f
        m = np.array([[c, -q, 0], [q, c, 0]], np.float32)
        m[:, 2] = n / 2 - m[:, :2] @ (64, 68)
        if f < 0.5:
            im = cv2.resize(im, None, fx=f * 1.6, fy=f * 1.6, interpolation=cv2.INTER_AREA)
            g = im.shape[1] / 128
        else:
            g = 1.0
        mi = of_pixels(m, g)
        out = cv2.warpAffine(im, mi, (n, n), borderMode=cv2.BORDER_REPLICATE)
        _, lab = s.transform(np.zeros((1, 1, 3), np.uint8), (b[None], pts[None], wt[None]), m, 1)
        y, x = np.mgrid[:n, :n]
        ctr = lab[0][0].reshape(2, 2).mean(0)
        ext = (lab[0][0][2:] - lab[0][0][:2]) / 2 * rng.uniform(1.12, 1.5)
        r = np.sqrt(((x - ctr[0]) / ext[0]) ** 2 + ((y - ctr[1]) / ext[1]) ** 2)
        alpha = np.clip((1.08 - r) / 0.16, 0, 1).astype(np.float32)
        return out, alpha, lab

    def shapes(s, rng, n):
        """Ovals, rings, dots and letters: what small faces look like and are not."""

        def c():
            return tuple(int(v) for v in rng.integers(0, 256, 3))

        im = np.empty((96, 96, 3), np.uint8)
        im[:] = c()

        def near():
            return tuple(int(v) for v in rng.integers(30, 66, 2))

        kind = rng.integers(5)
        if kind == 0:
            cv2.ellipse(
                im,
                near(),
                (int(rng.integers(14, 36)), int(rng.integers(18, 44))),
                float(rng.uniform(0, 180)),
                0,
                360,
                c(),
                -1 if rng.random() < 0.7 else int(rng.integers(2, 10)),
                cv2.LINE_AA,
            )
        elif kind == 1:
            for _ in range(rng.integers(2, 4)):
                cv2.circle(
                    im,
                    (48, 48),
                    int(rng.integers(6, 40)),
                    c(),
                    -1 if rng.random() < 0.4 else int(rng.integers(2, 9)),
                    cv2.LINE_AA,
                )
        elif kind == 2:
            k = c()
            for _ in range(rng.integers(2, 9)):
                cv2.circle(
                    im, tuple(int(v) for v in rng.integers(12, 84, 2)), int(rng.integers(3, 12)), k, -1, cv2.LINE_AA
                )
        elif kind == 3:
            cv2.putText(
                im,
                ''.join(chr(rng.integers(33, 127)) for _ in range(rng.integers(1, 4))),
                (int(rng.integers(0, 30)), int(rng.integers(55, 85))),
                int(rng.integers(0, 8)),
                float(rng.uniform(1, 3.4)),
                c(),
                int(rng.integers(2, 9)),
                cv2.LINE_AA,
            )
        else:
            for _ in range(rng.integers(3, 9)):
                cv2.line(
                    im,
                    *(tuple(int(v) for v in rng.integers(0, 96, 2)) for _ in 'ab'),
                    c(),
                    int(rng.integers(2, 14)),
                    cv2.LINE_AA,
                )
        if rng.random() < 0.6:
            im = cv2.GaussianBlur(im, (0, 0), rng.uniform(0.5, 5))
        return cv2.resize(im, (n, n), interpolation=cv2.INTER_AREA)

    def mosaic(s, rng, size):
        out, lab = s.photo(rng, size, rng.random() < 0.5)
        out = out.copy()
        B, K, W = ([v] for v in lab)
        taken = [b for b in lab[0]]
        many = rng.random() < 0.5
        top = size * (0.2 if many else 0.6)
        for _ in range(rng.integers(4, 26) if many else rng.integers(1, 5)):
            px = float(np.exp(rng.uniform(np.log(9), np.log(top))))
            im, al, (b, k, w) = s.patch(rng, px)
            n = len(im)
            if n >= size:
                continue
            x, y = (int(v) for v in rng.integers(-n // 6, size - n + n // 6 + 1, 2))
            nb = b[0] + (x, y, x, y)
            if taken and iou(nb[None], np.array(taken)).max() > 0.05:
                continue
            face = rng.random() < 0.6
            if not face:  # the same seam, no face: a piece of a photo, or a face upside down in pieces
                kind = rng.random()
                if kind < 0.4:
                    im = s.shapes(rng, n)
                else:
                    t = s.photo(rng, 64, kind < 0.6, kind >= 0.6)
                    if len(t[1][0]) and (iou(t[1][0], np.array([[0, 0, 64, 64]], np.float32)) > 0).any():
                        continue
                    im = cv2.resize(t[0], (n, n))
                if rng.random() < 0.5:
                    al = np.ones_like(al)
            x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + n, size), min(y + n, size)
            if x1 <= x0 or y1 <= y0:
                continue
            al = al[y0 - y : y1 - y, x0 - x : x1 - x, None]
            reg = out[y0:y1, x0:x1]
            out[y0:y1, x0:x1] = (reg * (1 - al) + im[y0 - y : y1 - y, x0 - x : x1 - x] * al).astype(np.uint8)
            taken.append(nb)
            if face:
                B.append(nb[None])
                K.append(k + (x, y))
                W.append(w)
        return out, tuple(np.concatenate(v) for v in (B, K, W))

    def tiles(s, rng, size):
        """Whole photos side by side, made small: faces of few pixels with what belongs around them, and everything
        else as the small textures it becomes far away."""
        n = int(rng.integers(2, 5))
        side = size // n
        out, parts = np.empty((size, size, 3), np.uint8), []
        out[:] = s.fill
        for y in range(0, side * n, side):
            for x in range(0, side * n, side):
                im, (b, k, w) = s.photo(rng, side, rng.random() < 0.3, rng.random() < 0.15)
                out[y : y + side, x : x + side] = im
                mid = (b[:, :2] + b[:, 2:]) / 2
                inside = (mid > 0).all(1) & (mid < side).all(1)
                b, k, w = b[inside], k[inside], w[inside]
                seen = (b[:, 2:].clip(max=side) - b[:, :2].clip(0)).prod(1) / (b[:, 2:] - b[:, :2]).prod(1).clip(1e-6)
                w[seen < 0.7] = 0  # cut by the next photo
                parts.append((b + (x, y, x, y), k + (x, y), w))
        return out, tuple(np.concatenate(v) for v in zip(*parts))

    def view(s, rng):
        size = s.size
        s.fill = tuple(int(v) for v in (rng.integers(0, 256, 3) if rng.random() < 0.4 else (0, 0, 0)))
        u = rng.random()
        if u < 0.05 and not s.plain:
            im, (b, k, w) = s.mosaic(rng, size)
        elif u < 0.17:
            im, (b, k, w) = s.tiles(rng, size)
        else:
            im, (b, k, w) = s.photo(rng, size, u > 0.93, 0.7 < u <= 0.93)
        if rng.random() < 0.5:
            im = im[:, ::-1].copy()
            if len(b):
                b = np.c_[size - b[:, 2], b[:, 1], size - b[:, 0], b[:, 3]]
                k, w = k[:, SWAP].copy(), w[:, SWAP_WEIGHTS].copy()
                k[..., 0] = size - k[..., 0]
        if len(b) and rng.random() < (0.02 if s.plain else 0.08):
            b, k, w = cut(rng, im, (b, k, w.copy()), s.fill)
        if rng.random() < 0.1 and not s.plain:  # a hand, a bar: covers at most a third of each face
            for q in b[rng.random(len(b)) < 0.5] if len(b) else []:
                hgt = (q[3] - q[1]) * 0.3
                y = q[1] + rng.random() * (q[3] - q[1] - hgt)
                c = [int(v) for v in rng.integers(0, 256, 3)]
                cv2.rectangle(im, (int(q[0]), int(y)), (int(q[2]), int(y + hgt)), c, -1)
        if s.plain and rng.random() < 0.5:
            return s.inside(im, b, k, w)
        f = im.astype(np.float32)
        gain = rng.uniform(0.7, 1.3) if rng.random() < 0.5 else 1.0
        if rng.random() < 0.06:
            gain *= rng.uniform(0.15, 0.5)
        mean = f.mean()
        f = (f - mean) * rng.uniform(0.75, 1.25) + mean
        f = f * gain + rng.uniform(-15, 15)
        sat = 0.0 if rng.random() < 0.1 else rng.uniform(0.5, 1.5)
        lum = f.mean(2, keepdims=True)
        f = lum + (f - lum) * sat
        if rng.random() < 0.1:
            f = cv2.GaussianBlur(f, (0, 0), rng.uniform(0.4, 1.6))
        if rng.random() < 0.1:
            f += rng.normal(0, rng.uniform(2, 14), f.shape)
        im = f.clip(0, 255).astype(np.uint8)
        if rng.random() < 0.2:
            im = cv2.imdecode(cv2.imencode('.jpg', im, [1, int(rng.integers(25, 90))])[1], 1)
        return s.inside(im, b, k, w)

    def inside(s, im, b, k, w):
        """A view with the labels of the faces whose middle it shows."""
        size = s.size
        if len(b):
            ctr = (b[:, :2] + b[:, 2:]) / 2
            ins = (ctr > 0).all(1) & (ctr < size).all(1)
            b, k, w = b[ins], k[ins], w[ins].copy()
            if len(b):
                high = b[:, 3] - b[:, 1]
                w[:, 6] = np.minimum(w[:, 6], high / 20)  # made small here, it is less clear than in its photo
                w[high < LEAST] = 0
        return im, b.astype(np.float32), k.astype(np.float32), w


def load(faces, labels):
    """Photos with labels (scenes/ and groups/ of the folder), crops with boxes, as detector_labels.py found them."""
    rows = [r['file'] for r in csv.DictReader(open(os.path.join(faces, 'index.csv')))]
    c = dict(np.load(labels))
    names, at = [str(n) for n in c['names']], np.r_[0, np.cumsum(c['n'])]
    scenes = []
    for i, n in enumerate(names):
        im = cv2.imread(os.path.join(faces, n))[:, :, ::-1].copy()
        s = slice(at[i], at[i + 1])
        scenes.append((im, (c['b'][s], c['k'][s], np.c_[c['w'][s], c['c'][s]].astype(np.float32))))
    crops = [cv2.imread(os.path.join(faces, rows[i]))[:, :, ::-1].copy() for i in c['crop_i']]
    weights = np.c_[c['crop_w'], np.ones(len(crops))].astype(np.float32)
    return names, scenes, crops, (c['crop_b'], c['crop_k'], weights)


def held_back(i):
    """Every tenth photo is for measuring alone, never for training, choosing or calibrating."""
    return i % 10 == 7


def for_choosing(i):
    """Another tenth is for choosing among states and for calibrating, and is not trained on either."""
    return i % 10 == 3


def read_hard(path, used):
    """-> [(index among the scenes used, box)] of a file of false alarms: i (photo), b [n,4]."""
    place = {i: k for k, i in enumerate(used)}
    c = np.load(path)
    return [(place[i], b) for i, b in zip(c['i'].tolist(), c['b']) if i in place]
