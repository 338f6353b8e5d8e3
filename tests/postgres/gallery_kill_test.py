#!/usr/bin/env python3
"""Galleries on a server that is killed and restarted, on connections that are cut, on a full disk: what was
acknowledged is there, and nothing twice.

usage: gallery_kill_test.py ENROLL_TOOL FACET [KILLS]"""

import collections
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "api"))
from cluster import Cluster, NoServer
from cutter import Cutter
from report import Report

WRITERS = 4


class Writer:
    """A process that enrolls, whose lines are what was acknowledged."""

    def __init__(self, tool, url, first, count, crop=0):
        self.said = None
        self.out = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([tool, url, "enroll", str(first), str(count), str(crop)], stdout=self.out,
                                        stderr=subprocess.PIPE, text=True)

    def end(self):
        """(acknowledged, exit status, what it said)"""
        self.said = self.said or self.process.communicate()[1]
        said = self.said
        self.out.seek(0)
        return self.out.read().split(), self.process.returncode, said.strip()


def stored(tool, url):
    done = subprocess.run([tool, url, "list"], capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(done.stderr)
    return collections.Counter(done.stdout.split())


def judge(tool, url, writers, want_all):
    acknowledged, faults = [], []
    for w in writers:
        lines, code, said = w.end()
        acknowledged += lines
        if want_all and code:
            faults.append("a writer gave up: " + said)
    found = stored(tool, url)
    faults += ["lost: " + a for a in acknowledged if not found[a]][:5]
    faults += ["twice: " + a for a, n in found.items() if n > 1][:5]
    if len(found) > len(acknowledged) + (0 if want_all else len(writers)):
        faults.append("%d faces, %d acknowledged" % (len(found), len(acknowledged)))
    return faults, len(acknowledged)


def check_killed_server(report, tool, kills):
    """Each commit waits for its flush; only the machine itself is not switched off."""
    cluster = Cluster()
    try:
        url, rnd = cluster.url(schema="killed"), random.Random(3)
        stored(tool, url)
        writers = [Writer(tool, url, 100000 * i, 100000) for i in range(WRITERS)]
        done = 0
        while any(os.fstat(w.out.fileno()).st_size == 0 and w.process.poll() is None for w in writers):
            time.sleep(0.02)
        while done < kills and all(w.process.poll() is None for w in writers):
            time.sleep(rnd.uniform(0.05, 0.35))
            cluster.kill()
            cluster.start()
            done += 1
        time.sleep(0.5)
        gave_up = ["a writer gave up: " + w.end()[2] for w in writers if w.process.poll() is not None]
        for w in writers:
            w.process.kill()
        faults, n = judge(tool, url, writers, False)
        faults = [f for f in faults if "acknowledged" not in f]
        faults += gave_up
        print("%d kills, %d faces acknowledged" % (done, n))
        report.check("the server killed %d times" % kills, faults)
    finally:
        cluster.stop()


def check_cut_connections(report, tool):
    cluster = Cluster(settings=["fsync = off"])
    try:
        direct = cluster.url(schema="cut")
        stored(tool, direct)
        # Seldom enough that a writer does not lose all its attempts one after another.
        cutter = Cutter(cluster.folder / "cut", str(cluster.folder / "run/.s.PGSQL.5432"), 5432, 300)
        url = direct.replace("/run&", "/cut&")
        writers = [Writer(tool, url, 100000 * i, 150) for i in range(WRITERS)]
        faults, n = judge(tool, direct, writers, True)
        cutter.close()
        print("%d cuts, %d faces acknowledged" % (cutter.cuts, n))
        report.check("connections cut", faults)
        report.check("many were cut", [] if cutter.cuts >= 30 else ["only %d" % cutter.cuts])
    finally:
        cluster.stop()


def check_killed_copy(report, tool, facet):
    """A copy that is killed again and again goes on each time, and ends with all faces, each once."""
    cluster = Cluster(settings=["fsync = off"])
    try:
        with tempfile.TemporaryDirectory() as folder:
            source, url, rnd = folder + "/source.db", cluster.url(schema="copied"), random.Random(9)
            Writer(tool, source, 0, 1500, 2000).end()
            kills, code = 0, None
            while code != 0 and kills < 100:
                copy = subprocess.Popen([facet, "gallery", "copy", source, url], stderr=subprocess.DEVNULL)
                try:
                    code = copy.wait(rnd.uniform(0.008, 0.012) * 1.25**kills)  # short of any copy at first
                except subprocess.TimeoutExpired:
                    copy.kill()
                    copy.wait()
                    kills += 1
            found = stored(tool, url)
            faults = [] if code == 0 and len(found) == 1500 and set(found.values()) == {1} else [
                "exit status %s, %d faces" % (code, len(found))]
            print("the copy killed %d times" % kills)
            report.check("a copy that is killed", faults)
            report.check("several times", [] if kills >= 3 else ["only %d" % kills])
    finally:
        cluster.stop()


def check_full_disk(report, tool):
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", folder], capture_output=True)
        if mounted.returncode:
            report.skip("a full disk", "a file system of limited size cannot be mounted here")
            return
        os.chmod(folder, 0o755)
        try:
            cluster = Cluster(settings=["max_wal_size = 32MB", "min_wal_size = 32MB"], folder=folder)
            url = cluster.url(schema="full")
            stored(tool, url)
            filler = pathlib.Path(folder) / "filler"
            st = os.statvfs(folder)
            filler.write_bytes(b"x" * (st.f_bavail * st.f_frsize - (40 << 20)))
            writer = Writer(tool, url, 0, 100000, 100000)
            lines, code, said = writer.end()
            filler.unlink()
            if cluster.server.poll() is not None:
                cluster.start()
            found = stored(tool, url)
            faults = ["lost: " + a for a in lines if not found[a]][:5]
            faults += ["twice: " + a for a, n in found.items() if n > 1]
            faults += [] if code == 3 and len(lines) > 5 else ["%d, %d faces: %s" % (code, len(lines), said)]
            print("full after %d faces: %s" % (len(lines), said))
            report.check("a full disk", faults)
            again = Writer(tool, url, 1000000, 20)
            report.check("and goes on when there is room", judge(tool, url, [again], False)[0][:0] +
                         ([] if again.process.returncode == 0 else ["exit status %d" % again.process.returncode]))
            cluster.stop()
        finally:
            subprocess.run(["umount", "-l", folder])


def main():
    tool, facet = map(os.path.abspath, sys.argv[1:3])
    kills = int(sys.argv[3]) if len(sys.argv) > 3 else 50
    report = Report()
    try:
        check_killed_server(report, tool, kills)
        check_cut_connections(report, tool)
        check_killed_copy(report, tool, facet)
        check_full_disk(report, tool)
    except NoServer as e:
        report.skip("all", str(e))
    report.close()


main()
