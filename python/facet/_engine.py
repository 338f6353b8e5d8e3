"""Packs and analyzers as Python objects; pictures and results as NumPy arrays."""
import ctypes as C
import threading

import numpy as np

from . import _native as n

TASKS = {"detection": n.TASK_DETECT, "recognition": n.TASK_EMBED, "landmark_2d_106": n.TASK_LANDMARK_106,
         "landmark_3d_68": n.TASK_LANDMARK_68, "genderage": n.TASK_GENDER_AGE}
_FORMATS = {1: n.PIX_GRAY, 3: n.PIX_BGR, 4: n.PIX_BGRA}


def _encode(text):
    return None if text is None else str(text).encode("utf-8")


def view(img):
    """A view of a picture (H x W x 3 uint8, BGR, as cv2.imread gives it; H x W gray and
    H x W x 4 too) and the array it borrows from. Copies only where pixels of a row do not
    lie next to each other."""
    a = np.asarray(img)
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
            f = n.lib.fct_faces_at(handle, i).contents
            faces.append({
                "bbox": np.array(f.box, np.float32), "det_score": np.float32(f.score),
                "kps": np.array(f.kps, np.float32).reshape(5, 2) if f.has_kps else None,
                "embedding": _array(f.embedding, f.embedding_dim),
                "landmark_2d_106": _array(f.landmark_106, 106, 2),
                "landmark_3d_68": _array(f.landmark_68, 68, 3),
                "pose": np.array(f.pose, np.float32) if f.has_pose else None,
                "gender": f.gender if f.gender >= 0 else None,
                "age": f.age if f.gender >= 0 else None,
                "turns": f.turns})
    finally:
        n.lib.fct_faces_free(handle)
    return faces
