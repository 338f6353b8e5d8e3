"""People and their faces, kept in a file.

>>> from facet.app import FaceAnalysis
>>> app = FaceAnalysis(PACK)
>>> gallery = facet.Gallery(PATH)
>>> gallery.enroll(app, "Ada", ADA)                          # a picture, or the path of one
Enrolled(face_id=1, outcome='stored', quality=0.21, warnings=[])
>>> [(m.name, round(m.score, 2)) for m in gallery.identify(app.get(ADA)[0].embedding, app)]
[('Ada', 1.0)]
>>> gallery.people()
[Person(id=1, name='Ada', faces=1)]
>>> len(gallery), "Ada" in gallery, "Zoe" in gallery
(1, True, False)
>>> gallery.export(EXPORT)
>>> gallery.remove("Ada")
>>> gallery.import_file(EXPORT)
1
>>> gallery.faces("Ada")[0].crop_cut
'aligned'
>>> gallery.crop(gallery.faces("Ada")[0].id)[:2]             # a JPEG file
b'\\xff\\xd8'
>>> gallery.close()
"""

import ctypes as C
import datetime
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Iterable, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np

from . import _native as n
from ._engine import native_face, picture, view
from ._public import module_dir
from .people import People, Person, as_person, as_seconds, as_text as _text, as_time as _time

if TYPE_CHECKING:
    from .app import FaceAnalysis
    from .app.common import Face

__all__ = ["Enrolled", "Flaw", "Gallery", "Match", "Person", "StoredFace"]
__dir__ = module_dir(__all__)

_OUTCOMES = ("no_face", "refused", "known", "stored")
_CUTS = ("unknown", "aligned", "loose")
_Source = Union["FaceAnalysis", str]


@dataclass(frozen=True)
class StoredFace:
    """A face in a gallery. box: x1, y1, x2, y2 in its source picture; quality: 0 to 1, None = unknown;
    crop_cut: how its picture was cut ("aligned", "loose", "unknown"), None = it has none."""

    id: int
    person_id: int
    created: datetime.datetime = field(repr=False)
    box: Tuple[float, float, float, float]
    score: float
    quality: Optional[float]
    source: str
    crop_cut: Optional[str]


@dataclass(frozen=True)
class Match:
    """A person found: score is the cosine to the nearest of the person's faces, face_id."""

    name: str
    score: float
    person_id: int
    face_id: int


@dataclass(frozen=True)
class Flaw:
    """What is wrong with a face: a word ("small"), what was measured and its limit, and a text that
    completes "the face is ..."."""

    flaw: str
    value: float
    limit: float
    text: str
    person_id: int = 0  # of "like_other": who that is


@dataclass(frozen=True)
class Enrolled:
    """What came of an enrollment. outcome: "stored", "known" (the person has this face already),
    "refused" or "no_face"; face_id: None where nothing is stored."""

    face_id: Optional[int]
    outcome: str
    quality: float
    warnings: List[Flaw]

    def __repr__(self) -> str:
        return (
            f"Enrolled(face_id={self.face_id}, outcome={self.outcome!r}, quality={self.quality:.2f}, "
            f"warnings={[w.text for w in self.warnings]})"
        )


def _stored(f: n.StoredFace) -> StoredFace:
    return StoredFace(
        f.id,
        f.person_id,
        _time(f.created),
        tuple(f.box),
        f.score,
        f.quality if f.quality > 0 else None,
        f.source.decode(),
        _CUTS[f.crop_cut] if f.has_crop else None,
    )


def _result(r: n.EnrollResult) -> Enrolled:
    flaws = [
        Flaw(n.lib.fct_flaw_name(w.flaw).decode(), w.value, w.limit, w.text.decode(), w.person_id)
        for w in r.warnings[: r.n_warnings]
    ]
    return Enrolled(r.face_id or None, _OUTCOMES[r.outcome], r.quality.score, flaws)


def _flaw_bits(refuse: Union[bool, Iterable[str]]) -> int:
    """True: all; else the words of those to refuse."""
    if refuse is True:
        return 0x7FFFFFFF
    bits = {n.lib.fct_flaw_name(1 << i): 1 << i for i in range(31) if n.lib.fct_flaw_name(1 << i)}
    known = {word.decode(): bit for word, bit in bits.items()}
    mask = 0
    for word in refuse or ():
        if word not in known:
            raise ValueError(f"no flaw is called {word!r}; there are {', '.join(sorted(known))}")
        mask |= known[word]
    return mask


