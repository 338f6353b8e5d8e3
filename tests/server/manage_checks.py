"""Collections, what is known of people, removal, merging, splitting, negatives, scores, settings, keys, the audit log:
parts of api_test.py."""

import json
import sqlite3
import threading

from serve_box import b64, multipart, PERSONS


def collections(ask, box, report):
    one = "/v1/collections/staff"
    made = ask(
        "make a collection",
        201,
        "POST",
        "/v1/collections",
        value={"id": "staff", "name": "B\u00fcro", "threshold": 0.5, "metadata": {"a": [1, {"b": None}]}},
    )
    c = made.json["collection"]
    fine = c["name"] == "B\u00fcro" and c["threshold"] == c["default_threshold"] == 0.5
    report.check("what was said", [] if fine and c["metadata"] == {"a": [1, {"b": None}]} else [str(c)])
    for name, status, value in (
        ("twice", 409, {"id": "staff"}),
        ("no id", 400, {"name": "x"}),
        ("a bad id", 400, {"id": ".x"}),
        ("a path as id", 400, {"id": "a/b"}),
        ("a bad threshold", 400, {"id": "x", "threshold": 2}),
        ("a bad name", 400, {"id": "x", "name": "a\nb"}),
        ("a bad description", 400, {"id": "x", "description": 5}),
        ("a bad truth", 400, {"id": "x", "keep_unknown": "perhaps"}),
        ("bad days", 400, {"id": "x", "unknown_days": 0}),
        ("bad metadata", 400, {"id": "x", "metadata": []}),
        ("deep metadata", 400, {"id": "x", "metadata": json.loads('{"a":' * 20 + "1" + "}" * 20)}),
        ("a null", 400, {"id": "x", "name": None}),
    ):
        ask("collection: " + name, status, "POST", "/v1/collections", value=value)
    ask("a form", 415, "POST", "/v1/collections", fields=[("id", "x")])
    listed = ask("collections", 200, "GET", "/v1/collections?limit=1").json
    more = ask("more", 200, "GET", "/v1/collections?cursor=" + listed["next_cursor"]).json["collections"]
    ids = [x["id"] for x in listed["collections"] + more]
    report.check("both are listed", [] if ids == ["_default", "staff"] else [str(ids)])
    ask("change", 200, "PATCH", one, value={"threshold": 0.6, "save_face_crops": False, "description": "d"})
    back = ask("take the threshold back", 200, "PATCH", one, value={"threshold": None}).json["collection"]
    report.check(
        "the server's holds",
        [] if back["threshold"] is None and back["default_threshold"] != 0.6 else [str(back)],
    )
    ask("change what cannot be", 400, "PATCH", one, value={"id": "y"})
    ask("change none", 404, "PATCH", "/v1/collections/none", value={})
    # People of one collection are nobody in another.
    there = "/v1/collections/staff/persons"
    p = ask(
        "somebody there", 201, "POST", there, fields=[("name", "Bob"), ("images", box.picture("bob.png"))]
    )
    face, person = p.json["faces"][0], p.json["person"]
    report.check("without a picture", [] if not face["has_crop"] else ["has one"])
    ask("elsewhere", 404, "GET", PERSONS + "/" + person["id"])
    found = ask(
        "search here",
        200,
        "POST",
        "/v1/collections/_default/search",
        fields=[("image", box.picture("bob.png"))],
    )
    report.check("nobody", [] if not found.json["matches"] else [str(found.json)])
    found = ask(
        "search there",
        200,
        "POST",
        "/v1/collections/staff/search",
        fields=[("image", box.picture("bob.png"))],
    )
    report.check(
        "found there", [] if found.json["matches"][0]["person"]["id"] == person["id"] else [str(found.json)]
    )
    ask("a high threshold", 200, "PATCH", one, value={"threshold": 1})
    found = ask(
        "search again",
        200,
        "POST",
        "/v1/collections/staff/search",
        fields=[("image", box.picture("bob2.png"))],
    )
    report.check(
        "the collection's threshold",
        [] if found.json["threshold"] == 1 and not found.json["matches"] else [str(found.json)],
    )
    ask("move", 200, "POST", there + "/" + person["id"] + "/move", value={"collection": "_default"})
    ask("move back", 200, "POST", PERSONS + "/" + person["id"] + "/move", value={"collection": "staff"})
    ask("move to nowhere", 404, "POST", there + "/" + person["id"] + "/move", value={"collection": "none"})
    ask("move to no text", 400, "POST", there + "/" + person["id"] + "/move", value={"collection": 3})
    ask("no picture of it", 404, "GET", there + "/" + person["id"] + "/image")
    ask("remove a full one", 409, "DELETE", one)
    ask("remove the first", 409, "DELETE", "/v1/collections/_default?force=true")
    ask("remove badly", 400, "DELETE", one + "?force=maybe")
    ask("remove with all", 204, "DELETE", one + "?force=true")
    ask("it is gone", 404, "GET", one)
    db = sqlite3.connect(box.data / "gallery.db")
    left = db.execute("SELECT count(*) FROM person").fetchone()[0]
    db.close()
    report.check("and the person", [] if left == 0 else ["%d are left" % left])


