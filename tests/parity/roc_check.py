#!/usr/bin/env python3
"""facet evaluate's curve and rates against scikit-learn's roc_curve on the same scores.

usage: roc_check.py FACET

Scores with ties, of several sizes; every point of the curve must be one of scikit-learn's, to the last digit
that is printed, and the threshold for a FAR the lowest that it allows."""

import csv
import json
import subprocess
import sys
import tempfile

try:
    import numpy as np
    from sklearn.metrics import roc_curve
except ImportError:
    print("SKIP roc_check: no scikit-learn: pip install scikit-learn")
    sys.exit(77)


def run(facet, scores, same):
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="") as f:
        w = csv.writer(f)
        w.writerow(["score", "same"])
        w.writerows((repr(float(s)), int(t)) for s, t in zip(scores, same))
        f.flush()
        out = subprocess.run([facet, "evaluate", f.name, "--json"], capture_output=True, text=True, check=True)
    return json.loads(out.stdout)["packs"][0]


def check(facet, n, decimals, rng):
    same = rng.random(n) < 0.3
    scores = np.round(rng.normal(size=n) + 2 * same, decimals).astype(np.float32)
    fpr, tpr, thresholds = roc_curve(same, scores, drop_intermediate=False)
    at = {np.float32(t): (f, r) for f, r, t in zip(fpr, tpr, thresholds)}
    mine = run(facet, scores, same)
    for t, f, r in mine["curve"]:
        want = at[np.float32(t if t is not None else np.inf)]
        assert abs(f - want[0]) < 1e-9 and abs(1 - r - want[1]) < 1e-9, (t, f, r, want)
    assert len(mine["curve"]) == len(fpr) or len(fpr) > 400
    for p in mine["points"]:
        allowed = fpr <= p["wanted"] + 1e-12
        best = tpr[allowed].max()
        assert abs(p["tar"][0] - best) < 1e-7, (p, best)
        assert ((scores >= np.float32(p["threshold"])) & ~same).sum() == p["errors"]
        assert p["errors"] <= p["wanted"] * (~same).sum() + 1e-9
    cross = np.nanargmin(np.abs(fpr - (1 - tpr)))
    assert abs(mine["equal_error"] - (fpr[cross] + 1 - tpr[cross]) / 2) < 2 / np.sqrt(n) / 4 + 0.01
    return len(mine["curve"]), len(mine["points"])


def main():
    rng = np.random.default_rng(5)
    for n, decimals in ((12, 1), (60, 1), (1000, 2), (20000, 3), (200000, 6)):
        print("%d scores: %d points of the curve, %d rates" % ((n,) + check(sys.argv[1], n, decimals, rng)))


main()
