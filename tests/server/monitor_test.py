#!/usr/bin/env python3
"""Monitors of 'facet serve': a film and a camera (an HTTP server of ours that wants a password) are watched; state,
events in pages and as they happen, preview, tickets, what is refused, kill -9 and restart. All answers are held
against the OpenAPI file.

usage: monitor_test.py FACET MAKE_PACK VIDEO_TOOL"""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

from monitor_box import Camera, Stream, WAIT, status, told, until
from schema_check import Asker
from serve_box import Box, PERSONS, Report

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import rtsp_server  # noqa: E402

COLLECTION = "/v1/collections/_default"


def film(ask, box, report):
    """A film as it passes: who is in it is told once each, the stranger too, whose face is kept; then the monitor turns
    itself off."""
    box.send_json(COLLECTION, {"keep_unknown": True}, method="PATCH")
    reply = ask("a film", 201, "POST", "/v1/monitors", value={
        "id": "film", "name": "Film", "source": {"type": "file", "url": "scene.mp4"}, "inference_fps": 12,
        "event_policy": {"confirm_frames": 2, "cooldown_seconds": 60}})  # fmt: skip
    report.check("its place", [] if reply.headers["Location"] == "/v1/monitors/film" else [str(reply.headers)])
    ended = until(lambda: "ended" in [e["type"] for e in told(box, "film")])
    events = told(box, "film")
    names = [(e["type"], e["person"] and e["person"]["name"]) for e in events]
    wanted = {("started", None), ("recognized", "Bob"), ("recognized", "Ada"), ("unknown", None), ("ended", None)}
    fine = ended and len(names) == 5 and set(names) == wanted and names[0][0] == "started" and names[-1][0] == "ended"
    report.check("each is told of once", [] if fine else [str(names)])
    for e in events:
        if e["type"] == "recognized":
            good = e["similarity"] >= e["threshold"] and e["matched_face_id"] and e["face"]["bbox"]["normalized"]
            report.check("what is told of %s" % e["person"]["name"], [] if good else [str(e)])
    groups = box.get(COLLECTION + "/unknown").json["groups"]
    kept = [(g["source"], g["face_count"]) for g in groups]
    report.check("the stranger is among the unknown faces", [] if kept == [("Film", 1)] else [str(kept)])
    box.send_json(COLLECTION, {"keep_unknown": False}, method="PATCH")
    frames = re.search(r'facet_monitor_frames_total{monitor="film"} (\d+)', box.get("/metrics").body.decode())
    report.check("its frames are counted", [] if frames and int(frames.group(1)) > 5 else [str(frames)])
    m = ask("the film is over", 200, "GET", "/v1/monitors/film").json["monitor"]
    off = m["runtime"]["status"] == "stopped" and not m["enabled"]
    report.check("it turned itself off", [] if off else [str(m)])
    page = ask("a page", 200, "GET", "/v1/monitors/film/events?limit=2").json
    rest = ask("the next", 200, "GET", "/v1/monitors/film/events?limit=10&cursor=" + page["next_cursor"]).json
    newest = ask("backwards", 200, "GET", "/v1/monitors/film/events?order=newest&limit=3").json
    older = ask("further back", 200, "GET",
                "/v1/monitors/film/events?order=newest&cursor=" + newest["next_cursor"]).json  # fmt: skip
    ids = [e["id"] for e in events]
    got = [[e["id"] for e in p["events"]] for p in (page, rest, newest, older)]
    fine = got[0] + got[1] == ids and got[2] + got[3] == ids[::-1] and page["has_more"] and not rest["has_more"]
    report.check("pages neither skip nor repeat", [] if fine else [str((ids, got))])
    ask("nothing behind it", 200, "GET", "/v1/monitors/film/events?cursor=" + rest["next_cursor"])
    return ids


