#!/usr/bin/env python3
"""Compares facet's picture functions with OpenCV's on real photos.

usage: image_parity.py LIBFACET PHOTO_FOLDER [--time]

Needs numpy and opencv (PyPI). Checks, for every picture below the folder:
  decode   equal within 1 gray level (pixels that differ more are counted: both
           sides use the JPEG library's exact integer DCT and smooth upsampling)
  gray     conversion equal within 1
  resize   INTER_LINEAR to eight sizes up and down, equal within 1 gray level
  warp     similarity transforms: where both lie inside, mean difference below
           0.3 gray levels. OpenCV's own warp differs between releases: older
           ones round positions to 1/32 pixel.
Exit status 1 when a check fails."""
import ctypes as C
import os
import sys
import time

import cv2
import numpy as np


class View(C.Structure):
    _fields_ = [("data", C.c_void_p), ("width", C.c_int), ("height", C.c_int), ("stride", C.c_ssize_t),
                ("format", C.c_int)]


class Error(C.Structure):
    _fields_ = [("code", C.c_int), ("text", C.c_char * 500)]


class DecodeOpts(C.Structure):
    _fields_ = [("size", C.c_size_t), ("format", C.c_int), ("max_pixels", C.c_int64), ("keep", C.c_bool),
                ("hint", C.c_int), ("spare", C.c_void_p), ("part", C.c_void_p)]


BGR, GRAY = 1, 2


class Facet:
    def __init__(self, path):
        self.lib = C.CDLL(path)
        self.lib.fct_image_view.restype = View
        self.lib.fct_image_free.argtypes = [C.c_void_p]
        self.lib.fct_image_view.argtypes = [C.c_void_p]

    def _take(self, name, *args):
        out, err = C.c_void_p(), Error()
        if getattr(self.lib, name)(*args, C.byref(out), C.byref(err)):
            raise RuntimeError(err.text.decode())
        v = self.lib.fct_image_view(out)
        shape = (v.height, v.width) if v.format == GRAY else (v.height, v.width, v.stride // v.width)
        a = np.ctypeslib.as_array(C.cast(v.data, C.POINTER(C.c_uint8)), shape=shape).copy()
        self.lib.fct_image_free(out)
        return a

    @staticmethod
    def view(a):
        return View(a.ctypes.data, a.shape[1], a.shape[0], a.strides[0], BGR if a.ndim == 3 else GRAY)

    def read(self, path, fmt=BGR):
        o = DecodeOpts()
        self.lib.fct_decode_opts_init(C.byref(o))
        o.format = fmt
        return self._take("fct_image_read", path.encode(), C.byref(o))

    def resize(self, a, w, h):
        return self._take("fct_image_resize", self.view(a), w, h)

    def warp(self, a, m, w, h):
        return self._take("fct_image_warp", self.view(a), (C.c_double * 6)(*m.ravel()), w, h)

    def convert(self, a, fmt):
        return self._take("fct_image_convert", self.view(a), fmt)


class Report:
    def __init__(self):
        self.bad, self.rows = 0, {}

    def add(self, what, where, a, b):
        d = np.abs(a.astype(np.int16) - b) if a.shape == b.shape else np.array([999])
        n, m, e = self.rows.get(what, (0, 0, 0))
        self.rows[what] = (n + 1, max(m, int(d.max())), e + int((d == 0).all()))
        if d.max() > 1:
            self.bad += 1
            print(f"{where}: {what}: {a.shape} {b.shape}, differs by {d.max()}, {np.mean(d > 1):.2%} by more than 1")


def matrices(rng, w, h):
    for _ in range(4):
        angle, scale = rng.uniform(-3, 3), 112 / max(8.0, rng.uniform(0.1, 0.9) * min(w, h))
        c, s = scale * np.cos(angle), scale * np.sin(angle)
        x, y = rng.uniform(0.2, 0.8) * w, rng.uniform(0.2, 0.8) * h
        yield np.array([[c, -s, 56 - c * x + s * y], [s, c, 56 - s * x - c * y]])


def check_warp(report, f, path, a, m, warp):
    ours, theirs = f.warp(a, m, 112, 112), cv2.warpAffine(a, m, (112, 112), borderValue=0.0)
    d = np.abs(ours.astype(np.int16) - theirs)
    warp.append((d.mean(), d.max()))
    if d.mean() > 0.3:
        report.bad += 1
        print(f"{path}: warp: mean difference {d.mean():.3f}, largest {d.max()}")


def speed(f, a):
    m = np.array([[.25, .05, -10], [-.05, .25, 20]])
    for name, ours, theirs in (
            ("resize to 640x480", lambda: f.resize(a, 640, 480), lambda: cv2.resize(a, (640, 480))),
            ("warp to 112x112", lambda: f.warp(a, m, 112, 112), lambda: cv2.warpAffine(a, m, (112, 112)))):
        best = [1e9, 1e9]
        for _ in range(30):
            for k, fn in enumerate((ours, theirs)):
                t = time.perf_counter()
                fn()
                best[k] = min(best[k], time.perf_counter() - t)
        print(f"{name} from {a.shape[1]}x{a.shape[0]}: facet {best[0] * 1e3:.3f} ms, OpenCV {best[1] * 1e3:.3f} ms")


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    f, report, rng, warp, a = Facet(sys.argv[1]), Report(), np.random.default_rng(1), [], None
    for folder, _, names in sorted(os.walk(sys.argv[2])):
        for name in sorted(names):
            path = os.path.join(folder, name)
            ref = cv2.imread(path, cv2.IMREAD_COLOR)
            if ref is None:
                continue
            a = f.read(path)
            report.add("decode", path, a, ref)
            report.add("gray", path, f.convert(ref, GRAY), cv2.cvtColor(ref, cv2.COLOR_BGR2GRAY))
            h, w = ref.shape[:2]
            for tw, th in ((640, max(1, 640 * h // w)), (128, 128), (w * 2, h * 2), (max(1, w // 2), max(1, h // 2)),
                           (max(1, w // 3), h), (w, h + 1), (1, 1), (97, 211)):
                report.add("resize", f"{path} to {tw}x{th}", f.resize(ref, tw, th), cv2.resize(ref, (tw, th)))
            for m in matrices(rng, w, h):
                check_warp(report, f, path, ref, m, warp)
    for what, (n, m, e) in report.rows.items():
        print(f"{what}: {n} comparisons, largest difference {m}, {e} equal in every byte")
    print(f"warp: {len(warp)} comparisons, mean difference {np.mean([w[0] for w in warp]):.4f}, "
          f"largest {max(w[1] for w in warp)}")
    if "--time" in sys.argv:
        speed(f, a)
    sys.exit(1 if report.bad or not warp else 0)


if __name__ == "__main__":
    main()
