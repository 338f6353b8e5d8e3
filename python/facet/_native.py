"""ctypes layer over facet's public headers (base.h, image.h, model.h, face.h, gallery.h, privacy.h, enroll.h).

Nothing here has a meaning of its own: structures and functions are the
headers', one to one; the headers are the documentation. ctypes releases the
GIL during every call.
"""
import ctypes as C
import os
import sys

P = C.POINTER
OK, ERR_UNSUPPORTED, ERR_NOT_FOUND = 0, -5, -7
PIX_RGB, PIX_BGR, PIX_GRAY, PIX_RGBA, PIX_BGRA = range(5)
TASK_DETECT, TASK_EMBED, TASK_LANDMARK_106, TASK_LANDMARK_68, TASK_GENDER_AGE, TASK_ALL = 1, 2, 4, 8, 16, 0x7fffffff
METRIC_DEFAULT, METRIC_MAX = 0, 1
PRECISION_FAST, PRECISION_EXACT = 0, 1
MAX_DET_SIZES, MAX_RANK, ENROLL_WARNINGS = 4, 8, 12


class Error(C.Structure):
    _fields_ = [("code", C.c_int), ("text", C.c_char * 500)]


class View(C.Structure):
    _fields_ = [("data", C.c_void_p), ("width", C.c_int), ("height", C.c_int), ("stride", C.c_ssize_t),
                ("format", C.c_int)]


class Face(C.Structure):
    _fields_ = [("box", C.c_float * 4), ("score", C.c_float), ("has_kps", C.c_bool), ("kps", C.c_float * 10),
                ("embedding", P(C.c_float)), ("embedding_dim", C.c_int), ("embedding_norm", C.c_float),
                ("landmark_106", P(C.c_float)), ("landmark_68", P(C.c_float)), ("has_pose", C.c_bool),
                ("pose", C.c_float * 3), ("gender", C.c_int), ("age", C.c_int), ("turns", C.c_int),
                ("values", C.c_void_p)]


class TaskInfo(C.Structure):
    _fields_ = [("task", C.c_int), ("name", C.c_char_p), ("key", C.c_char_p), ("rows", C.c_int), ("columns", C.c_int)]


class PackOpts(C.Structure):
    _fields_ = [("size", C.c_size_t), ("root", C.c_char_p), ("tasks", C.c_uint32), ("precision", C.c_int),
                ("low_memory", C.c_bool), ("cache_dir", C.c_char_p), ("names_only", C.c_bool),
                ("device", C.c_char_p)]


class PackFile(C.Structure):
    _fields_ = [("path", C.c_char_p), ("id", C.c_char_p), ("task", C.c_uint32), ("note", C.c_char_p),
                ("input_width", C.c_int), ("input_height", C.c_int), ("embedding_dim", C.c_int),
                ("mean", C.c_double), ("std", C.c_double)]


class Size(C.Structure):
    _fields_ = [("width", C.c_int), ("height", C.c_int)]


class AnalyzerOpts(C.Structure):
    _fields_ = [("size", C.c_size_t), ("tasks", C.c_uint32), ("n_det_sizes", C.c_int),
                ("det_sizes", Size * MAX_DET_SIZES), ("det_thresh", C.c_float), ("nms_thresh", C.c_float),
                ("max_faces", C.c_int), ("metric", C.c_int), ("rotations", C.c_bool), ("tile", C.c_int),
                ("fit", C.c_bool), ("second_look", C.c_bool), ("enlarge", C.c_int)]


class DecodeOpts(C.Structure):
    _fields_ = [("size", C.c_size_t), ("format", C.c_int), ("max_pixels", C.c_int64), ("keep_orientation", C.c_bool),
                ("min_side_hint", C.c_int), ("spare", C.c_void_p), ("part", C.c_void_p)]


class TensorInfo(C.Structure):
    _fields_ = [("name", C.c_char_p), ("rank", C.c_int), ("dims", C.c_int64 * MAX_RANK)]


