"""The liveness add-on of InsightFace 2.1: its file and its contract.

The network lies at <root>/addons/liveness.onnx. It takes [n, 3, 80, 80], RGB of 0 to 1, and gives a
probability for each."""

import logging
import math
import os
from typing import TYPE_CHECKING, Any, Dict, Optional

import numpy as np

from ._public import Public, module_dir
from ._engine import LoadedNetwork

if TYPE_CHECKING:
    from .app.common import Face

__all__ = ["Liveness"]
__dir__ = module_dir(__all__)

logger = logging.getLogger(__name__)
SIDE, MOST_OUTSIDE = 80, 0.30
_TEMPLATE = np.array([[32.03, 38.06], [47.89, 37.98], [40.01, 47.08], [33.50, 56.36], [46.63, 56.29]])
_REASON = (
    "Insufficient image area around the face for liveness detection. Move the face toward the center, step back "
    "from the camera, or use a less tightly cropped image."
)


def validate_threshold(value: Any) -> float:
    if isinstance(value, (bool, str, bytes)):
        raise TypeError("liveness_threshold must be a number between 0 and 1")
    threshold = float(value)
    if not 0 <= threshold <= 1:
        raise ValueError("liveness_threshold must be a number between 0 and 1")
    return threshold


def find_addon(name: str, root: Optional[str]) -> str:
    if name != "liveness":
        raise ValueError(f"Unknown addon {name!r}; available: ['liveness']")
    path = os.path.join(os.path.expanduser(root or "~/.insightface"), "addons", name + ".onnx")
    if not os.path.isfile(path):
        raise FileNotFoundError(f"{path}: no such file; facet does not fetch add-ons")
    return path


def _similarity(points: np.ndarray, to: np.ndarray) -> np.ndarray:
    """The least-squares similarity transform [2, 3] (Umeyama 1991; in the plane in closed form)."""
    mean, goal = points.mean(0), to.mean(0)
    s, d = points - mean, to - goal
    spread = (s**2).sum()
    if not spread > 1e-12:
        raise RuntimeError("Liveness face alignment failed")
    a, b = (s * d).sum() / spread, (s[:, 0] * d[:, 1] - s[:, 1] * d[:, 0]).sum() / spread
    if not a * a + b * b > 0:
        raise RuntimeError("Liveness face alignment failed")
    turn = np.array([[a, -b], [b, a]])
    return np.column_stack([turn, goal - turn @ mean])


def _sample_places(matrix: np.ndarray):
    """Where in the picture the pixels of the crop come from, x and y [80, 80]."""
    turn = np.linalg.inv(matrix[:, :2])
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    x, y = x - matrix[0, 2], y - matrix[1, 2]
    return turn[0, 0] * x + turn[0, 1] * y, turn[1, 0] * x + turn[1, 1] * y


def _bilinear(x: np.ndarray, y: np.ndarray, read: Any) -> np.ndarray:
    """read(x, y) gives values at whole places."""
    # Positions in steps of 1/32, as OpenCV's warpAffine has them.
    x, y = np.round(x * 32) / 32, np.round(y * 32) / 32
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    fx, fy = x - left, y - top
    corners = [
        (left, top, (1 - fx) * (1 - fy)),
        (left + 1, top, fx * (1 - fy)),
        (left, top + 1, (1 - fx) * fy),
        (left + 1, top + 1, fx * fy),
    ]
    first = read(*corners[0][:2])
    shape = (Ellipsis,) + (None,) * (first.ndim - 2)
    return sum(read(cx, cy) * w[shape] for cx, cy, w in corners)


class Liveness(Public):
    """Tells whether a detected face is live, without detecting or recognizing."""

    taskname = "liveness"

    def __init__(self, model_file: Any, *, threshold: float = 0.8, **kwargs: Any):
        self.threshold, self.model_file = validate_threshold(threshold), os.fspath(model_file)
        self._network = LoadedNetwork(self.model_file)
        (self.input_name, self.input_shape), outputs = self._network.inputs[0], self._network.outputs
        if (
            len(self._network.inputs) != 1
            or len(outputs) != 1
            or (self.input_shape or [])[1:] != [3, SIDE, SIDE]
            or (outputs[0][1] is not None and len(outputs[0][1]) != 1)
        ):
            raise RuntimeError("Liveness model requires float32 [N, 3, 80, 80] input and [N] live probability output")
        self.output_name, self.output_shape = outputs[0]

    def __repr__(self) -> str:
        return f"<facet Liveness: {os.path.basename(self.model_file)}, threshold {self.threshold}>"

    def prepare(self, ctx_id: int = 0, **kwargs: Any) -> None:
        """Nothing to prepare: facet runs on the CPU."""

    def predict(self, image: np.ndarray, landmarks: Any) -> Dict[str, Any]:
        """status ("ok", or "input_rejected" with an English reason), is_live and live_score of a BGR picture."""
        if (
            not isinstance(image, np.ndarray)
            or image.dtype != np.uint8
            or image.ndim != 3
            or image.shape[2] != 3
            or not image.size
        ):
            raise ValueError("Liveness image must be a non-empty uint8 HxWx3 BGR array")
        points = np.asarray(landmarks, np.float64)
        if points.shape != (5, 2) or not np.isfinite(points).all():
            raise ValueError("Liveness landmarks must contain five finite 2D points")
        height, width = image.shape[:2]
        x, y = _sample_places(_similarity(points, _TEMPLATE))
        inside = _bilinear(
            x, y, lambda cx, cy: ((cx >= 0) & (cx < width) & (cy >= 0) & (cy < height)).astype(np.float64)
        )
        if 1 - inside.mean() > MOST_OUTSIDE:
            logger.debug("liveness: %.0f %% of the crop lie outside the picture", 100 * (1 - inside.mean()))
            return {"status": "input_rejected", "is_live": None, "live_score": None, "reason": _REASON}
        crop = _bilinear(
            x, y, lambda cx, cy: image[np.clip(cy, 0, height - 1), np.clip(cx, 0, width - 1)].astype(np.float64)
        )
        tensor = np.rint(crop)[:, :, ::-1].transpose(2, 0, 1)[None] / 255
        score = float(np.ravel(self._network.run(tensor)[0])[0])
        if not math.isfinite(score) or not 0 <= score <= 1:
            raise RuntimeError(f"Liveness model returned invalid probability: {score}")
        return {"status": "ok", "is_live": score >= self.threshold, "live_score": score}

    def get(self, image: np.ndarray, face: "Face") -> Any:
        face.liveness = self.predict(image, face.kps)
        return face.liveness
