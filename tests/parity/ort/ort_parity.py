"""Compares facet's networks with onnxruntime's, output by output.

    ort_parity.py RUN_MODEL FILE.onnx... [--reference] [--exact] [--skip MASK] [--limit X] [--quick]

Every file is run on random inputs with batch 1 and 3 and, where height and width
vary, on odd sizes; a FILE.in.npy beside the model is used too. The error of an
output is |out - ref| / |ref| (2-norms). Exit status 1 when one exceeds the limit.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime as ort


def session(path):
    o = ort.SessionOptions()
    o.log_severity_level = 3
    o.intra_op_num_threads = 1
    return ort.InferenceSession(path, o, providers=["CPUExecutionProvider"])


def shapes(s, quick):
    """Input shapes to try for the first input of a session."""
    dims = s.get_inputs()[0].shape
    c = dims[1] if isinstance(dims[1], int) else 3
    if all(isinstance(d, int) for d in dims[2:]):
        sizes = [tuple(dims[2:])]
    else:
        sizes = [(160, 160)] if quick else [(160, 160), (320, 256), (96, 352)]
    out = []
    for n in (1, 3):
        for h, w in sizes:
            out.append((n, c, h, w))
    return out


def inputs_for(path, s, quick):
    rng = np.random.default_rng(7)
    raw = takes_bytes(path)
    stored = path.replace(".onnx", ".in.npy")
    if os.path.exists(stored) and not quick:
        yield "stored", np.load(stored).astype(np.float32)
    for shape in shapes(s, quick):
        x = rng.uniform(-1, 1, shape).astype(np.float32)
        yield "x".join(map(str, shape)), (x + 1) * 127.5 if raw else x


def takes_bytes(path):
    """Graphs that normalize by themselves take 0..255, the others about -1..1."""
    import onnx
    first = [n.op_type for n in onnx.load(path, load_external_data=False).graph.node[:8]]
    return "Sub" in first or first[0] == "BatchNormalization" or "yunet" in path


def odd_shapes(path, s):
    """Sizes that are no multiple of the largest stride; not every network takes them."""
    dims = s.get_inputs()[0].shape
    if all(isinstance(d, int) for d in dims[2:]):
        return []
    return [(1, 3, 97, 131), (1, 3, 161, 95), (1, 3, 224, 168)]


def run_facet(args, path, x):
    with tempfile.TemporaryDirectory() as d:
        np.save(f"{d}/in.npy", np.ascontiguousarray(x))
        flags = (["--reference"] if args.reference else []) + (["--exact"] if args.exact else [])
        flags += ["--skip", args.skip] if args.skip else []
        p = subprocess.run([args.tool, *flags, path, f"{d}/out", f"{d}/in.npy"], capture_output=True, text=True)
        if p.returncode:
            return p.stderr.strip(), None
        out = []
        while os.path.exists(f"{d}/out.{len(out)}.npy"):
            out.append(np.load(f"{d}/out.{len(out)}.npy"))
        return None, out


def compare(args, path, s, label, x):
    """Largest error over the outputs, or None when both engines refuse."""
    name = s.get_inputs()[0].name
    try:
        ref = s.run(None, {name: x})
    except Exception:  # onnxruntime refuses this shape
        ref = None
    error, out = run_facet(args, path, x)
    if ref is None:
        print(f"{os.path.basename(path):24s} {label:14s} onnxruntime refuses, facet {'too' if error else 'runs'}")
        return None
    if error:
        print(f"{os.path.basename(path):24s} {label:14s} FAILED: {error}")
        return float("inf")
    worst = 0.0
    for i, (a, b) in enumerate(zip(out, ref)):
        if a.shape != b.shape:
            print(f"{path}: output {i} has shape {a.shape}, not {b.shape}")
            return float("inf")
        norm = np.linalg.norm(b.astype(np.float64))
        e = np.linalg.norm(a.astype(np.float64) - b) / (norm if norm else 1)
        worst = max(worst, e if e == e else float("inf"))
    if len(out) != len(ref):
        worst = float("inf")
    print(f"{os.path.basename(path):24s} {label:14s} {len(ref):2d} outputs, worst error {worst:.2e}"
          f"{'' if worst < args.limit else '  ABOVE ' + str(args.limit)}", flush=True)
    return worst


def main():
    p = argparse.ArgumentParser()
    p.add_argument("tool")
    p.add_argument("files", nargs="+")
    p.add_argument("--reference", action="store_true")
    p.add_argument("--exact", action="store_true")
    p.add_argument("--skip", default="")
    p.add_argument("--limit", type=float, default=1e-4)
    p.add_argument("--quick", action="store_true")
    args = p.parse_args()
    bad = 0
    for path in args.files:
        s = session(path)
        for label, x in inputs_for(path, s, args.quick):
            bad += not (compare(args, path, s, label, x) or 0) < args.limit
        for shape in odd_shapes(path, s):
            x = np.random.default_rng(3).uniform(-1, 1, shape).astype(np.float32)
            x = (x + 1) * 127.5 if takes_bytes(path) else x
            bad += not (compare(args, path, s, "odd " + "x".join(map(str, shape[2:])), x) or 0) < args.limit
    print(f"{bad} comparisons above the limit of {args.limit}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
