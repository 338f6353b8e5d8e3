#!/usr/bin/env python3
"""'facet bridge frigate' with Debian's broker and a stand-in for Frigate (frigate_box.py): names, once each; retries;
a broker that goes away; TLS; passwords; hostile messages; a facet server in place of the gallery.

usage: bridge_test.py FACET MAKE_PACK"""

import os
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "server"))
from frigate_box import Bridge, Broker, Frigate, wait  # noqa: E402
from serve_box import Box, Report, same  # noqa: E402

TOKEN = "frigate-token"


def event(kind, name, label="person", sub_label=None, has_snapshot=True):
    after = {"id": name, "camera": "door", "label": label, "sub_label": sub_label, "has_snapshot": has_snapshot,
             "false_positive": False, "box": [1, 2, 3, 4], "zones": []}  # fmt: skip
    return {"type": kind, "before": after, "after": after}


class Scene:
    def __init__(self, box, broker, frigate, report):
        self.box, self.broker, self.frigate, self.report = box, broker, frigate, report
        self.gallery = str(box.dir / "bridge.db")
        self.env = dict(box.env, FCT_MQTT_USER="facet", FCT_MQTT_PASSWORD="s3cret", FCT_FRIGATE_TOKEN=TOKEN)

    def start(self, *more, url=None, env=None, local=True, connected=True):
        words = [
            "--mqtt",
            url or "mqtt://127.0.0.1:%d" % self.broker.port,
            "--frigate",
            self.frigate.url,
            "--json",
        ]
        if local:
            words += ["-m", str(self.box.dir / "pack"), "--gallery", self.gallery]
        bridge = Bridge(self.box.facet, self.box.dir, words + list(more), env or self.env)
        if connected:
            wait(lambda: "MQTT: connected" in bridge.err.read_text() or bridge.process.poll() is not None)
        return bridge

    def labels(self, name):
        return [label for who, label, _ in self.frigate.labels if who == name]

    def check(self, name, faults):
        self.report.check("bridge: " + name, faults)


def visits(s):
    """People who come, stay and go, seen by one bridge."""
    pictures, publish = s.frigate.pictures, s.broker.publish
    ada, ada2, bob, empty = (s.box.picture(n) for n in ("ada.png", "ada2.jpg", "bob.png", "empty.png"))
    bridge = s.start()
    with open("/proc/%d/cmdline" % bridge.process.pid, "rb") as f:
        s.check("no password among the arguments", [] if b"s3cret" not in f.read() else ["it is"])
    pictures["1.1-stays"] = ada2
    publish(event("new", "1.1-stays"))
    wait(lambda: "1.1-stays" in s.frigate.fetched)
    s.check("one snapshot is not enough", same(s.labels("1.1-stays"), []))
    time.sleep(1)
    publish(event("update", "1.1-stays"))
    s.check("named while there", same(wait(lambda: s.labels("1.1-stays")), ["Ada"]))
    score = [x for who, _, x in s.frigate.labels if who == "1.1-stays"]
    s.check("with a score", [] if 0.8 < score[0] <= 1 else [str(score)])
    looked = len(s.frigate.fetched)
    publish(event("update", "1.1-stays", sub_label=["Ada", 0.9]))
    hostile = [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"type":"new","after":{"id":"../x","label":"person"}}',
        b"0" * 2000000,
    ]
    others = [event("new", "1.2-car", "car"), event("new", "1.3-named", sub_label="Zoe")]
    for payload in hostile + others:
        publish(payload)
    pictures["1.4-goes"] = ada
    publish(event("new", "1.4-goes"))
    publish(event("end", "1.4-goes"))
    s.check("named at the end", same(wait(lambda: s.labels("1.4-goes")), ["Ada"]))
    s.check("nothing else was looked at", same(set(s.frigate.fetched[looked:]), {"1.4-goes"}))
    s.check(
        "hostile messages were noted", [] if "no event of Frigate's" in bridge.err.read_text() else ["not"]
    )
    pictures["1.5-bob"], pictures["1.6-empty"] = bob, empty
    for name in ("1.5-bob", "1.6-empty", "1.7-none"):
        publish(event("new", name))
        publish(event("end", name))
    done = wait(lambda: len(bridge.reports()) == 5 and bridge.reports())
    unknown = {r["event"]: (r["name"], r["with_face"] > 0, r["sent"]) for r in done if not r["name"]}
    wanted = {"1.5-bob": (None, True, False), "1.6-empty": (None, False, False), "1.7-none": (None, False, False)}
    s.check("nobody known", same(unknown, wanted) + same(s.labels("1.5-bob"), []))
    s.check("reports", same({r["event"]: (r["name"], r["sent"]) for r in done if r["name"]},
                            {"1.1-stays": ("Ada", True), "1.4-goes": ("Ada", True)}))  # fmt: skip
    pictures["1.8-open"] = ada
    publish(event("new", "1.8-open"))
    wait(lambda: "1.8-open" in s.frigate.fetched)
    time.sleep(0.3)
    s.check("SIGTERM ends it", same(bridge.stop(), 128 + 15))
    s.check("and names who is there", same(s.labels("1.8-open"), ["Ada"]))


