"""What stands around the bridge in its test: a broker, somebody who publishes, and a stand-in for the two calls of
Frigate's HTTP interface that it uses, as shared/reference/server-apis.md has them."""

import http.server
import json
import pathlib
import re
import socket
import subprocess
import threading
import time


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Broker:
    """Debian's mosquitto: a plain and a TLS listener, both with a password."""

    def __init__(self, folder, cert=None, key=None):
        self.port, self.tls_port, self.process = free_port(), free_port(), None
        passwords, self.config = folder / "passwords", folder / "mosquitto.conf"
        subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "facet", "s3cret"], check=True)
        passwords.chmod(0o644)
        lines = ["listener %d 127.0.0.1" % self.port]
        if cert:
            lines += ["listener %d 127.0.0.1" % self.tls_port, "certfile %s" % cert, "keyfile %s" % key]
        lines += ["allow_anonymous false", "password_file %s" % passwords, "user root"]
        self.config.write_text("\n".join(lines) + "\n")

    def start(self):
        self.process = subprocess.Popen(
            ["mosquitto", "-c", self.config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("no broker")

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def publish(self, payload, topic="frigate/events"):
        """One message of quality 0, by a client that is made for it (MQTT 3.1.1)."""

        def text(b):
            return len(b).to_bytes(2, "big") + b

        def packet(kind, body):
            size, n = b"", len(body)
            while True:
                size += bytes([n % 128 | (128 if n > 127 else 0)])
                n //= 128
                if not n:
                    return bytes([kind]) + size + body

        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as s:
            login = text(b"MQTT") + b"\x04\xc2\x00\x3c" + text(b"test") + text(b"facet") + text(b"s3cret")
            s.sendall(packet(0x10, login))
            assert s.recv(4)[3] == 0
            s.sendall(packet(0x30, text(topic.encode()) + data) + b"\xe0\x00")
            s.recv(1)  # until the broker has closed: it has taken the message


class Frigate:
    """Snapshots by event, and what it was told. A list of statuses is answered first, then what is right."""

    def __init__(self, token):
        box = self
        self.pictures, self.labels, self.refuse, self.fetched = {}, [], [], []

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def answer(self, status, body, kind="application/json"):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def allowed(self):
                if self.headers["Authorization"] == "Bearer " + token:
                    return True
                self.answer(401, b"{}")
                return False

            def do_GET(self):
                found = re.fullmatch(r"/api/events/([\w.-]+)/snapshot\.jpg\?(.*)", self.path)
                if not self.allowed():
                    return
                picture = box.pictures.get(found.group(1)) if found else None
                box.fetched.append(found.group(1) if found else self.path)
                self.answer(200 if picture else 404, picture or b"{}", "image/jpeg")

            def do_POST(self):
                found = re.fullmatch(r"/api/events/([\w.-]+)/sub_label", self.path)
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if not self.allowed():
                    return
                if box.refuse:
                    self.answer(box.refuse.pop(0), b"{}")
                    return
                fine = found and len(body["subLabel"]) <= 100 and 0 <= body["subLabelScore"] <= 1
                if fine and found.group(1) in box.pictures:
                    box.labels.append((found.group(1), body["subLabel"], body["subLabelScore"]))
                self.answer(200 if fine else 400, b'{"success":true,"message":""}')

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Bridge:
    def __init__(self, facet, folder, arguments, env):
        self.out, self.err = pathlib.Path(folder) / "bridge.out", pathlib.Path(folder) / "bridge.err"
        with open(self.out, "w") as out, open(self.err, "w") as err:
            self.process = subprocess.Popen(
                [facet, "bridge", "frigate"] + arguments, stdout=out, stderr=err, env=env
            )

    def reports(self):
        return [json.loads(line) for line in self.out.read_text().splitlines()]

    def stop(self):
        self.process.terminate()
        return self.process.wait(timeout=30)


def wait(what, seconds=40):
    """Until it is true; its last value."""
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.02)
    return what()
