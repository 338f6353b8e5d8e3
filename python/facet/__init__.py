"""facet: face detection, alignment, embedding and recognition on the CPU.

    >>> from facet.app import FaceAnalysis
    >>> app = FaceAnalysis(PACK)                    # or a pack's name; None: the default pack
    >>> app.prepare(ctx_id=0)
    >>> faces = app.get(ADA)                        # a BGR array as of cv2.imread, or a path
    >>> faces[0].bbox.round().tolist(), faces[0].normed_embedding.shape
    ([120.0, 72.0, 200.0, 152.0], (64,))
    >>> round(facet.cosine(faces[0].embedding, app.get(BOB)[0].embedding), 1)
    -0.4

facet.Gallery remembers people.
"""
from typing import Any

from . import _native
from ._native import FacetError
from ._public import module_dir
from . import addons, app, data, gallery, model_zoo, people, utils
from .gallery import Gallery

__version__: str = _native.lib.fct_version().decode()
__all__ = ["FacetError", "Gallery", "addons", "app", "cosine", "data", "gallery", "model_zoo", "people", "set_threads",
           "utils"]
__dir__ = module_dir([*__all__, "__version__"])


def set_threads(count: int) -> None:
    """Threads that all of facet may use together, the caller included; 0 = all CPUs allowed to this process."""
    _native.call("fct_set_threads", count)


def cosine(a: Any, b: Any) -> float:
    """Similarity of two embeddings, -1 to 1."""
    import numpy as np

    a, b = np.asarray(a, np.float64).ravel(), np.asarray(b, np.float64).ravel()
    length = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / length) if length > 0 else 0.0
