"""Jobs, many pictures at once, unknown faces, import and export: parts of api_test.py."""

import json
import time

from serve_box import b64, PERSONS

DEFAULT = "/v1/collections/_default"
UNKNOWN = DEFAULT + "/unknown"


def finish(ask, report, reply, wanted="done"):
    """Waits until a job has ended, and gives it."""
    job = reply.json["job"]
    path = "/v1/jobs/" + job["id"]
    for _ in range(5000):  # minutes, where the machine is busy
        job = ask("a job", 200, "GET", path).json["job"]
        if job["state"] not in ("waiting", "running"):
            break
        time.sleep(0.05)
    report.check("a job is " + wanted, [] if job["state"] == wanted else [str(job)])
    return job, path


def results(ask, path):
    out, cursor = [], ""
    while True:
        page = ask("results", 200, "GET", path + "/results?limit=2" + cursor).json
        out += page["results"]
        if not page["next_cursor"]:
            return out
        cursor = "&cursor=" + page["next_cursor"]


def clear(ask):
    for p in ask("persons", 200, "GET", PERSONS + "?limit=100").json["persons"]:
        ask("forget", 204, "DELETE", PERSONS + "/" + p["id"] + "?forget=true")


def batches(ask, box, report):
    ada, bob = box.picture("ada.png"), box.picture("bob.png")
    enroll, search = DEFAULT + "/batch/enroll", DEFAULT + "/batch/search"
    reply = ask(
        "enroll many",
        202,
        "POST",
        enroll,
        value={
            "items": [
                {"id": "a", "name": "Ada", "external_id": "E1", "image": b64(ada)},
                {"id": "b", "name": "Bob", "image": b64(bob)},
                {"id": "c", "name": "Ada", "image": b64(ada)},
                {"id": "d", "name": "Nobody", "image": b64(box.picture("empty.png"))},
                {"id": "e", "name": "Junk", "image": b64(b"junk")},
                {"id": "f", "name": "a\nb", "image": b64(ada)},
                {"id": "g", "name": "Bob", "external_id": "E1", "image": b64(box.picture("bob2.png"))},
            ]
        },
    )
    job, path = finish(ask, report, reply)
    report.check("where it is", [] if reply.headers["Location"] == path else [reply.headers["Location"]])
    got = [(r["id"], r["status"], r["reason"]) for r in results(ask, path)]
    want = [
        ("a", "stored", None),
        ("b", "stored", None),
        ("c", "known", None),
        ("d", "rejected", "face_not_found"),
        ("e", "rejected", "invalid_image"),
        ("f", "rejected", "invalid_name"),
        ("g", "stored", "external_id_exists"),
    ]
    report.check("each has a result", [] if got == want else [str(got)])
    ok = (
        job["summary"] == {"stored": 3, "known": 1, "rejected": 3}
        and job["progress"] == 1
        and job["total"] == 7
    )
    report.check("a summary", [] if ok else [str(job)])
    people = {p["name"]: p for p in ask("persons", 200, "GET", PERSONS).json["persons"]}
    ok = (
        sorted(people) == ["Ada", "Bob"]
        and people["Ada"]["external_id"] == "E1"
        and not people["Bob"]["external_id"]
    )
    report.check("they are there", [] if ok else [str(people)])
    files = [("images", ("Ada/1.jpg", box.picture("ada2.jpg"))), ("images", ("Bob.png", bob))]
    job, _ = finish(ask, report, ask("by file names", 202, "POST", enroll, fields=files))
    report.check(
        "a new one and a known one", [] if job["summary"] == {"stored": 1, "known": 1} else [str(job)]
    )
    files = [("names", '["Bob", "Ada"]'), ("images", bob), ("images", ada)]
    job, _ = finish(ask, report, ask("by names", 202, "POST", enroll, fields=files))
    report.check("known ones", [] if job["summary"] == {"known": 2} else [str(job)])
    for name, status, value in (
        ("none", 400, {"items": []}),
        ("no list", 400, {"items": 1}),
        ("no name", 400, {"items": [{"image": b64(ada)}]}),
        ("no image", 400, {"items": [{"name": "x"}]}),
        ("a number", 400, {"items": [{"name": "x", "image": 1}]}),
        ("a text", 400, {"items": ["x"]}),
        ("what is not asked", 400, {"items": [{"name": "x", "image": "", "age": "3"}]}),
        ("many", 400, {"items": [{"name": "x", "image": ""}] * 501}),
        ("review", 400, {"items": [{"name": "x", "image": ""}], "review_mode": "x"}),
        ("a long id", 400, {"items": [{"id": "x" * 201, "name": "x", "image": ""}]}),
    ):
        ask("enroll many: " + name, status, "POST", enroll, value=value)
    for name, fields in (
        ("no images", [("names", "[]")]),
        ("too few names", [("names", "[]"), ("images", ada)]),
        ("no names", [("images", ("", ada))]),
        ("no JSON", [("names", "["), ("images", ada)]),
        ("numbers", [("names", "[1]"), ("images", ada)]),
    ):
        ask("enroll many: " + name, 400, "POST", enroll, fields=fields)
    ask("a picture alone", 400, "POST", enroll, body=ada, headers={"Content-Type": "image/png"})

    reply = ask(
        "search many",
        202,
        "POST",
        search,
        fields=[
            ("images", ada),
            ("images", b"junk"),
            ("limit", "1"),
            ("images", box.picture("three.png")),
            ("all_faces", "true"),
        ],
    )
    job, path = finish(ask, report, reply)
    found = results(ask, path)
    named = [[m["name"] for f in r["faces"] for m in f["matches"]] for r in found if r["status"] == "done"]
    ok = (
        [r["status"] for r in found] == ["done", "failed", "done"]
        and named[0] == ["Ada"]
        and "Ada" in named[1]
    )
    report.check("who is on them", [] if ok and len(found[2]["faces"]) == 3 else [str(found)])
    for name, value in (
        ("limit", {"limit": 0}),
        ("threshold", {"threshold": 3}),
        ("all", {"all_faces": "some"}),
        ("names", {"items": [{"name": "x", "image": ""}]}),
    ):
        ask("search many: " + name, 400, "POST", search, value={"items": [{"image": ""}]} | value)


