#!/usr/bin/env python3
"""The interfaces of other servers: shapes as shared/reference/server-apis.md has them, and the clients themselves
(deepstack-sdk and compreface-sdk of PyPI) where this Python has them.

usage: dialects_test.py FACET MAKE_PACK"""

import contextlib
import http.server
import io
import json
import math
import sys
import threading
import time

from dialect_checks import FACE, REC, collections, double_take
from serve_box import Box, Report, multipart, same


# ---- Immich ------------------------------------------------------------------------------


class Upstream(http.server.BaseHTTPRequestHandler):
    """Stands for Immich's own service: it says what it was sent, in two parts with a pause between them."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = json.dumps(
            {"clip": "[0.5]", "size": len(body), "type": self.headers["Content-Type"]}
        ).encode()
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in (answer[:10], answer[10:]):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.flush()
            time.sleep(0.3)
        self.wfile.write(b"0\r\n\r\n")


def entries(score=None, **more):
    options = {} if score is None else {"options": {"minScore": score}}
    faces = {
        "detection": dict({"modelName": "buffalo_l"}, **options),
        "recognition": {"modelName": "buffalo_l"},
    }
    return json.dumps(dict({"facial-recognition": faces}, **more))


def immich(box, report, upstream):
    picture = box.picture("three.png")

    def predict(fields):
        return box.form("/predict", fields, key=None)

    ping, root = box.get("/ping", key=None), box.get("/", key=None)
    report.check("immich: ping", same((ping.status, ping.body), (200, b"pong")))
    report.check("immich: root", same(root.json, {"message": "Immich ML"}))
    reply = predict([("entries", entries(0.5)), ("image", ("", picture))])
    faults = same(sorted(reply.json), ["facial-recognition", "imageHeight", "imageWidth"])
    for face in reply.json["facial-recognition"]:
        vector = json.loads(face["embedding"])
        norm = math.sqrt(sum(x * x for x in vector))
        faults += same(sorted(face), ["boundingBox", "embedding", "score"])
        faults += same((sorted(face["boundingBox"]), len(vector)), (["x1", "x2", "y1", "y2"], 512))
        faults += [] if abs(norm - 1) < 1e-4 else ["norm %g" % norm]
    report.check("immich: faces", faults + same(len(reply.json["facial-recognition"]), 3))
    none = predict([("image", box.picture("empty.png")), ("entries", entries())])
    report.check(
        "immich: no face is an empty list", same((none.status, none.json["facial-recognition"]), (200, []))
    )
    high = predict([("image", picture), ("entries", entries(0.999))])
    report.check("immich: minScore", same(high.json["facial-recognition"], []))
    for bad in (
        "",
        "[]",
        "{}",
        "{",
        '{"a":1}',
        "5",
        '{"facial-recognition":{"detection":{"options":{"minScore":9}}}}',
    ):
        reply = predict([("entries", bad), ("image", picture)])
        report.check(
            "immich: bad entries " + bad,
            same((reply.status, reply.json), (422, {"detail": "Invalid request format."})),
        )
    for name, fields in {"no picture": [], "no picture at all": [("image", b"junk")]}.items():
        reply = predict([("entries", entries())] + fields)
        report.check("immich: " + name, same((reply.status, list(reply.json)), (400, ["detail"])))
    clip = [("entries", '{"clip":{"visual":{"modelName":"x"}}}'), ("image", picture)]
    sent, kind = multipart(clip)
    reply = box.ask("POST", "/predict", sent, {"Content-Type": kind}, key=None)
    wanted = {"clip": "[0.5]", "size": len(sent), "type": kind}
    report.check("immich: handed on", same((reply.status, reply.json), (201, wanted)))
    both = predict([("entries", entries(clip={"visual": {}})), ("image", picture)])
    report.check("immich: faces with others are handed on", same(both.status, 201))
    upstream.shutdown()
    upstream.server_close()
    reply = predict(clip)
    report.check("immich: the upstream is gone", same((reply.status, list(reply.json)), (502, ["detail"])))


# ---- DeepStack, CodeProject.AI --------------------------------------------------------------


def deepstack(box, report):
    ada, ada2, bob = (box.picture(n) for n in ("ada.png", "ada2.jpg", "bob.png"))

    def ask(path, fields, status=200, key=True):
        own = [("api_key", box.key)] if key is True else [("api_key", key)] if key else []
        reply = box.form(FACE + path, own + fields, key=None)
        found = same(reply.status, status) + ([] if reply.json["success"] is (status == 200) else ["success"])
        report.check("deepstack: %s %s %d" % (path, [f[0] for f in fields], status), found)
        return reply.json

    detected = ask("", [("image", ada)])
    keys = ["confidence", "x_max", "x_min", "y_max", "y_min"]
    report.check("deepstack: a prediction", same(sorted(detected["predictions"][0]), keys))
    members = {
        "success",
        "predictions",
        "duration",
        "count",
        "message",
        "inferenceMs",
        "processMs",
        "moduleId",
        "code",
    }
    report.check("deepstack: both envelopes", sorted(members - set(detected)))
    report.check(
        "deepstack: min_confidence", same(ask("", [("image", ada), ("min_confidence", "0.999")])["count"], 0)
    )
    report.check("deepstack: trailing slash", same(ask("/", [("image", ada)])["count"], 1))
    unknown = ask("/recognize", [("image", ada)])["predictions"][0]
    report.check("deepstack: unknown", same((unknown["userid"], unknown["confidence"]), ("unknown", 0)))
    first = ask("/register", [("userid", "Ada L."), ("anything", ada), ("other", ada2)])
    report.check("deepstack: added", same(first["message"], "face added"))
    report.check(
        "deepstack: updated",
        same(ask("/register", [("userid", "Ada L."), ("image", ada)])["message"], "face updated"),
    )
    ask("/register", [("userid", "Bob"), ("image1", bob)])
    report.check("deepstack: list", same(ask("/list", [])["faces"], ["Ada L.", "Bob"]))
    known = ask("/recognize", [("image", ada2)])["predictions"][0]
    report.check(
        "deepstack: recognized", same((known["userid"], known["confidence"] > 0.67), ("Ada L.", True))
    )
    none = ask("/recognize", [("image", box.picture("empty.png"))])
    report.check("deepstack: no face", same(none["predictions"], []))
    alike = ask("/match", [("image1", ada), ("image2", ada2)])["similarity"]
    other = ask("/match", [("image1", ada), ("image2", bob)])["similarity"]
    report.check("deepstack: match", [] if 1 >= alike > 0.67 > other >= 0 else [str((alike, other))])
    ask("/match", [("image1", ada), ("image2", box.picture("empty.png"))], 400)
    for path, fields, message in (
        ("", [], "No valid image file found"),
        ("", [("image", b"junk")], "invalid image"),
        ("/register", [("image", ada)], "userid not specified"),
        ("/register", [("userid", "x"), ("image", box.picture("empty.png"))], "no face detected"),
        ("/delete", [], "userid not specified"),
    ):
        report.check("deepstack: " + message, same(ask(path, fields, 400)["error"], message))
    ask("", [("image", ada), ("min_confidence", "x")], 400)
    report.check("deepstack: no key", same(ask("/list", [], 401, key=None)["error"], "Incorrect api key"))
    report.check("deepstack: a wrong key", same(ask("/list", [], 401, key="x")["error"], "Incorrect api key"))
    ask("/delete", [("userid", "Bob")])
    ask("/delete", [("userid", "Bob")], 400)
    report.check("deepstack: ping", same(box.get("/v1/status/ping", key=None).json, {"success": True}))
    deepstack_client(box, report)
    ask("/delete", [("userid", "Ada L.")])


def deepstack_client(box, report):
    try:
        from deepstack_sdk import Face, ServerConfig
    except ImportError as e:
        report.skip("deepstack-sdk", str(e))
        return
    client = Face(ServerConfig("http://127.0.0.1:%d" % box.port, api_key=box.key))
    with contextlib.redirect_stdout(io.StringIO()):
        found = client.detectFace(box.picture("three.png"))
        added = client.registerFace(images=[box.picture("bob.png")], userid="Bob")
        who = client.recognizeFace(box.picture("bob2.png"))
        listed = client.listFaces()
        removed = client.deleteFace(userid="Bob")
    report.check("deepstack-sdk: detectFace", same(len(list(found)), 3))
    report.check("deepstack-sdk: registerFace", same(added, True))
    report.check("deepstack-sdk: recognizeFace", same([f.userid for f in who], ["Bob"]))
    report.check("deepstack-sdk: listFaces", same(list(listed), ["Ada L.", "Bob"]))
    report.check("deepstack-sdk: deleteFace", same(removed, True))


# ---- CompreFace -----------------------------------------------------------------------------


class CompreFace:
    def __init__(self, box, report):
        self.box, self.report = box, report

    def __call__(self, name, status, method, path, code=None, fields=None, value=None, key=True):
        headers = {"x-api-key": self.box.key} if key is True else {"x-api-key": key} if key else {}
        body = None
        if fields is not None:
            body, headers["Content-Type"] = multipart(fields)
        if value is not None:
            body, headers["Content-Type"] = json.dumps(value), "application/json"
        reply = self.box.ask(method, path, body, headers, key=None)
        found = same(reply.status, status)
        if code is not None and not found:
            found += same((sorted(reply.json), reply.json["code"]), (["code", "message"], code))
        self.report.check("compreface: " + name, found)
        return reply.json if reply.headers["Content-Type"] == "application/json" else reply.body


def compreface(box, report):
    ask = CompreFace(box, report)
    ada, ada2, bob, three, empty = (
        box.picture(n) for n in ("ada.png", "ada2.jpg", "bob.png", "three.png", "empty.png")
    )
    ask("no key", 400, "GET", REC + "/subjects", 20, key=None)
    ask("a wrong key", 404, "GET", REC + "/subjects", 10, key="x")
    ask("subject", 201, "POST", REC + "/subjects", value={"subject": "Eve"})
    ask("subject again", 400, "POST", REC + "/subjects", 43, value={"subject": "Eve"})
    stored = ask("a name with blanks around it", 201, "POST", REC + "/subjects", value={"subject": " Ren\u00e9 "})
    report.check("compreface: the name as it is stored", same(stored["subject"], "Ren\u00e9"))
    ask("and removed", 200, "DELETE", REC + "/subjects/Ren%C3%A9")
    ask("subject without name", 400, "POST", REC + "/subjects", 5, value={})
    added = ask("face", 201, "POST", REC + "/faces?subject=%20Ada%20L%C3%A9%20", fields=[("file", ada)])
    report.check("compreface: added", same((added["subject"], len(added["image_id"])), ("Ada L\u00e9", 36)))
    ask(
        "face in JSON",
        201,
        "POST",
        REC + "/faces?subject=Bob",
        value={"file": __import__("serve_box").b64(bob)},
    )
    ask(
        "two faces",
        400,
        "POST",
        REC + "/faces?subject=x&det_prob_threshold=0.5",
        31,
        fields=[("file", three)],
    )
    ask("no face", 400, "POST", REC + "/faces?subject=x", 28, fields=[("file", empty)])
    ask("no subject", 400, "POST", REC + "/faces", 33, fields=[("file", ada)])
    ask("no file", 400, "POST", REC + "/faces?subject=x", 34, fields=[("image", ada)])
    ask("no picture", 400, "POST", REC + "/faces?subject=x", 21, fields=[("file", b"junk")])
    names = ask("subjects", 200, "GET", REC + "/subjects")["subjects"]
    report.check("compreface: subjects listed", same(names, ["Ada L\u00e9", "Bob", "Eve"]))
    page = ask("faces", 200, "GET", REC + "/faces?page=1&size=1")
    wanted = {"faces": [{"image_id": page["faces"][0]["image_id"], "subject": "Bob"}], "page_number": 1, "page_size": 1,
              "total_pages": 2, "total_elements": 2}  # fmt: skip
    report.check("compreface: a page", same(page, wanted))
    query = "?prediction_count=2&face_plugins=landmarks,calculator,mask&status=true"
    who = ask("recognize", 200, "POST", REC + "/recognize" + query, fields=[("file", ada2)])
    face = who["result"][0]
    found = same(sorted(face), ["box", "embedding", "execution_time", "landmarks", "subjects"])
    found += same(sorted(face["box"]), ["probability", "x_max", "x_min", "y_max", "y_min"])
    found += same([s["subject"] for s in face["subjects"]][0], "Ada L\u00e9") + same(len(face["subjects"]), 2)
    found += (
        []
        if face["subjects"][0]["similarity"] > 0.9 > 0.5 > face["subjects"][1]["similarity"]
        else ["similarity"]
    )
    report.check("compreface: who it is", found + ([] if "plugins_versions" in who else ["versions"]))
    ask("recognize nobody", 400, "POST", REC + "/recognize", 28, fields=[("file", empty)])
    ask("a bad count", 400, "POST", REC + "/recognize?prediction_count=0", 12, fields=[("file", ada)])
    ask("a bad threshold", 400, "POST", REC + "/recognize?det_prob_threshold=2", 26, fields=[("file", ada)])
    seen = ask(
        "detect",
        200,
        "POST",
        "/api/v1/detection/detect?limit=2&det_prob_threshold=0.5",
        fields=[("file", three)],
    )
    report.check("compreface: limit", same((len(seen["result"]), list(seen["result"][0])), (2, ["box"])))
    image = added["image_id"]
    yes = ask("verify", 200, "POST", REC + "/faces/%s/verify" % image, fields=[("file", ada2)])["result"][0][
        "similarity"
    ]
    no = ask("verify another", 200, "POST", REC + "/faces/%s/verify" % image, fields=[("file", bob)])[
        "result"
    ][0]["similarity"]
    report.check("compreface: verified", [] if yes > 0.9 and no < 0.5 else [str((yes, no))])
    ask("verify with none", 404, "POST", REC + "/faces/x/verify", 11, fields=[("file", ada)])
    pair = ask("two pictures", 200, "POST", "/api/v1/verification/verify?det_prob_threshold=0.5",
               fields=[("source_image", ada), ("target_image", three)])["result"][0]  # fmt: skip
    report.check(
        "compreface: matches",
        same((sorted(pair), len(pair["face_matches"])), (["face_matches", "source_image_face"], 3)),
    )
    vector = face["embedding"]
    near = ask(
        "embeddings",
        200,
        "POST",
        REC + "/embeddings/recognize?prediction_count=1",
        value={"embeddings": [vector]},
    )
    report.check(
        "compreface: of embeddings", same(near["result"][0]["similarities"][0]["subject"], "Ada L\u00e9")
    )
    ask(
        "embedding of a face",
        200,
        "POST",
        REC + "/embeddings/faces/%s/verify" % image,
        value={"embeddings": [vector]},
    )
    both = ask(
        "two embeddings",
        200,
        "POST",
        "/api/v1/verification/embeddings/verify",
        value={"source": vector, "targets": [vector]},
    )
    report.check("compreface: equal", [] if both["result"][0]["similarity"] > 0.99 else [str(both)])
    ask("no embedding", 400, "POST", REC + "/embeddings/recognize", 37, value={"embeddings": []})
    ask("a short embedding", 400, "POST", REC + "/embeddings/recognize", 26, value={"embeddings": [[1, 2]]})
    crop = ask("image", 200, "GET", REC + "/faces/%s/img" % image)
    static = ask("static image", 200, "GET", "/api/v1/static/%s/images/%s" % (box.key, image), key=None)
    report.check("compreface: images", [] if crop == static and crop[:2] == b"\xff\xd8" else ["differ"])
    ask("static image with a wrong key", 404, "GET", "/api/v1/static/x/images/" + image, 10, key=None)
    compreface_client(box, report)
    ask("rename", 200, "PUT", REC + "/subjects/Ada%20L%C3%A9", value={"subject": "Ann"})
    ask("rename to one who is there merges", 200, "PUT", REC + "/subjects/Ann", value={"subject": "Bob"})
    report.check(
        "compreface: merged",
        same(ask("faces of Bob", 200, "GET", REC + "/faces?subject=Bob")["total_elements"], 2),
    )
    ask("rename nobody", 404, "PUT", REC + "/subjects/Ann", 42, value={"subject": "x"})
    gone = ask(
        "delete some",
        200,
        "POST",
        REC + "/faces/delete",
        value=[image, "x", "00000000-0000-8000-8000-0000000fffff"],
    )
    report.check("compreface: which", same(gone, [{"image_id": image, "subject": "Bob"}]))
    ask("delete it again", 404, "DELETE", REC + "/faces/" + image, 11)
    report.check(
        "compreface: by subject",
        same(ask("delete by subject", 200, "DELETE", REC + "/faces?subject=Bob"), {"deleted": 1}),
    )
    ask("delete of nobody", 404, "DELETE", REC + "/faces?subject=Nobody", 42)
    report.check(
        "compreface: subject",
        same(ask("delete subject", 200, "DELETE", REC + "/subjects/Eve"), {"subject": "Eve"}),
    )
    report.check("compreface: all", same(ask("delete all", 200, "DELETE", REC + "/subjects"), {"deleted": 1}))


def compreface_client(box, report):
    try:
        from compreface import CompreFace as Client
    except ImportError as e:
        report.skip("compreface-sdk", str(e))
        return
    client = Client(
        "http://127.0.0.1", str(box.port), {"limit": 0, "det_prob_threshold": 0.5, "prediction_count": 1}
    )
    recognition = client.init_face_recognition(box.key)
    faces, subjects = recognition.get_face_collection(), recognition.get_subjects()
    path = str(box.dir / "bob2.png")
    report.check("compreface-sdk: subjects.add", same(subjects.add("Carl"), {"subject": "Carl"}))
    added = faces.add(image_path=path, subject="Carl Gustav")
    report.check("compreface-sdk: faces.add", same(added["subject"], "Carl Gustav"))
    names = [f["subject"] for f in faces.list()["faces"]]
    report.check("compreface-sdk: faces.list", [] if "Carl Gustav" in names else [str(names)])
    who = recognition.recognize(image_path=path)["result"][0]["subjects"][0]["subject"]
    report.check("compreface-sdk: recognize", same(who, "Carl Gustav"))
    result = faces.verify(image_path=path, image_id=added["image_id"])["result"][0]["similarity"]
    report.check("compreface-sdk: verify", [] if result > 0.99 else [str(result)])
    nothing = recognition.recognize(image_path=str(box.dir / "empty.png"))
    report.check("compreface-sdk: code 28", same(nothing["code"], 28))
    report.check(
        "compreface-sdk: rename", same(subjects.update(subject="Carl", new_name="Karl"), {"updated": True})
    )
    report.check(
        "compreface-sdk: faces.delete", same(faces.delete(added["image_id"])["subject"], "Carl Gustav")
    )
    report.check("compreface-sdk: subjects.delete", same(subjects.delete("Karl"), {"subject": "Karl"}))
    subjects.delete("Carl Gustav")
    found = client.init_face_detection(box.key).detect(image_path=str(box.dir / "three.png"))["result"]
    report.check("compreface-sdk: detect", same(len(found), 3))
    verified = client.init_face_verification(box.key).verify(source_image_path=path, target_image_path=path)
    report.check("compreface-sdk: verification", same(len(verified["result"][0]["face_matches"]), 1))


def main():
    report = Report()
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    with Box(*sys.argv[1:3]) as box:
        box.start("--immich-upstream", "http://127.0.0.1:%d" % upstream.server_address[1])
        immich(box, report, upstream)
        deepstack(box, report)
        compreface(box, report)
        double_take(box, report)
        collections(box, report)
        report.check("the end", same(box.stop(), 128 + 15))
        box.start("--api", "deepstack")
        report.check("only what was asked for", same(box.get("/ping", key=None).status, 404))
        box.stop()
    report.close()


main()
