#!/usr/bin/env python3
"""facet's clustering against DBSCAN, HDBSCAN and Chinese whispers, on the same embeddings.

usage: compare.py BUILD DATA CACHE NAME=PACK=THRESHOLD... [--sets lfw,celeb,album] [--peers DBSCAN,...]

BUILD is a build folder with benchmarks; DATA holds the development faces, unpacked (lfw-dev, celeb, utk, aaf, and
the CSV files); CACHE keeps embeddings. Of the peers the setting with the greatest BCubed F on one half of the people
counts, and what it does on the other half is printed; facet runs with its defaults and the pack's threshold."""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

import albums
import peers
import scores


def facet(build, f, threshold, *more):
    with tempfile.TemporaryDirectory() as folder:
        at = pathlib.Path(folder)
        f.e.astype(np.float32).tofile(at / "e")
        f.quality.tofile(at / "q")
        f.child.tofile(at / "c")
        args = ["quality=%s/q" % at, "child=%s/c" % at, "threshold=%g" % threshold, *more]
        if f.photo is not None:
            f.photo.tofile(at / "p")
            args.append("photos=%s/p" % at)
        program = pathlib.Path(build) / "bench/cluster/cluster_faces"
        subprocess.run([program, at / "e", str(f.e.shape[1]), at / "out", *args], check=True, stdout=subprocess.DEVNULL)
        person = np.fromfile(at / "out", dtype=np.int64)
    return np.where(person == 0, -1, -person)


def row(name, setting, s, seconds):
    print("| %-16s | %-26s | %6.2f | %6.2f | %6.2f | %6.2f | %6.2f | %7.1f |"
          % (name, setting, s["F"], s["P"], s["R"], s["pair_P"], s["pair_R"], seconds), flush=True)


def best_peer(name, tune, test):
    """The setting that is best on one half, on the other."""
    best = None
    for setting, clusters in peers.PEERS[name](tune.e, peers.close_pairs(tune.e, 0.3)):
        s = scores.scores(tune.person, clusters)
        if best is None or s["F"] > best[0]:
            best = s["F"], setting
    start = time.time()
    clusters = peers.one(name, best[1], test.e)
    return best[1], scores.scores(test.person, clusters), time.time() - start


def compare(args, name, pack, threshold, which):
    tune = albums.load(args.build, args.data, args.cache, which, name, pack, "tune")
    test = albums.load(args.build, args.data, args.cache, which, name, pack, "test")
    print("\n%s, %s: %d faces of %d people\n" % (which, name, len(test.person), len(set(test.person))))
    print("| method | setting | BCubed F | precision | recall | pairs: precision | recall | s |")
    print("|---|---|---|---|---|---|---|---|")
    start = time.time()
    clusters = facet(args.build, test, threshold)
    row("facet", "", scores.scores(test.person, clusters), time.time() - start)
    if test.photo is not None:
        plain = albums.Faces(**{**test.__dict__, "photo": None})
        row("facet", "photos not told", scores.scores(test.person, facet(args.build, plain, threshold)), 0)
    for setting in ((0.5, 3), (0.52, 2)):
        start = time.time()
        s = scores.scores(test.person, peers.one("DBSCAN", setting, test.e))
        row("DBSCAN", "%s %s" % (setting, "Immich" if setting[1] == 3 else "InsightFace"), s, time.time() - start)
    for peer in args.peers.split(","):
        setting, s, seconds = best_peer(peer, tune, test)
        row(peer, str(setting), s, seconds)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("data")
    p.add_argument("cache", type=pathlib.Path)
    p.add_argument("packs", nargs="+")
    p.add_argument("--sets", default="lfw,celeb,album")
    p.add_argument("--peers", default=",".join(peers.PEERS))
    args = p.parse_args()
    args.cache.mkdir(parents=True, exist_ok=True)
    for pack in args.packs:
        name, folder, threshold = pack.split("=")
        for which in args.sets.split(","):
            compare(args, name, folder, float(threshold), which)


if __name__ == "__main__":
    sys.exit(main())
