#!/usr/bin/env python3
"""The server's transport over raw sockets: request smuggling, limits, slow clients, keys, TLS, sockets of systemd,
the end.

usage: transport_test.py FACET MAKE_PACK"""

import json
import os
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

from serve_box import Box, PERSONS, Report, multipart, statuses
from slow_clients import deaf_client, expect, injection, slow_clients, ten_thousand

HOST = b"Host: x\r\n"


def get(path=b"/v1/health", more=b""):
    return b"GET " + path + b" HTTP/1.1\r\n" + HOST + more + b"\r\n"


LAST = get(more=b"Connection: close\r\n")


def smuggling(box, report):
    """What two readers of HTTP may split differently is refused, and what is behind it is never answered."""
    post, poison = b"POST /v1/detect HTTP/1.1\r\n" + HOST, get(b"/v1/poison")
    bad = {
        "both lengths": (post + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        "both lengths, the other way": (
            post + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
            400,
        ),
        "two lengths": (post + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n", 400),
        "two equal lengths": (post + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n", 400),
        "a list of lengths": (post + b"Content-Length: 0, 0\r\n\r\n", 400),
        "a signed length": (post + b"Content-Length: +5\r\n\r\nabcde", 400),
        "a negative length": (post + b"Content-Length: -1\r\n\r\n", 400),
        "a hexadecimal length": (post + b"Content-Length: 0x5\r\n\r\nabcde", 400),
        "a length with a blank": (post + b"Content-Length: 1 0\r\n\r\n", 400),
        "an empty length": (post + b"Content-Length:\r\n\r\n", 400),
        "a huge length": (post + b"Content-Length: 99999999999999999999\r\n\r\n", 400),
        "a name with a blank": (post + b"Content-Length : 0\r\n\r\n", 400),
        "a folded field": (post + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n", 400),
        "a folded coding": (post + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 501),
        "a field folded by a tab": (post + b"X: a\r\n\tContent-Length: 5\r\n\r\n", 400),
        "a bare LF": (b"POST /v1/detect HTTP/1.1\nHost: x\nContent-Length: 0\n\n", 400),
        "one bare LF": (post + b"A: b\nContent-Length: 0\r\n\r\n", 400),
        "a bare LF before the end": (post + b"A: b\r\n\n", 400),
        "a bare CR": (post + b"A: b\rContent-Length: 0\r\n\r\n", 400),
        "a NUL": (post + b"A: b\0c\r\n\r\n", 400),
        "two codings": (
            post + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            501,
        ),
        "coding twice": (
            post + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        "a list of codings": (post + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        "an odd coding": (post + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
        "identity": (post + b"Transfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n", 501),
        "chunks of HTTP/1.0": (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        "two hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
        "a strange host": (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        "an empty line first": (b"\r\n" + get(), 400),
        "a whole address": (b"GET http://x/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        "a tab for a blank": (b"GET\t/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        "two blanks": (b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        "a blank in the target": (b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        "a raw byte in the target": (b"GET /\xff HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        "HTTP/0.9": (b"GET /\r\n\r\n", 400),
        "HTTP/1.2": (b"GET / HTTP/1.2\r\n" + HOST + b"\r\n", 505),
        "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        "a small letter in HTTP": (b"GET / http/1.1\r\n" + HOST + b"\r\n", 400),
        "a handshake of TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 100, 400),
        "something expected": (post + b"Expect: 200-maybe\r\nContent-Length: 0\r\n\r\n", 417),
    }
    for name, (data, status) in bad.items():
        report.check("refused: " + name, expect(box.raw(data + poison + LAST), status))
        report.check("refused in pieces: " + name, expect(box.raw(data + poison + LAST, pieces=7), status))
    detect = post + b"Authorization: Bearer " + box.key.encode() + b"\r\nContent-Type: image/png\r\n"
    for name, chunk in {
        "a chunk's extension": b"3;a=b\r\nabc\r\n0\r\n\r\n",
        "a chunk's bare LF": b"3\nabc\r\n0\r\n\r\n",
        "a chunk that is too short": b"4\r\nabc\r\n0\r\n\r\n",
        "a signed chunk": b"+3\r\nabc\r\n0\r\n\r\n",
        "a chunk with 0x": b"0x3\r\nabc\r\n0\r\n\r\n",
        "a chunk without size": b"\r\nabc\r\n0\r\n\r\n",
        "a huge chunk": b"fffffffffffffffff\r\nabc",
        "a trailer": b"0\r\nA: b\r\n\r\n",
    }.items():
        raw = box.raw(detect + b"Transfer-Encoding: chunked\r\n\r\n" + chunk + poison + LAST)
        report.check("refused: " + name, expect(raw, 400))


def framing(box, report):
    """What is well-formed is answered, in pieces and several at once; a body is not taken for a request."""
    report.check("one request in single bytes", expect(box.raw(LAST, pieces=1), 200))
    report.check("three at once", expect(box.raw(get() + get(b"/v1/none") + LAST), 200, 404, 200))
    auth = b"Authorization: Bearer " + box.key.encode() + b"\r\n"
    inner = get(b"/v1/poison")
    post = b"POST /v1/detect HTTP/1.1\r\n" + HOST + auth + b"Content-Type: image/png\r\n"
    with_length = post + b"Content-Length: %d\r\n\r\n" % len(inner) + inner
    chunked = post + b"Transfer-Encoding: Chunked\r\n\r\n" + b"%x\r\n%s\r\n00\r\n\r\n" % (len(inner), inner)
    for name, data in {"length": with_length, "chunks": chunked}.items():
        report.check("a request inside a body: " + name, expect(box.raw(data + LAST), 422, 200))
        report.check("the same in pieces: " + name, expect(box.raw(data + LAST, pieces=11), 422, 200))
    # Refused before its body was read: the rest of the connection is no request.
    for method in (b"POST /v1/detect", b"PATCH /v1/health", b"DELETE /v1/health", b"PUT /v1/x"):
        data = method + b" HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(inner) + inner
        got = statuses(box.raw(data + LAST))
        report.check(
            "a body after a refusal: " + method.decode(),
            [] if len(got) == 1 and got[0] >= 400 else [str(got)],
        )
    body = box.picture("ada.png")
    ask = post + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", box.port), timeout=10) as s:
        s.sendall(ask)
        first = s.recv(1000)
        s.sendall(body)
        report.check("100-continue", expect(first, 100) + expect(s.recv(65536), 200))
    with socket.create_connection(("127.0.0.1", box.port), timeout=10) as s:
        for pause in (0, 0.1, 1.6, 0):
            time.sleep(pause)
            s.sendall(get())
            report.check("the same connection after %g s" % pause, expect(s.recv(65536), 200))
    raw = box.raw(b"HEAD /v1/health HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    report.check(
        "HEAD has no body", [] if raw.endswith(b"\r\n\r\n") and statuses(raw) == [200] else [repr(raw)]
    )
    raw = box.raw(b"GET /v1/health HTTP/1.0\r\n\r\n")
    report.check("HTTP/1.0", expect(raw, 200))


def limits(box, report):
    big = b"a" * 40000
    report.check("a long header", expect(box.raw(get(more=b"X: " + big + b"\r\n")), 431))
    report.check("a long target", expect(box.raw(get(b"/" + big)), 414))
    report.check("a target of 9000 bytes", expect(box.raw(get(b"/" + big[:9000])), 414))
    report.check("many fields", expect(box.raw(get(more=b"X: y\r\n" * 120)), 431))
    post = b"POST /v1/detect HTTP/1.1\r\n" + HOST + b"Content-Type: image/png\r\n"
    report.check("a large body", expect(box.raw(post + b"Content-Length: 2000000\r\n\r\n"), 413))
    auth = b"Authorization: Bearer " + box.key.encode() + b"\r\n"
    chunks = b"".join(b"10000\r\n" + b"a" * 65536 + b"\r\n" for _ in range(20))
    raw = box.raw(post + auth + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    report.check("large chunks", expect(raw, 413))
    for path in (
        b"/../etc/passwd",
        b"/v1/%2e%2e/health",
        b"/v1//health",
        b"/v1/%00",
        b"/v1/%zz",
        b"/v1/%ff",
        b"/v1/%0a",
        b"/v1/./health",
        b"/%c0%ae%c0%ae/x",
    ):
        report.check("path " + path.decode(), expect(box.raw(get(path, b"Connection: close\r\n")), 400))
    for path in (
        b"/etc/passwd",
        b"/v1/..%2f..%2fetc",
        b"/v1/health/x",
        b"/V1/health",
        b"/v1",
        b"/v1/collections/%2e%2e%2f",
    ):
        got = statuses(box.raw(get(path, b"Connection: close\r\n" + auth)))
        report.check("path " + path.decode(), [] if got in ([404], [400]) else [str(got)])
    report.check("a trailing slash", expect(box.raw(get(b"/v1/health/", b"Connection: close\r\n")), 200))
    report.check("a faulty query", expect(box.raw(get(b"/v1/health?a=%zz", b"Connection: close\r\n")), 400))
    for method in (b"TRACE", b"CONNECT", b"OPTIONS", b"FOO", b"PUT"):
        raw = box.raw(method + b" /v1/health HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
        faults = expect(raw, 405) + ([] if b"\r\nAllow: GET\r\n" in raw else ["no Allow"])
        report.check("method " + method.decode(), faults)
    raw = box.raw(get(more=b"Origin: http://evil\r\nConnection: close\r\n"))
    report.check("no CORS", ["allowed"] if b"Access-Control" in raw else [])
    raw = box.raw(get(more=b"X-Request-Id: a.b-c_1\r\nConnection: close\r\n"))
    report.check("a request's own id", [] if b"\r\nX-Request-Id: a.b-c_1\r\n" in raw else [repr(raw)])
    raw = box.raw(get(more=b'X-Request-Id: a<b>"\r\nConnection: close\r\n'))
    report.check("a strange id is replaced", ["kept"] if b"a<b>" in raw else [])
    for name in (
        "X-Content-Type-Options: nosniff",
        "Content-Security-Policy: default-src 'none'",
        "X-Frame-Options: DENY",
    ):
        report.check(name, [] if name.encode() in raw else ["missing"])


def keys(box, report):
    report.check("no key", expect_status(box.get("/v1/system", key=None), 401, "Bearer"))
    report.check("a wrong key", expect_status(box.get("/v1/system", key="fct_" + "a" * 43), 401, "Bearer"))
    made = {}
    for role in ("reader", "enroller", "admin"):
        out = box.command("keys", "add", "a " + role, "--role", role)
        made[role] = out.stdout.strip()
        report.check(
            "a key for a " + role, [] if out.returncode == 0 and len(made[role]) == 47 else [out.stderr]
        )
    out = box.command("keys", "add", "a reader")
    report.check(
        "no second key of a name",
        [] if out.returncode == 3 and "there is a key" in out.stderr else [out.stderr],
    )
    report.check("not known before SIGHUP", expect_status(box.get("/v1/system", key=made["reader"]), 401))
    hang_up(box, lambda: box.get("/v1/system", key=made["reader"]).status == 200)
    report.check("known after SIGHUP", expect_status(box.get("/v1/system", key=made["reader"]), 200))
    fields = [("name", "Ada"), ("images", box.picture("ada.png"))]
    report.check("a reader enrolls nobody", expect_status(box.form(PERSONS, fields, key=made["reader"]), 403))
    report.check("an enroller does", expect_status(box.form(PERSONS, fields, key=made["enroller"]), 201))
    text = (box.data / "keys.json").read_text()
    report.check("keys are hashed", [k for k in made.values() if k in text or k[4:] in text])
    report.check(
        "the file is private", [] if (box.data / "keys.json").stat().st_mode & 0o77 == 0 else ["readable"]
    )
    listed = [json.loads(line) for line in box.command("keys", "list", "--json").stdout.splitlines()]
    report.check(
        "listed",
        [] if [k["role"] for k in listed] == ["admin", "reader", "enroller", "admin"] else [str(listed)],
    )
    box.command("keys", "remove", "a reader")
    hang_up(box, lambda: box.get("/v1/system", key=made["reader"]).status == 401)
    report.check("removed", expect_status(box.get("/v1/system", key=made["reader"]), 401))
    (box.data / "keys.json").rename(box.data / "saved")
    (box.data / "keys.json").write_text("{")
    hang_up(box, lambda: "keys.json: line 1" in box.errors())
    report.check("a damaged file of keys changes nothing", expect_status(box.get("/v1/system"), 200))
    report.check("and is told", [] if "keys.json: line 1" in box.errors() else [box.errors()])
    (box.data / "saved").rename(box.data / "keys.json")
    last = [box.get("/v1/system", key="fct_no").status for _ in range(30)]
    report.check("guessing is slowed down", [] if last[-1] == 429 else [str(last)])
    report.check("others' health is not", expect_status(box.get("/v1/health", key=None), 200))


def hang_up(box, taken):
    """Sends SIGHUP and waits until taken() says that the server has done what it asks for, 30 s at most."""
    box.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 30
    while not taken() and time.monotonic() < end:
        time.sleep(0.1)


def expect_status(reply, status, challenge=None):
    if reply.status != status:
        return ["%d instead of %d: %r" % (reply.status, status, reply.body[:200])]
    if challenge and reply.headers.get("WWW-Authenticate") != challenge:
        return ["no challenge"]
    if status >= 400 and reply.headers["Content-Type"] != "application/problem+json":
        return ["no problem: " + reply.headers["Content-Type"]]
    return []


def pressure(box, report):
    """More at once than the server takes: each is answered, and told when to come again."""
    answers = []
    body, kind = multipart([("image", box.picture("ada.png"))])

    def one():
        answers.append(box.ask("POST", "/v1/detect", body, {"Content-Type": kind}))

    threads = [threading.Thread(target=one) for _ in range(60)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    got = {a.status for a in answers}
    waits = all("Retry-After" in a.headers for a in answers if a.status == 503)
    report.check("60 at once", [] if len(answers) == 60 and got <= {200, 503} and waits else [str(got)])
    metrics = box.get("/metrics").body.decode()
    report.check(
        "counted", [] if 'facet_requests_total{operation="detect",status="2xx"}' in metrics else [metrics]
    )


def rates(box, report):
    """With --rate each key has its own share, and whoever has used it up is told when to come again."""
    other = box.command("keys", "add", "other").stdout.strip()
    few = 700
    box.start(
        "--rate", "0.5", before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (few, few))
    )
    said = (box.dir / "log").read_text()
    report.check(
        "a system that allows few open files gets fewer connections",
        [] if "188 connections at once instead of 1024: the system allows 700" in said else [said[-300:]],
    )
    mine = [box.get("/v1/models") for _ in range(5)]
    report.check(
        "the rate of a key",
        [] if [r.status for r in mine] == [200] + [429] * 4 else [str([r.status for r in mine])],
    )
    report.check(
        "when to come again", [] if mine[-1].headers["Retry-After"] in ("1", "2") else [str(mine[-1].headers)]
    )
    report.check("others have their own", expect_status(box.get("/v1/models", key=other), 200))
    report.check("health has none", expect_status(box.get("/v1/health", key=None), 200))
    box.stop()


def the_end(box, report):
    """SIGTERM: what was accepted is answered, and the program ends by itself."""
    answers = []
    body, kind = multipart([("images", box.picture("ada.png"))] * 12 + [("name", "Last")])

    def one():
        answers.append(box.ask("POST", PERSONS, body, {"Content-Type": kind}).status)

    t = threading.Thread(target=one)
    t.start()
    time.sleep(0.05)
    began = time.monotonic()
    status = box.stop()
    t.join()
    report.check("the last request is answered", [] if answers == [201] else [str(answers)])
    report.check(
        "the end by SIGTERM", [] if status == 128 + 15 and time.monotonic() - began < 20 else [str(status)]
    )


def encrypted(box, report):
    if not shutil.which("openssl"):
        report.skip("TLS", "needs openssl")
        return

    def certificate(name):
        words = (
            "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem -out cert.pem -subj /CN="
            + name
        )
        subprocess.run(words.split(), cwd=box.dir, check=True, stderr=subprocess.DEVNULL)

    def peer(version=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if version:
            context.maximum_version = version
        plain = socket.create_connection(("127.0.0.1", box.port), timeout=10)
        s = context.wrap_socket(plain)
        return s, s.getpeercert(True)

    certificate("first")
    box.start("--tls-cert", str(box.dir / "cert.pem"), "--tls-key", str(box.dir / "key.pem"))
    old, first = peer()
    old.sendall(get())
    report.check("a request over TLS", expect(old.recv(65536), 200))
    post = b"POST /v1/detect HTTP/1.1\r\n" + HOST + b"Authorization: Bearer " + box.key.encode() + b"\r\n"
    data = b"a" * 900000
    old.sendall(post + b"Content-Type: image/png\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
    report.check("a large body over TLS", expect(old.recv(65536), 422))
    certificate("second")

    def is_new():
        s, shown = peer()
        s.close()
        return shown != first

    hang_up(box, is_new)
    new, second = peer()
    report.check("SIGHUP takes the new certificate", [] if first != second else ["the old one"])
    old.sendall(LAST)
    report.check("older connections go on", expect(old.recv(65536), 200))
    for s in (old, new):
        s.close()
    try:
        peer(ssl.TLSVersion.TLSv1_1)
        report.check("no TLS 1.1", ["accepted"])
    except (ssl.SSLError, OSError):
        report.check("no TLS 1.1", [])
    report.check("plain HTTP on a TLS port", [] if statuses(box.raw(get())) == [] else ["answered"])
    box.stop()


def service_manager(box, report):
    """The protocols of systemd: a socket that is handed over, and what is told to NOTIFY_SOCKET."""
    listening = socket.create_server(("127.0.0.1", 0))
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(str(box.dir / "notify"))
    told.settimeout(20)
    os.set_inheritable(listening.fileno(), True)

    def before():
        os.dup2(listening.fileno(), 3)
        os.environ["LISTEN_PID"] = str(os.getpid())

    # LISTEN_PID is the server's own number, which only a shell that becomes it can know.
    words = 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@" 3<&%d' % listening.fileno()
    facet = box.facet
    box.facet = "/bin/sh"
    try:
        box.process = subprocess.Popen(
            [
                "/bin/sh",
                "-c",
                words,
                "sh",
                facet,
                "serve",
                "-m",
                str(box.dir / "pack"),
                "--data",
                str(box.data),
            ],
            stdout=subprocess.PIPE,
            stderr=box.log,
            text=True,
            pass_fds=(listening.fileno(),),
            env=dict(box.env, NOTIFY_SOCKET=str(box.dir / "notify")),
        )
        box.port = listening.getsockname()[1]
        report.check("READY=1", [] if told.recv(100) == b"READY=1" else ["something else"])
        report.check("answers on the socket", expect_status(box.get("/v1/health", key=None), 200))
        box.process.send_signal(signal.SIGTERM)
        report.check("STOPPING=1", [] if told.recv(100) == b"STOPPING=1" else ["something else"])
        box.wait()
    finally:
        box.facet = facet
        listening.close()
        told.close()


def bad_starts(box, report):
    for name, args, text in (
        ("a port that is taken", ["--port", str(box.port)], "cannot listen"),
        ("no such address", ["--host", "no.such.host.invalid"], "no such host"),
        ("a missing certificate", ["--tls-cert", "none.pem", "--tls-key", "none.pem"], "no certificate"),
        ("a certificate without key", ["--tls-cert", "none.pem"], "needs its key"),
        ("no such interface", ["--api", "soap"], "no such interface"),
        ("a bad address list", ["--allow", "10.0.0.0/99"], "is no address"),
    ):
        out = box.command("-m", str(box.dir / "pack"), *args)
        shown = out.stderr.count("\n") == 1 and text in out.stderr and out.returncode in (2, 3)
        report.check("start with " + name, [] if shown else [out.stderr])
    new = box.dir / "never"
    box.command("-m", str(box.dir / "pack"), "--port", str(box.port), data=new)
    wrong = [] if new.is_dir() and not (new / "keys.json").exists() else ["its key is kept, and was not shown"]
    report.check("no key of a server that did not start", wrong)


def main():
    report = Report()
    with Box(*sys.argv[1:3]) as box:
        began = time.monotonic()
        box.start("--max-body", "1000000", "--connections", "64", "--queue", "4", "--timeout", "4")
        report.check("ready in a second", [] if time.monotonic() - began < 5 else ["slow"])
        smuggling(box, report)
        framing(box, report)
        limits(box, report)
        pressure(box, report)
        bad_starts(box, report)
        slow_clients(box, report)
        deaf_client(box, report)
        injection(box, report)
        keys(box, report)
        the_end(box, report)
        rates(box, report)
        encrypted(box, report)
        service_manager(box, report)
        ten_thousand(box, report)
    report.close()


main()
