"""Face: one face of a picture."""
from typing import Any, List

import numpy as np


def _short(value: Any) -> str:
    """A few characters for a repr: small arrays with their rounded values, large ones with their shape."""
    if isinstance(value, np.ndarray):
        return str(value.astype(float).round(1).tolist()) if value.size <= 4 else "x".join(map(str, value.shape))
    return f"{value:.2f}" if isinstance(value, (float, np.floating)) else str(value)


class Face(dict):
    """A dictionary whose entries are attributes too; what is missing reads as None.

    Entries that FaceAnalysis sets: bbox, kps, det_score, and by the models of the pack
    embedding, landmark_2d_106, landmark_3d_68, pose, gender, age."""

    def __init__(self, d=None, **kwargs):
        super().__init__()
        for k, v in {**(d or {}), **kwargs}.items():
            setattr(self, k, v)

    def __setattr__(self, name, value):
        if isinstance(value, (list, tuple)):
            value = [type(self)(x) if isinstance(x, dict) else x for x in value]
        elif isinstance(value, dict) and not isinstance(value, type(self)):
            value = type(self)(value)
        super().__setattr__(name, value)
        super().__setitem__(name, value)

    __setitem__ = __setattr__

    def __getattr__(self, name):
        # Names of protocols must stay missing, or copy and pickle take None for a method.
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return None

    def __repr__(self) -> str:
        return f"<facet Face {', '.join(f'{k} {_short(v)}' for k, v in self.items() if v is not None)}>"

    def __dir__(self) -> List[str]:
        return [k for k in super().__dir__() if not k.startswith("_") or k.startswith("__") and k.endswith("__")]

    def __reduce__(self):
        return type(self), (dict(self),)

    @property
    def embedding_norm(self):
        return None if self.embedding is None else np.linalg.norm(self.embedding)

    @property
    def normed_embedding(self):
        return None if self.embedding is None else self.embedding / self.embedding_norm

    @property
    def sex(self):
        return None if self.gender is None else "M" if self.gender == 1 else "F"
