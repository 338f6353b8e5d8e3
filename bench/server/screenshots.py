#!/usr/bin/env python3
"""Screenshots of every page of 'facet serve' in both themes at three widths, to be looked at.

    screenshots.py FACET PHOTOS OUT [KIND...] [VIEW...]

KIND is THEME-WIDTH, such as dark-phone: those alone. FACET is the command with a pack built in, PHOTOS a folder of
JPEG files with faces, of which some become people and some strangers. OUT gets THEME-WIDTH-VIEW.png of each page, first
without and then with people in it, and, where Pillow is there, sheet-THEME-WIDTH.png with all of them side by side.
What is wider than its window is printed. Needs Playwright and Chromium, as tests/server/web_test.py does."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tests/server"))
import web_box  # noqa: E402
from serve_box import multipart  # noqa: E402

HERE = "/v1/collections/_default"
NAMES = ["Ada Lovelace", "Grace Hopper", "Katherine Johnson", "Alan Turing", "Barbara Liskov", "Margaret Hamilton"]
NAMES += ["Radia Perlman", "Edsger Dijkstra", "Hedwig Eva Maria Kiesler-Lamarr", "Frances Allen", "Niklaus Wirth"]
EMPTY = ["people", "enroll", "identify", "compare", "unknown", "duplicates", "monitors", "removed"]
VIEWS = "people person enroll identify identify-result compare compare-result unknown duplicates monitors removed"
VIEWS = VIEWS.split() + ["keys", "audit", "system", "settings", "nothing", "sign-in"]
WIDTHS = {"phone": (390, 844), "tablet": (820, 1180), "desktop": (1440, 900)}


class Server:
    """A server with the built-in pack; box.port is what web_box.Page wants."""

    port = 18400

    def __init__(self, facet, folder):
        words = [facet, "serve", "--data", folder + "/data", "--port", str(self.port), "--audit", "searches"]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        self.key = None
        while not self.key:
            found = re.search(r"again: (\S+)", self.process.stdout.readline())
            self.key = found and found.group(1)

    def ask(self, method, path, body=None, kind="application/json"):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        body = json.dumps(body) if isinstance(body, (dict, list)) else body
        c.request(method, path, body, {"Authorization": "Bearer " + self.key, "Content-Type": kind})
        answer = c.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text[:1] in b"{[" and text else text


def fill(server, photos):
    """People, a removed one, strangers, two that look alike, keys, a monitor."""
    for i, name in enumerate(NAMES):
        body, kind = multipart([("name", name), ("images", photos[i].read_bytes())])
        server.ask("POST", HERE + "/persons", body, kind)
    body, kind = multipart([("name", "Ada L."), ("images", photos[0].read_bytes())])
    server.ask("POST", HERE + "/persons", body, kind)
    people = server.ask("GET", HERE + "/persons?limit=100")[1]["persons"]
    gone = [p["id"] for p in people if p["name"] == "Niklaus Wirth"]
    for i in gone:
        server.ask("DELETE", HERE + "/persons/%s" % i)
    server.ask("PATCH", HERE, {"keep_unknown": True})
    for photo in photos[len(NAMES) : len(NAMES) + 12]:
        body, kind = multipart([("image", photo.read_bytes()), ("source", "front door")])
        server.ask("POST", HERE + "/identify", body, kind)
    server.ask("POST", "/v1/keys", {"name": "doorbell", "role": "reader"})
    server.ask("POST", "/v1/keys", {"name": "reception desk", "role": "enroller"})
    server.ask("POST", "/v1/monitors", {"name": "Front door", "source": {"url": "rtsp://127.0.0.1:9/a"}})
    server.ask("POST", "/v1/jobs", {"kind": "duplicates"})
    time.sleep(2)
    return people[0]["id"]


def show(page, view, photos, person):
    """Goes to a view and does what it needs to show something."""
    page.go("people/%s" % person if view == "person" else view.split("-")[0])
    if view == "identify-result":
        page.page.locator("input[type=file]").first.set_input_files(str(photos[1]))
    if view == "compare-result":
        for i, photo in enumerate((photos[0], photos[2])):
            page.page.locator("input[type=file]").nth(i).set_input_files(str(photo))
    page.page.wait_for_load_state("networkidle")
    page.page.wait_for_timeout(2500 if view.endswith("result") else 300)


def open_page(browser, server, theme, width, key):
    w, h = WIDTHS[width]
    phone = width == "phone"
    options = {"color_scheme": theme, "viewport": {"width": w, "height": h}, "reduced_motion": "reduce"}
    return web_box.Page(browser, server, key, is_mobile=phone, has_touch=phone, **options)


def shoot(browser, server, out, theme, width, views, photos, person, suffix=""):
    page = open_page(browser, server, theme, width, server.key)
    for view in views:
        shown = page
        if view == "sign-in":
            shown = open_page(browser, server, theme, width, None)
            shown.page.get_by_label("API key").wait_for()
        else:
            show(page, view, photos, person)
        over = shown.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if over > 0:
            print("%s %s %s is %d pixels too wide" % (theme, width, view, over))
        shown.page.screenshot(path=str(out / ("%s-%s-%s%s.png" % (theme, width, view, suffix))))
    for fault in page.faults:
        print("%s %s: %s" % (theme, width, fault))
    page.context.close()


def sheet(out, theme, width):
    """All pages of a theme and width side by side."""
    try:
        from PIL import Image, ImageDraw
    except ImportError:
        return
    w, h = WIDTHS[width]
    columns = {"phone": 6, "tablet": 5, "desktop": 4}[width]
    scale = {"phone": 0.85, "tablet": 0.45, "desktop": 0.34}[width]
    files = sorted(out.glob("%s-%s-*.png" % (theme, width)))
    cell = (int(w * scale) + 8, int(h * scale) + 22)
    whole = Image.new("RGB", (cell[0] * columns, cell[1] * -(-len(files) // columns)), (128, 128, 128))
    for i, file in enumerate(files):
        x, y = i % columns * cell[0] + 4, i // columns * cell[1] + 18
        whole.paste(Image.open(file).convert("RGB").resize((cell[0] - 8, cell[1] - 22)), (x, y))
        ImageDraw.Draw(whole).text((x, y - 14), file.stem, fill=(255, 255, 0))
    whole.save(out / ("sheet-%s-%s.png" % (theme, width)))


def main():
    web_box.use_venv()
    from playwright.sync_api import sync_playwright

    photos = sorted(pathlib.Path(sys.argv[2]).glob("*.jpg"))
    out = pathlib.Path(sys.argv[3])
    out.mkdir(parents=True, exist_ok=True)
    kinds = [(t, w) for w in WIDTHS for t in ("light", "dark")]
    chosen = [k for k in kinds if "-".join(k) in sys.argv[4:]]
    wanted = [v for v in sys.argv[4:] if v in VIEWS]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright, contextlib.ExitStack() as stack:
        server = Server(os.path.abspath(sys.argv[1]), folder)
        stack.callback(server.process.terminate)
        flags = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
        browser = playwright.chromium.launch(executable_path=web_box.CHROMIUM, args=flags)
        if not wanted:
            for theme, width in chosen or kinds:
                shoot(browser, server, out, theme, width, EMPTY, photos, 0, "-empty")
        person = fill(server, photos)
        for theme, width in chosen or kinds:
            shoot(browser, server, out, theme, width, wanted or VIEWS, photos, person)
            sheet(out, theme, width)
        browser.close()


main()
