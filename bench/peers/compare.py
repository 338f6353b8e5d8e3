"""Times facet and its peers on the same networks, taking turns (see bench/compare).

Each engine has a process of its own; they run one after the other in short turns,
so that what disturbs the machine disturbs all of them. Per network and engine:
median and best decile of all runs, milliseconds from load to the first result (imports
included for the peers), resident memory the engine added to its process. --load-only
leaves the turns out. --json: one object a line, the last with the geometric means.
A peer that gives no result on a network is left out of that network's ratios, and the
last line names it.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile

ENGINES = ["facet", "onnxruntime", "openvino", "ncnn"]


class Worker:
    def __init__(self, engine, path, args, size):
        here = os.path.dirname(os.path.abspath(__file__))
        command = [
            sys.executable,
            os.path.join(here, "worker.py"),
            engine,
            path,
            str(args.threads),
            str(args.batch),
            "exact" if args.exact else "fast",
            size,
        ]
        env = dict(os.environ, OMP_NUM_THREADS=str(args.threads), KMP_BLOCKTIME="0")
        self.engine, self.times = engine, []
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env
        )
        self.info = self.answer()

    def answer(self):
        """The next line that is JSON: engines print to standard output too."""
        for line in self.process.stdout:
            if line[:1] in "[{":
                return json.loads(line)
        return {"error": f"the process ended (status {self.process.wait()})"}

    def turn(self, seconds):
        try:
            self.process.stdin.write(f"{seconds}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # answer() tells of the end
        got = self.answer()
        if isinstance(got, list):
            self.times += got
        else:  # half of the turns compare with nothing
            self.info, self.times = got, []

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.wait()


def input_size(path, args):
    """Height and width: fixed in the file, or --size. Read by onnxruntime."""
    import onnxruntime as ort

    o = ort.SessionOptions()
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    dims = ort.InferenceSession(path, o, providers=["CPUExecutionProvider"]).get_inputs()[0].shape
    return "x".join(str(d) if isinstance(d, int) else args.size for d in dims[2:])


def percentile(times, share):
    s = sorted(times)
    return s[min(len(s) - 1, int(share * len(s)))]


def bench_network(path, args):
    """Results of all engines on one network, in ENGINES' order."""
    size, rows = input_size(path, args), []
    workers = [Worker(e, path, args, size) for e in args.engines]
    ready = [w for w in workers if "error" not in w.info]
    rounds = 0 if args.load_only else max(3, int(args.seconds / args.turn))
    for _ in range(rounds):
        for w in ready:
            if "error" not in w.info:
                w.turn(args.turn)
    for w in workers:
        row = {
            "network": os.path.basename(path),
            "engine": w.engine,
            "threads": args.threads,
            "batch": args.batch,
            **w.info,
        }
        if w.times:
            row.update(ms_median=percentile(w.times, 0.5), ms_p10=percentile(w.times, 0.1), runs=len(w.times))
        rows.append(row)
        w.close()
    return rows


def geomean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else 0


def ratios(networks, pick):
    """Per network, pick(peers' times) / facet's time, on the best decile."""
    out = []
    for rows in networks:
        times = {r["engine"]: r["ms_p10"] for r in rows if "ms_p10" in r}
        mine = times.pop("facet", None)
        theirs = pick(times) if times else None
        if mine and theirs:
            out.append(theirs / mine)
    return out


def failures(networks):
    """Engine: the networks on which it gave no result."""
    out = {}
    for rows in networks:
        for r in rows:
            if "error" in r:
                out.setdefault(r["engine"], []).append(r["network"])
    return out


def means(networks):
    return {
        "geomean_vs_fastest_peer": geomean(ratios(networks, lambda t: min(t.values()))),
        "geomean_vs_onnxruntime": geomean(ratios(networks, lambda t: t.get("onnxruntime"))),
        "without_result": failures(networks),
    }


def show(rows):
    mine = next((r.get("ms_p10") for r in rows if r["engine"] == "facet"), None)
    for r in rows:
        head = f"{r['network']:22s} {r['engine']:12s}"
        if "error" in r:
            print(f"{head} {r['error']}")
        else:
            ratio = f"{r['ms_p10'] / mine:6.2f}x" if mine and "ms_p10" in r else ""
            print(
                f"{head} median {r.get('ms_median', 0):8.2f}  best decile {r.get('ms_p10', 0):8.2f} ms {ratio:8s}"
                f" first result {r['first_ms']:7.0f} ms  {r['resident_mb']:6.0f} MB",
                flush=True,
            )


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--seconds", type=float, default=5, help="per network and engine")
    p.add_argument("--turn", type=float, default=0.5, help="seconds of one turn")
    p.add_argument("--batch", type=int, default=1)
    p.add_argument("--size", default="640", help="height and width where the file leaves them open")
    p.add_argument("--engines", type=lambda s: s.split(","), default=ENGINES)
    p.add_argument("--exact", action="store_true")
    p.add_argument("--load-only", action="store_true")
    p.add_argument("--json", action="store_true")
    p.add_argument("files", nargs="+")
    args = p.parse_args()
    networks = []
    with tempfile.TemporaryDirectory() as cache:
        os.environ["BENCH_CACHE"] = cache
        for path in args.files:
            rows = bench_network(os.path.abspath(path), args)
            networks.append(rows)
            if args.json:
                for r in rows:
                    print(json.dumps(r), flush=True)
            else:
                show(rows)
    last = means(networks)
    print(json.dumps(last) if args.json else "geometric means: " + json.dumps(last))


if __name__ == "__main__":
    main()
