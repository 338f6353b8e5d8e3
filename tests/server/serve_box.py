"""A server for tests: 'facet serve' on a port of its own with the small pack of tests/tools/make_pack.c."""

import base64
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "api"))
from report import Report, toy_pack  # noqa: E402,F401

PERSONS = "/v1/collections/_default/persons"


def same(got, wanted):
    """The faults of a value: none where it is what is wanted."""
    return [] if got == wanted else ["%r instead of %r" % (got, wanted)]


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


def multipart(fields, boundary="b-o-u-n-d"):
    """fields: (name, text) or (name, bytes) for a file or (name, (file name, bytes))."""
    out = b""
    for name, value in fields:
        file = None
        if isinstance(value, bytes):
            file, value = "p.png", value
        elif isinstance(value, tuple):
            file, value = value
        head = 'Content-Disposition: form-data; name="%s"' % name
        if file is not None:
            head += '; filename="%s"\r\nContent-Type: application/octet-stream' % file
        data = value if isinstance(value, bytes) else value.encode()
        out += b"--%s\r\n%s\r\n\r\n%s\r\n" % (boundary.encode(), head.encode(), data)
    return out + b"--%s--\r\n" % boundary.encode(), "multipart/form-data; boundary=" + boundary


class Box:
    """with Box(facet, make_pack) as box: box.start(); box.post(...)"""

    def __init__(self, facet, make_pack):
        self.facet, self.dir = os.path.abspath(facet), pathlib.Path(
            tempfile.mkdtemp(dir=os.environ.get("FCT_TEST_DIR"))
        )
        toy_pack(os.path.abspath(make_pack), self.dir)
        self.data, self.process, self.port, self.key = self.dir / "data", None, None, None
        self.log = open(self.dir / "log", "w+")
        self.env = dict(os.environ, FCT_CACHE="off", LC_ALL="C.UTF-8")
        self.env.pop("FCT_PACK", None)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.kill()
        self.log.close()
        if not exc[0]:
            shutil.rmtree(self.dir)

    def sql(self, text):
        """Changes the gallery behind the server's back."""
        db = sqlite3.connect(self.data / "gallery.db")
        db.execute(text)
        db.commit()
        db.close()

    def picture(self, name):
        return (self.dir / name).read_bytes()

    def command(self, *args, data=None):
        words = [self.facet, "serve", "--data", str(data or self.data), *args]
        return subprocess.run(words, capture_output=True, text=True, env=self.env)

    def start(self, *args, env=(), before=None, pass_fds=(), timeout=30):
        words = [
            self.facet,
            "serve",
            "-m",
            str(self.dir / "pack"),
            "--data",
            str(self.data),
            "--port",
            "0",
            "-t",
            "2",
        ]
        self.process = subprocess.Popen(
            words + list(args),
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env=dict(self.env, **dict(env)),
            preexec_fn=before,
            pass_fds=pass_fds,
        )
        for line in self.process.stdout:
            shown = re.search(r"not shown again: (\S+)", line)
            if shown:
                self.key = shown.group(1)
            ready = re.search(r"ready: https?://.*:(\d+)/v1/health", line)
            if ready:
                self.port = int(ready.group(1))
                return self
        self.process.wait()
        raise RuntimeError("no server: " + self.errors())

    def errors(self):
        return (self.dir / "log").read_text()

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.wait()

    def wait(self):
        status = self.process.wait(timeout=60)
        self.process.stdout.close()
        self.process = None
        return status

    def kill(self):
        if self.process:
            self.process.kill()
            self.wait()

    def ask(self, method, path, body=None, headers=(), key=True, timeout=30):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        fields = dict(headers)
        if key:
            fields["Authorization"] = "Bearer " + (self.key if key is True else key)
        try:
            connection.request(method, path, body=body, headers=fields)
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def form(self, path, fields, headers=(), method="POST", **more):
        body, kind = multipart(fields)
        return self.ask(method, path, body, dict(headers, **{"Content-Type": kind}), **more)

    def send_json(self, path, value, headers=(), method="POST", **more):
        fields = dict(headers, **{"Content-Type": "application/json"})
        return self.ask(method, path, json.dumps(value), fields, **more)

    def raw(self, data, timeout=5, keep=False, pieces=0):
        """Sends bytes as they are and returns all that comes back until the server closes, or the time is up."""
        s = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        out = b""
        try:
            if pieces:
                for i in range(0, len(data), pieces):
                    s.sendall(data[i : i + pieces])
                    time.sleep(0.001)
            else:
                s.sendall(data)
            while True:
                part = s.recv(65536)
                if not part:
                    break
                out += part
                if keep and b"\r\n\r\n" in out:
                    break
        except (socket.timeout, ConnectionError):
            pass
        finally:
            s.close()
        return out


def b64(data):
    return base64.b64encode(data).decode()


def statuses(raw):
    """The statuses of all answers in a connection's bytes."""
    return [int(m) for m in re.findall(rb"HTTP/1\.1 (\d+) ", raw)]
