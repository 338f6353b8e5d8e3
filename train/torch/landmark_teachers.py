"""Landmarks of faces from several permissively licensed networks, and where they agree.

Mesh: MediaPipe's 468 points in space (Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video
on Mobile GPUs", arXiv 1907.06724; Apache-2.0), `modules/face_landmark/face_landmark.tflite` of the PyPI wheel
mediapipe 0.10.14, read by OpenVINO. Small: Open Model Zoo's landmarks-regression-retail-0009 (Apache-2.0) as
ONNX: five points of the face's box at 48x48."""

import cv2
import numpy as np
import onnxruntime as ort

# Points of the mesh that stand for the 68 of iBUG's order (jaw 17, brows 5 + 5, nose 4 + 5, eyes 6 + 6, lips
# 12 + 8). The list of
# ByteDance's LatentSync 1.5 (Apache-2.0), as many projects have it.
MESH_68 = [
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301,
    168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
]  # fmt: skip
MESH_5 = [[33, 133], [263, 362], [1, 1], [61, 61], [291, 291]]  # eyes, nose, corners of the mouth


class Mesh:
    """(rgb uint8 [h,w,3], box, landmarks [5,2]) -> points [468,3] in pixels of the picture (z too, towards the
    camera negative), presence 0..1."""

    def __init__(s, path):
        import openvino

        s.net = openvino.Core().compile_model(path, 'CPU', {'INFERENCE_NUM_THREADS': 1})

    def __call__(s, rgb, box, five):
        side = 1.5 * max(box[2] - box[0], box[3] - box[1])
        d = five[1] - five[0]
        a = np.arctan2(d[1], d[0])
        f = 192 / side
        c, n = np.cos(a) * f, np.sin(a) * f
        m = np.array([[c, n, 0], [-n, c, 0]])
        m[:, 2] = 96 - m[:, :2] @ ((box[:2] + box[2:]) / 2)
        if f < 0.6:
            g = min(1.0, f * 1.5)
            rgb = cv2.resize(rgb, None, fx=g, fy=g, interpolation=cv2.INTER_AREA)
            w = m.copy()
            w[:, :2] /= g
        else:
            w = m
        x = cv2.warpAffine(rgb, w, (192, 192), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        r = list(s.net(x[None].astype(np.float32) / 255).values())
        p = r[0].reshape(468, 3).astype(np.float64)
        inv = cv2.invertAffineTransform(m)
        out = np.c_[p[:, :2] @ inv[:, :2].T + inv[:, 2], p[:, 2] / f]
        return out.astype(np.float32), float(1 / (1 + np.exp(-r[1].reshape(-1)[0])))


class Small:
    """(rgb, box) -> landmarks [5,2]."""

    def __init__(s, path):
        o = ort.SessionOptions()
        o.intra_op_num_threads = 1
        s.net = ort.InferenceSession(path, o, providers=['CPUExecutionProvider'])

    def __call__(s, rgb, box):
        size = np.maximum(box[2:] - box[:2], 1)
        f = 48 / size
        m = np.array([[f[0], 0, -box[0] * f[0]], [0, f[1], -box[1] * f[1]]])
        g = float(min(1.0, max(f) * 1.5))
        if g < 0.7:
            rgb, m[:, :2] = cv2.resize(rgb, None, fx=g, fy=g, interpolation=cv2.INTER_AREA), m[:, :2] / g
        x = cv2.warpAffine(rgb, m, (48, 48), borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
        r = s.net.run(None, {s.net.get_inputs()[0].name: x.transpose(2, 0, 1)[None]})[0].reshape(5, 2)
        return (r * size + box[:2]).astype(np.float32)


def five_of(mesh):
    return np.stack([mesh[i, :2].mean(0) for i in MESH_5])


def frame(five):
    """-> scale and turn (2x2) that give differences in eye distances, in the frame of the level face. five [n,5,2]."""
    d = (five[:, 1] - five[:, 0]) * 0.5 + (five[:, 4] - five[:, 3]) * 0.5 * 1.07  # turned faces keep some width
    v = five[:, 3:].mean(1) - five[:, :2].mean(1)
    size = np.maximum(np.hypot(*d.T), np.hypot(*v.T) * 0.85).clip(1e-3)
    u = d / np.hypot(*d.T).clip(1e-6)[:, None]
    return np.stack([np.stack([u[:, 0], u[:, 1]], 1), np.stack([-u[:, 1], u[:, 0]], 1)], 1) / size[:, None, None], size


def agree(yunet, mesh, small, limit=0.12):
    """Landmarks [n,5,2] of three sources -> their weighted mean where at least two agree, and whether they do
    [n,5].

    Constant differences to YuNet (median over all faces, in the frame of the face) are taken off first: they
    are conventions."""
    turn, size = frame(yunet)
    back = np.linalg.inv(turn)
    s = [yunet]
    for v in (mesh, small):
        d = np.einsum('nij,nkj->nki', turn, v - yunet)
        s.append(v - np.einsum('nij,nkj->nki', back, np.broadcast_to(np.median(d, 0), d.shape)))
    p = np.stack(s)
    weight = np.array([0.3, 0.45, 0.25])
    near = np.stack([[np.hypot(*(a - b).transpose(2, 0, 1)) / size[:, None] < limit for b in s] for a in s])
    support = (near * weight[None, :, None, None]).sum(1)
    lead = support.argmax(0)  # the source with most support; those near to it are averaged
    use = np.take_along_axis(near, lead[None, None], 0)[0] * weight[:, None, None]
    out = (p * use[..., None]).sum(0) / use.sum(0)[..., None].clip(1e-9)
    return out.astype(np.float32), (use > 0).sum(0) >= 2
