"""FaceAnalysis with the signatures of insightface.app.FaceAnalysis."""

import logging
import os
import warnings
from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np

from .. import _native as n
from .._engine import TASKS, Analyzer, Pack, parse_det_size, picture
from .._public import Public
from ..addons import Liveness, find_addon, validate_threshold
from ..model_zoo import FIELDS, Detector, Embedder, Model, make_models
from .common import Face

__all__ = ["FaceAnalysis"]

logger = logging.getLogger(__name__)
Picture = Union[np.ndarray, str, "os.PathLike[str]"]


class FaceAnalysis(Public):
    """Finds and analyzes the faces of pictures.

    name: a pack under <root>/models, or a folder; None: the default pack. Without a name that is
    buffalo_l, and where that is not there the default pack, with a warning.
    allowed_modules: tasks to load ("detection", "recognition", ...); None: all.
    precision: "fast", or "exact" for plain fp32 arithmetic.
    addons: ["liveness"] for the network at <root>/addons/liveness.onnx; liveness_mode "normal"
    gives no embedding to a face that is not live, "observe" only reports.
    providers and further keywords are accepted and not needed: facet runs on the CPU. One instance
    may be shared by threads; it can be pickled.

    models maps task names to networks: what is taken out is not run, an object of your own with
    get(img, face) is. det_model finds the faces."""

    def __init__(
        self,
        name: Optional[str] = "buffalo_l",
        root: Optional[str] = "~/.insightface",
        allowed_modules: Optional[Sequence[str]] = None,
        *,
        addons: Optional[Sequence[str]] = None,
        liveness_mode: str = "normal",
        liveness_threshold: float = 0.8,
        **kwargs: Any,
    ):
        if isinstance(addons, str):
            raise TypeError("addons must be a sequence of addon names, e.g. ['liveness']")
        if liveness_mode not in ("normal", "observe"):
            raise ValueError("liveness_mode must be normal or observe")
        self._args = {
            "name": name,
            "root": root,
            "allowed_modules": allowed_modules,
            "addons": list(addons or ()),
            "names_only": bool(kwargs.get("names_only", False)),
            "precision": kwargs.get("precision", "fast"),
        }
        self.liveness_mode, self.liveness_threshold = liveness_mode, validate_threshold(liveness_threshold)
        self._prepared: Dict[str, Any] = {}
        self._open()

    def _open_pack(self, tasks: int) -> Pack:
        a = self._args
        root = os.path.join(os.path.expanduser(a["root"]), "models") if a["root"] else None
        name = os.path.expanduser(a["name"]) if a["name"] else None
        try:
            return Pack(name, root, tasks, a["names_only"], a["precision"])
        except n.FacetError as e:
            if e.code != n.ERR_NOT_FOUND or name != "buffalo_l" or os.path.exists(os.path.join(root or "", name)):
                raise
            pack = Pack(None, root, tasks, a["names_only"], a["precision"])
            warnings.warn(f"no pack buffalo_l under {root}: the pack {pack.name} is used instead", stacklevel=4)
            return pack

    def _open(self) -> None:
        a = self._args
        tasks = n.TASK_ALL
        if a["allowed_modules"] is not None:
            tasks = sum(TASKS[m] for m in set(a["allowed_modules"]) & set(TASKS))
        self._pack = self._open_pack(tasks)
        self._analyzers: Dict[int, Analyzer] = {}
        files = self._pack.files()
        for f in files:
            logger.info("%s: %s", f["path"], f["task"] or f["note"])
        self.model_dir: str = os.path.dirname(files[0]["path"])
        self.models: Dict[str, Any] = make_models(self._pack)
        if "detection" not in self.models:
            raise AssertionError("allowed_modules must contain detection")
        self.det_model: Any = self.models["detection"]
        self.det_thresh, self.det_size = 0.5, []
        self.addons = {
            name: Liveness(find_addon(name, a["root"]), threshold=self.liveness_threshold) for name in a["addons"]
        }

    def __repr__(self) -> str:
        sizes = self.det_size or "auto"
        return (
            f"<facet FaceAnalysis {self._pack.name}: {', '.join(self.models)}; det_size {sizes}, "
            f"det_thresh {getattr(self.det_model, 'det_thresh', self.det_thresh)}>"
        )

    def __getstate__(self) -> Dict[str, Any]:
        return {
            "args": self._args,
            "prepared": self._prepared,
            "liveness": (self.liveness_mode, self.liveness_threshold),
        }

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self._args, self._prepared = state["args"], {}
        self.liveness_mode, self.liveness_threshold = state["liveness"]
        self._open()
        if state["prepared"]:
            self.prepare(**state["prepared"])

    @property
    def pack_threshold(self) -> float:
        """Cosine from which two faces are one person's, for the networks of this pack."""
        return self._pack.threshold

    def prepare(self, ctx_id: int = 0, det_thresh: float = 0.5, det_size: Any = None) -> None:
        """det_size: None or (0, 0): 128 x 128 and 640 x 640 together; a (width, height) pair or a list of them."""
        self._prepared = {"ctx_id": ctx_id, "det_thresh": det_thresh, "det_size": det_size}
        self.det_thresh, self.det_size = det_thresh, parse_det_size(det_size)
        for name, model in self.models.items():
            if name == "detection":
                model.prepare(ctx_id, input_size=self.det_size, det_thresh=det_thresh)
            else:
                model.prepare(ctx_id)

    # ---- Which network runs how ------------------------------------------------------

    def _is_own(self, name: str, model: Any) -> bool:
        """Whether the library may run this entry of models with the others at once: it is the pack's
        network for this task, and nobody has replaced its methods."""
        return (
            type(model) in (Model, Embedder)
            and model._pack is self._pack
            and model.taskname == name
            and "get" not in vars(model)
            and "get_feat" not in vars(model)
        )

    def _plan(self):
        """The tasks that the library runs together, and the entries that are called one by one after
        them: all from the first that is not the pack's own."""
        together, later = [], []
        for name, model in self.models.items():
            if name == "detection":
                continue
            if (
                later
                or not self._is_own(name, model)
                or (name == "recognition" and self.addons and self.liveness_mode == "normal")
            ):
                later.append((name, model))
            else:
                together.append(name)
        return together, later

    def _analyzer_of(self, names: Sequence[str]) -> Analyzer:
        mask = sum(TASKS[name] for name in names)
        return self._analyzers.setdefault(mask, Analyzer(self._pack, mask))

    @staticmethod
    def _face(values: Dict[str, Any], names: Sequence[str]) -> Face:
        face = Face(bbox=values["bbox"], kps=values["kps"], det_score=values["det_score"])
        for name in names:
            for field in FIELDS.get(name, (name,)):
                if values.get(field) is not None:
                    face[field] = values[field]
        return face

    def _find(self, imgs: Sequence[Any], names: Sequence[str], max_num: int, det_metric: str, kwargs: Any):
        """Faces of each picture with what the tasks called names add to them."""
        det = self.det_model
        if type(det) is Detector and det._pack is self._pack and "detect" not in vars(det):
            a = self._analyzer_of(["detection", *names])
            o = a.options(det.sizes(), det.det_thresh, max_num, det_metric, nms=det.nms_thresh, **kwargs)
            return [[self._face(f, names) for f in faces] for faces in a.run(imgs, o)]
        return [self._find_by(det, img, names, max_num, det_metric) for img in imgs]

    def _find_by(self, det: Any, img: Any, names: Sequence[str], max_num: int, det_metric: str) -> List[Face]:
        """The same with a detector that is not the pack's."""
        boxes, kpss = det.detect(img, max_num=max_num, metric=det_metric)
        faces = [Face(bbox=b[:4], kps=None if kpss is None else kpss[i], det_score=b[4]) for i, b in enumerate(boxes)]
        for face in faces:
            for name in names:
                self.models[name].get(img, face)
        return faces

    def _finish(self, img: Any, face: Face, later: Sequence[Any]) -> None:
        liveness = self.addons.get("liveness")
        if liveness is not None:
            liveness.get(img, face)
        for name, model in later:
            if (
                name == "recognition"
                and liveness is not None
                and self.liveness_mode == "normal"
                and face.liveness.is_live is not True
            ):
                continue
            model.get(img, face)

    def get(self, img: Picture, max_num: int = 0, det_metric: str = "default", **kwargs: Any) -> List[Face]:
        """Faces of a BGR picture or of a picture file, best first. Keywords beyond insightface's: rotations
        (retry turned by 90, 180 and 270 degrees where no face is found), tile (pixels; finds very small faces)."""
        return self.get_batch([img], max_num, det_metric, **kwargs)[0]

    def get_batch(
        self, imgs: Sequence[Picture], max_num: int = 0, det_metric: str = "default", **kwargs: Any
    ) -> List[List[Face]]:
        """The same for several pictures at once: a list of lists of faces."""
        if len(imgs) == 0:
            return []
        pictures = [picture(img) for img in imgs]
        names, later = self._plan()
        results = self._find(pictures, names, max_num, det_metric, kwargs)
        if later or self.addons:
            for img, faces in zip(pictures, results):
                for face in faces:
                    self._finish(img, face, later)
        return results

    def draw_on(self, img: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
        """A copy of the picture with boxes, landmarks, sex and age. Needs OpenCV."""
        import cv2

        out = img.copy()
        for face in faces:
            x1, y1, x2, y2 = face.bbox.astype(int).tolist()
            cv2.rectangle(out, (x1, y1), (x2, y2), (0, 0, 255), 2)
            for i, (x, y) in enumerate([] if face.kps is None else face.kps.astype(int).tolist()):
                cv2.circle(out, (x, y), 1, (0, 255, 0) if i in (0, 3) else (0, 0, 255), 2)
            if face.gender is not None and face.age is not None:
                cv2.putText(
                    out, f"{face.sex},{face.age}", (x1 - 1, y1 - 4), cv2.FONT_HERSHEY_COMPLEX, 0.7, (0, 255, 0), 1
                )
        return out
