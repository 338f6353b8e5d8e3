#!/usr/bin/env python3
"""The same networks by facet on Linux and by facet.exe under Wine, on one machine, in turns.

    bench/windows/wine_speed.py FACET FACET_EXE NETWORK.onnx... [--turns 5] [--seconds 3] [--threads 2]

A turn runs both on each network, one after the other. Printed are, of each network, the median over the turns of the
median time of a run, the median of the turns' own ratios, and the ratio of the best runs of all turns, which a busy
machine disturbs least."""
import argparse
import json
import os
import pathlib
import statistics
import subprocess

WINE = pathlib.Path(__file__).resolve().parents[2] / "scripts/cross/run-windows"


def milliseconds(command, network, args):
    words = ["bench", "--json", "--seconds", str(args.seconds), "--threads", str(args.threads), "--no-cache", network]
    out = subprocess.run([*command, *words], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    got = json.loads(out)
    return got["median_ms"], got["best_ms"]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("facet")
    p.add_argument("facet_exe")
    p.add_argument("networks", nargs="+")
    p.add_argument("--turns", type=int, default=5)
    p.add_argument("--seconds", type=float, default=3)
    p.add_argument("--threads", type=int, default=os.cpu_count())
    args = p.parse_args()
    times = {name: [] for name in args.networks}
    for turn in range(args.turns):
        for name in args.networks:
            pair = [("linux", [args.facet]), ("wine", [str(WINE), args.facet_exe])]
            pair = pair if turn % 2 else pair[::-1]
            got = {system: milliseconds(command, name, args) for system, command in pair}
            times[name].append((got["linux"], got["wine"]))
    for name, pairs in times.items():
        linux, wine = ([side[i] for side in pairs] for i in (0, 1))
        medians = [statistics.median(t[0] for t in side) for side in (linux, wine)]
        ratio = statistics.median(w[0] / l[0] for l, w in pairs)
        best = min(w[1] for w in wine) / min(l[1] for l in linux)
        print("%-18s Linux %8.2f ms   Wine %8.2f ms   Wine/Linux %.3f, of the best runs %.3f"
              % (os.path.basename(name), *medians, ratio, best))  # fmt: skip


if __name__ == "__main__":
    main()