def watching(ask, box, report):
    listed = ask("jobs", 200, "GET", "/v1/jobs?limit=2").json
    more = ask("more jobs", 200, "GET", "/v1/jobs?cursor=" + listed["next_cursor"]).json["jobs"]
    ids = [x["id"] for x in listed["jobs"] + more]
    report.check("all four, the newest first", [] if len(set(ids)) == len(ids) == 4 else [str(ids)])
    done = "/v1/jobs/" + ids[0]
    ask("begin a finished one", 409, "POST", done + "/restart")
    ask("remove it", 204, "DELETE", done)
    for method, path in (
        ("GET", done),
        ("GET", done + "/results"),
        ("DELETE", done),
        ("POST", done + "/restart"),
    ):
        ask("it is gone: " + path, 404, method, path)
    job, path = finish(
        ask,
        report,
        ask(
            "duplicates",
            202,
            "POST",
            "/v1/jobs",
            value={"kind": "duplicates", "collection": "_default", "threshold": -1},
        ),
    )
    found = results(ask, path)
    report.check(
        "of two people, one pair",
        (
            []
            if [x["kind"] for x in found if x["persons"][0] != x["persons"][1]] == ["person"]
            else [str(found)]
        ),
    )
    for name, status, value in (
        ("none", 400, {"kind": "magic"}),
        ("no kind", 400, {}),
        ("enroll", 400, {"kind": "enroll"}),
        ("nowhere", 404, {"kind": "clusters", "collection": "none"}),
        ("a threshold", 400, {"kind": "duplicates", "threshold": 2}),
    ):
        ask("a job: " + name, status, "POST", "/v1/jobs", value=value)


def exchange(ask, box, report):
    kind = {"Content-Type": "application/x-ndjson"}
    small = ask("export", 200, "GET", DEFAULT + "/export").body
    text = ask("export with pictures", 200, "GET", DEFAULT + "/export?crops=true").body
    lines = [json.loads(line) for line in text.splitlines()]
    people = {x["name"] for x in lines[1:]}
    ok = lines[0]["facet_gallery"] == 1 and people == {"Ada", "Bob"} and len(text) > len(small)
    report.check("all of it", [] if ok else [str(lines)[:400]])
    ask("export badly", 400, "GET", DEFAULT + "/export?crops=x")
    ask("another collection", 201, "POST", "/v1/collections", value={"id": "copy"})
    marked = b"".join(
        json.dumps(dict(x, collection="elsewhere") if "name" in x else x).encode() + b"\n" for x in lines
    )
    job, _ = finish(
        ask, report, ask("import", 202, "POST", "/v1/collections/copy/import", body=marked, headers=kind)
    )
    faces = sum("embedding" in x for x in lines)
    c = ask("the copy", 200, "GET", "/v1/collections/copy").json["collection"]
    ok = job["summary"] == {"added": faces} and (c["person_count"], c["face_count"]) == (2, faces)
    report.check("is whole", [] if ok else [str((job, c, faces))])
    ids = [x["id"] for x in ask("collections", 200, "GET", "/v1/collections").json["collections"]]
    report.check("and nowhere else", [] if ids == ["_default", "copy"] else [str(ids)])
    again = ask("export the copy", 200, "GET", "/v1/collections/copy/export?crops=1").body
    strip = [
        {k: v for k, v in json.loads(line).items() if k not in ("collection", "created")}
        for line in again.splitlines()
    ]
    first = [{k: v for k, v in x.items() if k != "created"} for x in lines]
    key = lambda x: json.dumps(x, sort_keys=True)  # noqa: E731
    report.check("is the same", [] if sorted(strip, key=key) == sorted(first, key=key) else ["differs"])
    job, path = finish(
        ask,
        report,
        ask("a bad line", 202, "POST", "/v1/collections/copy/import", body=text[:300] + b"\n{", headers=kind),
        "failed",
    )
    report.check(
        "is named", [] if job["error"].startswith("import: line ") and job["can_restart"] else [str(job)]
    )
    job, path = finish(ask, report, ask("again", 202, "POST", path + "/restart"), "failed")
    ask("remove it", 204, "DELETE", path)
    ask("an empty one", 400, "POST", "/v1/collections/copy/import", body=b"", headers=kind)
    ask("JSON", 415, "POST", "/v1/collections/copy/import", value={})
    ask("remove the copy", 204, "DELETE", "/v1/collections/copy?force=true")