class Tensor(C.Structure):
    _fields_ = [("data", P(C.c_float)), ("rank", C.c_int), ("dims", C.c_int64 * MAX_RANK)]


class GalleryOpts(C.Structure):
    _fields_ = [("size", C.c_size_t), ("read_only", C.c_bool), ("must_exist", C.c_bool), ("busy_ms", C.c_int),
                ("search", C.c_int), ("cache_from", C.c_int), ("server_from", C.c_int64), ("collection", C.c_char_p),
                ("key", C.c_char_p), ("actor", C.c_char_p)]


class Enrollment(C.Structure):
    _fields_ = [("model_id", C.c_char_p), ("embedding", P(C.c_float)), ("dim", C.c_int), ("source", C.c_char_p),
                ("box", C.c_float * 4), ("score", C.c_float), ("quality", C.c_float), ("crop", C.c_void_p),
                ("crop_len", C.c_size_t), ("crop_cut", C.c_int)]


class Match(C.Structure):
    _fields_ = [("person_id", C.c_int64), ("face_id", C.c_int64), ("score", C.c_float), ("name", C.c_char * 201),
                ("collection_id", C.c_int64)]


class Person(C.Structure):
    _fields_ = [("id", C.c_int64), ("name", C.c_char * 201), ("faces", C.c_int), ("created", C.c_int64),
                ("collection_id", C.c_int64), ("expires", C.c_int64)]


class Collection(C.Structure):
    _fields_ = [("id", C.c_int64), ("name", C.c_char * 201), ("created", C.c_int64), ("people", C.c_int),
                ("threshold", C.c_float)]


class SearchOpts(C.Structure):
    _fields_ = [("size", C.c_size_t), ("k", C.c_int), ("threshold", C.c_float), ("fallback", C.c_float),
                ("templates", C.c_int), ("ignore_negatives", C.c_bool), ("repeats", C.c_bool),
                ("people", P(C.c_int64)), ("n_people", C.c_int), ("except_people", C.c_bool),
                ("stored_from", C.c_int64), ("stored_before", C.c_int64)]


class Negative(C.Structure):
    _fields_ = [("id", C.c_int64), ("person_id", C.c_int64), ("created", C.c_int64)]


class Similar(C.Structure):
    _fields_ = [("person_id", C.c_int64 * 2), ("face_id", C.c_int64 * 2), ("score", C.c_float),
                ("name", (C.c_char * 201) * 2)]


class Details(C.Structure):
    _fields_ = [("metadata", C.c_char_p), ("consented", C.c_bool), ("consent_by", C.c_char_p),
                ("consent_text", C.c_char_p), ("consent_time", C.c_int64)]


class AuditEntry(C.Structure):
    _fields_ = [("seq", C.c_int64), ("time", C.c_int64), ("actor", C.c_char_p), ("what", C.c_char_p),
                ("detail", C.c_char_p), ("hash", C.c_char * 65)]


AuditVisit = C.CFUNCTYPE(C.c_int, P(AuditEntry), C.c_void_p, P(Error))


class StoredFace(C.Structure):
    _fields_ = [("id", C.c_int64), ("person_id", C.c_int64), ("created", C.c_int64), ("box", C.c_float * 4),
                ("score", C.c_float), ("quality", C.c_float), ("has_crop", C.c_bool), ("crop_cut", C.c_int),
                ("source", C.c_char * 512)]


class GalleryInfo(C.Structure):
    _fields_ = [("path", C.c_char * 1024), ("model_id", C.c_char * 65), ("dim", C.c_int), ("people", C.c_int),
                ("faces", C.c_int), ("encrypted", C.c_bool), ("schema", C.c_int), ("fast", C.c_bool),
                ("by_server", C.c_bool), ("cached", C.c_bool)]


