"""bench_search as an object, for the scripts beside it."""

import subprocess

import numpy as np


class Facet:
    """An index in a process of its own. rows and probes are paths, see bench_search.c."""

    def __init__(self, build, rows, probes, dim, k, per=1, threads=1, cache=None):
        self.k = k
        self.process = subprocess.Popen(
            [build / "bench/gallery/bench_search", rows, probes, str(dim), str(k), str(per), str(threads)]
            + ([cache] if cache else []),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_ready(self):
        """Seconds that making the index, or opening its cache, took."""
        return float(self.process.stdout.readline().split()[2])

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"bench_search failed at {line!r}")
        return answer.split()

    def time(self, mode, batch, repeats):
        """Least milliseconds of a call."""
        return float(self.ask(f"{mode} {batch} {repeats}")[0])

    def ids(self, mode, path):
        self.ask(f"ids {mode} {path}")
        return np.fromfile(path, np.int64).reshape(-1, self.k)

    def resident_mb(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return next(int(line.split()[1]) / 1000 for line in f if line.startswith("VmRSS"))

    def close(self):
        self.process.stdin.close()
        self.process.wait()
