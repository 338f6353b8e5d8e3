"""Alignment, with the names of insightface.utils.face_align."""
import ctypes as C
from types import SimpleNamespace
from typing import Any, Tuple

import numpy as np

from . import _native as n
from ._public import module_dir
from ._engine import pixels_of, view


def _points(landmark: Any) -> Any:
    kps = np.ascontiguousarray(landmark, np.float32)
    if kps.shape != (5, 2):
        raise ValueError(f"five landmarks [5, 2] are wanted, got {kps.shape}")
    return kps, kps.ctypes.data_as(n.P(C.c_float))


def estimate_norm(lmk: Any, image_size: int = 112, mode: str = "arcface") -> np.ndarray:
    """Similarity transform [2, 3] from five landmarks to the template of a crop."""
    held, pointer = _points(lmk)
    m = (C.c_double * 6)()
    n.call("fct_align_matrix", pointer, image_size, m)
    return np.array(m).reshape(2, 3)


def norm_crop2(img: Any, landmark: Any, image_size: int = 112, mode: str = "arcface") -> Tuple[np.ndarray, np.ndarray]:
    """Aligned crop of a BGR picture, BGR, and the transform."""
    v, held = view(img)
    points, pointer = _points(landmark)
    out = C.c_void_p()
    n.call("fct_align", v, pointer, image_size, C.byref(out))
    crop = np.ascontiguousarray(pixels_of(out)[:, :, ::-1])
    return crop, estimate_norm(landmark, image_size, mode)


def norm_crop(img: Any, landmark: Any, image_size: int = 112, mode: str = "arcface") -> np.ndarray:
    return norm_crop2(img, landmark, image_size, mode)[0]


__all__ = ["face_align"]
__dir__ = module_dir(__all__)
face_align = SimpleNamespace(estimate_norm=estimate_norm, norm_crop=norm_crop, norm_crop2=norm_crop2)