def known(ask, box, report):
    """What is known of people: external ids, metadata, dates, consent, embeddings from elsewhere."""
    ada = box.picture("ada.png")
    p = ask(
        "with an id of ours",
        201,
        "POST",
        PERSONS,
        fields=[
            ("name", "Ada"),
            ("external_id", 'E-"1\u00e9'),
            ("metadata", '{"team": "gate", "n": [1, 2.5]}'),
            ("consent", '{"by": "front desk", "text": "form 6", "at": "2026-01-01"}'),
            ("images", ada),
        ],
    ).json["person"]
    consent = {"by": "front desk", "text": "form 6", "at": "2026-01-01T00:00:00Z"}
    report.check("the consent of a form is kept", [] if p["consent"] == consent else [str(p)])
    for field in (("consent", "yes"), ("name", "Andr\u00e9".encode("latin-1")), ("metadata", b'{"a": "\xe9"}')):
        (key, value), more = field, [("name", "Cid")] if field[0] != "name" else []
        body, kind = multipart(more + [("external_id", "E-9"), (key, "V"), ("images", ada)])
        value = value if isinstance(value, bytes) else value.encode()
        body = body.replace(b"\r\n\r\nV\r\n", b"\r\n\r\n" + value + b"\r\n")
        ask("a form's " + key, 400, "POST", PERSONS, body=body, headers={"Content-Type": kind})
    fine = p["external_id"] == 'E-"1\u00e9' and p["metadata"] == {"team": "gate", "n": [1, 2.5]}
    report.check("is kept", [] if fine else [str(p)])
    one = PERSONS + "/" + p["id"]
    ask("twice", 409, "POST", PERSONS, value={"name": "B", "external_id": 'E-"1\u00e9', "images": [b64(ada)]})
    found = ask("found by it", 200, "GET", PERSONS + "?external_id=E-%221%C3%A9").json["persons"]
    report.check("the one", [] if [x["id"] for x in found] == [p["id"]] else [str(found)])
    none = ask("nobody has that", 200, "GET", PERSONS + "?external_id=E-2").json["persons"]
    report.check("no one", [] if none == [] else [str(none)])
    ask("no id", 400, "GET", PERSONS + "?external_id=")
    p = ask(
        "change",
        200,
        "PATCH",
        one,
        value={
            "name": "Ade\u0301",
            "metadata": {"x": 1},
            "expires_at": "2099-01-31T12:00:00+01:00",
            "consent": {"by": "front desk", "text": "form 7", "at": "2026-01-02"},
        },
    ).json["person"]
    fine = p["metadata"] == {"x": 1} and p["external_id"] and p["expires_at"] == "2099-01-31T11:00:00Z"
    consent = {"by": "front desk", "text": "form 7", "at": "2026-01-02T00:00:00Z"}
    report.check("changed", [] if fine and p["consent"] == consent else [str(p)])
    found = ask("searched as it was typed", 200, "GET", PERSONS + "?search=%20Ade%CC%81").json["persons"]
    report.check("is found", [] if [x["id"] for x in found] == [p["id"]] else [str(found)])
    before = len(ask("everybody", 200, "GET", PERSONS).json["persons"])
    for i in range(6):  # faces for somebody who gets another name meanwhile
        body, kind = multipart([("images", box.picture("ada2.jpg" if i % 2 else "bob.png"))])
        send = ("POST", one + "/faces", body, {"Content-Type": kind})
        added = []
        thread = threading.Thread(target=lambda: added.append(box.ask(*send)))
        thread.start()
        ask("renamed", 200, "PATCH", one, value={"name": "Ada %d" % i})
        thread.join()
        fine = added[0].status == 409 or {f["person_id"] for f in added[0].json["faces"]} == {p["id"]}
        report.check("no face goes astray", [] if fine else [str(added[0].body)])
    now = len(ask("everybody", 200, "GET", PERSONS).json["persons"])
    report.check("nobody was made", [] if now == before else ["%d instead of %d" % (now, before)])
    p = ask("renamed", 200, "GET", one).json["person"]
    taken = ask("another", 201, "POST", PERSONS, value={"name": "Taken", "images": [b64(ada)]}).json["person"]
    for name, status in (("Taken", 409), (" ", 400)):
        change = {"name": name, "metadata": {"lost": 1}, "expires_at": None}
        ask("change to " + name, status, "PATCH", one, value=change)
        now = ask("as it was", 200, "GET", one).json["person"]
        report.check("nothing of it is stored", [] if now == p else [str(now)])
    ask("without another", 204, "DELETE", PERSONS + "/" + taken["id"] + "?forget=true")
    p = ask(
        "take back", 200, "PATCH", one, value={"external_id": None, "expires_at": None, "consent": None}
    ).json["person"]
    fine = p["external_id"] is p["expires_at"] is p["consent"] is None and p["metadata"] == {"x": 1}
    report.check("taken back", [] if fine else [str(p)])
    for name, value in (
        ("no date", {"expires_at": "soon"}),
        ("no day", {"expires_at": "2027-02-29"}),
        ("no text", {"external_id": ""}),
        ("a number", {"external_id": 7}),
        ("long", {"external_id": "x" * 201}),
        ("no object", {"metadata": 3}),
        ("ours", {"metadata": {"external_id": "x"}}),
        ("large", {"metadata": {"a": "x" * 65000}}),
        ("consent", {"consent": {}}),
        ("consent to what", {"consent": {"text": ""}}),
        ("consent of members", {"consent": {"text": "a", "who": "b"}}),
        ("name", {"name": 5}),
    ):
        ask("change badly: " + name, 400, "PATCH", one, value=value)
    ask("a form", 415, "PATCH", one, fields=[("name", "x")])
    vector = ask("embedding", 200, "POST", "/v1/embeddings", fields=[("image", box.picture("bob.png"))]).json
    contract, v = vector["model"]["model_digest"], vector["faces"][0]["embedding"]
    said = {"embedding_mode": "external_trusted", "embedding_contract_id": contract}
    p = ask(
        "from elsewhere", 201, "POST", PERSONS, value=dict(said, name="Bob", external_embeddings=[v])
    ).json
    ok = p["faces"][0]["embedding_source"] == "external_trusted" and not p["faces"][0]["has_crop"]
    report.check("said so", [] if ok else [str(p)])
    bob = PERSONS + "/" + p["person"]["id"]
    both = ask(
        "with a picture",
        201,
        "POST",
        bob + "/faces",
        fields=list(said.items())
        + [("external_embeddings", json.dumps([v[1:] + v[:1]])), ("images", box.picture("bob2.png"))],
    ).json
    report.check("with it", [] if both["faces"][0]["has_crop"] else [str(both)])
    found = ask(
        "search", 200, "POST", "/v1/collections/_default/search", fields=[("image", box.picture("bob.png"))]
    ).json
    report.check("found by it", [] if found["matches"][0]["similarity"] > 0.999 else [str(found)])
    found = ask(
        "search for an embedding", 200, "POST", "/v1/collections/_default/search", value={"embedding": v}
    ).json
    report.check(
        "the same",
        [] if found["matches"][0]["similarity"] > 0.999 and not found["searched_face"] else [str(found)],
    )
    for name, status, value in (
        ("of another network", 409, {"embedding_contract_id": "x"}),
        ("too short", 422, {"external_embeddings": [v[1:]]}),
        ("not of length 1", 422, {"external_embeddings": [[2 * x for x in v]]}),
        ("texts", 422, {"external_embeddings": [["x"] * len(v)]}),
        ("none", 400, {"external_embeddings": []}),
        ("one", 400, {"external_embeddings": 1}),
        ("many", 400, {"external_embeddings": [v] * 21}),
        ("not both", 400, {"external_embeddings": [v, v], "images": [b64(ada)]}),
        ("of no mode", 400, {"embedding_mode": "maybe", "external_embeddings": [v]}),
        ("without mode", 400, {"embedding_mode": "server", "external_embeddings": [v]}),
    ):
        ask(
            "elsewhere: " + name,
            status,
            "POST",
            bob + "/faces",
            value=dict(said, external_embeddings=[v]) | value,
        )
    ask("a bad embedding", 400, "POST", "/v1/collections/_default/search", value={"embedding": [1]})
    for x in (one, bob):
        ask("forget", 204, "DELETE", x + "?forget=true")


