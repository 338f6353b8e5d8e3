#!/usr/bin/env python3
"""facet's own interface: every operation, every way to send a picture, what is refused; all answers are held against
the OpenAPI file that the server gives. What is found is compared with what the command finds.

usage: api_test.py FACET MAKE_PACK"""

import json
import sqlite3
import subprocess
import sys
import threading
import time

import again_checks
import jobs_checks
import manage_checks
from schema_check import Asker
from serve_box import Box, PERSONS, Report, b64, multipart

SEARCH = "/v1/collections/_default/search"


def command(box, *args):
    words = [box.facet, *args, "-m", "pack", "--json"]
    out = subprocess.run(words, cwd=box.dir, capture_output=True, text=True, env=box.env)
    return json.loads(out.stdout.splitlines()[0])


def pictures(ask, box, report):
    """The same picture in all forms gives the same faces, which are those that 'facet detect' finds."""
    ada = box.picture("ada.png")
    post = ("POST", "/v1/detect")
    replies = [
        ask("detect: form", 200, *post, fields=[("image", ada)]),
        ask("detect: other parts first", 200, *post, fields=[("collection_id", "x"), ("a", "b"), ("image", ada)]),
        ask("detect: a file without a name", 200, *post, fields=[("image", ("", ada))]),
        ask("detect: base 64 in a form", 200, *post, fields=[("image", b64(ada))]),
        ask("detect: raw", 200, *post, body=ada, headers={"Content-Type": "image/png"}),
        ask("detect: octets", 200, *post, body=ada, headers={"Content-Type": "application/octet-stream"}),
        ask("detect: JSON", 200, *post, value={"image": b64(ada)}),
        ask("detect: JSON with a data URL", 200, *post, value={"image": "data:image/png;base64," + b64(ada)}),
        ask("detect: base 64 in lines, without padding", 200, *post,
            value={"image": "\n".join([b64(ada)[i : i + 76] for i in range(0, len(b64(ada)), 76)]).rstrip("=")}),
    ]  # fmt: skip
    faces = [r.json["faces"] for r in replies if r.status == 200]
    report.check("all forms give one answer", [] if all(f == faces[0] for f in faces) else ["they differ"])
    mine, theirs = faces[0], command(box, "detect", "ada.png")["faces"]
    found = [] if len(mine) == len(theirs) == 1 else ["%d and %d faces" % (len(mine), len(theirs))]
    for a, b in zip(mine, theirs):
        px, box4 = a["bbox"]["pixels"], b["box"]
        off = max(abs(px["x"] - box4[0]), abs(px["y"] - box4[1]), abs(px["x"] + px["width"] - box4[2]))
        if off > 1.5 or abs(a["detection_score"] - b["score"]) > 1e-4:
            found.append("%s and %s" % (a, b))
    report.check("the faces are those of 'facet detect'", found)
    embedded = ask("embeddings", 200, "POST", "/v1/embeddings", fields=[("image", ada)]).json["faces"][0][
        "embedding"
    ]
    line = command(box, "embed", "--normalize", "ada.png")
    near = max(abs(x - y) for x, y in zip(embedded, line["faces"][0]["embedding"]))
    report.check(
        "the embedding is that of 'facet embed'", [] if near < 1e-5 and len(embedded) > 8 else [str(near)]
    )
    same = ask("compare", 200, "POST", "/v1/compare",
               fields=[("source", ada), ("target", box.picture("ada2.jpg"))]).json  # fmt: skip
    other = ask(
        "compare: others",
        200,
        "POST",
        "/v1/compare",
        fields=[("source", ada), ("target", box.picture("bob.png"))],
    )
    cosine = command(box, "compare", "ada.png", "ada2.jpg")["cosine"]
    fine = same["matched"] and not other.json["matched"] and abs(same["similarity"] - cosine) < 1e-3
    report.check("the similarity is that of 'facet compare'", [] if fine else [str((same, cosine))])
    ask(
        "compare: a threshold",
        200,
        "POST",
        "/v1/compare",
        value={"source": b64(ada), "target": b64(ada), "threshold": 1},
    )


