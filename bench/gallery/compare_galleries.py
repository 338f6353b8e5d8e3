#!/usr/bin/env python3
"""What a gallery does beside searching, against what one would write instead, in turns.

usage: compare_galleries.py BUILD [FACES] [--rounds N] [--folder FOLDER] [--usearch]     (needs numpy; usearch)

The faces of make_faces.c (512 values, ten a person). Measured are: enrolling one face durably (each call returns when
it is on disk), enrolling all in one import, opening what was stored with what searches need, and what a process then
has in memory. Peers: Python's sqlite3 with a table of people and one of faces, write-ahead log and synchronous=FULL,
whose embeddings are read into one NumPy matrix; with --usearch, an HNSW graph of 8-bit integers that is saved as a
whole and takes minutes to make.
`disk` is 2 KB written and flushed, which no durable enrollment can be faster than.
Times are on the clock; the least of the rounds stands beside the median. FOLDER must be on a disk."""

import argparse
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DIM, PER, SINGLES = 512, 10, 300


def resident_mb():
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) / 1000 for line in f if line.startswith("VmRSS"))


# ---- Peers, each in a process of its own --------------------------------------------------------


def connect(path):
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE IF NOT EXISTS person(id INTEGER PRIMARY KEY, name TEXT UNIQUE)")
    db.execute("CREATE TABLE IF NOT EXISTS face(id INTEGER PRIMARY KEY, person_id INTEGER, embedding BLOB)")
    return db


