"""Clients that are slow to ask, that never take their answer, that are many, or that smuggle lines into a header: a
part of transport_test.py."""

import os
import resource
import socket
import time

from serve_box import statuses


def expect(raw, *wanted):
    got = statuses(raw)
    return [] if got == list(wanted) else ["%s instead of %s: %r" % (got, list(wanted), raw[:200])]


def slow_clients(box, report):
    """Clients that hold connections open neither block others nor last."""
    loris = []
    for i in range(80):
        s = socket.create_connection(("127.0.0.1", box.port), timeout=10)
        s.sendall(b"GET /v1/health HTTP/1.1\r\nHost: x\r\nX-%d: " % i)
        loris.append(s)
    time.sleep(0.6)  # younger ones have to make room for nobody
    began = time.monotonic()
    ok = all(box.get("/v1/health", key=None).status == 200 for _ in range(20))
    report.check("80 slow clients block nobody", [] if ok and time.monotonic() - began < 5 else ["blocked"])
    ended = []
    for s in loris:
        try:
            ended += statuses(s.recv(65536)) or ["closed"]
        except (ConnectionError, socket.timeout) as e:
            ended.append(repr(e))
        s.close()
    # The newest are told that their time is up; the oldest had to make room.
    report.check(
        "a slow head is ended",
        [] if 408 in ended and set(ended) <= {408, 503, "closed"} else [str(set(ended))],
    )
    s = socket.create_connection(("127.0.0.1", box.port), timeout=10)
    s.sendall(
        b"POST /v1/detect HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
        + box.key.encode()
        + b"\r\nContent-Type: image/png\r\nContent-Length: 100\r\n\r\nabc"
    )
    report.check("a slow body is ended", expect(s.recv(65536), 408))
    s.close()


def connections(box):
    text = box.get("/metrics").body.decode()
    return int(next(x for x in text.splitlines() if x.startswith("facet_connections ")).split()[1])


def deaf_client(box, report):
    """A client that asks for much and reads nothing is given up."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect(("127.0.0.1", box.port))
    s.sendall(b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 300)
    time.sleep(0.5)
    there = gone = connections(box)
    end = time.monotonic() + 60
    # Asking is a connection too, and the end of the one before may be seen late.
    while gone > 1 and time.monotonic() < end:
        time.sleep(0.2)
        gone = connections(box)
    report.check("a client that does not read is given up", [] if (there, gone) == (2, 1) else [str((there, gone))])
    s.close()


def injection(box, report):
    """What a client chose comes back in no line of a header of its own."""
    line = b"x%0d%0aSet-Cookie:%20a=b"
    for name, target, field in (
        ("a path", b"/v1/monitors/" + line, b""),
        ("a query", b"/v1/monitors/events?monitor=" + line, b""),
        ("a request's id", b"/v1/health", b"X-Request-Id: x%0d%0aSet-Cookie: a=b\r\n"),
        ("a key", b"/v1/system", b"Idempotency-Key: x\xc2\x85Set-Cookie: a=b\r\n"),
        ("an origin", b"/v1/health", b"Origin: x%0d%0aSet-Cookie: a=b\r\n"),
    ):
        raw = box.raw(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n" + field + b"Connection: close\r\n\r\n")
        head = raw.partition(b"\r\n\r\n")[0]
        report.check("no line comes from " + name, [repr(head)] if b"set-cookie" in head.lower() or not head else [])


def ten_thousand(box, report):
    """10,000 connections that have begun a request; with FCT_LARGE=1 alone."""
    most = 10000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if os.environ.get("FCT_LARGE") != "1" or (hard != resource.RLIM_INFINITY and hard < most + 1000):
        report.skip("10,000 connections", "needs FCT_LARGE=1 and 11,000 open files")
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    box.start("--connections", str(most + 100))
    held = []
    for i in range(most):
        s = socket.create_connection(("127.0.0.1", box.port), timeout=30)
        s.sendall(b"GET /v1/health HTTP/1.1\r\n")
        held.append(s)
    got = [box.get("/v1/health", key=None).status for _ in range(20)]
    report.check("10,000 connections block nobody", [] if got == [200] * 20 else [str(got)])
    for s in held:
        s.close()
    report.check("and the server ends as always", [] if box.stop() == 128 + 15 else ["another status"])
