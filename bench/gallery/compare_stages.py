#!/usr/bin/env python3
"""Search in stages against full search, faiss and usearch, in the same run, in turns.

usage: compare_stages.py BUILD FACES [--rounds N] [--cache FOLDER] [PEER...]

PEER: flat, ivf, hnsw, binary (of faiss-cpu, with numpy), usearch; `all` for all of them.
--cache: a folder for facet's cache file, in which rows then lie (else they are in memory).

Synthetic faces of 512 values, ten per person (make_faces.c): cosine 0.60 +- 0.03 to the same person's,
0.00 +- 0.06 to strangers'. Hard probes have 0.35 to their person.
Recall@1 is how many of 2000 find a face of their person first. Times are the least of one thread,
processor time, in milliseconds per probe; searches take turns in each round."""

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
import numpy as np

from facet_search import Facet

DIM, PER, PROBES, K = 512, 10, 2000, 1
BATCHES = (1, 256)


def describe(rows):
    """The cosines of what was made, from its first faces."""
    same = np.concatenate([(v @ v.T)[np.triu_indices(PER, 1)] for v in rows[:5000].reshape(-1, PER, DIM)])
    other = (rows[:5000:PER] @ rows[5000:10000:PER].T).ravel()
    return f"same person {same.mean():.3f} +- {same.std():.3f}, strangers {other.mean():.3f} +- {other.std():.3f}"


def facet_index(args, folder):
    """The index, the first faces (all where there are peers), and the seconds it took. Without peers the faces go
    through a pipe, so that they need no room twice."""
    rows, cache = folder / "rows", args.cache / "faces.index" if args.cache else None
    make = [args.build / "bench/gallery/make_faces", str(args.faces), rows, folder / "probes"]
    if args.peers:
        subprocess.run(make, check=True)
        kept = np.fromfile(rows, np.float32).reshape(-1, DIM)
    else:
        subprocess.run([make[0], "20000", folder / "sample", folder / "none"], check=True)
        kept = np.fromfile(folder / "sample", np.float32).reshape(-1, DIM)
        os.mkfifo(rows)
        maker = subprocess.Popen(make)
    f = Facet(args.build, rows, folder / "probes", DIM, K, PER, cache=cache)
    seconds = f.wait_ready()
    if not args.peers:
        maker.wait()
    return f, kept, seconds


def peer_searches(names, rows):
    """name -> function of probes that gives ids."""
    import faiss

    faiss.omp_set_num_threads(os.cpu_count())  # for making them
    found = {}
    if "flat" in names:
        flat = faiss.IndexFlatIP(DIM)
        flat.add(rows)
        found["faiss flat"] = lambda q: flat.search(q, 1)[1][:, 0]
    if "ivf" in names:
        lists = int(4 * np.sqrt(len(rows)))
        ivf = faiss.index_factory(DIM, f"IVF{lists},Flat", faiss.METRIC_INNER_PRODUCT)
        ivf.train(rows[:: max(1, len(rows) // (40 * lists))])
        ivf.add(rows)
        for probe in (16, 64):

            def search(q, probe=probe):
                ivf.nprobe = probe
                return ivf.search(q, 1)[1][:, 0]

            found[f"faiss IVF{lists}, {probe} lists"] = search
    if "hnsw" in names:
        hnsw = faiss.IndexHNSWFlat(DIM, 32, faiss.METRIC_INNER_PRODUCT)
        hnsw.hnsw.efConstruction = 80
        hnsw.add(rows)
        for ef in (64, 400):

            def search(q, ef=ef):
                hnsw.hnsw.efSearch = ef
                return hnsw.search(q, 1)[1][:, 0]

            found[f"faiss HNSW32, ef {ef}"] = search
    if "binary" in names:
        binary = faiss.IndexBinaryFlat(DIM)
        binary.add(np.packbits(rows > 0, axis=1))

        def rerank(q):
            near = binary.search(np.packbits(q > 0, axis=1), 1024)[1]
            return np.array([c[np.argmax(rows[c] @ p)] for c, p in zip(near, q)])

        found["faiss binary, 1024 re-ranked by NumPy"] = rerank
    if "usearch" in names:
        from usearch.index import Index

        graph = Index(ndim=DIM, metric="cos", dtype="i8")
        graph.add(np.arange(len(rows)), rows, threads=os.cpu_count())
        found["usearch HNSW int8"] = lambda q: graph.search(q, 1, threads=1).keys.reshape(len(q))
    faiss.omp_set_num_threads(1)
    return found


def time_peer(search, probes, batch, repeats):
    best = 1e9
    for r in range(repeats):
        start = time.process_time()
        search(probes[r * batch % (PROBES - batch) :][:batch])
        best = min(best, time.process_time() - start)
    return best * 1e3


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build", type=lambda s: Path(s).resolve())
    p.add_argument("faces", type=int)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--cache", type=Path)
    p.add_argument("peers", nargs="*")
    args = p.parse_args()
    if "all" in args.peers:
        args.peers = ["flat", "ivf", "hnsw", "binary", "usearch"]
    with tempfile.TemporaryDirectory() as t:
        folder = Path(t)
        f, rows, seconds = facet_index(args, folder)
        probes = np.fromfile(folder / "probes", np.float32).reshape(PROBES, DIM)
        person = np.arange(PROBES) * (args.faces // PER) // PROBES
        print(f"{args.faces} faces, {PROBES} hard probes; {describe(rows)}")
        print(f"facet's index made in {seconds:.1f} s\n", flush=True)
        searches = {}
        for mode in ("exact", "fast"):
            searches[f"facet {mode}"] = (
                lambda batch, repeats, mode=mode: f.time(mode, batch, repeats),
                lambda mode=mode: f.ids(mode, folder / "ids")[:, 0],
            )
        for name, search in (peer_searches(args.peers, rows) if args.peers else {}).items():
            searches[name] = (
                lambda batch, repeats, search=search: time_peer(search, probes, batch, repeats),
                lambda search=search: np.concatenate([search(q) for q in np.split(probes, 10)]),
            )
        best = {name: [1e9] * len(BATCHES) for name in searches}
        for _ in range(args.rounds):
            for b, batch in enumerate(BATCHES):
                for name, (measure, _) in searches.items():
                    repeats = max(1, (10 if batch == 1 else 1) * min(4, 1000000 // args.faces))
                    best[name][b] = min(best[name][b], measure(batch, repeats) / batch)
        print("| search | ms a probe, 1 | ms a probe, 256 | recall@1 |\n|---|---:|---:|---:|")
        ids = {}
        for name, (_, all_ids) in searches.items():
            ids[name] = all_ids()
            right = np.mean(ids[name] // PER == person)
            print(f"| {name} | {best[name][0]:.3f} | {best[name][1]:.3f} | {right:.4f} |", flush=True)
        print(f"\nsame first face, fast and exact: {np.mean(ids['facet fast'] == ids['facet exact']):.4f}")
        print(f"facet resident: {f.resident_mb():.0f} MB")
        f.close()
        if args.cache:
            f = Facet(args.build, "/dev/null", folder / "probes", DIM, K, PER, cache=args.cache / "faces.index")
            print(f"opened from the cache in {f.wait_ready():.3f} s, resident {f.resident_mb():.0f} MB")
            first = f.time("fast", 1, 1)
            later = f.time("fast", 1, 20)
            print(f"first search {first:.2f} ms, then {later:.2f} ms, resident {f.resident_mb():.0f} MB")
            f.close()


if __name__ == "__main__":
    main()
