#!/usr/bin/env python3
"""A queue of photos: what is stored is what the photos hold, whatever dies meanwhile.

usage: queue_test.py FACET MAKE_PACK"""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "api"))
from cluster import Cluster, NoServer
from queue_farm import Farm
from report import Report

def check_once(report, farm):
    folder, expected = farm.photos("once", 60)
    farm.call("queue", "add", str(folder))
    again = json.loads(farm.call("queue", "add", str(folder), "--json"))
    report.check("a photo is not added twice", [] if again["added"] == 0 and again["photos"] == 60 else [str(again)])
    (folder / "copy.png").write_bytes((folder / "00000-ada.png").read_bytes())
    copied = json.loads(farm.call("queue", "add", str(folder), "--json"))
    report.check("nor under another name", [] if copied["added"] == 0 else [str(copied)])
    farm.call("worker")
    report.check("faces are stored", farm.check_faces(expected))
    path = next(p for p in expected if expected[p] == 3)
    direct = json.loads(subprocess.run([farm.facet, "embed", path, "--models", str(farm.folder / "pack")],
                                       capture_output=True, text=True, check=True).stdout)
    stored = [json.loads(x) for x in farm.call("queue", "faces").splitlines()]
    stored = [f for f in stored if f["file"] == path]
    same = [a["embedding"] == b["embedding"] and a["box"] == b["box"] and a["kps"] == b["kps"]
            for a, b in zip(direct["faces"], stored)]
    report.check("as facet embed finds them", [] if same == [True] * 3 else [str(same)])


def check_failures(report, farm):
    farm.use("q1")
    folder, _ = farm.photos("faulty", 6)
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    (folder / "gone.png").write_bytes((farm.folder / "ada.png").read_bytes() + b"gone")
    (folder / "changed.png").write_bytes((farm.folder / "ada.png").read_bytes() + b"1")
    farm.call("queue", "add", str(folder))
    (folder / "gone.png").unlink()
    (folder / "changed.png").write_bytes((farm.folder / "ada.png").read_bytes() + b"2")
    farm.call("worker")
    s = farm.status()
    report.check("failures are counted", [] if (s["done"], s["failed"]) == (6, 3) else [str(s)])
    text = farm.call("queue", "failures")
    lines = {pathlib.Path(x.split(": ")[0]).name: x for x in text.splitlines()}
    good = "(1 attempt)" in lines["broken.png"] and "(3 attempts)" in lines["gone.png"] and \
        "has changed since it was added" in lines["changed.png"]
    report.check("with their reasons", [] if good else [text])
    (folder / "gone.png").write_bytes((farm.folder / "ada.png").read_bytes() + b"gone")
    farm.call("queue", "retry")
    farm.call("worker")
    s = farm.status()
    report.check("and may be done again", [] if (s["done"], s["failed"]) == (7, 2) else [str(s)])
    farm.call("queue", "clear", "failed", "--yes")
    s = farm.status()
    report.check("or removed", [] if (s["done"], s["failed"]) == (7, 0) else [str(s)])


def check_enrolling(report, farm):
    farm.use("q2")
    people = farm.folder / "people"
    whose = {"Ada": ["ada.png", "ada2.jpg"], "Bob": ["bob.png", "bob2.png"], "Nobody": ["empty.png"]}
    for name, kinds in whose.items():
        (people / name).mkdir(parents=True)
        for kind in kinds:
            (people / name / kind).write_bytes((farm.folder / kind).read_bytes())
    farm.call("queue", "add", "--folders", str(people))
    farm.call("worker")
    rows = [json.loads(x) for x in farm.call("people", "--json").splitlines()]
    found = {r["name"]: r["faces"] for r in rows}
    s = farm.status()
    report.check("people are enrolled by their folders",
                 [] if found == {"Ada": 2, "Bob": 2} and (s["done"], s["failed"]) == (4, 1) else [str(found), str(s)])


def work_among_deaths(farm, expected, die):
    """Workers that are killed and replaced until all is done: one death each time that a part of the work is done,
    so that there are as many however fast they are."""
    rnd, workers, deaths, done, until = random.Random(5), [], 0, 0, 0
    end = time.time() + 150
    while time.time() < end and done < len(expected):
        workers = [w for w in workers if w.poll() is None]
        while len(workers) < 3:
            workers.append(farm.start_worker("--lease", "5", "--attempts", "1000"))
        time.sleep(rnd.uniform(0.01, 0.1))
        s = farm.status()
        done = s["done"] + s["failed"]
        if until <= done < len(expected):
            deaths += die(rnd, workers)
            until = done + rnd.uniform(0.02, 0.12) * len(expected)
    for w in workers:
        w.terminate()
        w.wait()
    return deaths


def kill_one(rnd, workers):
    rnd.choice(workers).kill()
    return 1


def check_killed_workers(report, farm):
    farm.use("q3")
    folder, expected = farm.photos("killed", 500)
    farm.call("queue", "add", str(folder))
    deaths = work_among_deaths(farm, expected, kill_one)
    report.check("workers killed: nothing is lost, nothing twice", farm.check_faces(expected))
    report.check("many were killed", [] if deaths >= 5 else ["only %d" % deaths])


def check_killed_server(report, farm):
    farm.use("q4")
    folder, expected = farm.photos("server", 500)
    farm.call("queue", "add", str(folder))

    def kill_server(rnd, workers):
        farm.cluster.kill()
        farm.cluster.start()
        return 1

    deaths = work_among_deaths(farm, expected, kill_server)
    report.check("server killed: nothing is lost, nothing twice", farm.check_faces(expected))
    report.check("it was killed", [] if deaths >= 2 else ["only %d times" % deaths])


def check_stopping(report, farm):
    farm.use("q5")
    folder, expected = farm.photos("stopped", 600)
    farm.call("queue", "add", str(folder))
    worker = farm.start_worker()
    while not farm.status()["done"] and worker.poll() is None:
        time.sleep(0.02)
    worker.send_signal(signal.SIGTERM)
    code = worker.wait(30)
    s = farm.status()
    good = code == 128 + signal.SIGTERM and s["running"] == 0 and s["waiting"] > 0
    report.check("a stopped worker gives back what it holds", [] if good else ["%d: %s" % (code, s)])


def main():
    facet, make_pack = map(os.path.abspath, sys.argv[1:3])
    report = Report()
    try:
        cluster = Cluster()
    except NoServer:
        try:
            cluster = Cluster(vector=False)  # a queue needs no vectors
        except NoServer as e:
            report.skip("all", str(e))
            report.close()
    try:
        with tempfile.TemporaryDirectory() as folder:
            farm = Farm(facet, make_pack, cluster, pathlib.Path(folder))
            for check in [check_once, check_failures, check_enrolling, check_killed_workers, check_killed_server,
                          check_stopping]:
                check(report, farm)
    finally:
        cluster.stop()
    report.close()


main()
