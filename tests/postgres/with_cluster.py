#!/usr/bin/env python3
"""Runs a command with a PostgreSQL server of its own, whose address is in FCT_TEST_POSTGRESQL,
and with FCT_TEST_STORE=postgresql.
Exit status 77 where there is no server to run.

usage: with_cluster.py [--plain] command...      --plain: one without pgvector, else with it where there is one"""

import os
import signal
import subprocess
import sys

from cluster import Cluster, NoServer


def main():
    words = sys.argv[1:]
    vector = words[0] != "--plain"
    cluster, why = None, None
    for kind in [True, False] if vector else [False]:
        try:
            cluster = cluster or Cluster(kind, settings=["fsync = off"])
        except NoServer as e:
            why = why or e
    if not cluster:
        print("SKIP all: %s\n0 passed, 0 failed, 1 skipped" % why)
        return 77
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # a test over its time: the server goes too
    try:
        env = dict(os.environ, FCT_TEST_STORE="postgresql", FCT_TEST_POSTGRESQL=cluster.url())
        return subprocess.run(words if vector else words[1:], env=env).returncode
    finally:
        cluster.stop()


sys.exit(main())