def removal(ask, box, report):
    p = ask(
        "somebody",
        201,
        "POST",
        PERSONS,
        fields=[("name", "Ada"), ("external_id", "E"), ("images", box.picture("ada.png"))],
    )
    p = p.json["person"]
    one, removed = PERSONS + "/" + p["id"], "/v1/collections/_default/removed"
    ask("best picture", 200, "GET", one + "/image")
    ask("remove badly", 400, "DELETE", one + "?forget=x")
    ask("remove", 204, "DELETE", one)
    ask("gone", 404, "GET", one)
    found = ask(
        "searched", 200, "POST", "/v1/collections/_default/search", fields=[("image", box.picture("ada.png"))]
    ).json
    report.check("not found", [] if not found["matches"] else [str(found)])
    listed = ask("removed", 200, "GET", removed + "?limit=1").json["removed"]
    ok = (
        len(listed) == 1
        and listed[0]["person"]["name"] == "Ada"
        and listed[0]["forgotten_at"] > listed[0]["removed_at"]
    )
    report.check("is among them", [] if ok and listed[0]["person"]["external_id"] == "E" else [str(listed)])
    ask(
        "the id is free",
        201,
        "POST",
        PERSONS,
        fields=[("name", "Ada"), ("external_id", "E"), ("images", box.picture("ada2.jpg"))],
    )
    ask("the name is taken", 409, "POST", removed + "/" + p["id"] + "/restore")
    other = ask("who has it", 200, "GET", PERSONS).json["persons"][0]["id"]
    ask("who gets another name", 200, "PATCH", PERSONS + "/" + other, value={"name": "Grace"})
    ask("the external id is taken", 409, "POST", removed + "/" + p["id"] + "/restore")
    ask("forget that one", 204, "DELETE", PERSONS + "/" + other + "?forget=1")
    back = ask("restore", 200, "POST", removed + "/" + p["id"] + "/restore").json["person"]
    report.check("as before", [] if back == p else ["%s\n%s" % (p, back)])
    ask("restore again", 404, "POST", removed + "/" + p["id"] + "/restore")
    ask("remove again", 204, "DELETE", one)
    ask("forget now", 204, "DELETE", removed + "/" + p["id"])
    ask("forget again", 404, "DELETE", removed + "/" + p["id"])
    report.check(
        "nobody waits", [] if ask("removed", 200, "GET", removed).json["removed"] == [] else ["somebody"]
    )