def faulty(ask, box, report):
    ada = box.picture("ada.png")
    post = ("POST", "/v1/detect")
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    ask("no body", 400, *post)
    ask("no picture", 400, *post, fields=[("other", "x")])
    told = ask("a photo as curl --data-binary sends it", 400, *post, body=ada,
               headers={"Content-Type": "application/x-www-form-urlencoded"})  # fmt: skip
    report.check("it says what is wrong", [] if "image/jpeg" in told.json["detail"] else [told.json["detail"]])
    told = ask("a collection without id", 400, "POST", "/v1/collections", value={})
    report.check("it says so", [] if told.json["detail"] == "id: is missing" else [told.json["detail"]])
    ask("an empty picture", 400, *post, fields=[("image", b"")])
    ask("no picture at all", 422, *post, fields=[("image", b"hello" * 9)])
    ask("half a picture", 422, *post, fields=[("image", ada[: len(ada) // 2])])
    ask("a bomb", 413, *post, fields=[("image", bomb())])
    ask("no base 64", 400, *post, value={"image": "!!!"})
    ask("a number for a picture", 400, *post, value={"image": 5})
    ask("null", 400, *post, value={"image": None})
    ask("an unknown member", 400, *post, value={"image": b64(ada), "extra": 1})
    ask("an array", 400, *post, value=[1])
    ask("no JSON", 400, *post, body="{", headers={"Content-Type": "application/json"})
    ask("deep JSON", 413, *post, body="[" * 100000, headers={"Content-Type": "application/json"})
    ask(
        "a member twice",
        400,
        *post,
        body='{"image":"","image":""}',
        headers={"Content-Type": "application/json"}
    )
    ask("a text", 415, *post, body="hello", headers={"Content-Type": "text/plain"})
    ask("no type", 415, *post, body="hello")
    ask("no boundary", 400, *post, body=ada, headers={"Content-Type": "multipart/form-data"})
    ask(
        "a long boundary",
        400,
        *post,
        body=ada,
        headers={"Content-Type": "multipart/form-data; boundary=" + "b" * 71}
    )
    ask("another boundary", 400, *post, body=b"--c\r\n\r\n--c--", headers=kind)
    ask(
        "no end",
        400,
        *post,
        body=b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\nx',
        headers=kind
    )
    ask("no name", 400, *post, body=b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--", headers=kind)
    ask("many parts", 413, *post, fields=[("a%d" % i, "x") for i in range(700)])
    ask("max_faces", 400, *post, fields=[("image", ada), ("max_faces", "0")])
    ask("max_faces", 400, *post, fields=[("image", ada), ("max_faces", "1.5")])
    ask("max_faces", 400, *post, fields=[("image", ada), ("max_faces", "one")])
    ask("min_score", 400, *post, fields=[("image", ada), ("min_score", "0.1")])
    ask("a threshold", 400, "POST", SEARCH, fields=[("image", ada), ("threshold", "nan")])
    ask(
        "compare without face",
        422,
        "POST",
        "/v1/compare",
        fields=[("source", ada), ("target", box.picture("empty.png"))],
    )
    ask("compare half", 400, "POST", "/v1/compare", fields=[("source", ada)])


def bomb():
    """A PNG of 60,000 x 60,000 pixels in a kilobyte."""
    import struct
    import zlib

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(100000)))
        + chunk(b"IEND", b"")
    )


def people(ask, box, report):
    ada, ada2, bob = (box.picture(n) for n in ("ada.png", "ada2.jpg", "bob.png"))
    ask("nobody yet", 200, "GET", PERSONS)
    ask("search among nobody", 200, "POST", SEARCH, fields=[("image", ada)])
    name = "Ada <b>\u00e9/%\U0001f600"
    reply = ask("create", 201, "POST", PERSONS, fields=[("name", name), ("images", ada), ("images", ada2)])
    person, faces = reply.json["person"], reply.json["faces"]
    fine = person["name"] == name and person["face_count"] == 2 and len(faces) == 2
    report.check(
        "created",
        [] if fine and reply.headers["Location"] == PERSONS + "/" + person["id"] else [str(reply.json)],
    )
    one = PERSONS + "/" + person["id"]
    ask("create again", 409, "POST", PERSONS, fields=[("name", name), ("images", ada)])
    ask("create without name", 400, "POST", PERSONS, fields=[("images", ada)])
    ask("create without picture", 400, "POST", PERSONS, fields=[("name", "x")])
    ask("create with an id", 400, "POST", PERSONS, fields=[("name", "x"), ("id", "x"), ("images", ada)])
    ask("a bad name", 400, "POST", PERSONS, fields=[("name", "a\nb"), ("images", ada)])
    ask("a blank name", 400, "POST", PERSONS, fields=[("name", "  "), ("images", ada)])
    ask("too many pictures", 400, "POST", PERSONS, fields=[("name", "x")] + [("images", ada)] * 21)
    reply = ask("no usable picture", 422, "POST", PERSONS,
                fields=[("name", "Nobody"), ("images", b"junk"), ("images", box.picture("empty.png"))])  # fmt: skip
    reasons = [r["reason"] for r in reply.json["error"]["details"]["rejected_images"]]
    report.check("reasons", [] if reasons == ["invalid_image", "face_not_found"] else [str(reasons)])
    report.check(
        "nobody was made", [] if len(ask("list", 200, "GET", PERSONS).json["persons"]) == 1 else ["made"]
    )
    ask("create Bob in JSON", 201, "POST", PERSONS, value={"name": "Bob", "images": [b64(bob)]})
    ask("show", 200, "GET", one)
    same = ask("the same face again", 201, "POST", one + "/faces", fields=[("images", ada)]).json["faces"]
    report.check("is not stored twice", [] if same[0]["id"] == faces[0]["id"] else [str(same)])
    ask("review", 422, "POST", one + "/faces", fields=[("images", bob), ("review_mode", "strict")])
    ask("review", 400, "POST", one + "/faces", fields=[("images", bob), ("review_mode", "maybe")])
    for path in ("/0", "/99", "/x", "/-1", "/1x", "/99999999999999999999", "/%20"):
        ask("no person " + path, 404, "GET", PERSONS + path)
    ask("no collection", 404, "GET", "/v1/collections/none/persons")
    found = ask("search", 200, "POST", SEARCH, fields=[("image", ada2)]).json["matches"]
    report.check("found", [] if [m["person"]["name"] for m in found] == [name] else [str(found)])
    every = ask(
        "search all", 200, "POST", SEARCH, fields=[("image", ada2), ("threshold", "-1"), ("limit", "1")]
    ).json
    report.check("limit", [] if len(every["matches"]) == 1 else [str(every)])
    ask("search without face", 422, "POST", SEARCH, fields=[("image", box.picture("empty.png"))])
    group = ask(
        "identify",
        200,
        "POST",
        "/v1/collections/_default/identify",
        fields=[("image", box.picture("three.png"))],
    )
    theirs = command(box, "identify", "-g", str(box.data / "gallery.db"), "three.png")["faces"]
    mine = sorted(f["matches"][0]["person"]["name"] if f["matches"] else "" for f in group.json["faces"])
    wanted = sorted(f["name"] or "" for f in theirs)
    report.check(
        "identify is 'facet identify'",
        [] if mine == wanted and len(mine) > 1 else ["%s, %s" % (mine, wanted)],
    )
    yes = ask("verify", 200, "POST", one + "/verify", fields=[("image", ada)]).json
    no = ask("verify another", 200, "POST", one + "/verify", fields=[("image", bob)]).json
    report.check("verified", [] if yes["matched"] and not no["matched"] else [str((yes, no))])
    crop = ask("crop", 200, "GET", one + "/faces/" + faces[0]["id"] + "/image")
    report.check("the crop is a JPEG", [] if crop.body[:3] == b"\xff\xd8\xff" else ["not"])
    ask(
        "another's face",
        404,
        "GET",
        PERSONS + "/" + str(int(person["id"]) + 1) + "/faces/" + faces[0]["id"] + "/image",
    )
    ask("faces", 200, "GET", one + "/faces")
    ask("rename", 200, "PATCH", one, value={"name": "Ada"})
    ask("rename to one that is there", 409, "PATCH", one, value={"name": "Bob"})
    ask("change nothing", 200, "PATCH", one, value={})
    ask("change what cannot be", 400, "PATCH", one, value={"name": "x", "face_count": 3})
    ask("remove a face", 204, "DELETE", one + "/faces/" + faces[0]["id"])
    ask("remove it again", 404, "DELETE", one + "/faces/" + faces[0]["id"])
    ask("remove", 204, "DELETE", one)
    ask("remove again", 404, "DELETE", one)


def pages(ask, box, report):
    for i in range(7):
        ask(
            "person %d" % i,
            201,
            "POST",
            PERSONS,
            fields=[("name", "Page %d" % i), ("images", box.picture("ada.png"))],
        )
    seen, cursor = [], ""
    for _ in range(9):
        reply = ask("a page", 200, "GET", PERSONS + "?limit=3&search=page" + cursor).json
        seen += [p["name"] for p in reply["persons"]]
        if not reply["next_cursor"]:
            break
        cursor = "&cursor=" + reply["next_cursor"]
    report.check("all pages", [] if seen == ["Page %d" % i for i in range(7)] else [str(seen)])
    for bad in (
        "limit=0",
        "limit=1001",
        "limit=x",
        "cursor=x",
        "cursor=c0",
        "cursor=c-1",
        "search=" + "x" * 201,
    ):
        ask("a bad page: " + bad[:20], 400, "GET", PERSONS + "?" + bad)


def one_of_a_name(ask, box, report):
    """Two who want to make somebody of one name at the same time do not make one of their two people."""
    got = []

    def send(picture):
        body, kind = multipart([("name", "Only"), ("images", box.picture(picture))])
        got.append(box.ask("POST", PERSONS, body, {"Content-Type": kind}))

    threads = [threading.Thread(target=send, args=(p,)) for p in ("bob.png", "ada.png", "bob.png", "ada2.jpg")]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    made = [r for r in got if r.status == 201]
    fine = sorted(r.status for r in got) == [201, 409, 409, 409]
    report.check("one is made", [] if fine else [str([r.status for r in got])])
    one = made[0].json["person"]
    faces = ask("his faces", 200, "GET", PERSONS + "/" + one["id"] + "/faces").json["faces"]
    sent = [f["id"] for f in made[0].json["faces"]]
    report.check("of one request", [] if [f["id"] for f in faces] == sent else [str(faces)])
    ask("removed", 204, "DELETE", PERSONS + "/" + one["id"])


def once(ask, box, report):
    """Idempotency-Key: carried out once, whatever is sent at the same time."""
    fields = [("name", "Once"), ("images", box.picture("bob.png"))]
    replies = []

    def send():
        body, kind = multipart(fields, boundary="b%d" % threading.get_ident())
        replies.append(box.ask("POST", PERSONS, body, {"Content-Type": kind, "Idempotency-Key": "k1"}))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    got = sorted(r.status for r in replies)
    report.check("one of eight is carried out", [] if set(got) <= {201, 409} and 201 in got else [str(got)])
    again = ask("again", 201, "POST", PERSONS, fields=fields, headers={"Idempotency-Key": "k1"})
    first = next(r for r in replies if r.status == 201)
    same = again.body == first.body and again.headers["Idempotency-Replayed"] == "true"
    report.check("the first answer", [] if same else [repr(again.body)])
    ask(
        "another request",
        422,
        "POST",
        PERSONS,
        fields=[("name", "Two")] + fields[1:],
        headers={"Idempotency-Key": "k1"},
    )
    ask("a bad key", 400, "POST", PERSONS, fields=fields, headers={"Idempotency-Key": "x" * 256})


def audited(box, report):
    """The gallery's log says which key changed and searched what, with which score."""
    box.start("--audit", "searches")
    box.form(PERSONS, [("name", "Audited"), ("images", box.picture("bob2.png"))])
    box.form(SEARCH, [("image", box.picture("bob2.png"))])
    who = json.loads(box.command("keys", "list", "--json").stdout.splitlines()[0])["id"]
    box.stop()
    with sqlite3.connect(box.data / "gallery.db") as db:
        rows = db.execute("SELECT actor, what, detail FROM audit ORDER BY seq").fetchall()
    wanted = "key %s from 127.0.0.1" % who
    report.check(
        "changes and searches have their actor",
        [] if {r[0] for r in rows} == {wanted, "facet serve"} else [str(rows[-3:])],
    )
    last = [r[1] for r in rows[-2:]]
    report.check(
        "the last two are the last two",
        [] if last == ["enroll", "search"] and "score" in rows[-1][2] else [str(rows[-2:])],
    )


def batches(box, report):
    """Requests at the same time share runs of the networks, and get the answers that they get alone."""
    body, kind = multipart([("image", box.picture("three.png"))])
    alone = box.ask("POST", "/v1/embeddings", body, {"Content-Type": kind}).json["faces"]
    answers = []

    def send():
        for _ in range(4):
            answers.append(box.ask("POST", "/v1/embeddings", body, {"Content-Type": kind}).json["faces"])

    threads = [threading.Thread(target=send) for _ in range(12)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    off = max(
        abs(x - y) for a in answers for f, g in zip(a, alone) for x, y in zip(f["embedding"], g["embedding"])
    )
    fine = len(answers) == 48 and all(len(a) == len(alone) for a in answers) and off < 1e-4
    report.check("together as alone", [] if fine else ["%d answers, off by %g" % (len(answers), off)])
    lines = box.get("/metrics").body.decode().splitlines()
    sizes = [line for line in lines if line.startswith("facet_batches_total{") and '"1"' not in line]
    report.check("batches of several requests", [] if sizes else ["none"])


def main():
    report = Report()
    with Box(*sys.argv[1:3]) as box:
        box.start()
        ask = Asker(box, report)
        for path in ("/v1/health", "/v1/openapi.json", "/v1/system", "/v1/models", "/metrics", "/v1/collections",
                     "/v1/collections/_default"):  # fmt: skip
            ask(path, 200, "GET", path)
        ask("no key", 401, "GET", "/v1/models", key=None)
        pictures(ask, box, report)
        faulty(ask, box, report)
        manage_checks.run(ask, box, report)
        jobs_checks.run(ask, box, report)
        again_checks.run(ask, box, report)
        jobs_checks.clear(ask)
        people(ask, box, report)
        pages(ask, box, report)
        one_of_a_name(ask, box, report)
        once(ask, box, report)
        batches(box, report)
        others = ("/v1/monitors", "/v1/tickets")  # monitor_test.py asks these
        unseen = [x for x in ask.judge.unseen() if not any(o in x for o in others)]
        report.check("every operation was asked", unseen)
        time.sleep(0.1)
        report.check("the end", [] if box.stop() == 128 + 15 else ["another status"])
        audited(box, report)
    report.close()


if __name__ == "__main__":
    main()