class Quality(C.Structure):
    _fields_ = [(name, C.c_float) for name in (
        "side", "eyes", "detection", "outside", "turn", "nod", "misfit", "brightness", "contrast", "clipped", "detail",
        "size_grade", "sharpness_grade", "pose_grade", "exposure_grade", "landmark_grade", "score")]


class Warning(C.Structure):
    _fields_ = [("flaw", C.c_int), ("value", C.c_float), ("limit", C.c_float), ("person_id", C.c_int64),
                ("text", C.c_char * 160)]


class EnrollOpts(C.Structure):
    _fields_ = [("size", C.c_size_t), ("threshold", C.c_float), ("duplicate", C.c_float), ("refuse", C.c_uint32),
                ("face", C.c_int), ("no_crop", C.c_bool), ("source", C.c_char_p), ("limits", C.c_void_p),
                ("person_id", C.c_int64)]


class EnrollResult(C.Structure):
    _fields_ = [("outcome", C.c_int), ("face_id", C.c_int64), ("face", C.c_int), ("quality", Quality),
                ("n_warnings", C.c_int), ("warnings", Warning * ENROLL_WARNINGS)]


class FacetError(RuntimeError):
    """A call into the library failed; code is the fct_status."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


_STATUS = {  # name: argument types but for the trailing fct_error *
    "fct_set_threads": [C.c_int],
    "fct_pack_open": [C.c_char_p, P(PackOpts), P(C.c_void_p)],
    "fct_pack_file_info": [C.c_void_p, C.c_int, P(PackFile)],
    "fct_analyzer_create": [C.c_void_p, P(AnalyzerOpts), P(C.c_void_p)],
    "fct_analyzer_configure": [C.c_void_p, P(AnalyzerOpts)],
    "fct_analyze_batch": [C.c_void_p, P(View), C.c_int, P(C.c_void_p)],
    "fct_analyze_known": [C.c_void_p, View, C.c_int, P(C.c_float), P(C.c_float), P(C.c_void_p)],
    "fct_embed_aligned": [C.c_void_p, P(View), C.c_int, P(C.c_float)],
    "fct_align_matrix": [P(C.c_float), C.c_int, P(C.c_double)],
    "fct_align": [View, P(C.c_float), C.c_int, P(C.c_void_p)],
    "fct_image_read": [C.c_char_p, P(DecodeOpts), P(C.c_void_p)],
    "fct_image_resize": [View, C.c_int, C.c_int, P(C.c_void_p)],
    "fct_model_load": [C.c_char_p, C.c_void_p, P(C.c_void_p)],
    "fct_model_input": [C.c_void_p, C.c_int, P(TensorInfo)],
    "fct_model_output": [C.c_void_p, C.c_int, P(TensorInfo)],
    "fct_session_create": [C.c_void_p, P(C.c_void_p)],
    "fct_session_run": [C.c_void_p, P(Tensor), C.c_int, P(Tensor), C.c_int],
    "fct_gallery_open": [C.c_char_p, P(GalleryOpts), P(C.c_void_p)],
    "fct_gallery_default_path": [C.c_char_p, C.c_size_t],
    "fct_gallery_enroll": [C.c_void_p, C.c_char_p, P(Enrollment), C.c_int, P(C.c_int64), P(C.c_int)],
    "fct_gallery_search_batch": [C.c_void_p, C.c_char_p, P(C.c_float), C.c_int, C.c_int, C.c_float, C.c_int, P(Match),
                                 P(C.c_int)],
    "fct_gallery_search_with": [C.c_void_p, C.c_char_p, P(C.c_float), C.c_int, C.c_int, P(SearchOpts), P(Match),
                                P(C.c_int)],
    "fct_gallery_identify": [C.c_void_p, C.c_char_p, P(C.c_float), C.c_int, C.c_int, P(SearchOpts), P(Match)],
    "fct_gallery_similar": [C.c_void_p, C.c_float, P(P(Similar)), P(C.c_int)],
    "fct_gallery_reject": [C.c_void_p, C.c_int64, C.c_char_p, P(C.c_float), C.c_int, P(C.c_int64)],
    "fct_gallery_reject_face": [C.c_void_p, C.c_int64, C.c_int64, P(C.c_int64)],
    "fct_gallery_negatives": [C.c_void_p, C.c_int64, P(P(Negative)), P(C.c_int)],
    "fct_gallery_remove_negative": [C.c_void_p, C.c_int64],
    "fct_gallery_collections": [C.c_void_p, P(P(Collection)), P(C.c_int)],
    "fct_gallery_add_collection": [C.c_void_p, C.c_char_p, P(C.c_int64)],
    "fct_gallery_find_collection": [C.c_void_p, C.c_char_p, P(C.c_int64)],
    "fct_gallery_rename_collection": [C.c_void_p, C.c_int64, C.c_char_p],
    "fct_gallery_remove_collection": [C.c_void_p, C.c_int64, P(C.c_int)],
    "fct_gallery_move_person": [C.c_void_p, C.c_int64, C.c_int64, C.c_char_p],
    "fct_gallery_get_setting": [C.c_void_p, C.c_int64, C.c_char_p, P(C.c_void_p)],
    "fct_gallery_set_setting": [C.c_void_p, C.c_int64, C.c_char_p, C.c_char_p],
    "fct_gallery_threshold": [C.c_void_p, C.c_int64, P(C.c_float)],
    "fct_gallery_person": [C.c_void_p, C.c_int64, P(Person)],
    "fct_gallery_details": [C.c_void_p, C.c_int64, P(Details)],
    "fct_gallery_set_metadata": [C.c_void_p, C.c_int64, C.c_char_p, C.c_char_p],
    "fct_gallery_set_consent": [C.c_void_p, C.c_int64, C.c_char_p, C.c_char_p, C.c_int64],
    "fct_gallery_set_expires": [C.c_void_p, C.c_int64, C.c_int64],
    "fct_gallery_expired": [C.c_void_p, C.c_int64, P(P(Person)), P(C.c_int)],
    "fct_gallery_forget": [C.c_void_p, P(C.c_int64), C.c_int, P(C.c_int)],
    "fct_gallery_audit": [C.c_void_p, C.c_int64, AuditVisit, C.c_void_p],
    "fct_gallery_verify_audit": [C.c_void_p, P(C.c_int64), C.c_char_p],
    "fct_gallery_note": [C.c_void_p, C.c_char_p, C.c_char_p],
    "fct_gallery_people": [C.c_void_p, P(P(Person)), P(C.c_int)],
    "fct_gallery_faces": [C.c_void_p, C.c_int64, P(P(StoredFace)), P(C.c_int)],
    "fct_gallery_find": [C.c_void_p, C.c_char_p, P(Person)],
    "fct_gallery_rename": [C.c_void_p, C.c_int64, C.c_char_p],
    "fct_gallery_remove_person": [C.c_void_p, C.c_int64],
    "fct_gallery_remove_face": [C.c_void_p, C.c_int64],
    "fct_gallery_merge": [C.c_void_p, C.c_int64, C.c_int64],
    "fct_gallery_crop": [C.c_void_p, C.c_int64, P(C.c_void_p), P(C.c_size_t)],
    "fct_gallery_embedding": [C.c_void_p, C.c_int64, P(C.c_float), C.c_int, P(C.c_int)],
    "fct_gallery_stat": [C.c_void_p, P(GalleryInfo)],
    "fct_gallery_check": [C.c_void_p],
    "fct_gallery_backup": [C.c_void_p, C.c_char_p],
    "fct_gallery_export": [C.c_void_p, C.c_char_p, C.c_bool],
    "fct_gallery_import": [C.c_void_p, C.c_char_p, P(C.c_int)],
    "fct_enroll": [C.c_void_p, C.c_void_p, C.c_char_p, View, P(Face), P(EnrollOpts), P(EnrollResult)],
}
_PLAIN = {  # name: (result, argument types)
    "fct_version": (C.c_char_p, []),
    "fct_threads": (C.c_int, []),
    "fct_cache_default_dir": (C.c_bool, [C.c_char_p, C.c_size_t]),
    "fct_pack_opts_init": (None, [P(PackOpts)]),
    "fct_pack_free": (None, [C.c_void_p]),
    "fct_pack_file_count": (C.c_int, [C.c_void_p]),
    "fct_pack_name": (C.c_char_p, [C.c_void_p]),
    "fct_pack_tasks": (C.c_uint32, [C.c_void_p]),
    "fct_pack_embedding_dim": (C.c_int, [C.c_void_p]),
    "fct_pack_embedder_id": (C.c_char_p, [C.c_void_p]),
    "fct_pack_threshold": (C.c_float, [C.c_void_p]),
    "fct_analyzer_opts_init": (None, [P(AnalyzerOpts)]),
    "fct_analyzer_free": (None, [C.c_void_p]),
    "fct_faces_count": (C.c_int, [C.c_void_p]),
    "fct_faces_at": (P(Face), [C.c_void_p, C.c_int]),
    "fct_faces_free": (None, [C.c_void_p]),
    "fct_face_values": (P(C.c_float), [P(Face), C.c_int]),
    "fct_task_at": (C.c_bool, [C.c_int, P(TaskInfo)]),
    "fct_image_view": (View, [C.c_void_p]),
    "fct_image_free": (None, [C.c_void_p]),
    "fct_buffer_free": (None, [C.c_void_p]),
    "fct_decode_opts_init": (None, [P(DecodeOpts)]),
    "fct_pack_model": (C.c_void_p, [C.c_void_p, C.c_int]),
    "fct_model_free": (None, [C.c_void_p]),
    "fct_model_input_count": (C.c_int, [C.c_void_p]),
    "fct_model_output_count": (C.c_int, [C.c_void_p]),
    "fct_session_free": (None, [C.c_void_p]),
    "fct_gallery_opts_init": (None, [P(GalleryOpts)]),
    "fct_gallery_free": (None, [C.c_void_p]),
    "fct_search_opts_init": (None, [P(SearchOpts)]),
    "fct_gallery_similar_free": (None, [P(Similar)]),
    "fct_gallery_negatives_free": (None, [P(Negative)]),
    "fct_gallery_collections_free": (None, [P(Collection)]),
    "fct_details_clear": (None, [P(Details)]),
    "fct_gallery_people_free": (None, [P(Person)]),
    "fct_gallery_faces_free": (None, [P(StoredFace)]),
    "fct_enroll_opts_init": (None, [P(EnrollOpts)]),
    "fct_flaw_name": (C.c_char_p, [C.c_int]),
    "fct_build_features": (C.c_char_p, []),
}


def _find():
    """The library: FCT_LIBRARY, else beside this file (as in a wheel), else the system's."""
    name = {"win32": "facet.dll", "darwin": "libfacet.dylib"}.get(sys.platform, "libfacet.so.0")
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    return os.environ.get("FCT_LIBRARY") or (beside if os.path.exists(beside) else name)


def _load():
    path = _find()
    try:
        lib = C.CDLL(path)
    except OSError as e:
        raise ImportError(f"facet's library cannot be loaded ({e}); set FCT_LIBRARY to its path") from e
    for name, args in _STATUS.items():
        f = getattr(lib, name)
        f.restype, f.argtypes = C.c_int, args + [P(Error)]
    for name, (result, args) in _PLAIN.items():
        f = getattr(lib, name)
        f.restype, f.argtypes = result, args
    return lib


lib = _load()


def call(name, *args):
    """Calls a fallible function; raises FacetError with the library's own text."""
    err = Error()
    status = getattr(lib, name)(*args, C.byref(err))
    if status != OK:
        raise FacetError(status, err.text.decode("utf-8", "replace"))
