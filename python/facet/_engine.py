"""Packs and analyzers as Python objects; pictures and results as NumPy arrays."""
import ctypes as C
import os
import threading

import numpy as np

from . import _native as n



def _tasks():
    """The library's table of tasks: name -> its row."""
    out, t = {}, n.TaskInfo()
    while n.lib.fct_task_at(len(out), C.byref(t)):
        out[t.name.decode()] = (t.task, t.rows, t.columns, t.key is not None)
    return out


_TABLE = _tasks()
TASKS = {name: row[0] for name, row in _TABLE.items()}
_FORMATS = {1: n.PIX_GRAY, 3: n.PIX_BGR, 4: n.PIX_BGRA}


def _encode(text):
    return None if text is None else str(text).encode("utf-8")


def view(img):
    """A view of a picture (H x W x 3 uint8, BGR, as cv2.imread gives it; H x W gray and
    H x W x 4 too) and the array it borrows from. Copies only where pixels of a row do not
    lie next to each other, and pictures of floats, which are rounded to 0..255."""
    if img is None:
        raise ValueError("the picture could not be read: None was given (cv2.imread gives that for a missing or "
                         "damaged file)")
    a = np.asarray(img)
    if a.dtype.kind == "f":
        if not np.isfinite(a).all():
            raise ValueError("a picture of floats must be finite")
        a = np.clip(np.rint(a), 0, 255).astype(np.uint8)
    if a.dtype != np.uint8 or a.ndim not in (2, 3) or a.size == 0:
        raise ValueError("a picture must be a uint8 array of height x width x channels that is not empty, got "
                         f"{a.dtype} {a.shape}")
    channels = 1 if a.ndim == 2 else a.shape[2]
    if channels not in _FORMATS:
        raise ValueError(f"a picture of {channels} channels (1, 3 and 4 are possible)")
    inner = (1,) if a.ndim == 2 else (channels, 1)
    if a.strides[1:] != inner or abs(a.strides[0]) < a.shape[1] * channels:
        a = np.ascontiguousarray(a)
    return n.View(a.ctypes.data, a.shape[1], a.shape[0], a.strides[0], _FORMATS[channels]), a


def pixels_of(image):
    """The pixels of a library's picture (RGB or BGR) as an array of its own; frees it."""
    try:
        v = n.lib.fct_image_view(image)
        rows = np.ctypeslib.as_array(C.cast(v.data, n.P(C.c_uint8)), (v.height, v.stride))
        return rows[:, : 3 * v.width].reshape(v.height, v.width, 3).copy()
    finally:
        n.lib.fct_image_free(image)


def read_picture(path):
    """A picture file as BGR. What this build of the library cannot read, OpenCV reads where it is there."""
    opts, out = n.DecodeOpts(), C.c_void_p()
    n.lib.fct_decode_opts_init(C.byref(opts))
    opts.format = n.PIX_BGR
    try:
        n.call("fct_image_read", _encode(os.fspath(path)), C.byref(opts), C.byref(out))
    except n.FacetError as e:
        if e.code != n.ERR_UNSUPPORTED:
            raise
        img = _read_by_opencv(path)
        if img is None:
            raise
        return img
    return pixels_of(out)


def _read_by_opencv(path):
    try:
        import cv2
    except ImportError:
        return None
    return cv2.imread(os.fspath(path))


def picture(img):
    """An array as it is; a path (text or os.PathLike) as the picture in that file."""
    return read_picture(img) if isinstance(img, (str, os.PathLike)) else img


def parse_det_size(det_size):
    """None, a pair, or a list of pairs, to a list of pairs; (0, 0) and an empty list mean Auto (128 and 640)."""
    sizes = np.asarray([] if det_size is None else det_size, dtype=int)
    if sizes.size == 0:
        return []
    if sizes.ndim == 1:
        sizes = sizes[None]
    if sizes.ndim != 2 or sizes.shape[1] != 2:
        raise ValueError("det_size must be a pair or a list of pairs")
    return [(int(w), int(h)) for w, h in sizes]


