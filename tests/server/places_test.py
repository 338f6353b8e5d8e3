#!/usr/bin/env python3
"""facet's own interface over other galleries than a plain file: an encrypted one, in whose folder no name and no
picture may lie in the clear, and one on a PostgreSQL server.

usage: places_test.py FACET MAKE_PACK"""

import os
import pathlib
import subprocess
import sys
import threading

import jobs_checks
import manage_checks
from schema_check import Asker
from serve_box import Box, Report

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "postgres"))
from cluster import Cluster, NoServer  # noqa: E402


def common(ask, box, report):
    manage_checks.known(ask, box, report)
    manage_checks.removal(ask, box, report)
    manage_checks.reshape(ask, box, report)
    jobs_checks.batches(ask, box, report)
    jobs_checks.clear(ask)
    jobs_checks.unknown(ask, box, report)


def encrypted(report):
    with Box(*sys.argv[1:3]) as box:
        key = os.urandom(32).hex()
        env = {"FCT_GALLERY_KEY": key}
        box.start()
        box.stop()
        words = [box.facet, "gallery", "-g", str(box.data / "gallery.db"), "encrypt"]
        made = subprocess.run(words, capture_output=True, text=True, env=dict(box.env, **env))
        if made.returncode:
            report.skip("an encrypted gallery", made.stderr.strip())
            return
        box.start(env=env)
        ask = Asker(box, report)
        told = ask("system", 200, "GET", "/v1/system").json["database"]
        report.check("is encrypted", [] if told["encrypted"] else [str(told)])
        common(ask, box, report)
        fields = [("name", "Hidden Name"), ("external_id", "hidden-7"), ("images", box.picture("ada.png"))]
        ask("somebody", 201, "POST", manage_checks.PERSONS, fields=fields, headers={"Idempotency-Key": "h"})
        job = {
            "items": [
                {"id": "hidden-8", "name": "Hidden Too", "image": jobs_checks.b64(box.picture("bob.png"))}
            ]
        }
        done = ask("many", 202, "POST", jobs_checks.DEFAULT + "/batch/enroll", value=job)
        jobs_checks.finish(ask, report, done)
        found = []
        for path in box.data.rglob("*"):
            data = path.read_bytes() if path.is_file() else b""
            found += [str(path) for word in (b"Hidden", b"hidden-7", b"hidden-8") if word in data]
        report.check("nothing in the clear", found)
        box.kill()
        box.start(env=env)
        again = ask(
            "again", 201, "POST", manage_checks.PERSONS, fields=fields, headers={"Idempotency-Key": "h"}
        ).json
        report.check("found again", [] if again["person"]["name"] == "Hidden Name" else [str(again)])


def two_servers(box, url, report):
    """Two servers with one gallery: one of eight requests at once gets the external id."""
    with Box(*sys.argv[1:3]) as other:
        other.start("--gallery", url)
        picture, got = box.picture("bob.png"), []

        def create(i):
            fields = [("name", "Twin %d" % i), ("external_id", "shared"), ("images", picture)]
            got.append((box, other)[i % 2].form(manage_checks.PERSONS, fields).status)

        threads = [threading.Thread(target=create, args=(i,)) for i in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        made = other.get(manage_checks.PERSONS + "?search=twin").json["persons"]
        fine = sorted(got) == [201] + [409] * 7 and [p["external_id"] for p in made] == ["shared"]
        report.check("an external id is one person's on two servers", [] if fine else [str((got, made))])


def on_a_server(report):
    try:
        cluster = Cluster(vector=False, settings=["fsync = off"])
    except NoServer as e:
        report.skip("a gallery on a server", str(e))
        return
    try:
        with Box(*sys.argv[1:3]) as box:
            box.sql = cluster.sql
            box.start("--gallery", cluster.url())
            ask = Asker(box, report)
            told = ask("system", 200, "GET", "/v1/system").json["database"]
            report.check("is on a server", [] if told["kind"] == "postgresql" else [str(told)])
            common(ask, box, report)
            two_servers(box, cluster.url(), report)
    finally:
        cluster.stop()


def main():
    report = Report()
    encrypted(report)
    on_a_server(report)
    report.close()


main()
