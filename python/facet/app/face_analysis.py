"""FaceAnalysis with the signatures of insightface.app.FaceAnalysis."""
import logging
import os

from .. import _native as n
from .._engine import TASKS, Analyzer, Pack, parse_det_size
from ..model_zoo import FIELDS, make_models
from .common import Face

__all__ = ["FaceAnalysis"]

logger = logging.getLogger(__name__)


class FaceAnalysis:
    """Finds and analyzes the faces of pictures.

    name: a pack under <root>/models, or a folder; None: the default pack. precision: "fast",
    or "exact" for plain fp32 arithmetic. providers and further keywords are accepted and not
    needed: facet runs on the CPU. One instance may be shared by threads; it can be pickled."""

    def __init__(self, name="buffalo_l", root="~/.insightface", allowed_modules=None, **kwargs):
        self._args = {"name": name, "root": root, "allowed_modules": allowed_modules,
                      "names_only": bool(kwargs.get("names_only", False)),
                      "precision": kwargs.get("precision", "fast")}
        self._prepared = {}
        self._open()

    def _open(self):
        a = self._args
        root = os.path.join(os.path.expanduser(a["root"]), "models") if a["root"] else None
        tasks = n.TASK_ALL
        if a["allowed_modules"] is not None:
            tasks = sum(TASKS[m] for m in set(a["allowed_modules"]) & set(TASKS))
        name = os.path.expanduser(a["name"]) if a["name"] else None
        self._pack = Pack(name, root, tasks, a["names_only"], a["precision"])
        self._analyzer = Analyzer(self._pack, tasks)
        files = self._pack.files()
        for f in files:
            logger.info("%s: %s", f["path"], f["task"] or f["note"])
        self._order = [f["task"] for f in files if f["task"]]
        self.model_dir = os.path.dirname(files[0]["path"])
        self.models = make_models(self._pack)
        if "detection" not in self.models:
            raise AssertionError("allowed_modules must contain detection")
        self.det_model = self.models["detection"]
        self.det_thresh, self.det_size = 0.5, []

    def __getstate__(self):
        return {"args": self._args, "prepared": self._prepared}

    def __setstate__(self, state):
        self._args, self._prepared = state["args"], {}
        self._open()
        if state["prepared"]:
            self.prepare(**state["prepared"])

    def prepare(self, ctx_id=0, det_thresh=0.5, det_size=None):
        """det_size: None or (0, 0): 128 x 128 and 640 x 640 together; a (width, height) pair or a list of them."""
        self._prepared = {"ctx_id": ctx_id, "det_thresh": det_thresh, "det_size": det_size}
        self.det_thresh, self.det_size = det_thresh, parse_det_size(det_size)
        self.det_model.prepare(ctx_id, self.det_size, det_thresh)

    def _options(self, max_num=0, det_metric="default", **kwargs):
        return self._analyzer.options(self.det_size, self.det_thresh, max_num, det_metric, **kwargs)

    def _face(self, values):
        face = Face(bbox=values["bbox"], kps=values["kps"], det_score=values["det_score"])
        for task in self._order:
            for field in FIELDS.get(task, ()):
                if values[field] is not None:
                    face[field] = values[field]
        return face

    def get(self, img, max_num=0, det_metric="default", **kwargs):
        """Faces of a BGR picture, best first. Keywords beyond insightface's: rotations (retry turned by 90, 180
        and 270 degrees where no face is found), tile (pixels; finds very small faces)."""
        return self.get_batch([img], max_num, det_metric, **kwargs)[0]

    def get_batch(self, imgs, max_num=0, det_metric="default", **kwargs):
        """The same for several pictures at once: a list of lists of faces."""
        if len(imgs) == 0:
            return []
        results = self._analyzer.run(imgs, self._options(max_num, det_metric, **kwargs))
        return [[self._face(f) for f in faces] for faces in results]

    def draw_on(self, img, faces):
        """A copy of the picture with boxes, landmarks, sex and age. Needs OpenCV."""
        import cv2

        out = img.copy()
        for face in faces:
            x1, y1, x2, y2 = face.bbox.astype(int).tolist()
            cv2.rectangle(out, (x1, y1), (x2, y2), (0, 0, 255), 2)
            for i, (x, y) in enumerate([] if face.kps is None else face.kps.astype(int).tolist()):
                cv2.circle(out, (x, y), 1, (0, 255, 0) if i in (0, 3) else (0, 0, 255), 2)
            if face.gender is not None and face.age is not None:
                cv2.putText(out, f"{face.sex},{face.age}", (x1 - 1, y1 - 4), cv2.FONT_HERSHEY_COMPLEX, 0.7,
                            (0, 255, 0), 1)
        return out
