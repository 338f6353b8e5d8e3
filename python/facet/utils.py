"""Alignment, with the names of insightface.utils.face_align."""
import ctypes as C
from types import SimpleNamespace

import numpy as np

from . import _native as n


def _points(landmark):
    kps = np.ascontiguousarray(landmark, np.float32)
    if kps.shape != (5, 2):
        raise ValueError(f"five landmarks [5, 2] are wanted, got {kps.shape}")
    return kps, kps.ctypes.data_as(n.P(C.c_float))


def estimate_norm(lmk, image_size=112, mode="arcface"):
    """Similarity transform [2, 3] from five landmarks to the template of a crop."""
    held, pointer = _points(lmk)
    m = (C.c_double * 6)()
    n.call("fct_align_matrix", pointer, image_size, m)
    return np.array(m).reshape(2, 3)


def norm_crop2(img, landmark, image_size=112, mode="arcface"):
    """Aligned crop of a BGR picture, BGR, and the transform."""
    from ._engine import view

    v, held = view(img)
    points, pointer = _points(landmark)
    out = C.c_void_p()
    n.call("fct_align", v, pointer, image_size, C.byref(out))
    try:
        c = n.lib.fct_image_view(out)
        rows = np.ctypeslib.as_array(C.cast(c.data, n.P(C.c_uint8)), (c.height, c.stride))
        crop = rows[:, : 3 * c.width].reshape(c.height, c.width, 3)[:, :, ::-1].copy()
    finally:
        n.lib.fct_image_free(out)
    return crop, estimate_norm(landmark, image_size, mode)


def norm_crop(img, landmark, image_size=112, mode="arcface"):
    return norm_crop2(img, landmark, image_size, mode)[0]


face_align = SimpleNamespace(estimate_norm=estimate_norm, norm_crop=norm_crop, norm_crop2=norm_crop2)
