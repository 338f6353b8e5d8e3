"""What comes again after the server ended: requests with an Idempotency-Key, and jobs. Parts of api_test.py."""

import hashlib
import json
import signal

from jobs_checks import DEFAULT, finish, results
from serve_box import b64, PERSONS, multipart


def restart(box):
    box.kill()
    box.start()


def cut_answers(box):
    """Takes the answers out of the log, as though the server had ended between a change and its answer."""
    path = box.data / "requests.jsonl"
    lines = [line for line in path.read_bytes().splitlines() if b'"begin"' in line]
    path.write_bytes(b"\n".join(lines))


def once(ask, name, status, method, path, key, **more):
    return ask(name, status, method, path, headers={"Idempotency-Key": key}, **more)


def answers(ask, box, report):
    """The first answer is given again after kill -9, and no key's secret lies in a file."""
    picture = [("name", "Kept"), ("images", box.picture("ada.png"))]
    first = once(ask, "create", 201, "POST", PERSONS, "keep-1", fields=picture)
    key = once(ask, "a key", 201, "POST", "/v1/keys", "keep-2", value={"name": "k", "role": "reader"})
    restart(box)
    again = once(ask, "create again", 201, "POST", PERSONS, "keep-1", fields=picture)
    ok = again.body == first.body and again.headers["Idempotency-Replayed"] == "true"
    report.check(
        "the first answer",
        [] if ok and again.headers["Location"] == first.headers["Location"] else [str(again.body)],
    )
    once(ask, "another request", 422, "POST", PERSONS, "keep-1", fields=[("name", "Other")] + picture[1:])
    once(
        ask,
        "the key is there, and is not shown again",
        409,
        "POST",
        "/v1/keys",
        "keep-2",
        value={"name": "k", "role": "reader"},
    )
    text = b"".join(p.read_bytes() for p in box.data.rglob("*") if p.is_file())
    report.check("no file has the secret", [] if key.json["secret"].encode() not in text else ["one has"])
    ask("remove the key", 204, "DELETE", "/v1/keys/" + key.json["key"]["id"])
    return first.json["person"]["id"]


def refound(ask, box, report, kept):
    """Changes that were made, and whose answers were lost, are found and not made twice."""
    bob = [
        ("name", "Bob"),
        ("external_id", "B1"),
        ("metadata", '{"a": 1}'),
        ("images", box.picture("bob.png")),
    ]
    made = once(ask, "create", 201, "POST", PERSONS, "lost-1", fields=bob).json
    person = made["person"]["id"]
    one = PERSONS + "/" + person
    face = once(
        ask, "a face", 201, "POST", one + "/faces", "lost-2", fields=[("images", box.picture("bob2.png"))]
    ).json["faces"][0]["id"]
    split = {"faces": [face], "name": "Part"}
    part = once(ask, "split", 200, "POST", one + "/split", "lost-3", value=split).json["person"]
    back = {"from": [part["id"]]}
    cut_answers(box)
    restart(box)
    again = once(ask, "split again", 200, "POST", one + "/split", "lost-3", value=split).json["person"]
    report.check("the same part", [] if again == part else [str((again, part))])
    once(ask, "merge", 200, "POST", one + "/merge", "lost-4", value=back)
    once(ask, "remove", 204, "DELETE", PERSONS + "/" + kept, "lost-5")
    once(ask, "restore", 200, "POST", DEFAULT + "/removed/" + kept + "/restore", "lost-6")
    once(ask, "a collection", 201, "POST", "/v1/collections", "lost-7", value={"id": "once", "name": "Once"})
    once(ask, "move", 200, "POST", PERSONS + "/" + kept + "/move", "lost-8", value={"collection": "once"})
    once(ask, "remove it", 204, "DELETE", "/v1/collections/once/persons/" + kept + "?forget=1", "lost-9")
    cut_answers(box)
    restart(box)
    again = once(ask, "create again", 201, "POST", PERSONS, "lost-1", fields=bob).json
    ok = (
        again["person"]["id"] == person
        and again["faces"] == made["faces"]
        and again["person"]["external_id"] == "B1"
    )
    report.check("the same person", [] if ok else [str(again)])
    again = once(
        ask,
        "the face again",
        201,
        "POST",
        one + "/faces",
        "lost-2",
        fields=[("images", box.picture("bob2.png"))],
    ).json
    report.check("the same face", [] if again["faces"][0]["id"] == face else [str(again)])
    merged = once(ask, "merge again", 200, "POST", one + "/merge", "lost-4", value=back).json["person"]
    report.check("two faces", [] if merged["face_count"] == 2 else [str(merged)])
    once(
        ask,
        "a collection again",
        201,
        "POST",
        "/v1/collections",
        "lost-7",
        value={"id": "once", "name": "Once"},
    )
    once(ask, "removed again", 204, "DELETE", "/v1/collections/once/persons/" + kept + "?forget=1", "lost-9")
    names = [p["name"] for p in ask("persons", 200, "GET", PERSONS).json["persons"]]
    report.check("nobody twice", [] if names == ["Bob"] else [str(names)])
    with open(box.data / "requests.jsonl", "ab") as f:
        f.write(b'{"begin": "x"}\n{"end": 3}\nhello\n{"begin": "' + hashlib.sha256(b"").hexdigest().encode())
    restart(box)
    again = once(ask, "beside a damaged log", 201, "POST", PERSONS, "lost-1", fields=bob)
    report.check("is still known", [] if again.headers["Idempotency-Replayed"] == "true" else ["not"])


