#!/usr/bin/env python3
"""A peer that fails in bench/compare is named in the means, and does not end the run.

usage: bench_peers_test.py SOURCE"""

import argparse
import os
import sys

from report import Report

sys.path.insert(0, os.path.join(sys.argv[1], "bench", "peers"))
import compare  # noqa: E402

ROWS = [
    [
        {"network": "a.onnx", "engine": "facet", "ms_p10": 1.0},
        {"network": "a.onnx", "engine": "ncnn", "error": "ended"},
        {"network": "a.onnx", "engine": "onnxruntime", "ms_p10": 4.0},
    ],
    [
        {"network": "b.onnx", "engine": "facet", "ms_p10": 2.0},
        {"network": "b.onnx", "engine": "ncnn", "ms_p10": 3.0},
        {"network": "b.onnx", "engine": "onnxruntime", "ms_p10": 18.0},
    ],
]


def means_name_failures():
    got = compare.means(ROWS)
    # 4 and 1.5 against the fastest that there is, 4 and 9 against onnxruntime.
    wanted = {"geomean_vs_fastest_peer": 6**0.5, "geomean_vs_onnxruntime": 6.0, "without_result": {"ncnn": ["a.onnx"]}}
    same = all(abs(got[k] - wanted[k]) < 1e-9 for k in wanted if k != "without_result")
    return [] if same and got["without_result"] == wanted["without_result"] else [str(got)]


def a_dead_worker_is_an_error():
    args = argparse.Namespace(threads=1, batch=1, exact=False)
    worker = compare.Worker("no_such_engine", "gone.onnx", args, "no size")
    first = dict(worker.info)
    worker.times = [1.0]
    worker.turn(0.1)
    worker.close()
    faults = [] if "ended (status 1)" in first.get("error", "") else [str(first)]
    return faults + ([] if not worker.times and "error" in worker.info else [str((worker.times, worker.info))])


report = Report()
report.check("means name who failed", means_name_failures())
report.check("a dead worker is an error", a_dead_worker_is_an_error())
report.close()
