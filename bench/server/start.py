#!/usr/bin/env python3
"""Start to first answer of facet serve, without and with prepared networks, and of InsightFace behind uvicorn.

    start.py FACET PACK PICTURE [ROUNDS]

Each round starts, one after the other: facet with a new data folder and an empty cache, facet with both from before,
and the peer of load.py. The answer is to a search of PICTURE. Printed: the least and the median time of each, and the
peer's median over ours. PACK is as for load.py."""

import argparse
import shutil
import statistics
import tempfile

import load


def run(server, path, picture):
    took = load.first_answer(server, path, picture)
    server.process.terminate()
    server.process.wait()
    return took


def main():
    p = argparse.ArgumentParser()
    p.add_argument("facet")
    p.add_argument("pack")
    p.add_argument("picture")
    p.add_argument("rounds", type=int, nargs="?", default=5)
    a = p.parse_args()
    took = {"facet, the first start": [], "facet, a later start": [], "insightface": []}
    first, later, peer = took.values()
    for _ in range(a.rounds):
        folder = tempfile.mkdtemp()
        facet = load.start_facet(a, folder)
        key = facet.headers["Authorization"].split()[1]
        first.append(run(facet, load.SEARCH, a.picture))
        later.append(run(load.start_facet(a, folder, key), load.SEARCH, a.picture))
        peer.append(run(load.start_peer(a), "/search", a.picture))
        shutil.rmtree(folder)
    for name, times in took.items():
        middle = statistics.median(times)
        print("%-24s least %.3f s, median %.3f s, ratio %.1f"
              % (name, min(times), middle, statistics.median(peer) / middle))  # fmt: skip


main()