def interrupted(ask, box, report):
    """A job that kill -9 interrupts can begin again, with the pictures that it had; so can one that was cancelled."""
    items = [{"id": str(i), "name": "J%d" % (i % 7), "image": b64(box.picture("ada.png"))} for i in range(80)]
    body, kind = json.dumps({"items": items}), {"Content-Type": "application/json"}
    job = ask("many", 202, "POST", DEFAULT + "/batch/enroll", body=body, headers=kind).json["job"]["id"]
    later = [
        ask("more", 202, "POST", DEFAULT + "/batch/enroll", body=body, headers=kind).json["job"]["id"]
        for _ in range(5)
    ]
    ask("cancel one", 204, "DELETE", "/v1/jobs/" + later[-1])
    report.check("killed", [] if box.process.poll() is None else ["it ended by itself"])
    box.stop(signal.SIGKILL)
    box.start()
    states = [ask("job", 200, "GET", "/v1/jobs/" + x).json["job"] for x in (job, *later)]
    ended = [s for s in states[:-1] if s["state"] != "done"]  # the first may have been faster than the kill
    ok = ended and all(s["state"] == "interrupted" and s["can_restart"] for s in ended)
    report.check("interrupted", [] if ok and states[-1]["state"] == "cancelled" else [str(states)])
    last, path = finish(ask, report, ask("begin again", 202, "POST", "/v1/jobs/" + later[-1] + "/restart"))
    n = len(results(ask, path)) if last["state"] == "done" else 0
    report.check("all of it", [] if n == 80 and last["done"] == 80 else ["%d: %s" % (n, last)])
    (box.data / "jobs" / (later[0] + ".json")).write_text('{"version": 1, "id": "../../x"}')
    restart(box)
    ask("a damaged one is passed over", 404, "GET", "/v1/jobs/" + later[0])
    ask("the others are there", 200, "GET", path)
    report.check("and its results", [] if len(results(ask, path)) == 80 else ["not all"])
    left = sorted(p.suffix for p in (box.data / "jobs").glob(later[-1] + "*"))
    report.check("the pictures are gone", [] if left == [".json", ".jsonl"] else [str(left)])


def run(ask, box, report):
    kept = answers(ask, box, report)
    refound(ask, box, report, kept)
    interrupted(ask, box, report)