class Gallery(People):
    """A gallery's file; path None: the user's own. It is made where there is none, unless read_only or must_exist. With
    a collection's name, work is done in that one alone; key opens an encrypted gallery: 64 hexadecimal digits, or the
    path of a file that holds them; actor is who the audit log says did what. path may be the address of a server
    (postgresql://user@host/database), which searches by itself where it has pgvector and server_from faces or more (0:
    never). What a call has stored is on disk when it returns. Threads may share one instance, and several processes one
    file; each closes its own (or uses with)."""

    def __init__(
        self,
        path: Union[str, "os.PathLike[str]", None] = None,
        *,
        read_only: bool = False,
        must_exist: bool = False,
        collection: Optional[str] = None,
        key: Optional[str] = None,
        actor: Optional[str] = None,
        server_from: Optional[int] = None,
    ):
        self._handle = None
        if path is None:
            standard = C.create_string_buffer(4096)
            n.call("fct_gallery_default_path", standard, len(standard))
            path = standard.value.decode()
        opts, handle = n.GalleryOpts(), C.c_void_p()
        n.lib.fct_gallery_opts_init(C.byref(opts))
        opts.read_only, opts.must_exist = read_only, must_exist
        if collection is not None:
            opts.collection = collection.encode()
        if key is not None:
            opts.key = key.encode()
        if actor is not None:
            opts.actor = actor.encode()
        if server_from is not None:
            opts.server_from = server_from
        n.call("fct_gallery_open", _text(path), C.byref(opts), C.byref(handle))
        self._handle, self.path = handle, os.fspath(path)

    def close(self) -> None:
        """No other call may be under way."""
        handle, self._handle = self._handle, None
        if handle:
            n.lib.fct_gallery_free(handle)

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self.close()

    def __enter__(self) -> "Gallery":
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()

    def __repr__(self) -> str:
        if not self._handle:
            return f"<facet Gallery {self.path}: closed>"
        info = self._info()
        return f"<facet Gallery {self.path}: {info.people} people, {info.faces} faces>"

    def __len__(self) -> int:
        return self._info().people

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.find(name) is not None

    def __iter__(self) -> Iterator[Person]:
        return iter(self.people())

    def _call(self, name: str, *args: Any) -> None:
        if not self._handle:
            raise ValueError("the gallery is closed")
        n.call(name, self._handle, *args)

    def _info(self) -> n.GalleryInfo:
        info = n.GalleryInfo()
        self._call("fct_gallery_stat", C.byref(info))
        return info

    @property
    def model_id(self) -> Optional[str]:
        """The network whose embeddings are stored; None while there are none."""
        return self._info().model_id.decode() or None

    # ---- Remembering and recognizing -----------------------------------------------------

    def enroll(
        self,
        app: "FaceAnalysis",
        name: str,
        img: Any,
        face: Optional["Face"] = None,
        *,
        source: Optional[str] = None,
        refuse: Union[bool, Sequence[str]] = (),
        threshold: float = 0,
        duplicate: float = 0.9999,
        store_crop: bool = True,
    ) -> Enrolled:
        """Stores a face of a picture (an array, BGR, or the path of a file) as name's: face, or the largest that
        app finds. The result says what is wrong with it; refuse names flaws (or True: all) for which it is not
        stored. threshold: cosine of one person's faces, 0 = the pack's."""
        pixels = picture(img)
        if source is None and pixels is not img:
            source = os.fspath(img)
        several = 0
        if face is None:
            faces = app.get(pixels)
            if not faces:
                return Enrolled(None, "no_face", 0.0, [])
            face = max(faces, key=lambda f: (f.bbox[2] - f.bbox[0]) * (f.bbox[3] - f.bbox[1]))
            several = len(faces) if len(faces) > 1 else 0
        mask = _flaw_bits(refuse)
        flaw = [Flaw("several", several, 1, f"the largest of {several} in the picture")] if several else []
        if flaw and mask & _flaw_bits(["several"]):
            return Enrolled(None, "refused", 0.0, flaw)
        r = self._enroll(app, name, pixels, face, source, mask, threshold, duplicate, store_crop)
        return Enrolled(r.face_id, r.outcome, r.quality, flaw + r.warnings)

    def _enroll(
        self,
        app: Any,
        name: str,
        pixels: Any,
        face: Any,
        source: Optional[str],
        mask: int,
        threshold: float,
        duplicate: float,
        store_crop: bool,
    ) -> Enrolled:
        opts, out = n.EnrollOpts(), n.EnrollResult()
        n.lib.fct_enroll_opts_init(C.byref(opts))
        opts.refuse, opts.threshold, opts.duplicate, opts.no_crop = mask, threshold, duplicate, not store_crop
        opts.source = None if source is None else _text(source)
        v, held = view(pixels)
        native, arrays = native_face(face)
        self._call("fct_enroll", app._pack._handle, _text(name), v, C.byref(native), C.byref(opts), C.byref(out))
        return _result(out)

    def add(self, model: _Source, name: str, embeddings: Any, *, sources: Optional[Sequence[str]] = None) -> List[int]:
        """Stores embeddings [n, dim] of your own without pictures; model: the FaceAnalysis that made them, or an
        id of 1 to 64 characters for a network of your own. Returns the faces' ids."""
        e = np.ascontiguousarray(np.atleast_2d(np.asarray(embeddings, np.float32)))
        ids, faces, model_id = (C.c_int64 * len(e))(), (n.Enrollment * len(e))(), self._model_id(model)
        texts = [None if not sources else _text(s) for s in sources or [None] * len(e)]
        if len(texts) != len(e):
            raise ValueError(f"{len(texts)} sources for {len(e)} embeddings")
        for f, row, text in zip(faces, e, texts):
            f.model_id, f.embedding, f.dim, f.source = model_id, row.ctypes.data_as(n.P(C.c_float)), e.shape[1], text
        self._call("fct_gallery_enroll", _text(name), faces, len(e), ids, None)
        return list(ids)

    @staticmethod
    def _model_id(model: _Source) -> bytes:
        return _text(model) if isinstance(model, str) else model._pack.embedder_id.encode()

    def _search_opts(self, model: _Source, threshold: Optional[float], **limits: Any) -> Tuple[n.SearchOpts, Any]:
        """The options, and what they borrow."""
        o, ids = n.SearchOpts(), None
        n.lib.fct_search_opts_init(C.byref(o))
        o.fallback = 0.4 if isinstance(model, str) else model._pack.threshold
        if threshold is not None:
            o.threshold = threshold
        o.templates = 1 if limits.pop("means", False) else 0
        o.stored_from, o.stored_before = (as_seconds(limits.pop(k, None)) for k in ("stored_from", "stored_before"))
        some, others = limits.pop("people", None), limits.pop("except_people", None)
        if limits:
            raise TypeError(f"identify() has no argument {', '.join(limits)}")
        if some is not None and others is not None:
            raise ValueError("people or except_people, not both")
        if some is not None or others is not None:
            chosen = [self._id_of(p) for p in (some if some is not None else others)]
            ids = (C.c_int64 * max(1, len(chosen)))(*chosen)
            o.people, o.n_people, o.except_people = ids, len(chosen), others is not None
        return o, ids

    def identify(
        self, embeddings: Any, model: _Source, *, threshold: Optional[float] = None, top: int = 1, **limits: Any
    ) -> Any:
        """The people nearest to an embedding [dim], best first: a list of at most top Match. For embeddings
        [n, dim]: a list of such lists. threshold: least cosine; None: the collection's or gallery's own, else the
        pack's (0.4 for a model's id). means=True compares with the mean of each person's faces. people=[...] (names,
        ids) finds these alone, except_people=[...] all others; stored_from= and stored_before= (times, days) only faces
        that were stored then."""
        e = np.asarray(embeddings, np.float32)
        rows = np.ascontiguousarray(np.atleast_2d(e))
        if rows.ndim != 2:
            raise ValueError(f"embeddings [dim] or [n, dim] are wanted, got {e.shape}")
        o, held = self._search_opts(model, threshold, **limits)
        o.k = top
        found, counts = (n.Match * max(1, len(rows) * top))(), (C.c_int * max(1, len(rows)))()
        if len(rows):
            at = rows.ctypes.data_as(n.P(C.c_float))
            self._call("fct_gallery_search_with", self._model_id(model), at, len(rows), rows.shape[1], C.byref(o),
                       found, counts)
        lists = [
            [Match(m.name.decode(), m.score, m.person_id, m.face_id) for m in found[i * top : i * top + counts[i]]]
            for i in range(len(rows))
        ]
        return lists[0] if e.ndim == 1 else lists

    def identify_picture(
        self, embeddings: Any, model: _Source, *, threshold: Optional[float] = None, **limits: Any
    ) -> List[Optional[Match]]:
        """Who is who among the faces of one picture, embeddings [n, dim]: a Match or None for each, and nobody twice.
        The other arguments are those of identify()."""
        rows = np.ascontiguousarray(np.asarray(embeddings, np.float32))
        if len(rows) == 0:
            return []
        if rows.ndim != 2:
            raise ValueError(f"embeddings [n, dim] are wanted, got {rows.shape}")
        o, held = self._search_opts(model, threshold, **limits)
        out = (n.Match * len(rows))()
        at = rows.ctypes.data_as(n.P(C.c_float))
        self._call("fct_gallery_identify", self._model_id(model), at, len(rows), rows.shape[1], C.byref(o), out)
        return [Match(m.name.decode(), m.score, m.person_id, m.face_id) if m.person_id else None for m in out]

    # ---- People and faces -------------------------------------------------------------------

    def people(self) -> List[Person]:
        """Everybody, by name."""
        return [as_person(p) for p in self._list("fct_gallery_people", "fct_gallery_people_free", n.Person)]

    def faces(self, who: Union[str, int, Person]) -> List[StoredFace]:
        """The faces of a person (a name, an id or a Person), oldest first."""
        person = C.c_int64(self._id_of(who))
        return [_stored(f) for f in
                self._list("fct_gallery_faces", "fct_gallery_faces_free", n.StoredFace, person)]

    def embedding(self, face_id: int) -> np.ndarray:
        """The embedding of a stored face, as the network gave it."""
        out, dim = np.empty(max(1, self._info().dim), np.float32), C.c_int()
        self._call("fct_gallery_embedding", face_id, out.ctypes.data_as(n.P(C.c_float)), out.size, C.byref(dim))
        return out[: dim.value]

    def crop(self, face_id: int) -> bytes:
        """The picture of a stored face, a JPEG file."""
        data, size = C.c_void_p(), C.c_size_t()
        self._call("fct_gallery_crop", face_id, C.byref(data), C.byref(size))
        try:
            return C.string_at(data, size.value)
        finally:
            n.lib.fct_buffer_free(data)

    def rename(self, who: Union[str, int, Person], name: str) -> None:
        self._call("fct_gallery_rename", self._id_of(who), _text(name))

    def remove(self, who: Union[str, int, Person]) -> None:
        """Removes a person with all faces."""
        self._call("fct_gallery_remove_person", self._id_of(who))

    def remove_face(self, face_id: int) -> None:
        self._call("fct_gallery_remove_face", face_id)

    def merge(self, who: Union[str, int, Person], into: Union[str, int, Person]) -> None:
        """Gives all faces of one person to another, and forgets the first name."""
        self._call("fct_gallery_merge", self._id_of(who), self._id_of(into))

    # ---- Files ---------------------------------------------------------------------------------

    def check(self) -> None:
        """Reads everything; FacetError with the first fault."""
        self._call("fct_gallery_check")

    def backup(self, path: Any) -> None:
        """Writes a copy, which is a gallery itself, also while others write."""
        self._call("fct_gallery_backup", _text(path))

    def export(self, path: Any, *, crops: bool = True) -> None:
        """Writes everything as text, one JSON object a line (docs/gallery-format.md)."""
        self._call("fct_gallery_export", _text(path), crops)

    def import_file(self, path: Any) -> int:
        """Adds what such a file holds; how many faces were new."""
        added = C.c_int()
        self._call("fct_gallery_import", _text(path), C.byref(added))
        return added.value
