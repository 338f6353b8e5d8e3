"""facet: face detection, alignment, embedding and recognition on the CPU.

    from facet.app import FaceAnalysis
    app = FaceAnalysis("buffalo_l")
    app.prepare(ctx_id=0)
    for face in app.get(cv2.imread("photo.jpg")):
        print(face.bbox, face.normed_embedding)
"""
from . import _native
from ._native import FacetError
from . import app, data, model_zoo, utils

__version__ = _native.lib.fct_version().decode()
__all__ = ["FacetError", "app", "cosine", "data", "model_zoo", "set_threads", "utils"]


def set_threads(count):
    """Threads that all of facet may use together, the caller included; 0 = all CPUs allowed to this process."""
    _native.call("fct_set_threads", count)


def cosine(a, b):
    """Similarity of two embeddings, -1 to 1."""
    import numpy as np

    a, b = np.asarray(a, np.float64).ravel(), np.asarray(b, np.float64).ravel()
    length = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / length) if length > 0 else 0.0
