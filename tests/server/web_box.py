"""What the tests of the web page share: a browser, pictures from a webcam that does not exist, many people."""

import array
import importlib.util
import os
import pathlib
import random
import struct
import subprocess
import sys
import time

from serve_box import PERSONS

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CHROMIUM = os.environ.get("FCT_CHROMIUM", "/usr/bin/chromium")
BACKGROUND, EVE = (70, 60, 80), 0x9A  # as tests/tools/discs.c draws them


PATIENCE = 30000  # ms: on a busy machine


def use_venv():
    """Goes on in .venv-web of the source tree where this Python has no Playwright and that one has."""
    python = ROOT / ".venv-web/bin/python"
    if not importlib.util.find_spec("playwright") and python.exists() and "FCT_WEB_VENV" not in os.environ:
        os.environ["FCT_WEB_VENV"] = "1"
        os.execv(python, [str(python)] + sys.argv)


def missing():
    """Why there is no browser; "" where there is one."""
    if not importlib.util.find_spec("playwright"):
        return "no Playwright (pip install playwright, or .ci/run, which makes .venv-web)"
    return "" if os.path.exists(CHROMIUM) else "no Chromium at %s (FCT_CHROMIUM)" % CHROMIUM


def axe_source():
    """axe-core as axe-playwright-python brings it; None = it is not installed."""
    found = importlib.util.find_spec("axe_playwright_python")
    place = pathlib.Path(found.submodule_search_locations[0]) / "axe.min.js" if found else None
    return place.read_text() if place and place.exists() else None


def yuv(rgb):
    r, g, b = rgb
    return (
        round(16 + (65.738 * r + 129.057 * g + 25.064 * b) / 256),
        round(128 + (-37.945 * r - 74.494 * g + 112.439 * b) / 256),
        round(128 + (112.439 * r - 94.154 * g - 18.285 * b) / 256),
    )


def write_camera(path, person=EVE, size=(320, 240), center=(160, 112), radius=24):
    """A film (YUV4MPEG2) of a person before a webcam: the disc of tests/tools/discs.c."""
    width, height = size

    def color(x, y):
        if (x - center[0]) ** 2 + (y - center[1]) ** 2 > radius**2:
            return BACKGROUND
        quarter = (x >= center[0]) + 2 * (y >= center[1])
        return (255 * (person >> quarter & 1), 255, 255 * (person >> (quarter + 4) & 1))

    shades = {}

    def shade(x, y):
        c = color(x, y)
        if c not in shades:
            shades[c] = yuv(c)
        return shades[c]

    luma = bytes(shade(x, y)[0] for y in range(height) for x in range(width))
    blue = bytes(shade(2 * x, 2 * y)[1] for y in range(height // 2) for x in range(width // 2))
    red = bytes(shade(2 * x, 2 * y)[2] for y in range(height // 2) for x in range(width // 2))
    with open(path, "wb") as f:
        f.write(b"YUV4MPEG2 W%d H%d F10:1 Ip A1:1 C420jpeg\n" % size)
        for _ in range(4):
            f.write(b"FRAME\n" + luma + blue + red)


def import_people(box, n, dim=64):
    """Adds n people with made-up embeddings by the gallery's bulk import, while the server runs."""
    draw = random.Random(1)
    rows = array.array("f", (draw.gauss(0, 1) for _ in range(n * dim)))
    head = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }" % (n, dim)
    head += " " * (-(len(head) + 11) % 64) + "\n"
    (box.dir / "many.npy").write_bytes(
        b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head.encode() + rows.tobytes()
    )
    (box.dir / "many.csv").write_text("".join("Person %05d\n" % i for i in range(n)))
    words = [
        box.facet,
        "gallery",
        "import",
        "many.npy",
        "many.csv",
        "-m",
        "pack",
        "--gallery",
        str(box.data / "gallery.db"),
    ]
    done = subprocess.run(words, cwd=box.dir, capture_output=True, text=True, env=box.env)
    return [] if done.returncode == 0 else ["import: " + done.stderr[-300:]]


class Page:
    """The page in one window, with what tests need often. faults: what the browser complained about."""

    def __init__(self, browser, box, key=None, **options):
        self.box, self.faults, self.sent = box, [], []
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda e: self.faults.append(str(e)))
        self.page.on("console", lambda m: self.note(m.text) if m.type == "error" else None)
        self.page.on("request", lambda r: self.sent.append((r.method, r.url)))
        if key:
            self.page.add_init_script(
                "sessionStorage.getItem('facet.key') ?? sessionStorage.setItem('facet.key', '%s')" % key
            )
        self.page.goto("http://127.0.0.1:%d/" % box.port)

    def note(self, text):
        if not text.startswith("Failed to load resource"):  # an answer such as 404, which the page explains
            self.faults.append(text)

    def go(self, path):
        """Shows a view and waits until it has what it shows. (wait_for_function would need eval, which the policy of
        the page forbids.)"""
        self.page.evaluate("path => { location.hash = '#/' + path }", path)
        ready = "!!document.querySelector('main h1') && !document.querySelector('main .waiting')"
        until("", lambda: self.page.evaluate(ready))

    def sees(self, text):
        """[] once the text is on the page."""
        from playwright.sync_api import Error

        try:
            self.page.get_by_text(text).first.wait_for(state="visible")
            return []
        except Error:
            return ["%r is not on the page: %s" % (text, self.page.inner_text("body")[:600])]

    def click(self, name, role="button", exact=False):
        self.page.get_by_role(role, name=name, exact=exact).first.click()

    def files(self, *named, label="Choose pictures"):
        """Chooses pictures of the box (names) or made-up files (name, bytes)."""
        chosen = [
            {"name": n, "mimeType": "text/plain" if n.endswith(".txt") else "image/png", "buffer": data}
            for n, data in ((n, self.box.picture(n)) if isinstance(n, str) else n for n in named)
        ]
        self.page.locator("input[type=file][aria-label='%s']" % label).set_input_files(chosen)

    def close(self):
        self.context.close()


def people(box, search=""):
    return {
        p["name"]: p for p in box.get(PERSONS + "?limit=100&search=" + search.replace(" ", "%20")).json["persons"]
    }


def until(what, found, tries=PATIENCE // 100):
    """[] once found() is true."""
    for _ in range(tries):
        if found():
            return []
        time.sleep(0.1)
    return [what]
