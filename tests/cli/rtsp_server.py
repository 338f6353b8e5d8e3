"""A real RTSP server for tests, with user and password: GStreamer's, by its bindings for Debian's own Python."""

import os
import socket
import subprocess
import sys

NEEDED = (
    "needs GStreamer's RTSP server with its bindings for Python: apt-get install python3-gi "
    "gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly"
)
TEST_PICTURE = "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=25/1"

# The server has a process of its own, so that it can be killed as a camera's power fails.
SERVER = """
import gi, sys
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer
Gst.init(None)
if not Gst.ElementFactory.find("x264enc") or not Gst.ElementFactory.find("rtph264pay"):
    sys.exit(1)
if len(sys.argv) < 2:
    sys.exit(0)
server, factory, auth = GstRtspServer.RTSPServer(), GstRtspServer.RTSPMediaFactory(), GstRtspServer.RTSPAuth()
token = GstRtspServer.RTSPToken()
token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
auth.add_basic(GstRtspServer.RTSPAuth.make_basic("viewer", "se:cr@et"), token)
factory.add_role_from_structure(Gst.Structure.new_from_string(
    "viewer, media.factory.access=true, media.factory.construct=true"))
factory.set_launch("( " + sys.argv[2] + " ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=5 "
                   "! rtph264pay name=pay0 pt=96 config-interval=1 )")
factory.set_shared(True)
server.set_address("127.0.0.1")
server.set_service(sys.argv[1])
server.set_auth(auth)
server.get_mount_points().add_factory("/door", factory)
server.attach(None)
print("ready", flush=True)
GLib.MainLoop().run()
"""


def interpreter():
    """A Python that has GStreamer's bindings: Debian's are for its own. None: there is none."""
    for python in (sys.executable, "/usr/bin/python3"):
        if os.path.exists(python) and subprocess.run([python, "-c", SERVER], stderr=subprocess.DEVNULL).returncode == 0:
            return python
    return None


def still(path):
    """The words for a stream that shows one picture."""
    shown = "jpegdec ! videoconvert ! imagefreeze is-live=true ! video/x-raw,framerate=10/1"
    return f'filesrc location="{path}" ! {shown}'


def address(port):
    return f"rtsp://viewer:se%3Acr%40et@127.0.0.1:{port}/door"


def serve(python, port, shown=TEST_PICTURE):
    p = subprocess.Popen(
        [python, "-c", SERVER, str(port), shown], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    if p.stdout.readline().strip() != "ready":
        sys.exit("FAIL: the server did not start")
    return p


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
