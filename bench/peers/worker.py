"""One engine with one network in a process of its own.

    worker.py ENGINE FILE.onnx THREADS BATCH PRECISION

Prints one JSON line when the first result is there, then answers every line
"SECONDS" on standard input with a JSON list of milliseconds per run.
"""
import ctypes
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np


def resident():
    """Resident bytes of this process."""
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmRSS"))


class Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int), ("text", ctypes.c_char * 500)]


class Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.POINTER(ctypes.c_float)), ("rank", ctypes.c_int), ("dims", ctypes.c_int64 * 8)]


class ModelOpts(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("precision", ctypes.c_int), ("low_memory", ctypes.c_bool),
                ("cache_dir", ctypes.c_char_p)]


def facet(path, threads, x, precision):
    lib = ctypes.CDLL(os.environ["FCT_LIBRARY"])
    err, model, session, opts = Error(), ctypes.c_void_p(), ctypes.c_void_p(), ModelOpts()

    def check(status):
        if status:
            raise RuntimeError(err.text.decode())

    check(lib.fct_set_threads(threads, ctypes.byref(err)))
    lib.fct_model_opts_init(ctypes.byref(opts))
    opts.precision = precision == "exact"
    check(lib.fct_model_load(path.encode(), ctypes.byref(opts), ctypes.byref(model), ctypes.byref(err)))
    check(lib.fct_session_create(model, ctypes.byref(session), ctypes.byref(err)))
    n = lib.fct_model_output_count(model)
    data = x.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
    tensor = Tensor(data, x.ndim, (ctypes.c_int64 * 8)(*x.shape))
    outs = (Tensor * n)()

    def run():
        check(lib.fct_session_run(session, ctypes.byref(tensor), 1, outs, n, ctypes.byref(err)))

    def results():
        return [np.ctypeslib.as_array(o.data, tuple(o.dims[:o.rank])).copy() for o in outs]

    return run, results


def onnxruntime(path, threads, x, precision):
    import onnxruntime as ort
    o = ort.SessionOptions()
    o.intra_op_num_threads, o.inter_op_num_threads, o.log_severity_level = threads, 1, 3
    s = ort.InferenceSession(path, o, providers=["CPUExecutionProvider"])
    name, last = s.get_inputs()[0].name, []

    def run():
        last[:] = s.run(None, {name: x})

    return run, lambda: last


def openvino(path, threads, x, precision):
    import openvino as ov
    core = ov.Core()
    model = core.read_model(path)
    model.reshape(list(x.shape))
    hint = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    request = core.compile_model(model, "CPU", hint).create_infer_request()

    def run():
        request.infer([x], share_inputs=True)

    return run, lambda: [request.get_output_tensor(i).data.copy() for i in range(len(model.outputs))]


def ncnn_files(path, shape):
    """Converts with pnnx; the files are kept for the other processes of this run."""
    cache = os.environ.get("BENCH_CACHE") or tempfile.mkdtemp()
    base = os.path.join(cache, os.path.basename(path)[:-5] + "x".join(map(str, shape)))
    if not os.path.exists(base + ".ncnn.param"):
        shutil.copy(path, base + ".onnx")
        # The package's Python side wants PyTorch; the program in it does not.
        folder = importlib.util.find_spec("pnnx").submodule_search_locations[0]
        tool = os.path.join(folder, "pnnx")
        dims = ",".join(map(str, shape))
        subprocess.run([tool, base + ".onnx", f"inputshape=[{dims}]f32", "fp16=0"], cwd=cache, capture_output=True)
    if not os.path.exists(base + ".ncnn.param"):
        raise RuntimeError("pnnx cannot convert it")
    return base


def ncnn(path, threads, x, precision):
    base = ncnn_files(path, (1,) + x.shape[1:])
    import ncnn as engine
    net = engine.Net()
    net.opt.num_threads = threads
    if net.load_param(base + ".ncnn.param") or net.load_model(base + ".ncnn.bin"):
        raise RuntimeError("ncnn cannot load it")
    # A copy of its own: a layer that works in place asks how many own the input, and the
    # process ends where that is memory of NumPy's, which nobody counts.
    names, images, last = net.output_names(), [engine.Mat(i).clone() for i in x], []

    def run():
        last.clear()
        for image in images:  # it has no batches
            e = net.create_extractor()
            e.input(net.input_names()[0], image)
            got = [e.extract(n) for n in names]
            if any(code for code, _ in got):
                raise RuntimeError("ncnn cannot run it")
            last.append([m for _, m in got])

    return run, lambda: [np.array(m) for m in last[0]]


def main():
    engine, path, threads, batch, precision = sys.argv[1:6]
    h, w = (int(v) for v in sys.argv[6].split("x"))
    x = np.random.default_rng(5).uniform(-1, 1, (int(batch), 3, h, w)).astype(np.float32)
    before, start = resident(), time.perf_counter()
    try:
        if engine == "ncnn":
            ncnn_files(path, (1, 3, h, w))
            start = time.perf_counter()
        run, _ = globals()[engine](path, int(threads), x, precision)
        run()
    except Exception as e:
        print(json.dumps({"error": str(e)[:200]}), flush=True)
        return
    first = (time.perf_counter() - start) * 1e3
    for _ in range(3):
        run()
    print(json.dumps({"first_ms": first, "resident_mb": (resident() - before) / 2**20}), flush=True)
    for line in sys.stdin:
        times, end = [], time.perf_counter() + float(line)
        while not times or time.perf_counter() < end:
            t = time.perf_counter()
            run()
            times.append((time.perf_counter() - t) * 1e3)
        print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main()