class Pack:
    """An open pack. Immutable; threads may share it."""

    def __init__(self, name, root=None, tasks=n.TASK_ALL, names_only=False, precision="fast"):
        opts, handle, cache = n.PackOpts(), C.c_void_p(), C.create_string_buffer(4096)
        n.lib.fct_pack_opts_init(C.byref(opts))
        opts.root, opts.tasks, opts.names_only = _encode(root), tasks, names_only
        opts.precision = {"fast": n.PRECISION_FAST, "exact": n.PRECISION_EXACT}[precision]
        opts.cache_dir = cache.value if n.lib.fct_cache_default_dir(cache, len(cache)) else None
        # The collector finalizes a group of objects in any order, so the pack itself
        # sees to it that its analyzers are freed before it.
        self._handle, self._analyzers = None, []
        n.call("fct_pack_open", _encode(name), C.byref(opts), C.byref(handle))
        self._handle = handle

    def __del__(self):
        handle, self._handle = getattr(self, "_handle", None), None
        if handle:
            while self._analyzers:
                n.lib.fct_analyzer_free(self._analyzers.pop())
            n.lib.fct_pack_free(handle)

    def drop(self, analyzers):
        """Frees analyzers, unless they went with the pack already."""
        for h in analyzers if self._handle else ():
            self._analyzers.remove(h)
            n.lib.fct_analyzer_free(h)

    @property
    def name(self):
        return n.lib.fct_pack_name(self._handle).decode()

    @property
    def tasks(self):
        return n.lib.fct_pack_tasks(self._handle)

    @property
    def threshold(self):
        return n.lib.fct_pack_threshold(self._handle)

    @property
    def embedder_id(self):
        """Identifies the network whose embeddings these are."""
        return n.lib.fct_pack_embedder_id(self._handle).decode()

    def model(self, task):
        """The fct_model of a task; lives as long as the pack."""
        return n.lib.fct_pack_model(self._handle, task)

    @property
    def embedding_dim(self):
        return n.lib.fct_pack_embedding_dim(self._handle)

    def files(self):
        """One dictionary per ONNX file, used or not."""
        out = []
        for i in range(n.lib.fct_pack_file_count(self._handle)):
            f = n.PackFile()
            n.call("fct_pack_file_info", self._handle, i, C.byref(f))
            task = next((k for k, v in TASKS.items() if v == f.task), None)
            out.append({"path": f.path.decode(), "id": f.id.decode(), "task": task, "note": f.note.decode(),
                        "input": (f.input_width, f.input_height), "dim": f.embedding_dim,
                        "mean": f.mean, "std": f.std})
        return out


class _Lease:
    """An analyzer taken from the pool for one call."""

    def __init__(self, owner, opts):
        self._owner, self._opts = owner, opts

    def __enter__(self):
        self.handle = self._owner._take(self._opts)
        return self.handle

    def __exit__(self, *exc):
        self._owner._give(self.handle)


class Analyzer:
    """Analyzers of one pack, one per thread that is inside a call; they share the weights."""

    def __init__(self, pack, tasks=n.TASK_ALL):
        self.pack, self._tasks, self._all = pack, tasks, []
        self._lock, self._free = threading.Lock(), []

    def __del__(self):
        self.pack.drop(self._all)

    def options(self, sizes=(), thresh=0.5, max_num=0, metric="default", rotations=False, tile=0, nms=0.4):
        o = n.AnalyzerOpts()
        n.lib.fct_analyzer_opts_init(C.byref(o))
        if len(sizes) > n.MAX_DET_SIZES:
            raise ValueError(f"at most {n.MAX_DET_SIZES} detection sizes, got {len(sizes)}")
        o.tasks, o.n_det_sizes = self._tasks, len(sizes)
        for i, (w, h) in enumerate(sizes):
            o.det_sizes[i] = n.Size(int(w), int(h))
        o.det_thresh, o.nms_thresh, o.rotations, o.tile = thresh, nms, rotations, tile
        o.max_faces, o.metric = max(int(max_num), 0), n.METRIC_MAX if metric == "max" else n.METRIC_DEFAULT
        return o

    def _take(self, opts):
        with self._lock:
            h = self._free.pop() if self._free else None
        if h is None:
            h = C.c_void_p()
            n.call("fct_analyzer_create", self.pack._handle, C.byref(opts), C.byref(h))
            with self._lock:
                self._all.append(h)
                self.pack._analyzers.append(h)
            return h
        try:
            n.call("fct_analyzer_configure", h, C.byref(opts))
        except n.FacetError:
            self._give(h)
            raise
        return h

    def _give(self, h):
        with self._lock:
            self._free.append(h)

    def run(self, images, opts):
        """Faces of each picture: a list of lists of dictionaries."""
        held = [view(i) for i in images]
        views, outs = (n.View * len(held))(*[v for v, _ in held]), (C.c_void_p * len(held))()
        with _Lease(self, opts) as h:
            n.call("fct_analyze_batch", h, views, len(held), outs)
        return [_read_faces(f) for f in outs]

    def run_known(self, image, boxes, kps, opts):
        """The tasks after detection on faces whose boxes ([n, 4] or None) and landmarks ([n, 5, 2]) are known."""
        v, held = view(image)
        kps = np.ascontiguousarray(kps, np.float32).reshape(-1, 5, 2)
        fp = lambda a: None if a is None else a.ctypes.data_as(n.P(C.c_float))
        if boxes is not None:
            boxes = np.ascontiguousarray(boxes, np.float32).reshape(len(kps), 4)
        out = C.c_void_p()
        with _Lease(self, opts) as h:
            n.call("fct_analyze_known", h, v, len(kps), fp(boxes), fp(kps), C.byref(out))
        return _read_faces(out)

    def embed(self, crops, opts):
        """Embeddings [n, dim] of aligned crops of the embedder's size."""
        held = [view(c) for c in crops]
        views = (n.View * len(held))(*[v for v, _ in held])
        out = np.empty((len(held), self.pack.embedding_dim), np.float32)
        with _Lease(self, opts) as h:
            n.call("fct_embed_aligned", h, views, len(held), out.ctypes.data_as(n.P(C.c_float)))
        return out


