#!/usr/bin/env python3
"""Search in stages against full search, faiss and usearch, in the same run, in turns.

usage: compare_stages.py BUILD FACES [peers]     (needs numpy; peers: faiss-cpu and usearch)

Synthetic faces of 512 values, ten per person: cosine 0.60 to the same person's, 0.00 +- 0.05 to
strangers' (a spectrum that falls off, as embeddings have). Hard probes have 0.35 to their person.
Recall@1 is how many of 2000 find a face of their person first. Times are the least of one thread,
in milliseconds per probe."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
import numpy as np

DIM, PER, PROBES, K, BLOCK = 512, 10, 2000, 1, 10000


def make_drawer(rng):
    basis = np.linalg.qr(rng.standard_normal((DIM, DIM)))[0]
    shape = (np.sqrt(np.linspace(2.6, 0.05, DIM))[:, None] * basis).astype(np.float32)

    def draw(n):
        v = rng.standard_normal((n, DIM), dtype=np.float32) @ shape
        return v / np.linalg.norm(v, axis=1, keepdims=True)

    return draw


def make_faces(n, path, rng):
    """Writes the rows; returns the probes and the person of each."""
    draw = make_drawer(rng)
    people = n // PER
    chosen = rng.choice(people, PROBES, replace=people < PROBES)
    centers = np.empty((PROBES, DIM), np.float32)
    with open(path, "wb") as f:
        for first in range(0, people, BLOCK):
            c = draw(min(BLOCK, people - first))
            here = (chosen >= first) & (chosen < first + len(c))
            centers[here] = c[chosen[here] - first]
            v = np.sqrt(0.6) * np.repeat(c, PER, 0) + np.sqrt(0.4) * draw(len(c) * PER)
            (v / np.linalg.norm(v, axis=1, keepdims=True)).astype(np.float32).tofile(f)
    share = 0.35 / np.sqrt(0.6)
    return (share * centers + np.sqrt(1 - share**2) * draw(PROBES)).astype(np.float32), chosen


def facet(build, folder, batch, fast):
    ids = folder / "ids"
    out = subprocess.run(
        [
            build / "bench/gallery/bench_search",
            folder / "rows",
            folder / "probes",
            str(DIM),
            str(batch),
            str(K),
            "1",
            "40" if batch == 1 else "3",
            ids,
        ]
        + (["fast"] if fast else []),
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return float(out.split()[0]) / batch, np.fromfile(ids, np.int64).reshape(-1, K)[:, 0]


def peer_searches(rows):
    """name -> function of probes that gives ids."""
    import faiss
    from usearch.index import Index

    faiss.omp_set_num_threads(1)
    flat = faiss.IndexFlatIP(DIM)
    flat.add(rows)
    packed = np.packbits(rows > 0, axis=1)
    binary = faiss.IndexBinaryFlat(DIM)
    binary.add(packed)

    def rerank(q):
        near = binary.search(np.packbits(q > 0, axis=1), 1024)[1]
        return np.array([c[np.argmax(rows[c] @ p)] for c, p in zip(near, q)])

    hnsw = Index(ndim=DIM, metric="cos", dtype="i8")
    hnsw.add(np.arange(len(rows)), rows)
    return {
        "faiss flat": lambda q: flat.search(q, 1)[1][:, 0],
        "faiss binary, 1024 re-ranked by NumPy": rerank,
        "usearch HNSW int8": lambda q: hnsw.search(q, 1, threads=1).keys.reshape(len(q)),
    }


def least_time(search, probes, batch):
    best = 1e9
    for r in range(30 if batch == 1 else 3):
        start = time.process_time()
        search(probes[r * batch : (r + 1) * batch])
        best = min(best, time.process_time() - start)
    return best * 1e3 / batch


def main():
    build, n = Path(sys.argv[1]).resolve(), int(sys.argv[2])
    with tempfile.TemporaryDirectory() as t:
        folder = Path(t)
        probes, person = make_faces(n, folder / "rows", np.random.default_rng(1))
        probes.tofile(folder / "probes")
        print(
            f"{n} faces, {PROBES} hard probes\n\n| search | ms a probe, 1 | ms a probe, 256 | recall@1"
            " |\n|---|---:|---:|---:|"
        )
        ours = {}
        for fast in (False, True):
            one = min(facet(build, folder, 1, fast)[0] for _ in range(2))
            many, ids = facet(build, folder, 256, fast)
            ours[fast] = ids
            print(
                f"| facet {'fast' if fast else 'exact'} | {one:.3f} | {many:.3f} |"
                f" {np.mean(ids // PER == person):.4f} |",
                flush=True,
            )
        print(f"\nsame first face: {np.mean(ours[True] == ours[False]):.4f}\n", flush=True)
        if len(sys.argv) > 3:
            rows = np.fromfile(folder / "rows", np.float32).reshape(-1, DIM)
            for name, search in peer_searches(rows).items():
                hits = np.concatenate([search(probes[i : i + 200]) for i in range(0, PROBES, 200)])
                print(
                    f"| {name} | {least_time(search, probes, 1):.3f} | {least_time(search, probes, 256):.3f} | "
                    f"{np.mean(hits // PER == person):.4f} |",
                    flush=True,
                )


main()
