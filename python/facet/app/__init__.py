from .common import Face
from .face_analysis import FaceAnalysis

__all__ = ["Face", "FaceAnalysis"]
