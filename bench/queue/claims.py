#!/usr/bin/env python3
"""Claims of a queue a second, on a server of its own that flushes every commit.

usage: claims.py BUILD [JOBS [CONNECTIONS]]     (a server as for the tests: tests/postgres/cluster.py)"""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests/postgres"))
from cluster import Cluster

cluster = Cluster(folder="/var/tmp")
try:
    program = Path(sys.argv[1]) / "bench/queue/bench_claims"
    sys.exit(subprocess.run([program, cluster.url(schema="bench"), *sys.argv[2:]]).returncode)
finally:
    cluster.stop()