def faults(s):
    """Frigate that fails, a broker that goes away, late snapshots."""
    pictures, publish = s.frigate.pictures, s.broker.publish
    ada = s.box.picture("ada.png")
    bridge = s.start("--agreeing", "1")
    s.frigate.refuse = [500, 503]
    pictures["2.1-again"] = ada
    publish(event("new", "2.1-again"))
    s.check("told again after failures", same(wait(lambda: s.labels("2.1-again")), ["Ada"]))
    s.frigate.refuse = [404]
    pictures["2.2-gone"] = ada
    publish(event("new", "2.2-gone"))
    found = wait(lambda: [r["sent"] for r in bridge.reports() if r["event"] == "2.2-gone"])
    s.check("an event that is gone", same((found, s.labels("2.2-gone")), ([False], [])))
    publish(event("new", "2.3-late"))
    wait(lambda: "2.3-late" in s.frigate.fetched)
    pictures["2.3-late"] = ada
    s.check("a snapshot that comes late", same(wait(lambda: s.labels("2.3-late")), ["Ada"]))
    s.broker.stop()
    wait(lambda: "tried again" in bridge.err.read_text())
    s.broker.start()
    connected = wait(lambda: bridge.err.read_text().count("MQTT: connected") == 2)
    pictures["2.4-back"] = ada
    publish(event("new", "2.4-back"))
    s.check("the broker is back", same((connected, wait(lambda: s.labels("2.4-back"))), (True, ["Ada"])))
    s.check("the end", same(bridge.stop(), 128 + 15))


def options(s):
    pictures, ada = s.frigate.pictures, s.box.picture("ada.png")
    bridge = s.start("--agreeing", "1", "--dry-run")
    pictures["3.1-dry"] = ada
    s.broker.publish(event("new", "3.1-dry"))
    found = wait(lambda: [(r["name"], r["sent"]) for r in bridge.reports()])
    s.check("dry run", same((found, s.labels("3.1-dry"), bridge.stop()), ([("Ada", False)], [], 143)))
    secrets = s.box.dir / "secrets"
    secrets.write_text("mqtt_user=facet\nmqtt_password=s3cret\nfrigate_token=%s\n" % TOKEN)
    bare = {k: v for k, v in s.env.items() if not k.startswith(("FCT_MQTT", "FCT_FRIGATE"))}
    ca = str(s.box.dir / "cert.pem")
    tls = "mqtts://localhost:%d" % s.broker.tls_port
    bridge = s.start("--credentials", str(secrets), "--mqtt-ca", ca, "--agreeing", "1", url=tls, env=bare)
    pictures["3.2-tls"] = ada
    s.broker.publish(event("new", "3.2-tls"))
    s.check(
        "TLS, secrets in a file", same((wait(lambda: s.labels("3.2-tls")), bridge.stop()), (["Ada"], 143))
    )
    for name, more, env, wanted in (
        ("an authority that did not sign", [], s.env, "TLS"),
        ("no password", ["--mqtt-ca", ca], bare, "not authorised"),
    ):
        bridge = s.start(*more, url=tls, env=env, connected=False)
        said = wait(lambda: "MQTT, tried again" in bridge.err.read_text(), 10)
        found = same((said, bridge.stop()), (True, 143))
        s.check(name, found + ([] if wanted in bridge.err.read_text() else [bridge.err.read_text()]))
    for name, words in (
        ("a password in an address", ["--mqtt", "mqtt://me:pw@h", "--frigate", "http://h"]),
        ("and in the other", ["--mqtt", "mqtt://h", "--frigate", "http://me:pw@h"]),
        ("no broker named", ["--frigate", "http://h"]),
        ("a topic with wildcards", ["--mqtt", "mqtt://h", "--frigate", "http://h", "--topic", "a/#"]),
    ):
        words = [
            s.box.facet,
            "bridge",
            "frigate",
            "-m",
            str(s.box.dir / "pack"),
            "--gallery",
            s.gallery,
        ] + words
        done = subprocess.run(words, capture_output=True, text=True, env=s.env)
        s.check(name, same((done.returncode, "pw" in done.stderr, done.stdout), (2, False, "")))


def by_server(s):
    """Faces found by a facet server."""
    s.box.start()
    s.box.form("/v1/collections/_default/persons", [("name", "Ada"), ("images", s.box.picture("ada.png"))])
    env = dict(s.env, FCT_SERVER_KEY=s.box.key)
    url = "http://127.0.0.1:%d" % s.box.port
    bridge = s.start("--server", url, "--agreeing", "1", local=False, env=env)
    s.frigate.pictures.update({"4.1-a": s.box.picture("ada2.jpg"), "4.2-b": s.box.picture("bob.png")})
    for name in ("4.1-a", "4.2-b"):
        s.broker.publish(event("new", name))
        s.broker.publish(event("end", name))
    s.check("by a server", same(wait(lambda: s.labels("4.1-a")), ["Ada"]))
    wait(lambda: len(bridge.reports()) == 2)
    s.check(
        "nobody known there",
        same({r["event"]: r["name"] for r in bridge.reports()}, {"4.1-a": "Ada", "4.2-b": None}),
    )
    s.check("its end", same(bridge.stop(), 143))
    s.box.stop()


def main():
    report = Report()
    for program in ("mosquitto", "mosquitto_passwd", "openssl"):
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin"):
            report.skip("bridge", "needs " + program)
            report.close()
            return
    os.environ["PATH"] += ":/usr/sbin"
    with Box(*sys.argv[1:3]) as box:
        made = ("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem -out cert.pem -subj /CN=localhost "
                "-addext subjectAltName=DNS:localhost")  # fmt: skip
        subprocess.run(made.split(), cwd=box.dir, check=True, capture_output=True)
        broker = Broker(box.dir, box.dir / "cert.pem", box.dir / "key.pem").start()
        try:
            scene = Scene(box, broker, Frigate(TOKEN), report)
            words = [box.facet, "enroll", "Ada", str(box.dir / "ada.png"), "-m", str(box.dir / "pack")]
            subprocess.run(words + ["--gallery", scene.gallery], check=True, capture_output=True, env=box.env)
            visits(scene)
            faults(scene)
            options(scene)
            by_server(scene)
        finally:
            broker.stop()
    report.close()


main()
