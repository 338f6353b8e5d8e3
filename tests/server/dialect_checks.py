"""Parts of dialects_test.py: a program that speaks two dialects, and keys that are bound to a collection."""

import subprocess
import time

from serve_box import multipart, same

FACE = "/v1/vision/face"
REC = "/api/v1/recognition"


# ---- Double Take ----------------------------------------------------------------------------


def double_take(box, report):
    """The requests of Double Take's detectors compreface and deepstack: query as axios writes it ('+' for a blank), the
    picture as the only part, without the size of a header more."""
    ada, ada2 = box.picture("ada.png"), box.picture("ada2.jpg")
    headers = {
        "x-api-key": box.key,
        "Accept": "application/json, text/plain, */*",
        "User-Agent": "axios/0.21.4",
    }

    def compreface_call(method, path, picture=None):
        fields = None
        if picture is not None:
            fields = [("file", ("1f9b1d4d-snapshot.jpg", picture))]
        body, kind = multipart(fields) if fields else (None, "application/x-www-form-urlencoded")
        return box.ask(method, REC + path, body, dict(headers, **{"Content-Type": kind}), key=None)

    trained = compreface_call("POST", "/faces?subject=Ada+L.&det_prob_threshold=0.8", ada)
    report.check("double take: train", same((trained.status, trained.json["subject"]), (201, "Ada L.")))
    seen = compreface_call("POST", "/recognize?det_prob_threshold=0.8&face_plugins=mask,gender", ada2)
    found = seen.json["result"][0]
    report.check(
        "double take: recognize", same((seen.status, found["subjects"][0]["subject"]), (200, "Ada L."))
    )
    report.check("double take: similarity", [] if found["subjects"][0]["similarity"] > 0.9 else [str(found)])
    report.check(
        "double take: box", same(sorted(found["box"]), ["probability", "x_max", "x_min", "y_max", "y_min"])
    )
    nobody = compreface_call("POST", "/recognize?det_prob_threshold=0.8", box.picture("empty.png"))
    report.check("double take: no face", same((nobody.status, nobody.json["code"]), (400, 28)))
    removed = compreface_call("DELETE", "/faces?subject=Ada+L.")
    report.check("double take: remove", same((removed.status, removed.json), (200, {"deleted": 1})))
    ask = lambda path, fields: box.form(
        FACE + path, fields + [("api_key", box.key)], key=None
    ).json  # noqa: E731
    picture = [("image", ("snapshot.jpg", ada))]
    report.check(
        "double take: deepstack", same(ask("/register", picture + [("userid", "Ada L.")])["success"], True)
    )
    who = ask("/recognize", [("image", ("latest.jpg", ada2))])["predictions"][0]
    report.check("double take: who", same((who["userid"], who["confidence"] > 0.67), ("Ada L.", True)))
    report.check("double take: delete", same(ask("/delete", [("userid", "Ada L.")])["success"], True))


# ---- Collections ----------------------------------------------------------------------------


def collections(box, report):
    """A key that is bound to a collection, and that collection's threshold."""
    made = box.command("keys", "add", "staff", "--role", "enroller", "--collection", "staff")
    reader = box.command("keys", "add", "guests", "--role", "reader", "--collection", "guests")
    key, guest = made.stdout.strip(), reader.stdout.strip()
    box.process.send_signal(1)
    ada, ada2 = box.picture("ada.png"), box.picture("ada2.jpg")

    def ask(name, status, method, path, fields=None, key=key, headers=None):
        headers = dict({"x-api-key": key}, **(headers or {}))
        body = None
        if fields:
            body, headers["Content-Type"] = multipart(fields)
        reply = box.ask(method, path, body, headers, key=None)
        report.check("collections: " + name, same(reply.status, status))
        return reply.json if reply.headers["Content-Type"] == "application/json" else reply.body

    for _ in range(300):  # until the keys are read again; asking with one of them would be a wrong key, of which
        if "guests" in [k["name"] for k in box.get("/v1/keys").json["keys"]]:  # the server takes only so many
            break
        time.sleep(0.1)
    ask("not there, and may not be made", 404, "GET", REC + "/subjects", key=guest)
    added = ask("add", 201, "POST", REC + "/faces?subject=Ada", [("file", ada)])
    names = ask("mine", 200, "GET", REC + "/subjects")["subjects"]
    others = ask("the default one", 200, "GET", REC + "/subjects", key=box.key)["subjects"]
    report.check("collections: apart", same((names, others), (["Ada"], [])))
    image = REC + "/faces/%s" % added["image_id"]
    report.check("collections: my face", [] if ask("mine", 200, "GET", image + "/img") else ["empty"])
    report.check("collections: not theirs", same(ask("other", 200, "GET", image + "/img", key=box.key), b""))
    path = "/api/v1/static/%s/images/%s"
    mine, theirs = (box.get(path % (k, added["image_id"]), key=None).body[:2] for k in (key, box.key))
    report.check("collections: static image", same((mine, theirs), (b"\xff\xd8", b"")))
    ask("cannot remove it", 404, "DELETE", image, key=box.key)
    ask("nor compare with it", 404, "POST", image + "/verify", [("file", ada)], key=box.key)
    who = ask("recognize", 200, "POST", REC + "/recognize", [("file", ada2)])["result"][0]["subjects"]
    nobody = ask("recognize", 200, "POST", REC + "/recognize", [("file", ada2)], key=box.key)["result"][0]
    report.check(
        "collections: recognized", same(([s["subject"] for s in who], nobody["subjects"]), (["Ada"], []))
    )
    report.check("collections: similarity", [] if who[0]["similarity"] > 0.9 else [str(who)])
    userid = [("api_key", key), ("image", ada2)]
    found = box.form(FACE + "/recognize", userid, key=None).json["predictions"][0]["userid"]
    report.check("collections: deepstack", same(found, "Ada"))
    gallery = str(box.data / "gallery.db")
    words = [
        box.facet,
        "gallery",
        "set",
        "threshold",
        "0.9999",
        "--gallery",
        gallery,
        "--collection",
        "staff",
    ]
    changed = subprocess.run(words, capture_output=True, text=True, env=box.env)
    report.check("collections: a threshold", same(changed.returncode, 0))
    who = ask("recognize", 200, "POST", REC + "/recognize", [("file", ada2)])["result"][0]["subjects"]
    report.check("collections: its own threshold", [] if who[0]["similarity"] < 0.5 else [str(who)])
    found = box.form(FACE + "/recognize", userid, key=None).json["predictions"][0]["userid"]
    report.check("collections: deepstack has it too", same(found, "unknown"))
    bearer = {"Authorization": "Bearer " + key}
    for path, status in (
        ("/v1/collections/_default/persons", 403),
        ("/v1/collections", 403),
        ("/metrics", 403),
        ("/v1/system", 200),
    ):
        reply = box.get(path, headers=bearer, key=None)
        report.check("collections: " + path, same(reply.status, status))