def sqlite_bulk(path, rows):
    import numpy as np

    faces, db = np.fromfile(rows, np.float32).reshape(-1, DIM), connect(path)
    start = time.perf_counter()
    db.execute("BEGIN")
    people = len(faces) // PER
    db.executemany("INSERT INTO person VALUES(?, ?)", ((i, "P%d" % i) for i in range(people)))
    db.executemany("INSERT INTO face(person_id, embedding) VALUES(?, ?)",
                   ((i // PER, v.tobytes()) for i, v in enumerate(faces)))
    db.execute("COMMIT")
    print("%.0f" % (len(faces) / (time.perf_counter() - start)))


def sqlite_single(path, rows):
    import numpy as np

    faces, db, times = np.fromfile(rows, np.float32, DIM * SINGLES).reshape(-1, DIM), connect(path), []
    run = time.time_ns()
    for i, v in enumerate(faces):
        start = time.perf_counter()
        db.execute("BEGIN IMMEDIATE")
        person = db.execute("INSERT INTO person(name) VALUES(?)", ("S%d-%d" % (run, i),)).lastrowid
        db.execute("INSERT INTO face(person_id, embedding) VALUES(?, ?)", (person, v.tobytes()))
        db.execute("COMMIT")
        times.append((time.perf_counter() - start) * 1e3)
    print("%.4f" % statistics.median(times))


def sqlite_open(path):
    import numpy as np

    start = time.perf_counter()
    db = connect(path)
    n = db.execute("SELECT count(*) FROM face").fetchone()[0]
    m, person = np.empty((n, DIM), np.float32), np.empty(n, np.int64)
    for i, (p, e) in enumerate(db.execute("SELECT person_id, embedding FROM face")):
        m[i] = np.frombuffer(e, np.float32)
        person[i] = p
    m /= np.linalg.norm(m, axis=1, keepdims=True)
    names = dict(db.execute("SELECT id, name FROM person"))
    opened = time.perf_counter() - start
    assert len(names)
    int(np.argmax(m @ m[7]))
    print("%.4f %.0f" % (opened, resident_mb()))


def usearch_bulk(path, rows):
    import numpy as np
    from usearch.index import Index

    faces = np.fromfile(rows, np.float32).reshape(-1, DIM)
    start = time.perf_counter()
    graph = Index(ndim=DIM, metric="cos", dtype="i8")
    graph.add(np.arange(len(faces)), faces, threads=1)
    graph.save(path)
    print("%.0f" % (len(faces) / (time.perf_counter() - start)))


def usearch_open(path):
    import numpy as np
    from usearch.index import Index

    start = time.perf_counter()
    graph = Index(ndim=DIM, metric="cos", dtype="i8")
    graph.load(path)
    opened = time.perf_counter() - start
    graph.search(np.ones(DIM, np.float32), 1)
    print("%.4f %.0f" % (opened, resident_mb()))


def disk(path):
    times, fd = [], os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    for i in range(SINGLES):
        start = time.perf_counter()
        os.pwrite(fd, b"x" * 2048, 2048 * i)
        os.fdatasync(fd)
        times.append((time.perf_counter() - start) * 1e3)
    os.close(fd)
    print("%.4f" % statistics.median(times))


PEERS = {f.__name__: f for f in (sqlite_bulk, sqlite_single, sqlite_open, usearch_bulk, usearch_open, disk)}

# ---- The comparison ----------------------------------------------------------------------------------


def numbers(*words):
    env = dict(os.environ, OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
    return [float(x) for x in subprocess.run(list(map(str, words)), check=True, capture_output=True, text=True,
                                              env=env).stdout.split()]


class Turns:
    """Figures of the rounds, by what was measured."""

    def __init__(self):
        self.all = {}

    def add(self, name, value):
        self.all.setdefault(name, []).append(value)

    def show(self, name, unit, most=False):
        v = self.all.get(name)
        if v:
            print("| %s | %.5g %s | %.5g %s |" % (name, (max if most else min)(v), unit, statistics.median(v), unit))


def run_round(t, facet, folder, rows, number, usearch):
    def peer(name, *words):
        return numbers(sys.executable, __file__, "--peer", name, *words)

    mine, theirs, graph = folder / ("f%d.db" % number), folder / ("s%d.db" % number), folder / "graph"
    t.add("bulk facet", numbers(facet, "bulk", mine, rows, DIM, PER)[0])
    t.add("bulk sqlite3", peer("sqlite_bulk", theirs, rows)[0])
    if usearch and number == 0:
        t.add("bulk usearch", peer("usearch_bulk", graph, rows)[0])
    os.sync()
    t.add("single disk", peer("disk", folder / "disk")[0])
    t.add("single facet", numbers(facet, "single", mine, rows, DIM, SINGLES)[0])
    t.add("single sqlite3", peer("sqlite_single", theirs, rows)[0])
    os.sync()
    for name, cache in (("without a cache file", 0), ("making the cache file", 1), ("from the cache file", 1)):
        seconds, first, _, opened, after, _ = numbers(facet, "open", mine, cache)
        t.add("open facet, " + name, seconds)
        t.add("memory facet, " + name, after)
    seconds, mb = peer("sqlite_open", theirs)
    t.add("open sqlite3 + NumPy", seconds)
    t.add("memory sqlite3 + NumPy", mb)
    if usearch:
        seconds, mb = peer("usearch_open", graph)
        t.add("open usearch", seconds)
        t.add("memory usearch", mb)
    size = mine.stat().st_size
    for f in folder.glob("[fs]%d.db*" % number):
        f.unlink()
    return size


def main():
    if sys.argv[1:2] == ["--peer"]:
        return PEERS[sys.argv[2]](*sys.argv[3:])
    p = argparse.ArgumentParser()
    p.add_argument("build", type=lambda s: Path(s).resolve())
    p.add_argument("faces", type=int, nargs="?", default=100000)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--folder", default="/var/tmp")
    p.add_argument("--usearch", action="store_true")
    args = p.parse_args()
    tools, t = args.build / "bench/gallery", Turns()
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        subprocess.run([tools / "make_faces", str(args.faces), folder / "rows", folder / "probes"], check=True)
        for i in range(args.rounds):
            size = run_round(t, tools / "bench_gallery", folder, folder / "rows", i, args.usearch)
    print("%d faces, %d rounds; the database has %.0f bytes a face\n" % (args.faces, args.rounds, size / args.faces))
    print("| | best | median |\n|---|---:|---:|")
    for what, unit in (("single", "ms"), ("bulk", "faces a second"), ("open", "s"), ("memory", "MB")):
        for key in [k for k in t.all if k.startswith(what)]:
            t.show(key, unit, most=what == "bulk")


if __name__ == "__main__":
    main()