def _array(pointer, *shape):
    return np.ctypeslib.as_array(pointer, shape).copy() if pointer else None


def _read_faces(handle):
    """Copies what C holds and frees it."""
    handle = C.c_void_p(handle) if isinstance(handle, int) else handle
    faces = []
    try:
        for i in range(n.lib.fct_faces_count(handle)):
            at = n.lib.fct_faces_at(handle, i)
            f = at.contents
            faces.append({
                "bbox": np.array(f.box, np.float32), "det_score": np.float32(f.score),
                "kps": np.array(f.kps, np.float32).reshape(5, 2) if f.has_kps else None,
                "embedding": _array(f.embedding, f.embedding_dim),
                **{name: _array(n.lib.fct_face_values(at, task), rows, columns)
                   for name, (task, rows, columns, keyed) in _TABLE.items() if keyed},
                "pose": np.array(f.pose, np.float32) if f.has_pose else None,
                "gender": f.gender if f.gender >= 0 else None,
                "age": f.age if f.gender >= 0 else None,
                "turns": f.turns})
    finally:
        n.lib.fct_faces_free(handle)
    return faces


def native_face(face):
    """A face of Python's as the library's, and the arrays that it borrows from."""
    f, held = n.Face(), []
    f.gender = f.age = -1
    f.box[:] = np.asarray(face.bbox, np.float32).ravel()[:4].tolist()
    f.score = float(face.det_score if face.det_score is not None else 0)
    if face.kps is not None:
        f.has_kps = True
        f.kps[:] = np.asarray(face.kps, np.float32).reshape(10).tolist()
    if face.embedding is not None:
        held.append(np.ascontiguousarray(face.embedding, np.float32).ravel())
        f.embedding, f.embedding_dim = held[0].ctypes.data_as(n.P(C.c_float)), held[0].size
    return f, held


class Network:
    """A network run directly, on tensors. Threads may share it: each call has a session of its own."""

    def __init__(self, model, owner):
        self._model, self._owner = model, owner  # the owner frees the model
        self._lock, self._free, self._all = threading.Lock(), [], []
        self.inputs = self._describe("fct_model_input", n.lib.fct_model_input_count(model))
        self.outputs = self._describe("fct_model_output", n.lib.fct_model_output_count(model))

    def _describe(self, function, count):
        """(name, shape) of each; a dimension that varies is None, a shape that is not declared too."""
        out = []
        for i in range(count):
            t = n.TensorInfo()
            n.call(function, self._model, i, C.byref(t))
            out.append((t.name.decode(), None if t.rank < 0 else [d if d >= 0 else None for d in t.dims[: t.rank]]))
        return out

    def __del__(self):
        for s in self._all:
            n.lib.fct_session_free(s)

    def _session(self):
        with self._lock:
            if self._free:
                return self._free.pop()
        s = C.c_void_p()
        n.call("fct_session_create", self._model, C.byref(s))
        with self._lock:
            self._all.append(s)
        return s

    def run(self, array):
        """All outputs for one input of float32."""
        a = np.ascontiguousarray(array, np.float32)
        if not 1 <= a.ndim <= n.MAX_RANK:
            raise ValueError(f"a tensor of 1 to {n.MAX_RANK} dimensions is wanted, got {a.ndim}")
        given, outs = n.Tensor(), (n.Tensor * len(self.outputs))()
        given.data, given.rank = a.ctypes.data_as(n.P(C.c_float)), a.ndim
        given.dims[: a.ndim] = a.shape
        session = self._session()
        try:
            n.call("fct_session_run", session, C.byref(given), 1, outs, len(outs))
            return [_array(t.data, *t.dims[: t.rank]) if t.rank else np.float32(t.data[0]) for t in outs]
        finally:
            with self._lock:
                self._free.append(session)


class LoadedNetwork(Network):
    """A network from an ONNX file of its own."""

    def __init__(self, path):
        model = C.c_void_p()
        n.call("fct_model_load", _encode(os.fspath(path)), None, C.byref(model))
        self._loaded = model
        super().__init__(model, None)

    def __del__(self):
        super().__del__()
        n.lib.fct_model_free(self._loaded)
