"""The networks of a pack one by one, with the methods of insightface.model_zoo."""
import ctypes as C
import os
import threading
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np

from . import _native as n
from ._public import Public, module_dir
from ._engine import TASKS, Analyzer, Network, Pack, parse_det_size, picture, pixels_of, view

if TYPE_CHECKING:
    from .app.common import Face

__all__ = ["get_model"]
__dir__ = module_dir(__all__)

# What each task adds to a face, in order.
FIELDS = {"landmark_3d_68": ("landmark_3d_68", "pose"), "landmark_2d_106": ("landmark_2d_106",),
          "genderage": ("gender", "age"), "recognition": ("embedding",)}


class Model(Public):
    """One network of a pack. Its analyzer is made at the first use."""

    def __init__(self, pack: Pack, info: Dict[str, Any]):
        self._pack, self._analyzer, self._network, self._lock = pack, None, None, threading.Lock()
        self.taskname: str = info["task"]
        self.model_file: str = info["path"]
        self.input_size: Optional[Tuple[int, int]] = info["input"] if info["input"][0] else None
        self.input_mean: float = info["mean"]
        self.input_std: float = info["std"]

    def __repr__(self) -> str:
        return f"<facet {type(self).__name__} {self.taskname}: {os.path.basename(self.model_file)}>"

    def _analyze(self) -> Analyzer:
        with self._lock:
            if self._analyzer is None:
                self._analyzer = Analyzer(self._pack, TASKS[self.taskname])
            return self._analyzer

    def _net(self) -> Network:
        with self._lock:
            if self._network is None:
                self._network = Network(self._pack.model(TASKS[self.taskname]), self._pack)
            return self._network

    @property
    def input_shape(self) -> List[Optional[int]]:
        """As the file declares it, [batch, 3, height, width]; None where a dimension varies."""
        return self._net().inputs[0][1]

    @property
    def output_shape(self) -> Optional[List[Optional[int]]]:
        return self._net().outputs[0][1]

    @property
    def input_name(self) -> str:
        return self._net().inputs[0][0]

    @property
    def output_names(self) -> List[str]:
        return [name for name, _ in self._net().outputs]

    def prepare(self, ctx_id: int = 0, **kwargs: Any) -> None:
        """Nothing to prepare: facet runs on the CPU."""

    def get(self, img: Any, face: "Face") -> Any:
        """Runs the network on one face (its bbox and kps), sets the results in it and returns them."""
        a = self._analyze()
        kps = np.zeros((1, 5, 2)) if face.kps is None else face.kps
        values = a.run_known(picture(img), face.bbox, kps, a.options())[0]
        fields = FIELDS.get(self.taskname, (self.taskname,))
        for field in fields:
            face[field] = values[field]
        return (values["gender"], values["age"]) if self.taskname == "genderage" else values[fields[0]]


class Detector(Model):
    """Boxes [n, 5] (x1, y1, x2, y2, score) and landmarks [n, 5, 2].

    det_thresh and nms_thresh hold for the next call. Sizes are those of the call, else
    input_sizes (which prepare() sets), else input_size, else 128 and 640 together; a network of
    a fixed size takes that."""

    def __init__(self, pack: Pack, info: Dict[str, Any]):
        super().__init__(pack, info)
        self.det_thresh, self.nms_thresh = 0.5, 0.4
        self.static_input_size = self.input_size
        self.input_sizes: List[Tuple[int, int]] = [self.input_size] if self.input_size else []

    def prepare(self, ctx_id: int = 0, **kwargs: Any) -> None:
        """Keywords: input_size (a pair or a list of pairs), det_thresh, nms_thresh."""
        if kwargs.get("nms_thresh") is not None:
            self.nms_thresh = kwargs["nms_thresh"]
        if kwargs.get("det_thresh") is not None:
            self.det_thresh = kwargs["det_thresh"]
        if kwargs.get("input_size") is not None and self.static_input_size is None:
            self.input_sizes = parse_det_size(kwargs["input_size"])
            self.input_size = self.input_sizes[-1] if self.input_sizes else None

    def sizes(self, input_size: Any = None) -> List[Tuple[int, int]]:
        """The sizes of the next call; an empty list: the library's own choice."""
        if self.static_input_size is not None:
            return []
        if input_size is not None:
            return parse_det_size(input_size)
        return parse_det_size(self.input_sizes) or parse_det_size(self.input_size)

    def detect(self, img: Any, input_size: Any = None, max_num: int = 0,
               metric: str = "default") -> Tuple[np.ndarray, Optional[np.ndarray]]:
        a = self._analyze()
        opts = a.options(self.sizes(input_size), self.det_thresh, max_num, metric, nms=self.nms_thresh)
        faces = a.run([picture(img)], opts)[0]
        boxes = np.array([[*f["bbox"], f["det_score"]] for f in faces], np.float32).reshape(-1, 5)
        if faces and faces[0]["kps"] is None:
            return boxes, None
        return boxes, np.array([f["kps"] for f in faces], np.float32).reshape(-1, 5, 2)


