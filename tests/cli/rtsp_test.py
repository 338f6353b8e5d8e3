#!/usr/bin/env python3
"""facet camera on a real RTSP server that is killed ten times:

    rtsp_test.py FACET MAKE_PACK

Each time the stream is opened again, nothing that was opened is left open, the memory does not grow with
the cuts, and the password shows nowhere. Needs GStreamer's RTSP server for Python (Debian: gir1.2-gst-rtsp-server-1.0,
gstreamer1.0-plugins-good, gstreamer1.0-plugins-bad, gstreamer1.0-plugins-ugly); exit status 77 without."""

import os
import pathlib
import queue
import signal
import subprocess
import sys
import tempfile
import threading

from rtsp_server import NEEDED, address, free_port, interpreter, serve

CUTS, WAIT = 10, 60

def environment(data):
    """The address sanitizer keeps 256 MB of freed memory from use, which looks like growth: 4 MB here."""
    asan = os.environ.get("ASAN_OPTIONS", "")
    return {**os.environ, "XDG_DATA_HOME": data, "ASAN_OPTIONS": f"{asan}:quarantine_size_mb=4".lstrip(":")}


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_kb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def lines_of(stream, into, everything):
    for line in stream:
        everything.append(line)
        into.put(line)
    into.put(None)


def wait_for(said, text):
    while (line := said.get(timeout=WAIT)) is not None:
        if text in line:
            return
    raise queue.Empty


def main():
    facet, make_pack = sys.argv[1:]
    python, port = interpreter(), free_port()
    if not python:
        print("SKIP rtsp: " + NEEDED)
        return 77
    with tempfile.TemporaryDirectory() as temp:
        for folder in ("pack", "other", "blind", "headless"):
            os.mkdir(os.path.join(temp, folder))
        subprocess.run([make_pack, temp], check=True)
        server = serve(python, port)
        camera = subprocess.Popen(
            [
                facet,
                "camera",
                "--terminal",
                "--models",
                os.path.join(temp, "pack"),
                address(port),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment(temp),
        )
        said, everything, faults, sizes = queue.Queue(), [], [], []
        threading.Thread(target=lines_of, args=(camera.stdout, said, everything), daemon=True).start()
        try:
            cut = 0
            wait_for(said, "appeared")  # the small network takes the test picture's fields for faces
            for cut in range(1, CUTS + 1):
                server.kill()
                server.wait()
                server = serve(python, port)
                wait_for(said, f"({cut} so far)")
                sizes.append((open_files(camera.pid), resident_kb(camera.pid)))
            camera.send_signal(signal.SIGINT)
            code = camera.wait(timeout=WAIT)
        except queue.Empty:
            faults.append(f"no frame within {WAIT} s after cut {cut}")
        finally:
            camera.kill()
            server.kill()
        if not faults:
            files, memory = zip(*sizes)
            print(f"{CUTS} cuts; open files {files}, resident kB {memory}, exit status {code}")
            if max(files[2:]) > files[1]:
                faults.append("files stay open")
            if memory[-1] > memory[2] + 8192:
                faults.append("memory grows")
        if any("se:cr@et" in line or "se%3A" in line or "viewer" in line for line in everything):
            faults.append("the password or the user's name is shown")
        for fault in faults:
            print("FAIL", fault)
        if faults:
            print("".join(everything[-20:]))
        return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
