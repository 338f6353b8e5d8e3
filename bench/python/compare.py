#!/usr/bin/env python3
"""facet's FaceAnalysis beside that of the InsightFace package, in turns in one run.

    FCT_LIBRARY=build-wheel/src/libfacet.so.0 bench/python/compare.py --models DIR --picture t1.jpg

Both sides run the same lines of Python (worker.py) on the same five networks (det_10g, w600k_r50,
2d106det, 1k3d68, genderage) of DIR, made by gen_models.py, and find the same six faces: the
generated detector sees no people, so the threshold is put between its sixth and seventh candidate.
Measured are: the time from a script's first line to its first result, in fresh processes, with
files in the page cache; the time of get(); the largest resident size. One side after the other,
so that what disturbs the machine disturbs both. Needs insightface, onnxruntime and OpenCV in the
interpreter that runs it. Use the library as the wheel has it (python/build_wheel.py).

facet keeps packed networks in a cache on disk; here it starts with an empty one, and its first
process, which fills it, is told apart."""

import argparse
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
NETWORKS = ("det_10g", "w600k_r50", "2d106det", "1k3d68", "genderage")
SIDES = ("facet", "insightface")


class Side:
    """A fresh process, past its first result."""

    def __init__(self, name, options, env):
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "worker.py"), name, json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=env,
        )
        self.first = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit("a process ended: run worker.py by hand to see why")
        return json.loads(line)

    def ask(self, question):
        self.process.stdin.write(f"{question}\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def middle(values):
    return sorted(values)[len(values) // 2]


def best_decile(values):
    return sorted(values)[len(values) // 10]


def threshold(options, env, faces):
    """Between the scores of the last face wanted and the next candidate."""
    side = Side("facet", {**options, "thresh": 0.1}, env)
    side.close()
    scores = side.first["scores"]
    if len(scores) <= faces or scores[faces - 1] == scores[faces]:
        sys.exit(f"no threshold leaves {faces} faces")
    return (scores[faces - 1] + scores[faces]) / 2


def measure(options, args, env):
    """First results of fresh processes, then times of get() of the last two, all in turns."""
    firsts, times, peaks = ({s: [] for s in SIDES} for _ in range(3))
    for i in range(args.starts):
        for s in SIDES:
            side = Side(s, options, env)
            firsts[s].append(side.first)
            peaks[s].append(side.ask(""))
            side.close()
    sides = {s: Side(s, options, env) for s in SIDES}
    for i in range(args.rounds):
        for s in SIDES:
            times[s] += sides[s].ask(args.turn)
    for s in SIDES:
        peaks[s].append(sides[s].ask(""))
        sides[s].close()
    return firsts, times, peaks


def cpu():
    with open("/proc/cpuinfo") as f:
        return next((line.partition(":")[2].strip() for line in f if line.startswith("model name")), "unknown")


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def report(options, cold, firsts, times, peaks):
    sizes = "x".join(map(str, options["size"])) if options["size"] else "128x128 and 640x640"
    print(
        f"CPU {cpu()}, {len(os.sched_getaffinity(0))} of {os.cpu_count()} CPUs; Python {sys.version.split()[0]}; "
        + ", ".join(f"{p} {version(p)}" for p in ("insightface", "onnxruntime", "numpy", "opencv-python-headless"))
    )
    print(f"detection at {sizes}, threshold {options['thresh']:.4f}")
    print(
        f"facet's first process, with an empty cache of packed networks: {cold['first_s']:.2f} s, peak"
        f" {cold['peak_mb']:.0f} MB"
    )
    print(
        f"{'':12s} {'faces':>6s} {'get best decile':>16s} {'median':>9s} {'first result':>13s} {'(import':>9s}"
        f" {'load':>6s} {'get)':>6s} {'peak memory':>12s}"
    )
    row = {}
    for s in SIDES:
        f = {k: middle([x[k] for x in firsts[s]]) for k in ("first_s", "import_s", "load_s", "get_s")}
        row[s] = (best_decile(times[s]), f["first_s"], max(peaks[s]))
        print(
            f"{s:12s} {firsts[s][0]['faces']:6d} {row[s][0] * 1000:13.0f} ms {middle(times[s]) * 1000:6.0f} ms"
            f" {f['first_s']:11.2f} s {f['import_s']:7.2f} s {f['load_s']:4.2f} s {f['get_s']:4.2f} s"
            f" {row[s][2]:9.0f} MB"
        )
    a, b = (row[s] for s in SIDES)
    print(
        f"facet: get() {b[0] / a[0]:.2f} times as fast, first result {b[1] / a[1]:.2f} times, peak memory"
        f" {a[2] / b[2]:.3f} of it"
    )


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--models", required=True, help="folder with the generated networks")
    p.add_argument("--picture", required=True)
    p.add_argument("--auto", action="store_true", help="detect at 128x128 and 640x640 instead of 640x640 alone")
    p.add_argument("--faces", type=int, default=6)
    p.add_argument("--starts", type=int, default=3, help="fresh processes of each side")
    p.add_argument("--rounds", type=int, default=4)
    p.add_argument("--turn", type=float, default=2, help="seconds of one turn")
    args = p.parse_args()
    path = os.pathsep.join(filter(None, [os.path.join(HERE, "..", "..", "python"), os.environ.get("PYTHONPATH")]))
    with tempfile.TemporaryDirectory() as root:
        env = {**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore", "FCT_CACHE": os.path.join(root, "cache")}
        pack = os.path.join(root, "models", "five")
        os.makedirs(pack)
        for name in NETWORKS:
            os.symlink(os.path.abspath(os.path.join(args.models, name + ".onnx")), os.path.join(pack, name + ".onnx"))
        options = {
            "name": "five",
            "root": root,
            "size": None if args.auto else (640, 640),
            "picture": os.path.abspath(args.picture),
        }
        options["thresh"] = threshold(options, {**env, "FCT_CACHE": os.path.join(root, "other")}, args.faces)
        side = Side("facet", options, env)
        side.close()
        report(options, side.first, *measure(options, args, env))


if __name__ == "__main__":
    main()
