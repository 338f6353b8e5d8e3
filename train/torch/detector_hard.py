#!/usr/bin/env python3
"""False alarms of a detector on the training photos, for detector.py --hard: detections that no label, not even
an ignored one, overlaps.

python3 detector_hard.py --faces DIR --labels FILE.npz --detector det.onnx --out hard.npz"""

import argparse
import os
import cv2
import numpy as np
import onnxruntime as ort
from detector_data import held_back, iou


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    for n in ('faces', 'labels', 'detector', 'out'):
        a.add_argument('--' + n, required=True)
    a.add_argument(
        '--sizes', type=int, nargs='+', default=(192, 384, 640), help='longer sides at which the detector looks'
    )
    a.add_argument('--threshold', type=float, default=0.25)
    a = a.parse_args()
    o = ort.SessionOptions()
    o.intra_op_num_threads = 1
    net = ort.InferenceSession(a.detector, o, providers=['CPUExecutionProvider'])
    c = dict(np.load(a.labels))
    at = np.r_[0, np.cumsum(c['n'])]
    I, B = [], []
    for i, name in enumerate(c['names']):
        if held_back(i):
            continue
        im = cv2.imread(os.path.join(a.faces, str(name)))
        known = c['b'][at[i] : at[i + 1]]  # in crowds with all that a teacher half sees
        for size in a.sizes:
            f = size / max(im.shape)
            t = cv2.resize(im, None, fx=f, fy=f, interpolation=cv2.INTER_AREA if f < 1 else cv2.INTER_LINEAR)
            h, w = (v + 31 & ~31 for v in t.shape[:2])
            p = np.zeros((h, w, 3), np.float32)
            p[: t.shape[0], : t.shape[1]] = t
            x = ((p[:, :, ::-1] - 127.5) / 128).transpose(2, 0, 1)[None]
            r = net.run(None, {net.get_inputs()[0].name: np.ascontiguousarray(x)})
            found = []
            for k, s in enumerate((8, 16, 32)):
                ctr = np.repeat(np.stack(np.mgrid[: h // s, : w // s][::-1], -1).reshape(-1, 2) * s, 2, 0)
                m = r[k][:, 0] >= a.threshold
                d = r[3 + k][m] * s
                found += [(q, b) for q, b in zip(r[k][m, 0], np.c_[ctr[m] - d[:, :2], ctr[m] + d[:, 2:]] / f)]
            kept = []
            for q, b in sorted(found, key=lambda v: -v[0]):
                if kept and iou(b[None], np.array(kept)).max() > 0.4:
                    continue
                kept.append(b)
                if not len(known) or iou(b[None], known).max() < 0.1:
                    I.append(i)
                    B.append(b)
    np.savez(a.out, i=np.array(I), b=np.array(B, np.float32))
    print(f'{len(I)} false alarms in {i + 1} photos')


if __name__ == '__main__':
    main()