def reshape(ask, box, report):
    """Merging, splitting, negatives, scores."""

    def make(name, *files):
        fields = [("name", name)] + [("images", box.picture(f)) for f in files]
        reply = ask("make " + name, 201, "POST", PERSONS, fields=fields).json
        return reply["person"]["id"], [f["id"] for f in reply["faces"]]

    a, fa = make("A", "ada.png", "ada2.jpg")
    b, fb = make("B", "bob.png", "bob2.png")
    scores = ask("scores", 200, "GET", "/v1/collections/_default/scores?bins=20").json
    ok = (scores["genuine"], scores["impostor"]) == (2, 4) and sum(x["genuine"] for x in scores["bins"]) == 2
    report.check(
        "pairs", [] if ok and scores["true_accept"] == 1 and scores["false_accept"] == 0 else [str(scores)]
    )
    for bad in ("bins=9", "bins=201", "most_faces=1", "bins=x"):
        ask("scores: " + bad, 400, "GET", "/v1/collections/_default/scores?" + bad)
    one = PERSONS + "/" + a
    merged = ask("merge", 200, "POST", one + "/merge", value={"from": [b]}).json["person"]
    report.check("all faces", [] if merged["face_count"] == 4 else [str(merged)])
    ask("the other is gone", 404, "GET", PERSONS + "/" + b)
    for name, status, value in (
        ("again", 404, [b]),
        ("itself", 400, [a]),
        ("nobody", 400, []),
        ("twice", 400, ["7", "7"]),
        ("no id", 400, ["x"]),
        ("numbers", 400, [1]),
    ):
        ask("merge: " + name, status, "POST", one + "/merge", value={"from": value})
    split = ask("split", 200, "POST", one + "/split", value={"faces": fb, "name": "B"}).json
    ok = split["person"]["face_count"] == split["from"]["face_count"] == 2
    report.check("two and two", [] if ok else [str(split)])
    b = split["person"]["id"]
    for name, status, value in (
        ("another's", 404, {"faces": fb, "name": "C"}),
        ("to whom", 400, {"faces": fa}),
        ("to two", 400, {"faces": fa, "name": "C", "person_id": b}),
        ("to one who is there", 409, {"faces": fa, "name": "B"}),
        ("to nobody", 404, {"faces": fa, "person_id": "999"}),
        ("no faces", 400, {"faces": [], "name": "C"}),
    ):
        ask("split: " + name, status, "POST", one + "/split", value=value)
    ask("split to somebody", 200, "POST", one + "/split", value={"faces": fa[:1], "person_id": b})
    ask("and back", 200, "POST", PERSONS + "/" + b + "/split", value={"faces": fa[:1], "person_id": a})
    search = "/v1/collections/_default/search"
    n = ask(
        "not this person", 201, "POST", one + "/negatives", fields=[("image", box.picture("ada.png"))]
    ).json["negative"]
    found = ask("search", 200, "POST", search, fields=[("image", box.picture("ada.png"))]).json["matches"]
    report.check("not named", [] if not found else [str(found)])
    listed = ask("negatives", 200, "GET", one + "/negatives").json["negatives"]
    report.check("listed", [] if [x["id"] for x in listed] == [n["id"]] else [str(listed)])
    ask("another's negative", 404, "DELETE", PERSONS + "/" + b + "/negatives/" + n["id"])
    ask("take it back", 204, "DELETE", one + "/negatives/" + n["id"])
    ask("again", 404, "DELETE", one + "/negatives/" + n["id"])
    found = ask("search", 200, "POST", search, fields=[("image", box.picture("ada.png"))]).json["matches"]
    report.check("named", [] if found and found[0]["person"]["id"] == a else [str(found)])
    ask("a stored face", 201, "POST", one + "/negatives", value={"face_id": fb[0]})
    ask("no face", 404, "POST", one + "/negatives", value={"face_id": "999"})
    ask("nothing", 400, "POST", one + "/negatives", value={})
    ask("an empty picture", 422, "POST", one + "/negatives", fields=[("image", box.picture("empty.png"))])
    for x in (a, b):
        ask("forget", 204, "DELETE", PERSONS + "/" + x + "?forget=true")


