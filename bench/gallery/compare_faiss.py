#!/usr/bin/env python3
"""Times exact search against faiss (IndexFlatIP) on the same data, in turns.

usage: compare_faiss.py BUILD [threads]     (needs numpy and faiss-cpu)

Both search the same unit vectors of 512 values for the 5 nearest rows. The ids
found must agree, but for ties within float rounding. Prints a Markdown table:
least time per probe over all rounds, with one thread processor time, which other
programs on the machine disturb less, else time on the clock.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

threads = int(sys.argv[2]) if len(sys.argv) > 2 else 1
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(threads)  # before faiss reads them

import faiss
import numpy as np

from facet_search import Facet

DIM, K, ROUNDS = 512, 5, 3


def unit(rng, n):
    v = rng.standard_normal((n, DIM), dtype=np.float32)
    return v / np.linalg.norm(v, axis=1, keepdims=True)


def time_faiss(index, probes, batch, repeats):
    clock = time.process_time if threads == 1 else time.perf_counter
    best = 1e9
    for r in range(repeats):
        at = r * batch % (len(probes) - batch + 1)
        part = probes[at : at + batch]
        start = clock()
        index.search(part, K)
        best = min(best, (clock() - start) * 1e3)
    return best


def disagreements(rows, probes, ours, theirs):
    """Probes whose id lists differ by more than the order of equal scores."""
    bad = 0
    for p, a, b in zip(probes, ours, theirs):
        if not np.array_equal(a, b):
            bad += np.abs(np.sort(rows[a] @ p) - np.sort(rows[b] @ p)).max() > 1e-6
    return bad


def main():
    build = Path(sys.argv[1]).resolve()
    faiss.omp_set_num_threads(threads)
    rng = np.random.default_rng(1)
    print(
        f"threads: {threads}, {DIM} values, {K} nearest, faiss {faiss.__version__}"
        f" ({faiss.get_compile_options().strip()})\n"
    )
    print("| faces | probes per call | facet ms/probe | faiss ms/probe | faiss / facet | differing |")
    print("|---:|---:|---:|---:|---:|---:|")
    for n in (1000, 10000, 100000):
        rows, probes = unit(rng, n), unit(rng, 512)
        index = faiss.IndexFlatIP(DIM)
        index.add(rows)
        with tempfile.TemporaryDirectory() as t:
            folder = Path(t)
            rows.tofile(folder / "rows")
            probes.tofile(folder / "probes")
            facet = Facet(build, folder / "rows", folder / "probes", DIM, K, threads=threads)
            facet.wait_ready()
            ids = facet.ids("exact", folder / "ids")
            for batch in (1, 16, 256):
                repeats = max(4, min(100, 5000000 // (n * batch)))
                ours = theirs = 1e9
                for _ in range(ROUNDS):
                    ours = min(ours, facet.time("exact", batch, repeats))
                    theirs = min(theirs, time_faiss(index, probes, batch, repeats))
                bad = disagreements(rows, probes, ids, index.search(probes, K)[1])
                print(
                    f"| {n} | {batch} | {ours / batch:.4f} | {theirs / batch:.4f} | {theirs / ours:.2f} | {bad} |",
                    flush=True,
                )
            facet.close()


main()
