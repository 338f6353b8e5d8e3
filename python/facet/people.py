"""What a gallery knows of people besides their faces: collections, thresholds, notes, consent, who a person is not,
forgetting, the audit log. All of it are methods of facet.Gallery.

>>> gallery = facet.Gallery(PATH, actor="front desk")
>>> gallery.set_setting("audit", "changes")
>>> _ = gallery.add("my-network", "Ada", np.eye(4)[0])       # embeddings of one's own
>>> gallery.set_metadata("Ada", "badge", 1234)
>>> gallery.set_consent("Ada", "signed paper of May 2027")
>>> details = gallery.details("Ada")
>>> details.metadata, details.consent.text, details.expires
({'badge': 1234}, 'signed paper of May 2027', None)
>>> guests = gallery.add_collection("guests")
>>> gallery.move("Ada", "guests")
>>> gallery.set_threshold(0.55, "guests")
>>> gallery.collections()
[Collection(id=1, name='default', people=0, threshold=None), Collection(id=2, name='guests', people=1, threshold=0.55)]
>>> gallery.forget("Ada")                                    # no file holds anything of her afterwards
1
>>> [(entry.actor, entry.what, entry.detail) for entry in gallery.audit()][-1]
('front desk', 'forget', {'person': 1})
>>> gallery.verify_audit().entries
8
>>> gallery.close()
"""

import ctypes as C
import datetime
import json
import math
import os
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Union

import numpy as np

from . import _native as n
from ._public import Public, module_dir

__all__ = ["AuditEntry", "AuditState", "Collection", "Consent", "Details", "Negative", "Person", "Similar"]
__dir__ = module_dir(__all__)

_When = Union[None, int, float, datetime.date, datetime.datetime]


@dataclass(frozen=True)
class Person:
    """Somebody in a gallery. expires: when the person is to be forgotten, None = never."""

    id: int
    name: str
    faces: int  # how many are stored
    created: datetime.datetime = field(repr=False)
    collection_id: int = field(repr=False, default=1)
    expires: Optional[datetime.datetime] = field(repr=False, default=None)


@dataclass(frozen=True)
class Collection:
    """A part of a gallery; threshold: its own, None = it has none."""

    id: int
    name: str
    people: int
    threshold: Optional[float]
    created: datetime.datetime = field(repr=False, compare=False)


@dataclass(frozen=True)
class Consent:
    """Who noted when that a person agreed to what."""

    by: str
    text: str
    time: datetime.datetime


@dataclass(frozen=True)
class Details:
    """What is known of a person."""

    metadata: Dict[str, Any]
    consent: Optional[Consent]
    expires: Optional[datetime.datetime]


@dataclass(frozen=True)
class Negative:
    """A face that is not the person's."""

    id: int
    person_id: int
    created: datetime.datetime = field(repr=False)


@dataclass(frozen=True)
class Similar:
    """Two people who look alike, by their two most similar faces."""

    names: "tuple[str, str]"
    score: float
    person_ids: "tuple[int, int]"
    face_ids: "tuple[int, int]"


@dataclass(frozen=True)
class AuditEntry:
    """Something that was done: by whom, what, and to which numbers of people and faces."""

    seq: int
    time: datetime.datetime
    actor: str
    what: str
    detail: Dict[str, Any]
    hash: str = field(repr=False)


@dataclass(frozen=True)
class AuditState:
    """How many entries the log has, and the last one's hash: note it elsewhere."""

    entries: int
    hash: str


def as_text(value: Any) -> bytes:
    return (value if isinstance(value, str) else os.fspath(value)).encode("utf-8")


def as_time(seconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)


def as_seconds(when: _When) -> int:
    """Seconds since 1970 of a time, a day (its beginning, UTC) or a number; 0 for None."""
    if when is None:
        return 0
    if isinstance(when, datetime.datetime):
        return int(when.timestamp())
    if isinstance(when, datetime.date):
        return int(datetime.datetime(when.year, when.month, when.day, tzinfo=datetime.timezone.utc).timestamp())
    return int(when)


def as_person(p: n.Person) -> Person:
    expires = as_time(p.expires) if p.expires else None
    return Person(p.id, p.name.decode(), p.faces, as_time(p.created), p.collection_id, expires)


def _collection(c: n.Collection) -> Collection:
    threshold = None if math.isnan(c.threshold) else round(c.threshold, 6)
    return Collection(c.id, c.name.decode(), c.people, threshold, as_time(c.created))


_Who = Union[str, int, Person]
_Where = Union[None, str, int, Collection]


