"""The networks of a pack one by one, with the methods of insightface.model_zoo."""
import os
import threading

import numpy as np

from . import _native as n
from ._engine import TASKS, Analyzer, Pack, parse_det_size

__all__ = ["get_model"]

# What each task adds to a face, in order.
FIELDS = {"landmark_3d_68": ("landmark_3d_68", "pose"), "landmark_2d_106": ("landmark_2d_106",),
          "genderage": ("gender", "age"), "recognition": ("embedding",)}


class _Model:
    """One network. Its analyzer is made at the first use."""

    def __init__(self, pack, info):
        self._pack, self._analyzer, self._lock = pack, None, threading.Lock()
        self.taskname, self.model_file = info["task"], info["path"]
        self.input_size = info["input"] if info["input"][0] else None
        self.input_mean, self.input_std = info["mean"], info["std"]

    def analyzer(self):
        with self._lock:
            if self._analyzer is None:
                self._analyzer = Analyzer(self._pack, TASKS[self.taskname])
            return self._analyzer

    def prepare(self, ctx_id=0, **kwargs):
        """Nothing to prepare: facet runs on the CPU."""

    def get(self, img, face):
        """Runs the network on one face (its bbox and kps), sets the results in it and returns them."""
        a = self.analyzer()
        kps = np.zeros((1, 5, 2)) if face.kps is None else face.kps
        values = a.run_known(img, face.bbox, kps, a.options())[0]
        fields = FIELDS[self.taskname]
        for field in fields:
            face[field] = values[field]
        return (values["gender"], values["age"]) if self.taskname == "genderage" else values[fields[0]]


class Detector(_Model):
    """Boxes [n, 5] (x1, y1, x2, y2, score) and landmarks [n, 5, 2]."""

    det_thresh, nms_thresh, det_size = 0.5, 0.4, ()

    def prepare(self, ctx_id=0, input_size=None, det_thresh=None, nms_thresh=None, **kwargs):
        self.det_size = self.det_size if input_size is None else parse_det_size(input_size)
        self.det_thresh = self.det_thresh if det_thresh is None else det_thresh
        self.nms_thresh = self.nms_thresh if nms_thresh is None else nms_thresh

    def detect(self, img, input_size=None, max_num=0, metric="default"):
        a = self.analyzer()
        sizes = self.det_size if input_size is None else parse_det_size(input_size)
        faces = a.run([img], a.options(sizes, self.det_thresh, max_num, metric, nms=self.nms_thresh))[0]
        boxes = np.array([[*f["bbox"], f["det_score"]] for f in faces], np.float32).reshape(-1, 5)
        if faces and faces[0]["kps"] is None:
            return boxes, None
        return boxes, np.array([f["kps"] for f in faces], np.float32).reshape(-1, 5, 2)


class Embedder(_Model):
    def get_feat(self, imgs):
        """Embeddings [n, dim] of one aligned crop or a list of them."""
        a = self.analyzer()
        return a.embed(imgs if isinstance(imgs, list) else [imgs], a.options())

    def compute_sim(self, feat1, feat2):
        a, b = np.ravel(feat1), np.ravel(feat2)
        return a @ b / (np.linalg.norm(a) * np.linalg.norm(b))


def make_models(pack):
    """Task name to network."""
    kinds = {"detection": Detector, "recognition": Embedder}
    return {f["task"]: kinds.get(f["task"], _Model)(pack, f) for f in pack.files() if f["task"]}


def get_model(name, root="~/.insightface", **kwargs):
    """The network in an ONNX file, or in the last one (by name) of a pack's folder; None where it is of no
    known kind."""
    path = os.path.expanduser(name)
    if not path.endswith(".onnx"):
        folder = path if os.path.isdir(path) else os.path.join(os.path.expanduser(root), "models", name)
        files = sorted(f for f in os.listdir(folder) if f.endswith(".onnx")) if os.path.isdir(folder) else []
        if not files:
            return None
        path = os.path.join(folder, files[-1])
    path = os.path.abspath(path)
    try:
        pack = Pack(path)
    except n.FacetError as e:
        if e.code != n.ERR_NOT_FOUND or not os.path.isfile(path):
            raise
        pack = Pack(path, tasks=n.TASK_ALL & ~n.TASK_DETECT)  # not a detector
    return next(iter(make_models(pack).values()), None)
