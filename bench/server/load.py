#!/usr/bin/env python3
"""facet serve against the InsightFace package behind FastAPI and uvicorn, with the same networks, in one run.

    load.py FACET PACK PICTURE... [--probe PICTURE]... [--people N] [--requests N] [--rounds N] [--clients LIST]

PACK is a folder ROOT/models/NAME with a detector and an embedder, as both want it. Each server is started twice, since
facet keeps what it has prepared of the networks. Both enroll the first pictures as people; then they take turns, at 1,
8 and 64 clients, with identifications of the last picture, or of each --probe (ab of apache2-utils, kept connections).
What is sent is the file as it is: each server decodes it, InsightFace with OpenCV. Printed: the time from the start of
the program to its first answer, identifications per second and the 99th percentile of each turn's best round, resident
memory at the end, and the ratios. Needs insightface, fastapi and uvicorn in this Python; both use all cores, and a
machine with nothing else to do."""

import argparse
import http.client
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

SEARCH = "/v1/collections/_default/search"


class Server:
    """A program with an HTTP port: its health, how pictures are enrolled and searched."""

    def __init__(self, name, words, port, health, env=None):
        self.name, self.port, self.headers = name, port, {}
        began = time.monotonic()
        self.process = subprocess.Popen(
            words, env=dict(os.environ, **(env or {})), stdout=subprocess.PIPE, text=True
        )
        self.first_line = ""
        while True:
            try:
                if self.ask("GET", health)[0] == 200:
                    break
            except OSError:
                time.sleep(0.002)
            if self.process.poll() is not None:
                sys.exit(name + " does not start")
        self.start = time.monotonic() - began

    def ask(self, method, path, body=None, headers=()):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        c.request(method, path, body, dict(self.headers, **dict(headers)))
        answer = c.getresponse()
        return answer.status, answer.read()

    def memory(self):
        status = pathlib.Path("/proc/%d/status" % self.process.pid).read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024

    def load(self, path, picture, clients, requests):
        words = [
            "ab",
            "-q",
            "-k",
            "-l",
            "-c",
            str(clients),
            "-n",
            str(requests),
            "-p",
            picture,
            "-T",
            "image/jpeg",
        ]
        for name, value in self.headers.items():
            words += ["-H", "%s: %s" % (name, value)]
        out = subprocess.run(
            words + ["http://127.0.0.1:%d%s" % (self.port, path)], capture_output=True, text=True
        ).stdout
        if "Non-2xx" in out or "Complete requests:      %d" % requests not in out:
            sys.exit("%s: not all were answered:\n%s" % (self.name, out))
        rate = float(re.search(r"Requests per second:\s+([\d.]+)", out).group(1))
        return rate, float(re.search(r"99%\s+(\d+)", out).group(1))


def start_facet(a, folder, key=None):
    words = [a.facet, "serve", "-m", a.pack, "--data", folder + "/data", "--port", "18100", "--queue", "1000"]
    server = Server("facet", words, 18100, "/v1/health", {"FCT_CACHE": folder + "/cache"})
    key = key or re.search(r"again: (\S+)", server.process.stdout.readline()).group(1)
    server.headers = {"Authorization": "Bearer " + key}
    return server


def start_peer(a):
    here = os.path.dirname(os.path.abspath(__file__))
    words = [
        sys.executable,
        "-m",
        "uvicorn",
        "peer_app:app",
        "--app-dir",
        here,
        "--port",
        "18101",
        "--log-level",
        "error",
    ]
    return Server("insightface", words, 18101, "/health", {"PACK": os.path.abspath(a.pack)})


def enroll(facet, peer, pictures):
    for i, path in enumerate(pictures):
        data = pathlib.Path(path).read_bytes()
        form = b"--b\r\nContent-Disposition: form-data; name=name\r\n\r\nP%d\r\n" % i
        form += (
            b'--b\r\nContent-Disposition: form-data; name=images; filename="p"\r\n\r\n' + data + b"\r\n--b--"
        )
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        facet.ask("POST", "/v1/collections/_default/persons", form, kind)
        peer.ask("POST", "/enroll/P%d" % i, data, {"Content-Type": "image/jpeg"})


def first_answer(server, path, picture):
    began = time.monotonic()
    status, _ = server.ask("POST", path, pathlib.Path(picture).read_bytes(), {"Content-Type": "image/jpeg"})
    if status != 200:
        sys.exit("%s: status %d" % (server.name, status))
    return server.start + time.monotonic() - began


def start_both(a, folder, picture):
    """Starts each twice, since facet keeps prepared networks from its first start; gives those of the second."""
    key = None
    for turn in ("the first start", "a later start"):
        facet = start_facet(a, folder, key)
        key = facet.headers["Authorization"].split()[1]
        ours = first_answer(facet, SEARCH, picture)
        peer = start_peer(a)
        theirs = first_answer(peer, "/search", picture)
        print("%s to its first answer: facet %.3f s, insightface %.3f s, ratio %.1f"
              % (turn, ours, theirs, theirs / ours), flush=True)  # fmt: skip
        for s in (facet, peer) if turn == "the first start" else ():
            s.process.terminate()
            s.process.wait()
    return facet, peer


def main():
    p = argparse.ArgumentParser()
    p.add_argument("facet")
    p.add_argument("pack")
    p.add_argument("pictures", nargs="+")
    p.add_argument("--people", type=int, default=100)
    p.add_argument("--requests", type=int, default=300)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--probe", action="append", default=[])
    p.add_argument("--clients", default="1,8,64")
    a = p.parse_args()
    probes = a.probe or [a.pictures[-1]]
    with tempfile.TemporaryDirectory() as folder:
        facet, peer = start_both(a, folder, probes[0])
        paths = {facet: SEARCH, peer: "/search"}
        enroll(facet, peer, (a.pictures if a.probe else a.pictures[:-1])[: a.people])
        for picture in probes:
            print(os.path.basename(picture))
            for clients in map(int, a.clients.split(",")):
                turns = {s: [] for s in paths}
                for _ in range(a.rounds):
                    for s in paths:
                        turns[s].append(s.load(paths[s], picture, clients, a.requests))
                best = {s: max(turns[s]) for s in paths}
                print("%2d clients: facet %.1f/s p99 %.0f ms, insightface %.1f/s p99 %.0f ms, ratio %.2f"
                      % (clients, *best[facet], *best[peer], best[facet][0] / best[peer][0]), flush=True)  # fmt: skip
        print("resident memory: facet %.0f MB, insightface %.0f MB, ratio %.2f"
              % (facet.memory(), peer.memory(), facet.memory() / peer.memory()))  # fmt: skip
        for s in paths:
            s.process.terminate()
            s.process.wait()


if __name__ == "__main__":
    main()