class People(Public):
    """Methods of facet.Gallery about people. Who: a name, an id or a Person. A collection: its name, its id or a
    Collection."""

    def find(self, name: str) -> Optional[Person]:
        """Somebody by name; None where there is nobody."""
        p = n.Person()
        try:
            self._call("fct_gallery_find", as_text(name), C.byref(p))
        except n.FacetError as e:
            if e.code == n.ERR_NOT_FOUND:
                return None
            raise
        return as_person(p)

    def _id_of(self, who: _Who) -> int:
        if isinstance(who, Person):
            return who.id
        if not isinstance(who, str):
            return int(who)
        p = self.find(who)
        if p is None:
            raise KeyError(f"nobody called {who} in the gallery")
        return p.id

    def _list(self, name: str, free: str, kind: Any, *args: Any) -> List[Any]:
        """Copies of what a call lists, before it is freed."""
        out, count = n.P(kind)(), C.c_int()
        self._call(name, *args, C.byref(out), C.byref(count))
        try:
            return [kind.from_buffer_copy(out[i]) for i in range(count.value)]
        finally:
            getattr(n.lib, free)(out)

    # ---- Collections and settings ------------------------------------------------------------

    def collections(self) -> List[Collection]:
        """All collections, by id. The first one is always there."""
        found = self._list("fct_gallery_collections", "fct_gallery_collections_free", n.Collection)
        return [_collection(c) for c in found]

    def _collection_id(self, where: _Where) -> int:
        if where is None:
            return 0
        if isinstance(where, Collection):
            return where.id
        if not isinstance(where, str):
            return int(where)
        out = C.c_int64()
        self._call("fct_gallery_find_collection", as_text(where), C.byref(out))
        return out.value

    def add_collection(self, name: str) -> int:
        """Makes a collection, or finds the one of this name; its id."""
        out = C.c_int64()
        self._call("fct_gallery_add_collection", as_text(name), C.byref(out))
        return out.value

    def rename_collection(self, where: Union[str, int, Collection], name: str) -> None:
        self._call("fct_gallery_rename_collection", self._collection_id(where), as_text(name))

    def remove_collection(self, where: Union[str, int, Collection]) -> int:
        """Removes a collection with all its people; how many there were."""
        out = C.c_int()
        self._call("fct_gallery_remove_collection", self._collection_id(where), C.byref(out))
        return out.value

    def move(self, who: _Who, where: Union[str, int, Collection]) -> None:
        """Moves a person to another collection."""
        self._call("fct_gallery_move_person", self._id_of(who), self._collection_id(where), None)

    def setting(self, key: str, collection: _Where = None) -> Optional[str]:
        """A text that stays with a collection, or with the whole gallery; None where it is not set."""
        out = C.c_void_p()
        try:
            self._call("fct_gallery_get_setting", self._collection_id(collection), as_text(key), C.byref(out))
        except n.FacetError as e:
            if e.code == n.ERR_NOT_FOUND:
                return None
            raise
        try:
            return C.string_at(out).decode()
        finally:
            n.lib.fct_buffer_free(out)

    def set_setting(self, key: str, value: Optional[str], collection: _Where = None) -> None:
        """None takes it away. "audit" is "off", "changes" or "searches"; keys of your own begin with "x."."""
        text = None if value is None else as_text(value)
        self._call("fct_gallery_set_setting", self._collection_id(collection), as_text(key), text)

    def threshold(self, collection: _Where = None) -> Optional[float]:
        """The least cosine of a match, of a collection or the whole gallery; None where none is set."""
        out = C.c_float()
        self._call("fct_gallery_threshold", self._collection_id(collection), C.byref(out))
        return None if math.isnan(out.value) else round(out.value, 6)

    def set_threshold(self, value: Optional[float], collection: _Where = None) -> None:
        """What identify() goes by where it is given no threshold; None takes it away."""
        self.set_setting("threshold", None if value is None else "%.6f" % value, collection)

    # ---- Notes about a person -------------------------------------------------------------------

    def details(self, who: _Who) -> Details:
        d, p, who = n.Details(), n.Person(), self._id_of(who)
        self._call("fct_gallery_details", who, C.byref(d))
        try:
            consent = None
            if d.consented:
                consent = Consent(d.consent_by.decode(), d.consent_text.decode(), as_time(d.consent_time))
            metadata = json.loads(d.metadata.decode())
        finally:
            n.lib.fct_details_clear(C.byref(d))
        self._call("fct_gallery_person", who, C.byref(p))
        return Details(metadata, consent, as_person(p).expires)

    def set_metadata(self, who: _Who, key: str, value: Any) -> None:
        """Notes anything that JSON can hold."""
        self._call("fct_gallery_set_metadata", self._id_of(who), as_text(key), json.dumps(value).encode())

    def remove_metadata(self, who: _Who, key: str) -> None:
        self._call("fct_gallery_set_metadata", self._id_of(who), as_text(key), None)

    def set_consent(self, who: _Who, text: Optional[str], *, by: str = "", time: _When = None) -> None:
        """Notes that the person agreed, and to what; text None takes the note back. time None: now."""
        seconds = as_seconds(time if time is not None else datetime.datetime.now(datetime.timezone.utc))
        note = None if text is None else as_text(text)
        self._call("fct_gallery_set_consent", self._id_of(who), as_text(by), note, seconds)

    def set_expires(self, who: _Who, when: _When) -> None:
        """When the person is to be forgotten; None: never."""
        self._call("fct_gallery_set_expires", self._id_of(who), as_seconds(when))

    def expired(self, now: _When = None) -> List[Person]:
        """The people whose time is over, for forget()."""
        now = as_seconds(now if now is not None else datetime.datetime.now(datetime.timezone.utc))
        return [as_person(p) for p in
                self._list("fct_gallery_expired", "fct_gallery_people_free", n.Person, C.c_int64(now))]

    def forget(self, *people: _Who) -> int:
        """Removes people so that no file of the gallery holds anything of them; how many there were."""
        ids = (C.c_int64 * max(1, len(people)))(*[self._id_of(p) for p in people])
        out = C.c_int()
        self._call("fct_gallery_forget", ids, len(people), C.byref(out))
        return out.value

    # ---- Who a person is not, and who looks alike -------------------------------------------------

    def reject(self, who: _Who, face: Any, model: Any = None) -> int:
        """"Not this person": face is the id of a stored face, or an embedding [dim] that model made (as for add()). The
        person is not found any more by what is as near to it as to the person's own faces. The negative's id."""
        out = C.c_int64()
        if isinstance(face, (int, np.integer)):
            self._call("fct_gallery_reject_face", self._id_of(who), int(face), C.byref(out))
            return out.value
        v = np.ascontiguousarray(face, np.float32).ravel()
        self._call("fct_gallery_reject", self._id_of(who), self._model_id(model), v.ctypes.data_as(n.P(C.c_float)),
                   len(v), C.byref(out))
        return out.value

    def negatives(self, who: Optional[_Who] = None) -> List[Negative]:
        """Those of a person, or of everybody."""
        person = C.c_int64(0 if who is None else self._id_of(who))
        found = self._list("fct_gallery_negatives", "fct_gallery_negatives_free", n.Negative, person)
        return [Negative(x.id, x.person_id, as_time(x.created)) for x in found]

    def remove_negative(self, negative_id: int) -> None:
        self._call("fct_gallery_remove_negative", negative_id)

    def similar(self, threshold: float = 0.4) -> List[Similar]:
        """Pairs of people with a cosine of at least threshold, best first."""
        found = self._list("fct_gallery_similar", "fct_gallery_similar_free", n.Similar, C.c_float(threshold))
        return [
            Similar((x.name[0].value.decode(), x.name[1].value.decode()), x.score, tuple(x.person_id), tuple(x.face_id))
            for x in found
        ]

    # ---- The audit log ---------------------------------------------------------------------------

    def audit(self, after: int = 0) -> List[AuditEntry]:
        """The entries after a number."""
        entries: List[AuditEntry] = []

        def visit(entry, user, err):
            x = entry.contents
            entries.append(AuditEntry(x.seq, as_time(x.time), x.actor.decode(), x.what.decode(),
                                      json.loads(x.detail.decode()), x.hash.decode()))
            return n.OK

        self._call("fct_gallery_audit", after, n.AuditVisit(visit), None)
        return entries

    def verify_audit(self) -> AuditState:
        """Goes through the chain of hashes; FacetError names the first entry that is not as it was written."""
        count, text = C.c_int64(), C.create_string_buffer(65)
        self._call("fct_gallery_verify_audit", C.byref(count), text)
        return AuditState(count.value, text.value.decode())

    def note(self, what: str, **detail: Any) -> None:
        """Adds an entry of your own; what: a word of a-z and '-'. Nothing where the log is off."""
        self._call("fct_gallery_note", as_text(what), json.dumps(detail).encode())