def camera_runs(ask, box, report, camera):
    """A live stream with a password: events as they happen, preview, a lost connection that comes back."""
    follow = Stream(box, "/v1/monitors/events")
    post = {"id": "door", "name": "Front door", "source": {"url": camera.address()}, "inference_fps": 10}
    ask("a camera", 201, "POST", "/v1/monitors", value=post)
    seen = until(lambda: {"started", "recognized"} <= {e[1] for e in follow.events()})
    report.check("events come as they happen", [] if seen else [repr(follow.data)])
    kind = follow.answer.headers["Content-Type"]
    report.check("as an event stream", [] if kind == "text/event-stream" else [kind])
    state = until(lambda: (s := ask_quietly(box, "/v1/monitors/door/state")["state"])["matched_faces"] and s)
    who = state and [f["person"]["name"] for f in state["faces"]]
    report.check("the state says who is there", [] if who == ["Ada"] and state["connected"] else [str(state)])
    ask("state", 200, "GET", "/v1/monitors/door/state")
    previews(ask, box, report)
    camera.on = False
    lost = until(lambda: status(box, "door") == "retrying")
    m = box.get("/v1/monitors/door").json["monitor"]["runtime"]
    why = m["last_error"] and m["last_error"].startswith("http://127.0.0.1:%d/live: " % camera.port)
    fine = lost and why and m["retry_at"]
    report.check("a lost connection is tried again, and why is told", [] if fine else [str(m)])
    camera.on = True
    back = until(lambda: status(box, "door") == "running")
    report.check("it comes back", [] if back else ["not within %d s" % WAIT])
    until(lambda: [e[1] for e in follow.events()].count("started") == 2)
    types = [e[1] for e in follow.events()]
    fine = [t for t in types if t != "recognized"] == ["started", "lost", "started"] and types.count("recognized") == 1
    report.check("nobody is told of twice for it", [] if fine else [str(types)])
    ids = [int(e[0]) for e in follow.events()]
    report.check("numbers ascend", [] if ids == sorted(set(ids)) else [str(ids)])
    follow.close()
    again = Stream(box, "/v1/monitors/events?monitor=door", {"Last-Event-ID": str(ids[0])})
    until(lambda: len(again.events()) >= len(ids) - 1)
    report.check("reading goes on behind the last event", [] if [int(e[0]) for e in again.events()] == ids[1:]
                 else [str((ids, again.events()))])  # fmt: skip
    again.close()


def ask_quietly(box, path):
    return box.get(path).json


def parts_of(data):
    """The pictures of a motion JPEG, each checked for its ends."""
    out = []
    for head in re.finditer(rb"--facet\r\nContent-Type: image/jpeg\r\nContent-Length: (\d+)\r\n\r\n", data):
        picture = data[head.end() : head.end() + int(head.group(1))]
        if len(picture) == int(head.group(1)):
            out.append(picture)
    return [p for p in out if p[:2] == b"\xff\xd8" and p[-2:] == b"\xff\xd9"]


