"""Pictures by name, with the names of insightface.data.

facet ships no photos; get_image() finds those of an insightface package that is
installed beside it, and files of the folder that FCT_IMAGES names."""
import importlib.util
import os
from typing import Any, Iterator

from .._public import module_dir

__all__ = ["get_image"]
__dir__ = module_dir(__all__)
_ENDINGS = (".jpg", ".png", ".jpeg")


def _folders() -> Iterator[str]:
    if os.environ.get("FCT_IMAGES"):
        yield os.environ["FCT_IMAGES"]
    spec = importlib.util.find_spec("insightface")
    if spec and spec.origin:
        yield os.path.join(os.path.dirname(spec.origin), "data", "images")


def get_image(name: str, to_rgb: bool = False, use_cache: bool = True) -> Any:
    """The picture called name (with or without its ending), BGR; read anew at each call. Needs OpenCV."""
    import cv2

    for folder in _folders():
        for ending in ("",) + _ENDINGS:
            path = os.path.join(folder, name + ending)
            if os.path.isfile(path):
                img = cv2.imread(path)
                return img[:, :, ::-1] if to_rgb else img
    raise FileNotFoundError(f"no picture {name}: name a folder of pictures in FCT_IMAGES")