def seen(box, ask, name, file="bob.png", source="door"):
    faces = ask(
        name, 200, "POST", DEFAULT + "/identify", fields=[("image", box.picture(file)), ("source", source)]
    ).json
    return [f["unknown_id"] for f in faces["faces"]]


def unknown(ask, box, report):
    report.check("off at first", [] if seen(box, ask, "off") == [None] else ["kept"])
    report.check("none", [] if ask("groups", 200, "GET", UNKNOWN).json["groups"] == [] else ["some"])
    ask("keep them", 200, "PATCH", DEFAULT, value={"keep_unknown": True, "unknown_days": 3})
    ada = ask(
        "one is known", 201, "POST", PERSONS, fields=[("name", "Ada"), ("images", box.picture("ada.png"))]
    ).json["person"]
    report.check("who is known", [] if seen(box, ask, "known", "ada2.jpg") == [None] else ["kept"])
    one = seen(box, ask, "unknown")[0]
    same = seen(box, ask, "again", "bob2.png", "gate")[0]
    report.check("one group", [] if one and one == same else ["%s, %s" % (one, same)])
    group = UNKNOWN + "/" + one
    g = ask("group", 200, "GET", group).json["group"]
    ok = (g["face_count"], g["times_seen"], g["source"], g["ignored"]) == (2, 2, "gate", False)
    report.check("two faces of it", [] if ok else [str(g)])
    c = ask("collection", 200, "GET", DEFAULT).json["collection"]
    report.check("nobody new", [] if (c["person_count"], c["unknown_count"]) == (1, 1) else [str(c)])
    told = ask("system", 200, "GET", "/v1/system").json["database"]["persons"]
    all_of = ask("collections", 200, "GET", "/v1/collections?limit=100").json["collections"]
    counted = sum(x["person_count"] for x in all_of)
    report.check("who is unknown is not counted as a person", [] if told == counted else [str((told, counted))])
    who = ask("search", 200, "POST", DEFAULT + "/search", fields=[("image", box.picture("bob.png"))]).json[
        "matches"
    ]
    report.check("no search finds it", [] if not who else [str(who)])
    faces = ask("faces", 200, "GET", group + "/faces").json["faces"]
    report.check("where it was", [] if [f["source"] for f in faces] == ["door", "gate"] else [str(faces)])
    ask("picture", 200, "GET", group + "/image")
    ask("picture of a face", 200, "GET", group + "/faces/" + faces[0]["id"] + "/image")
    ask("no face", 404, "GET", group + "/faces/999/image")
    for path in ("/0", "/x", "/999", "/" + ada["id"]):
        ask("no group " + path, 404, "GET", UNKNOWN + path)
    ask("not a person", 404, "GET", PERSONS + "/" + one)
    two = ask("split", 200, "POST", group + "/split", value={"faces": [faces[1]["id"]]}).json["group"]["id"]
    finish(ask, report, ask("clusters", 202, "POST", "/v1/jobs", value={"kind": "clusters"}))
    ids = [x["id"] for x in ask("groups", 200, "GET", UNKNOWN).json["groups"]]
    report.check("what was split stays apart", [] if ids == [one, two] else [str(ids)])
    page = ask("a page", 200, "GET", UNKNOWN + "?limit=1").json
    more = ask("the next", 200, "GET", UNKNOWN + "?limit=1&cursor=" + page["next_cursor"]).json
    ok = [page["groups"][0]["id"], more["groups"][0]["id"]] == [one, two] and not more["next_cursor"]
    report.check("each once", [] if ok else [str((page, more))])
    ask("merge", 200, "POST", group + "/merge", value={"from": [two]})
    ask("merge badly", 404, "POST", group + "/merge", value={"from": [two]})
    ask("ignore", 200, "PATCH", group, value={"ignored": True})
    ask("ignore badly", 400, "PATCH", group, value={"ignored": "perhaps"})
    ask("ignore nothing", 400, "PATCH", group, value={})
    lists = [
        len(ask("groups", 200, "GET", UNKNOWN + "?ignored=" + x).json["groups"]) for x in ("true", "false")
    ]
    report.check("is among the ignored", [] if lists == [1, 0] else [str(lists)])
    ask("bad truth", 400, "GET", UNKNOWN + "?ignored=x")
    report.check("is known as such", [] if seen(box, ask, "seen again") == [one] else ["not"])
    ask("no more", 200, "PATCH", group, value={"ignored": False})
    n = ask("not Ada", 201, "POST", group + "/not", value={"person_id": ada["id"]}).json["negatives"]
    report.check("two negatives", [] if len(n) == 2 else [str(n)])
    ask("not nobody", 404, "POST", group + "/not", value={"person_id": "999"})
    ask("not whom", 400, "POST", group + "/not", value={})
    for name, status, value in (
        ("nothing", 400, {}),
        ("both", 400, {"name": "B", "person_id": ada["id"]}),
        ("nobody", 404, {"person_id": "999"}),
        ("no face", 404, {"name": "B", "faces": ["999"]}),
    ):
        ask("name: " + name, status, "POST", group + "/name", value=value)
    bob = ask(
        "name one face", 200, "POST", group + "/name", value={"name": "Bob", "faces": [faces[0]["id"]]}
    ).json["person"]
    report.check("is a person", [] if (bob["name"], bob["face_count"]) == ("Bob", 1) else [str(bob)])
    bob = ask("name the rest", 200, "POST", group + "/name", value={"name": "Bob"}).json["person"]
    report.check("both faces", [] if bob["face_count"] == 2 else [str(bob)])
    ask("the group is gone", 404, "GET", group)
    who = ask("search", 200, "POST", DEFAULT + "/search", fields=[("image", box.picture("bob.png"))]).json[
        "matches"
    ]
    report.check("found now", [] if who and who[0]["person"]["id"] == bob["id"] else [str(who)])
    clear(ask)
    gone = seen(box, ask, "unknown again")[0]
    face = ask("faces", 200, "GET", UNKNOWN + "/" + gone + "/faces").json["faces"][0]["id"]
    ask("remove the face", 204, "DELETE", UNKNOWN + "/" + gone + "/faces/" + face)
    ask("and so the group", 404, "GET", UNKNOWN + "/" + gone)
    ask("remove a group", 204, "DELETE", UNKNOWN + "/" + seen(box, ask, "once more")[0])
    old = seen(box, ask, "one that gets old")[0]
    box.sql("UPDATE face SET created = created - 4 * 86400")
    job, _ = finish(ask, report, ask("retention", 202, "POST", "/v1/jobs", value={"kind": "retention"}))
    report.check("is forgotten", [] if job["summary"] == {"people": 0, "unknown_faces": 1} else [str(job)])
    ask("no more there", 404, "GET", UNKNOWN + "/" + old)
    due = ask(
        "somebody",
        201,
        "POST",
        PERSONS,
        fields=[("name", "Due"), ("images", box.picture("ada.png")), ("expires_at", "2020-01-01")],
    ).json
    ask(
        "and one removed",
        204,
        "DELETE",
        PERSONS
        + "/"
        + ask("other", 201, "POST", PERSONS, fields=[("name", "O"), ("images", box.picture("bob.png"))]).json[
            "person"
        ]["id"],
    )
    job, _ = finish(ask, report, ask("retention", 202, "POST", "/v1/jobs", value={"kind": "retention"}))
    report.check("one was due", [] if job["summary"]["people"] == 1 else [str(job)])
    ask("forgotten", 404, "GET", PERSONS + "/" + due["person"]["id"])
    ask("no more", 200, "PATCH", DEFAULT, value={"keep_unknown": False})
    for x in ask("removed", 200, "GET", DEFAULT + "/removed").json["removed"]:
        ask("forget", 204, "DELETE", DEFAULT + "/removed/" + x["person"]["id"])


def run(ask, box, report):
    batches(ask, box, report)
    watching(ask, box, report)
    exchange(ask, box, report)
    clear(ask)
    unknown(ask, box, report)