def previews(ask, box, report):
    ticket = ask("a ticket", 200, "POST", "/v1/tickets").json["ticket"]
    look = Stream(box, "/v1/monitors/door/preview?ticket=" + ticket, key=None)
    kind = look.answer.headers["Content-Type"]
    report.check("a preview", [] if kind == "multipart/x-mixed-replace; boundary=facet" else [kind])
    some = until(lambda: len(parts_of(look.data)) >= 3)
    report.check("pictures come", [] if some else [repr(look.data[:200])])
    began, n = time.monotonic(), len(parts_of(look.data))
    time.sleep(1)
    rate = (len(parts_of(look.data)) - n) / (time.monotonic() - began)
    report.check("not more than a few a second", [] if rate < 8 else [str(rate)])
    drawn = box.form("/v1/detect", [("image", parts_of(look.data)[-1])])
    report.check("with a face in them", [] if drawn.json["faces"] else [str(drawn.json)])
    slow = [socket.create_connection(("127.0.0.1", box.port)) for _ in range(6)]
    for s in slow:  # they ask and never read
        s.sendall(b"GET /v1/monitors/door/preview?ticket=%s HTTP/1.1\r\nHost: x\r\n\r\n" % ticket.encode())
    until(lambda: ask_quietly(box, "/v1/monitors/door/state")["state"]["preview"]["viewers"] == 7)
    n = len(parts_of(look.data))
    some = until(lambda: len(parts_of(look.data)) > n + 3)
    report.check("clients that do not read hold nobody up", [] if some else ["no more pictures"])
    more = [Stream(box, "/v1/monitors/door/preview") for _ in range(2)]
    got = [m.answer.status for m in more]
    report.check("there is an end to how many may look", [] if got == [200, 503] else [str(got)])
    for s in slow + more:
        s.close()
    left = until(lambda: ask_quietly(box, "/v1/monitors/door/state")["state"]["preview"]["viewers"] == 1)
    report.check("who is gone is forgotten", [] if left else ["still there"])
    look.close()
    for name, path in {
        "a changed ticket": "/v1/monitors/events?ticket=" + ticket[:-1] + ("0" if ticket[-1] != "0" else "1"),
        "no ticket": "/v1/monitors/events?ticket=x",
        "a ticket is for streams alone": "/v1/monitors?ticket=" + ticket,
    }.items():
        ask(name, 401, "GET", path, key=None)
    head = box.raw(b"HEAD /v1/monitors/door/preview?ticket=%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                   % ticket.encode())  # fmt: skip
    report.check("HEAD of a preview", [] if head.startswith(b"HTTP/1.1 200") and head.endswith(b"\r\n\r\n") else [head])


def refused(ask, box, report):
    """What may not be watched, and settings that are none."""
    good = {"name": "X", "source": {"url": "rtsp://127.0.0.1:1/x"}}
    for name, code, change in (
        ("no name", 400, {"name": ""}),
        ("a long name", 400, {"name": "x" * 201}),
        ("no source", 400, {"source": {}}),
        ("an unknown setting", 400, {"color": "red"}),
        ("an unknown part of a source", 400, {"source": {"url": "rtsp://a/", "x": 1}}),
        ("a rate out of range", 400, {"inference_fps": 0}),
        ("a text for a number", 400, {"inference_fps": "2"}),
        ("half a buffer", 400, {"event_buffer_size": 10.5}),
        ("a bad id", 400, {"id": "../x"}),
        ("a taken word", 400, {"id": "events"}),
        ("another type", 400, {"source": {"type": "file", "url": "rtsp://a/"}}),
        ("no such collection", 404, {"collection_id": "nobody"}),
        ("an id twice", 409, {"id": "film"}),
        ("file:", 422, {"source": {"url": "file:///etc/passwd"}}),
        ("FILE:", 422, {"source": {"url": "FILE:///etc/passwd"}}),
        ("concat:", 422, {"source": {"url": "concat:/etc/passwd|x"}}),
        ("gopher", 422, {"source": {"url": "gopher://127.0.0.1/x"}}),
        ("udp", 422, {"source": {"url": "udp://127.0.0.1:99"}}),
        ("rtsps", 422, {"source": {"url": "rtsps://127.0.0.1/x"}}),
        ("no host", 400, {"source": {"url": "rtsp:///x"}}),
        ("a bad port", 400, {"source": {"url": "rtsp://a:70000/x"}}),
        ("a line break", 400, {"source": {"url": "rtsp://a/x\r\nX: y"}}),
        ("an unescaped password", 400, {"source": {"url": "rtsp://u:p/w@a/x"}}),
        ("a path upwards", 422, {"source": {"url": "../../etc/passwd"}}),
        ("a whole path", 422, {"source": {"url": "/etc/passwd"}}),
        ("a link out", 422, {"source": {"url": "link"}}),
        ("a playlist", 422, {"source": {"url": "list.m3u8"}}),
        ("a folder", 422, {"source": {"url": "."}}),
        ("no such file", 422, {"source": {"url": "none.mp4"}}),
        ("another device", 422, {"source": {"url": "/dev/sda"}}),
    ):
        reply = ask("refused: " + name, code, "POST", "/v1/monitors", value=dict(good, **change))
        leaks = [w for w in (b"passwd", b"p/w") if w in reply.body]
        report.check("its text holds nothing of the address: " + name, leaks)
    ask("nothing", 400, "POST", "/v1/monitors")
    looks = [("GET", x) for x in ("", "/state", "/events", "/preview", "/preview.mjpeg")]
    for method, path in [*looks, ("PATCH", ""), ("DELETE", ""), ("POST", "/start"), ("POST", "/stop")]:
        value = {} if method == "PATCH" else None
        ask("no such monitor: %s %s" % (method, path), 404, method, "/v1/monitors/none" + path, value=value)
    ask("no such monitor's events", 404, "GET", "/v1/monitors/events?monitor=none")
    ask("no preview of what is off", 409, "GET", "/v1/monitors/film/preview")
    ask("a strange cursor", 400, "GET", "/v1/monitors/film/events?cursor=x")
    ask("a strange order", 400, "GET", "/v1/monitors/film/events?order=x")
    ask("a strange last event", 400, "GET", "/v1/monitors/events", headers={"Last-Event-ID": "-1"})
    reader = box.command("keys", "add", "reader", "--role", "enroller").stdout.strip()
    box.process.send_signal(signal.SIGHUP)
    until(lambda: box.get("/v1/monitors", key=reader).status == 200)
    ask("an enroller makes no monitors", 403, "POST", "/v1/monitors", value=good, key=reader)
    ask("without a key there is nothing", 401, "GET", "/v1/monitors/door/preview", key=None)


def redirected(ask, box, report, camera):
    """A stream cannot make the server open a file of its own."""
    url = "http://127.0.0.1:%d/file" % camera.port
    ask("a redirection", 201, "POST", "/v1/monitors", value={"id": "away", "name": "Away", "source": {"url": url}})
    why = until(lambda: box.get("/v1/monitors/away").json["monitor"]["runtime"]["last_error"])
    m = box.get("/v1/monitors/away").json["monitor"]["runtime"]
    fine = why and not m["connected"] and "passwd" not in why and m["status"] in ("retrying", "failed")
    report.check("a redirection to a file is not followed", [] if fine else [str(m)])
    ask("removed", 204, "DELETE", "/v1/monitors/away")
    ask("it is gone", 404, "GET", "/v1/monitors/away")
    report.check("its events too", [] if not (box.data / "monitors/away.events").exists() else ["still there"])


def over_rtsp(ask, box, report):
    """A camera that speaks RTSP and wants a password: who stands before it, a power failure, and back again."""
    python, port = rtsp_server.interpreter(), rtsp_server.free_port()
    if not python:
        report.skip("a monitor over RTSP", rtsp_server.NEEDED)
        return
    shown = rtsp_server.still(box.dir / "ada2.jpg")
    server = rtsp_server.serve(python, port, shown)
    try:
        post = {"id": "yard", "name": "Yard", "source": {"url": rtsp_server.address(port)}, "inference_fps": 10}
        made = ask("a camera over RTSP", 201, "POST", "/v1/monitors", value=post).json["monitor"]
        wanted = {"type": "rtsp", "url": "rtsp://127.0.0.1:%d/door" % port, "loop": False, "has_credentials": True}
        report.check("its address", [] if made["source"] == wanted else [str(made)])
        who = until(lambda: [e["person"]["name"] for e in told(box, "yard") if e["type"] == "recognized"])
        state = ask("its state", 200, "GET", "/v1/monitors/yard/state").json["state"]
        fine = who == ["Ada"] and state["source"] and state["source"]["codec"] == "h264"
        report.check("it is watched", [] if fine else [str((who, state))])
        server.kill()
        server.wait()
        lost = until(lambda: status(box, "yard") == "retrying")
        server = rtsp_server.serve(python, port, shown)
        back = until(lambda: status(box, "yard") == "running")
        report.check("it is lost, and found again", [] if lost and back else [str((lost, back))])
        secrets(box, report, None, False)
    finally:
        server.kill()
        server.wait()
    ask("it goes", 204, "DELETE", "/v1/monitors/yard")


def changes(ask, box, report):
    other = {"name": "Another", "event_policy": {"cooldown_seconds": 0}, "match_threshold": 0.5}
    one = ask("a change", 200, "PATCH", "/v1/monitors/film", value=other).json["monitor"]
    fine = one["name"] == "Another" and one["event_policy"]["cooldown_seconds"] == 0 and one["match_threshold"] == 0.5
    fine &= one["event_policy"]["confirm_frames"] == 2 and one["source"]["url"] == "scene.mp4"
    report.check("what was not named stays", [] if fine else [str(one)])
    ask("on", 200, "POST", "/v1/monitors/film/start")
    ask("off", 200, "POST", "/v1/monitors/film/stop")
    report.check("it is off", [] if status(box, "film") == "stopped" else [status(box, "film")])
    report.check("that is told", [] if told(box, "film")[-1]["type"] == "stopped" else [str(told(box, "film")[-1])])
    loop = {"name": "Loop", "source": {"url": "scene.mp4", "loop": True}, "inference_fps": 4}
    made = ask("an id of the server's", 201, "POST", "/v1/monitors", value=loop).json["monitor"]
    epochs = until(lambda: ask_quietly(box, "/v1/monitors/" + made["id"])["monitor"]["runtime"]["stream_epoch"] > 1)
    report.check("a film begins anew", [] if epochs else ["it does not"])
    first = ask("the first page", 200, "GET", "/v1/monitors?limit=2").json
    second = ask("the second", 200, "GET", "/v1/monitors?cursor=" + first["next_cursor"]).json
    ids = [m["id"] for m in first["monitors"] + second["monitors"]]
    report.check("in the order in which they were made", [] if ids == ["film", "door", made["id"]] else [str(ids)])
    got = [box.form("/v1/detect", [("image", box.picture("ada.png"))]).status for _ in range(10)]
    report.check("requests are answered meanwhile", [] if got == [200] * 10 else [str(got)])
    ask("it goes", 204, "DELETE", "/v1/monitors/" + made["id"])


def secrets(box, report, camera, encrypted):
    """Neither password nor user nor query shows anywhere; with a key not even in the file."""
    shown = box.get("/v1/monitors").body + box.get("/v1/monitors/door/state").body + box.get("/metrics").body
    shown += box.errors().encode()
    events = b"".join(p.read_bytes() for p in (box.data / "monitors").iterdir())
    words = (b"se%3Acr", b"se:cr@et", b"viewer:", b"viewer@", b"geheim", b"token=")
    report.check("no password is shown or logged", [w.decode() for w in words if w in shown + events])
    if camera:
        wanted = {"type": "http", "url": "http://127.0.0.1:%d/live" % camera.port}
        door = box.get("/v1/monitors/door").json["monitor"]["source"]
        wanted = dict(wanted, loop=False, has_credentials=True)
        report.check("what is shown of an address", [] if door == wanted else [str(door)])
    stored = (box.data / "monitors.json").read_bytes()
    if encrypted:
        report.check("the stored address is encrypted", [w.decode() for w in words if w in stored])
    modes = [oct(p.stat().st_mode & 0o77) for p in [box.data / "monitors.json", *(box.data / "monitors").iterdir()]]
    report.check("the files are private", [] if set(modes) == {"0o0"} else modes)


def restarts(ask, box, report, camera, ids):
    """kill -9, half a line at the end of the events: what was on is on again, and no event is lost or numbered anew."""
    before = [e["id"] for e in told(box, "film")]
    box.kill()
    with open(box.data / "monitors/film.events", "a") as f:
        f.write('{"seq":9007199254740000,"type":"reco')
    key = os.urandom(32).hex()
    box.start("--monitor-files", str(box.dir / "films"), env={"FCT_GALLERY_KEY": key})
    report.check("what was on is on again", [] if until(lambda: status(box, "door") == "running") else ["not"])
    report.check("what was off is off", [] if status(box, "film") == "stopped" else [status(box, "film")])
    after = [e["id"] for e in told(box, "film")]
    report.check("the events are there", [] if after == before and after[: len(ids)] == ids else [str((before, after))])
    until(lambda: told(box, "door", order="newest")[0]["type"] == "recognized")
    door = [int(e["id"]) for e in told(box, "door")]
    report.check("numbers go on ascending", [] if door == sorted(set(door)) else [str(door)])
    secrets(box, report, camera, True)
    follow, look = Stream(box, "/v1/monitors/events"), Stream(box, "/v1/monitors/door/preview")
    began = time.monotonic()
    code = box.stop()
    took = time.monotonic() - began
    report.check("the end, with open streams", [] if code == 128 + 15 and took < 29 else [str((code, took))])
    until(lambda: follow.ended and look.ended, 5)
    whole = follow.answer.isclosed() and look.answer.isclosed()
    report.check("streams end in order", [] if follow.ended and look.ended and whole else ["cut"])
    box.start("--monitor-files", str(box.dir / "films"))
    failed = until(lambda: status(box, "door") == "failed")
    why = box.get("/v1/monitors/door").json["monitor"]["runtime"]["last_error"]
    report.check("without the key that is said", [] if failed and "FCT_GALLERY_KEY" in why else [str(why)])
    ask("a change without the key", 200, "PATCH", "/v1/monitors/door", value={"name": "Still sealed"})
    box.stop()
    box.start(env={"FCT_GALLERY_KEY": key})
    back = until(lambda: status(box, "door") == "running")
    report.check("and with it, it runs again", [] if back else [status(box, "door")])
    reply = box.send_json("/v1/monitors", {"name": "X", "source": {"url": "scene.mp4"}})
    report.check("without a folder no file", [] if reply.status == 422 else [str(reply.status)])
    box.stop()
    (box.data / "monitors.json").write_text('{"version":1,"last_number":1,"monitors":[{"id":"a/b"}]}')
    try:
        box.start()
        report.check("a damaged file", ["was taken"])
    except RuntimeError as e:
        named = 'monitors.json: monitor 1 has no proper "id"' in str(e)
        report.check("a damaged file is named, with the place", [] if named else [str(e)])


def main():
    facet, make_pack, video_tool = sys.argv[1:]
    report = Report()
    with Box(facet, make_pack) as box:
        films = box.dir / "films"
        films.mkdir()
        subprocess.run([os.path.abspath(video_tool), "make", str(films / "scene.mp4")], check=True)
        (films / "list.m3u8").write_text("#EXTM3U\n#EXTINF:1,\n/etc/passwd\n")
        (films / "link").symlink_to("/etc/passwd")
        (box.dir / "outside.mp4").write_bytes(b"x")
        camera = Camera(box.picture("ada2.jpg"))
        box.start("--monitor-files", str(films))
        reply = box.send_json("/v1/monitors", {"name": "X", "source": {"url": "scene.mp4"}, "enabled": False})
        if reply.status == 501:
            report.skip("monitors", reply.json["detail"])
            report.close()
        box.ask("DELETE", reply.headers["Location"])
        for name, picture in (("Ada", "ada.png"), ("Bob", "bob.png")):
            box.form(PERSONS, [("name", name), ("images", box.picture(picture))])
        ask = Asker(box, report)
        ids = film(ask, box, report)
        camera_runs(ask, box, report, camera)
        refused(ask, box, report)
        redirected(ask, box, report, camera)
        over_rtsp(ask, box, report)
        changes(ask, box, report)
        secrets(box, report, camera, False)
        asked = [x for x in ask.judge.unseen() if "/v1/monitors" in x or "/v1/tickets" in x]
        report.check("every operation was asked", asked)
        restarts(ask, box, report, camera, ids)
    report.close()


main()