def _resized(img: Any, size: Tuple[int, int]) -> np.ndarray:
    """The picture as it is, or scaled to (width, height) as OpenCV's blobFromImages does it."""
    v, held = view(img)
    if (v.width, v.height) == tuple(size):
        return held
    out = C.c_void_p()
    if v.format == n.PIX_BGR:
        n.call("fct_image_resize", v, int(size[0]), int(size[1]), C.byref(out))
        return pixels_of(out)
    channels = held[..., None] if held.ndim == 2 else held[..., :3]
    return _resized(np.ascontiguousarray(np.broadcast_to(channels, channels.shape[:2] + (3,))), size)


class Embedder(Model):
    def __init__(self, pack: Pack, info: Dict[str, Any]):
        super().__init__(pack, info)
        if self.input_size is None:
            self.input_size = (112, 112)

    def get_feat(self, imgs: Union[np.ndarray, Sequence[np.ndarray]]) -> np.ndarray:
        """Embeddings [n, dim] of one aligned crop or a list of them; crops of another size are scaled."""
        a = self._analyze()
        crops = imgs if isinstance(imgs, list) else [imgs]
        return a.embed([_resized(picture(c), self.input_size) for c in crops], a.options())

    def forward(self, batch_data: np.ndarray) -> np.ndarray:
        """Embeddings [n, dim] of crops [n, 3, height, width], RGB, of 0 to 255."""
        return self._net().run((np.asarray(batch_data, np.float32) - self.input_mean) / self.input_std)[0]

    def compute_sim(self, feat1: np.ndarray, feat2: np.ndarray) -> float:
        a, b = np.ravel(feat1), np.ravel(feat2)
        return a @ b / (np.linalg.norm(a) * np.linalg.norm(b))


def make_models(pack: Pack) -> Dict[str, Model]:
    """Task name to network."""
    kinds = {"detection": Detector, "recognition": Embedder}
    return {f["task"]: kinds.get(f["task"], Model)(pack, f) for f in pack.files() if f["task"]}


def _find_file(name: str, root: str) -> str:
    path = os.path.expanduser(name)
    if path.endswith(".onnx"):
        return os.path.abspath(path)
    folder = path if os.path.isdir(path) else os.path.join(os.path.expanduser(root), "models", name)
    files = sorted(f for f in os.listdir(folder) if f.endswith(".onnx")) if os.path.isdir(folder) else []
    if not files:
        raise FileNotFoundError(f"no model {name}: neither an ONNX file, nor a folder with one here or at {folder}")
    return os.path.abspath(os.path.join(folder, files[-1]))


def get_model(name: Union[str, "os.PathLike[str]"], root: str = "~/.insightface", **kwargs: Any) -> Model:
    """The network in an ONNX file, or in the last one (by name) of a pack's folder.

    FileNotFoundError: there is none. FacetError: it cannot be read. ValueError: it is of no kind
    that facet knows, with the reason."""
    path = _find_file(os.fspath(name), root)
    if not os.path.exists(path):
        raise FileNotFoundError(f"{path}: no such file")
    try:
        pack = Pack(path)
    except n.FacetError as e:
        if e.code != n.ERR_NOT_FOUND or not os.path.isfile(path):
            raise
        pack = Pack(path, tasks=n.TASK_ALL & ~n.TASK_DETECT)  # not a detector
    for model in make_models(pack).values():
        return model
    raise ValueError(f"{path}: {next((f['note'] for f in pack.files() if f['note']), 'no network that facet knows')}")
