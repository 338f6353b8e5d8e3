"""What store_test.py works with: networks and archives of the smallest kind, a server that
can be made to misbehave, a store in a fresh folder."""

import http.server
import io
import os
import resource
import signal
import subprocess
import tempfile
import threading
import time
import zipfile


# ---- A network of the smallest kind ---------------------------------------------------------
def varint(v):
    out = b""
    while v > 127:
        out, v = out + bytes([v & 127 | 128]), v >> 7
    return out + bytes([v])


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def info(name, dims):
    shape = b"".join(field(1, b"\x08" + varint(d)) for d in dims)
    return field(1, name) + field(2, field(1, field(2, shape)))


def onnx(side=112, weight=b""):
    """An embedder by its signature, with some bytes of weights."""
    node = field(1, b"data") + field(2, b"out") + field(3, b"conv0") + field(4, b"Conv")
    graph = (
        field(1, node)
        + field(5, field(8, b"w") + field(9, weight))
        + field(11, info(b"data", (1, 3, side, side)))
        + field(12, info(b"out", (1, 8)))
    )
    return field(7, graph)


NET = onnx(weight=os.urandom(400_000))


def make_zip(entries, method=zipfile.ZIP_STORED):
    """entries: (name, bytes) or (ZipInfo, bytes)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        for name, data in entries:
            z.writestr(name, data)
    return out.getvalue()


# ---- The server -------------------------------------------------------------------------------
class Server:
    """Serves bytes under paths; behavior[path](handler, body) may answer otherwise."""

    def __init__(self):
        self.files, self.behavior, self.requests = {}, {}, []
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def do_GET(self):
                owner.requests.append((self.path, self.headers.get("Range")))
                path = self.path.split("://", 1)[-1]
                path = "/" + path.split("/", 1)[1] if "://" in self.path else self.path
                body = owner.files.get(path)
                act = owner.behavior.get(path)
                try:
                    if act:
                        act(self, body)
                    elif body is None:
                        self.send_error(404)
                    else:
                        plain(self, body)
                except (BrokenPipeError, ConnectionResetError):
                    pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = "http://127.0.0.1:%d" % self.http.server_address[1]


def start_of(handler, body):
    r = handler.headers.get("Range")
    return int(r.split("=")[1].split("-")[0]) if r else 0


def plain(handler, body, ranges=True, cut=None, delay=0):
    start = start_of(handler, body) if ranges else 0
    if start and start >= len(body):
        handler.send_error(416)
        return
    handler.send_response(206 if start else 200)
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
    handler.send_header("Content-Length", str(len(body) - start))
    handler.end_headers()
    part = body[start:] if cut is None else body[start : start + cut]
    for i in range(0, len(part), 65536):
        handler.wfile.write(part[i : i + 65536])
        time.sleep(delay)
    if len(part) < len(body) - start:
        handler.wfile.flush()
        handler.connection.close()


# Programs for Windows, under Wine: tests/windows/under_wine.
ON_WINDOWS = bool(os.environ.get("FCT_WINDOWS"))


def limited(args):
    """For a program of Windows, which cannot do it itself: no file of its may grow beyond what filesize= says."""
    sizes = [int(a.partition("=")[2]) for a in args if a.startswith("filesize=")]
    if not sizes or not ON_WINDOWS:
        return None

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (sizes[0], resource.RLIM_INFINITY))

    return limit


class Box:
    """A store in a fresh folder."""

    def __init__(self, run):
        self.run, self.dir = run, tempfile.mkdtemp()
        self.root = os.path.join(self.dir, "store")

    def env(self):
        return {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}

    def start(self, *args):
        """A call that runs beside the test."""
        return subprocess.Popen(
            [self.run, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.env()
        )

    def call(self, *args):
        p = subprocess.run(
            [self.run, *args],
            capture_output=True,
            text=True,
            timeout=120,
            env=self.env(),
            preexec_fn=limited(args),
        )
        if p.returncode:
            raise RuntimeError(f"store_run {args}: {p.returncode} {p.stderr[-2000:]}")
        self.out = p.stdout
        line = [x for x in p.stdout.splitlines() if not x.startswith(("pack ", "file "))][0]
        self.text = line.partition(" ")[2]
        return int(line.partition(" ")[0])

    def get(self, url, *options, name="some"):
        return self.call("get", name, self.root, url, *options)

    def load(self, data, *options, name="-", file="some.zip"):
        path = os.path.join(self.dir, file)
        with open(path, "wb") as f:
            f.write(data)
        return self.call("import", path, name, self.root, *options)

    def left(self):
        """All that lies in the store."""
        return sorted(os.listdir(self.root)) if os.path.isdir(self.root) else []

    def pack(self, name="some"):
        path = os.path.join(self.root, name)
        return sorted(os.listdir(path)) if os.path.isdir(path) else None