def administration(ask, box, report):
    first = ask("settings", 200, "GET", "/v1/settings").json["settings"]
    new = ask(
        "change",
        200,
        "PATCH",
        "/v1/settings",
        value={"threshold": 0.7, "audit": "searches", "removed_days": 0, "rate": 1000.5},
    ).json["settings"]
    want = {
        "threshold": 0.7,
        "default_threshold": 0.7,
        "audit": "searches",
        "removed_days": 0,
        "rate": 1000.5,
    }
    report.check("changed", [] if new == want else [str(new)])
    c = ask("collection", 200, "GET", "/v1/collections/_default").json["collection"]
    report.check("holds there", [] if c["default_threshold"] == 0.7 and c["threshold"] is None else [str(c)])
    p = ask(
        "somebody", 201, "POST", PERSONS, fields=[("name", "Ada"), ("images", box.picture("ada.png"))]
    ).json["person"]
    ask("removed at once", 204, "DELETE", PERSONS + "/" + p["id"])
    report.check(
        "for good",
        [] if not ask("removed", 200, "GET", "/v1/collections/_default/removed").json["removed"] else ["no"],
    )
    for value in (
        {"threshold": 2},
        {"audit": "all"},
        {"audit": 1},
        {"removed_days": 366},
        {"rate": -1},
        {"x": 1},
        {"audit": None},
    ):
        ask("settings: %s" % value, 400, "PATCH", "/v1/settings", value=value)
    ask("settings as a form", 415, "PATCH", "/v1/settings", fields=[("audit", "off")])
    back = dict(first, threshold=None)
    del back["default_threshold"]
    ask("as before", 200, "PATCH", "/v1/settings", value=back)

    key = ask("a key", 201, "POST", "/v1/keys", value={"name": "door", "role": "reader"}).json
    mine = ask("who am I", 200, "GET", "/v1/keys/current", key=key["secret"]).json
    report.check(
        "it is that one",
        [] if mine["role"] == "reader" and mine["key"]["id"] == key["key"]["id"] else [str(mine)],
    )
    for method, path in (
        ("GET", "/v1/keys"),
        ("GET", "/v1/audit"),
        ("GET", "/v1/settings"),
        ("PATCH", "/v1/settings"),
        ("POST", "/v1/keys"),
        ("DELETE", "/v1/keys/" + key["key"]["id"]),
        ("POST", "/v1/collections"),
    ):
        ask("a reader may not: %s %s" % (method, path), 403, method, path, key=key["secret"])
    bound = ask(
        "a bound key", 201, "POST", "/v1/keys", value={"name": "b", "role": "admin", "collection": "x"}
    ).json
    ask("may not elsewhere", 403, "GET", PERSONS, key=bound["secret"])
    ask("but knows itself", 200, "GET", "/v1/keys/current", key=bound["secret"])
    ask("the same name", 409, "POST", "/v1/keys", value={"name": "door", "role": "reader"})
    ask("no role", 400, "POST", "/v1/keys", value={"name": "x", "role": "king"})
    ask("no name", 400, "POST", "/v1/keys", value={"role": "reader"})
    ask("a bad name", 400, "POST", "/v1/keys", value={"name": "a\nb", "role": "reader"})
    keys = ask("keys", 200, "GET", "/v1/keys").json["keys"]
    current = [k for k in keys if k["current"]]
    report.check("three keys", [] if len(keys) == 3 and len(current) == 1 else [str(keys)])
    for k in (key, bound):
        ask("remove", 204, "DELETE", "/v1/keys/" + k["key"]["id"])
    ask("it is nobody's", 401, "GET", "/v1/keys/current", key=key["secret"])
    ask("remove it again", 404, "DELETE", "/v1/keys/" + key["key"]["id"])
    ask("the last", 409, "DELETE", "/v1/keys/" + current[0]["id"])
    names = [k["name"] for k in json.loads((box.data / "keys.json").read_text())["keys"]]
    report.check("the file", [] if names == ["first"] else [str(names)])

    whole, cursor = [], ""
    for _ in range(99):
        page = ask("audit", 200, "GET", "/v1/audit?order=oldest&limit=7" + cursor).json
        whole += page["entries"]
        if not page["next_cursor"]:
            break
        cursor = "&cursor=" + page["next_cursor"]
    newest, cursor = [], ""
    for _ in range(99):
        page = ask("audit from the end", 200, "GET", "/v1/audit?limit=9" + cursor).json
        newest += page["entries"]
        if not page["next_cursor"]:
            break
        cursor = "&cursor=" + page["next_cursor"]
    numbers = [x["seq"] for x in whole]
    ok = numbers == list(range(1, len(whole) + 1)) and newest == whole[::-1]
    report.check(
        "every entry once, both ways", [] if ok else ["%s, %s" % (numbers, [x["seq"] for x in newest])]
    )
    check = ask("the log is whole", 200, "GET", "/v1/audit/check").json
    ok = check["intact"] and check["entries"] == len(whole) and check["hash"] == whole[-1]["hash"]
    report.check("its last hash", [] if ok else [str(check)])
    ask("no order", 400, "GET", "/v1/audit?order=random")
    db = sqlite3.connect(box.data / "gallery.db")
    detail = db.execute("SELECT detail FROM audit WHERE seq = 3").fetchone()[0]
    db.execute("UPDATE audit SET detail = '{}' WHERE seq = 3")
    db.commit()
    check = ask("somebody changed it", 200, "GET", "/v1/audit/check").json
    report.check("which is seen", [] if not check["intact"] and "entry 3" in check["fault"] else [str(check)])
    db.execute("UPDATE audit SET detail = ? WHERE seq = 3", (detail,))
    db.commit()
    db.close()


def run(ask, box, report):
    for part in (collections, known, removal, reshape, administration):
        part(ask, box, report)
