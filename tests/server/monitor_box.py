"""What the tests of monitors share: a camera, streams that are read meanwhile, and waiting for what is to happen."""

import base64
import http.client
import http.server
import json
import socket
import threading
import time

WAIT = 30
SECRET = "se:cr@et"
WANTED = "Basic " + base64.b64encode(("viewer:" + SECRET).encode()).decode()


class Camera:
    """Motion JPEG over HTTP for who knows the password: one picture again and again, until it is cut."""

    def __init__(self, picture):
        camera, self.picture, self.on, self.clients = self, picture, True, 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                path, _, query = self.path.partition("?")
                if path == "/file":
                    self.send_response(302)
                    self.send_header("Location", "file:///etc/passwd")
                    self.end_headers()
                elif not camera.on:
                    self.send_error(503)
                elif self.headers["Authorization"] != WANTED or query != "token=geheim":
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                else:
                    self.send_response(200)
                    self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                    self.end_headers()
                    camera.clients += 1
                    try:
                        while camera.on:
                            self.wfile.write(camera.part())
                            time.sleep(0.05)
                    except OSError:
                        pass
                    camera.clients -= 1

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def part(self):
        head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
        return head % len(self.picture) + self.picture + b"\r\n"

    def address(self):
        return "http://viewer:se%%3Acr%%40et@127.0.0.1:%d/live?token=geheim" % self.port


class Stream(threading.Thread):
    """Reads an answer that does not end, piece by piece."""

    def __init__(self, box, path, headers=(), key=True):
        super().__init__(daemon=True)
        fields = dict(headers)
        if key:
            fields["Authorization"] = "Bearer " + box.key
        self.connection = http.client.HTTPConnection("127.0.0.1", box.port, timeout=WAIT)
        self.connection.request("GET", path, headers=fields)
        self.answer = self.connection.getresponse()
        self.data, self.ended = b"", False
        self.start()

    def run(self):
        try:
            while piece := self.answer.read1(65536):
                self.data += piece
        except (OSError, http.client.HTTPException, AttributeError, ValueError):
            pass
        self.ended = True

    def close(self):
        self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.join()
        self.connection.close()

    def events(self):
        """(id, type, data) of all events that came whole."""
        out = []
        for block in self.data.decode().split("\n\n")[:-1]:
            lines = dict(x.split(": ", 1) for x in block.splitlines() if not x.startswith(":"))
            if "event" in lines:
                out.append((lines.get("id"), lines["event"], json.loads(lines["data"])))
        return out


def until(what, seconds=WAIT):
    """Waits until what() is true; returns what it gives."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.05)


def status(box, name):
    return box.get("/v1/monitors/" + name).json["monitor"]["runtime"]["status"]


def told(box, name, **query):
    more = "".join("&%s=%s" % x for x in query.items())
    return box.get("/v1/monitors/%s/events?limit=1000%s" % (name, more)).json["events"]
