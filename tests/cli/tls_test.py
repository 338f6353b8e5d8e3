#!/usr/bin/env python3
"""Videos over TLS: a certificate that nobody vouches for is refused unless --insecure is given, and the password of
the address shows nowhere.

    tls_test.py FACET MAKE_PACK VIDEO_TOOL

Needs openssl to make a certificate; exit status 77 without."""

import functools
import http.server
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def serve(folder):
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
        ],
        cwd=folder,
        check=True,
        stderr=subprocess.DEVNULL,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    server.handle_error = lambda *args: None
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def main():
    facet, make_pack, video_tool = (os.path.abspath(p) for p in sys.argv[1:])
    if not shutil.which("openssl"):
        print("SKIP tls: needs openssl")
        return 77
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in ("pack", "other", "blind", "headless"):
            os.mkdir(os.path.join(folder, name))
        subprocess.run([make_pack, folder], check=True)
        subprocess.run([video_tool, "make", os.path.join(folder, "scene.mp4")], check=True)
        address = "https://someone:se-cret@127.0.0.1:%d/scene.mp4" % serve(folder)
        for extra, code in (([], 3), (["--insecure"], 0)):
            r = subprocess.run(
                [facet, "video", "-v", "-m", os.path.join(folder, "pack"), "--det-size", "320x320", *extra, address],
                capture_output=True,
                text=True,
                env={**os.environ, "HOME": folder},
            )
            if r.returncode != code or "se-cret" in r.stdout + r.stderr or "someone" in r.stdout + r.stderr:
                failed += 1
                print("FAIL %s: exit code %d\n%s%s" % (extra, r.returncode, r.stdout, r.stderr))
            if code and "certificate" not in r.stderr:
                failed += 1
                print("FAIL the error does not speak of the certificate: %s" % r.stderr)
    print("%d passed, %d failed, 0 skipped" % (3 - failed, failed))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
