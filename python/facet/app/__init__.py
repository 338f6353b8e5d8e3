from .._public import module_dir
from .common import Face
from .face_analysis import FaceAnalysis

__all__ = ["Face", "FaceAnalysis"]
__dir__ = module_dir(__all__)
