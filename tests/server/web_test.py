#!/usr/bin/env python3
"""The web page of 'facet serve' in a real browser (Playwright, Debian's Chromium): everything that people do with it,
by mouse and by keyboard alone, and what it says when something goes wrong. What the page shows is compared with what
the interface answers. One server and one browser for all; without a browser its files alone are looked at.

usage: web_test.py FACET MAKE_PACK VIDEO_TOOL [PART...]     a part is a function below, such as 'enrolling'"""

import gzip
import os
import re
import subprocess
import sys
import time

import web_box
import web_unknown_checks
from serve_box import Box, PERSONS, Report
from web_box import Page, people, until

web_box.use_venv()

MOST = 1000000  # --max-body


# ---- Without a browser ---------------------------------------------------------------------------------------


def files(box, report):
    html = {"Accept": "text/html", "Accept-Encoding": "identity"}
    page = box.get("/", key=None, headers=html)
    names = re.findall(r'(?:href|src)="(/web/[^"]+)"', page.body.decode())
    policy = page.headers["Content-Security-Policy"]
    wrong = [] if page.status == 200 and len(names) > 20 else ["%d, %d files" % (page.status, len(names))]
    wrong += [w for w in ("unsafe", "http:", "https:", "*") if w in policy]
    wrong += [m for m in re.findall(r"(?i)<script>|<style|\son\w+=|style=|https?://", page.body.decode())]
    report.check("the page has no inline script or style and loads nothing from elsewhere", wrong)
    wrong = []
    for name in names:
        plain = box.get(name, key=None, headers={"Accept-Encoding": "identity"})
        packed = box.get(name, key=None, headers={"Accept-Encoding": "gzip"})
        if (
            plain.status != 200
            or gzip.decompress(packed.body) != plain.body
            or packed.headers["Content-Encoding"] != "gzip"
        ):
            wrong.append("%s: %d, %d" % (name, plain.status, packed.status))
        if "immutable" not in plain.headers["Cache-Control"] or plain.headers["Content-Security-Policy"] != policy:
            wrong.append("%s: %s" % (name, plain.headers["Cache-Control"]))
        if name.endswith(".js"):
            for other in re.findall(r'from "(?:\./)?([^"]+)"', plain.body.decode()):
                if not any(n.endswith("/" + other) for n in names):
                    wrong.append("%s imports %s, which is not there" % (name, other))
    report.check("its files, plain and compressed", wrong)
    again = box.get("/", key=None, headers=dict(html, **{"If-None-Match": page.headers["ETag"]}))
    stale = box.get("/web/0000000000000000/app.js", key=None)
    inside = [box.get(p, key=None).status for p in ("/web/x/..%2fkeys.json", "/web/../v1/keys", "/web/")]
    wrong = [] if (again.status, again.body) == (304, b"") else [str(again.status)]
    wrong += [] if stale.status == 404 and all(s in (400, 404) for s in inside) else [str((stale.status, inside))]
    report.check("a page that is known already, a file of another version, paths that are none", wrong)
    root = box.get("/", key=None)
    report.check("Immich's clients are answered at /", [] if b"Immich ML" in root.body else [root.body[:80]])


# ---- In the browser ---------------------------------------------------------------------------------------------


def signing_in(browser, box, report):
    p = Page(browser, box)
    p.page.get_by_label("API key").fill("fct_wrong")
    p.click("Sign in")
    report.check("a wrong key is explained", p.sees("does not know this key"))
    p.page.get_by_label("API key").fill(box.key)
    p.page.keyboard.press("Enter")
    report.check("an empty gallery says what to do next", p.sees("Nobody is enrolled yet"))
    p.page.reload()
    report.check("the key stays in this window", p.sees("Nobody is enrolled yet"))
    p.go("identify")
    report.check("so does identification without people", p.sees("named once somebody is enrolled"))
    p.go("people")
    p.click("Sign out")
    wrong = p.sees("API key")
    wrong += ["the key is left"] if p.page.evaluate("sessionStorage.getItem('facet.key')") else []
    report.check("signing out", wrong)
    p.close()
    return p.faults


def enrolling(p, box, report):
    p.go("enroll")
    p.files(("film.png", b"\0" * (MOST + 1)), ("notes.txt", b"text"))
    before = len(p.sent)
    wrong = p.sees("this server takes") + p.sees("notes.txt is not a picture")
    wrong += ["it was sent"] if any(m == "POST" for m, _ in p.sent[before:]) else []
    report.check("a file that is too large is refused before it is sent", wrong)
    p.files("ada.png", "ada2.jpg", "empty.png")
    p.page.get_by_label("Only good pictures").uncheck()  # discs are no good faces
    p.page.get_by_label("Name", exact=True).fill("Ada")
    wrong = p.sees("No face")
    p.click("Enroll with 3")
    wrong += p.sees("Ada is enrolled") + p.sees("No face was found")
    n = people(box).get("Ada", {}).get("face_count")
    report.check(
        "pictures are enrolled, and it is said of each that is not", wrong + ([] if n == 2 else ["%s faces" % n])
    )
    p.go("people")
    p.go("enroll")
    p.page.evaluate(
        """bytes => { const t = new DataTransfer();
        t.items.add(new File([new Uint8Array(bytes)], 'bob.png', { type: 'image/png' }));
        document.querySelector('.drop').dispatchEvent(new DragEvent('drop', { dataTransfer: t, bubbles: true })) }""",
        list(box.picture("bob.png")),
    )
    p.page.get_by_label("Name", exact=True).fill("Bob")
    p.page.get_by_label("Only good pictures").uncheck()
    p.click("Enroll with 1")
    report.check(
        "a picture that is dropped", p.sees("Bob is enrolled") + ([] if "Bob" in people(box) else ["no Bob"])
    )


def webcam(p, box, report):
    p.go("enroll?from=webcam")
    wrong = p.sees("Face found")
    p.page.locator(".shot").first.wait_for()
    p.click("Take a picture")
    p.page.get_by_label("Name", exact=True).fill("Eve")
    p.page.get_by_label("Only good pictures").uncheck()
    wrong += until("no second picture", lambda: p.page.locator(".shot .chip.good").count() >= 2)
    p.click("Enroll with 2")
    wrong += p.sees("Eve is enrolled")
    report.check(
        "the webcam guides, takes a picture by itself, and enrolls",
        wrong + ([] if "Eve" in people(box) else ["no Eve"]),
    )
    p.go("identify?from=webcam")
    wrong = until("no name", lambda: "Eve" in p.page.locator(".tags").inner_text())
    report.check("the live webcam is named", wrong + p.sees("Seen so far"))


def recognizing(p, box, report):
    p.go("identify")
    p.files("three.png", label="Choose a picture")
    answer = box.form("/v1/collections/_default/identify", [("image", box.picture("three.png"))]).json["faces"]
    want = sorted(f["matches"][0]["person"]["name"] if f["matches"] else "Unknown" for f in answer)
    found = lambda: sorted(re.sub(r" \d+$", "", t) for t in p.page.locator(".tag").all_inner_texts())  # noqa: E731
    wrong = until("tags are not %s" % want, lambda: found() == want)
    p.page.locator(".found li").first.wait_for()
    if p.page.locator(".boxes rect").count() != len(answer) or p.page.locator(".found > li").count() != len(answer):
        wrong.append("%d boxes" % p.page.locator(".boxes rect").count())
    report.check("faces are boxed and named as the interface says", wrong)
    p.files(("empty.png", box.picture("empty.png")), label="Choose a picture")
    report.check("no face", p.sees("No face found"))
    p.files(("broken.png", b"no picture"), label="Choose a picture")
    said = until("nothing is said", lambda: p.page.locator("main [role=alert]").count() > 0)
    report.check("a file that is no picture", said)
    huge = web_unknown_checks.png(12000, 4000, b"")  # its header says 48 million pixels; nothing comes after it
    p.files(("huge.png", huge), label="Choose a picture")
    report.check("a picture of too many pixels", p.sees("pixels"))
    wrong = []
    for second, words in (("ada2.jpg", "The same person"), ("bob2.png", "Two different people")):
        p.go("people")
        p.go("compare")
        p.files("ada.png", label="Choose the first")
        p.files(second, label="Choose the second")
        wrong += p.sees(words)
        cosine = box.form(
            "/v1/compare", [("source", box.picture("ada.png")), ("target", box.picture(second))]
        ).json["similarity"]
        wrong += p.sees("%.2f" % cosine)
    report.check("two faces are compared", wrong)


def changing(p, box, report):
    ada = people(box)["Ada"]["id"]
    p.go("people/" + ada)
    p.click("Rename")
    p.page.get_by_label("Name", exact=True).fill("Bob")
    p.click("Save")
    wrong = p.sees("Somebody has this name already")
    p.page.get_by_label("Name", exact=True).fill("Ada Lovelace")
    p.click("Save")
    p.page.get_by_role("heading", name="Ada Lovelace").wait_for()
    report.check("rename", wrong + ([] if people(box)["Ada Lovelace"]["id"] == ada else [str(people(box))]))
    p.page.locator(".pick").first.click()
    p.click("Move to…")
    p.page.get_by_label("Whose are they?").fill("Ada Byron")
    p.click("Move", exact=True)
    wrong = p.sees("moved to Ada Byron")
    counts = {n: x["face_count"] for n, x in people(box).items() if n.startswith("Ada")}
    report.check("split", wrong + ([] if counts == {"Ada Lovelace": 1, "Ada Byron": 1} else [str(counts)]))
    p.go("people/" + ada)
    p.click("Merge…")
    p.page.get_by_label("Who is the same person?").fill("Byron")
    p.page.get_by_role("option", name="Ada Byron").click()
    p.click("Merge", exact=True)
    wrong = p.sees("Ada Byron is now part of Ada Lovelace") + until(
        "2 photos", lambda: p.page.locator(".pick").count() == 2
    )
    counts = {n: x["face_count"] for n, x in people(box).items() if n.startswith("Ada")}
    report.check("merge", wrong + ([] if counts == {"Ada Lovelace": 2} else [str(counts)]))


def removing(p, box, report):
    bob = people(box)["Bob"]["id"]
    p.go("people/" + bob)
    p.click("Delete", exact=True)
    wrong = p.sees("Bob was deleted") + until("Bob is there", lambda: "Bob" not in people(box))
    p.click("Undo")
    wrong += until("Bob is not back", lambda: people(box).get("Bob", {}).get("face_count") == 1)
    p.page.get_by_role("heading", name="Bob").wait_for()
    report.check("delete a person, and undo it", wrong)
    ada = people(box)["Ada Lovelace"]["id"]
    p.go("people/" + ada)
    p.page.locator(".pick").nth(1).click()
    p.page.locator(".selection").get_by_role("button", name="Delete").click()
    wrong = until("it is shown", lambda: p.page.locator(".pick").count() == 1)
    p.click("Undo")
    wrong += until("it is not shown", lambda: p.page.locator(".pick").count() == 2)
    report.check(
        "delete a photo, and undo it", wrong + ([] if people(box)["Ada Lovelace"]["face_count"] == 2 else ["gone"])
    )
    p.go("people/" + bob)
    p.click("Forget…")
    go = p.page.get_by_role("button", name="Forget for good")
    wrong = [] if go.is_disabled() else ["nothing has to be typed"]
    p.page.get_by_label("Type Bob to go on").fill("Bob")
    go.click()
    wrong += p.sees("Bob is forgotten")
    left = [r["person"]["name"] for r in box.get("/v1/collections/_default/removed").json["removed"]]
    report.check("forget", wrong + (["Bob is left"] if "Bob" in people(box) or "Bob" in left else []))


def sorting(p, box, report):
    """Unknown faces get names; one person under two names becomes one."""
    here = "/v1/collections/_default"
    box.send_json(here, {"keep_unknown": True}, method="PATCH")
    box.form(here + "/identify", [("image", box.picture("bob.png")), ("source", "door")])
    box.send_json(here, {"keep_unknown": False}, method="PATCH")
    p.go("identify")
    p.files("bob.png", label="Choose a picture")
    p.click("Name this face…")
    p.page.get_by_label("Who is this?").fill("Robin")
    p.page.get_by_role("dialog").get_by_role("button", name="Enroll").click()
    wrong = p.sees("Robin is enrolled")
    p.click("Show")
    wrong += until("Robin's page is not shown", lambda: "Robin" in p.page.locator("h1").inner_text())
    report.check("a face of a picture gets a name", wrong + ([] if "Robin" in people(box) else ["no Robin"]))
    robin = box.get(PERSONS + "?search=Robin").json["persons"][0]
    box.ask("DELETE", PERSONS + "/%s?forget=true" % robin["id"])
    p.go("unknown")
    wrong = p.sees("1 face")
    p.click("Name…")
    p.page.get_by_label("Who is this?").fill("Robert")
    p.click("Save")
    wrong += p.sees("These faces are Robert now") + until("a group is left", lambda: "1 face" not in shown(p))
    report.check("an unknown face gets a name", wrong + ([] if "Robert" in people(box) else ["no Robert"]))
    box.form(PERSONS, [("name", "Augusta"), ("images", box.picture("ada2.jpg"))])
    p.go("duplicates")
    p.click("Search")
    p.click("Keep “Ada Lovelace”")
    p.page.get_by_role("dialog").get_by_role("button", name="Merge").click()
    wrong = p.sees("Augusta is now part of Ada Lovelace")
    report.check("a person under two names", wrong + (["Augusta is left"] if "Augusta" in people(box) else []))


def unknown(p, box, report):
    """Unknown faces are merged, split, ignored, named, and said not to be somebody."""
    return web_unknown_checks.run(p, box, report)


def shown(p):
    return p.page.locator("main").inner_text()


def watching(p, box, report):
    subprocess.run([sys.argv[3], "make", str(box.dir / "scene.mp4")], check=True)
    p.go("monitors")
    p.click("Add a monitor")
    p.page.get_by_label("Name", exact=True).fill("Door")
    p.page.get_by_label("Address").fill("scene.mp4")
    p.page.get_by_label("How often").select_option("10")
    p.click("Add", exact=True)
    wrong = p.sees("Running") + until("no picture", lambda: p.page.locator(".live canvas").is_visible())
    seen = re.compile("Ada|Eve|Robert|unknown")  # whoever passes long enough to be sure
    wrong += until("nobody is seen", lambda: seen.search(p.page.get_by_role("list", name="Events").inner_text()))
    p.click("Turn off")
    p.page.get_by_text("Turn on").wait_for()
    state = box.get("/v1/monitors").json["monitors"][0]
    wrong += [] if (state["name"], state["enabled"]) == ("Door", False) else [str(state)]
    p.click("Delete Door")
    p.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    report.check("a monitor: its live picture, whom it sees, off, gone", wrong + p.sees("No monitors yet"))


def managing(p, box, report):
    """Keys, what a reader's key shows, the audit log, settings."""
    p.go("keys")
    p.click("New key")
    p.page.get_by_label("What is it for?").fill("doorbell")
    p.click("Make the key")
    secret = p.page.locator(".secret code").inner_text()
    p.click("Done")
    reader = Page(p.context.browser, box, secret)
    reader.page.locator("a.face").first.wait_for()
    shown = reader.page.get_by_label("Pages").inner_text()
    wrong = [w for w in ("Keys", "Audit", "Enroll") if w in shown] + [
        w for w in ("People", "Identify") if w not in shown
    ]
    reader.close()
    p.page.get_by_role("row", name="doorbell").get_by_role("button", name="Revoke").click()
    p.page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    wrong += until("it is there", lambda: "doorbell" not in p.page.locator("main").inner_text())
    wrong += [] if box.get("/v1/system", key=secret).status == 401 else ["it is still taken"]
    report.check("a key: made, shown once, as much as its role may, revoked", wrong)
    p.go("audit")
    p.click("Check the chain")
    wrong = p.sees("as they were written") + p.sees("enroll") + p.sees(re.compile(r"\d faces?(:|, nobody found)"))
    wrong += ["an object as text"] if "[object" in p.page.locator("main").inner_text() else []
    report.check("the audit log", wrong)
    p.go("settings")
    p.page.get_by_label("Threshold", exact=True).fill("0.61")
    p.click("Save")
    here = lambda: box.get("/v1/collections/_default").json["collection"]["threshold"] or 0  # noqa: E731
    wrong = until("not saved", lambda: abs(here() - 0.61) < 1e-6)
    p.page.get_by_label("Threshold", exact=True).fill("")
    p.click("Save")
    p.click("Dark")
    wrong += [] if p.page.evaluate("document.documentElement.dataset.theme") == "dark" else ["it is not dark"]
    p.click("System")
    report.check("settings", wrong + reader.faults)


def losing(p, box, report):
    p.go("people")
    p.context.set_offline(True)
    p.page.evaluate("location.hash = '#/people/1'")
    wrong = p.sees("The connection to the server is lost") + p.sees("comes back as soon as")
    p.context.set_offline(False)
    p.page.locator(".banner").wait_for(state="detached")
    report.check("a lost connection is told, and the page comes back by itself", wrong + p.sees("Details"))
    p.go("people")
    port = box.port
    box.kill()
    p.page.evaluate("location.hash = '#/system'")
    wrong = p.sees("The connection to the server is lost")
    box.start("--max-body", str(MOST), "--monitor-files", str(box.dir), "--port", str(port))
    p.page.locator(".banner").wait_for(state="detached")
    report.check("a server that was killed and started again", wrong + p.sees("Pictures analyzed"))
    p.page.evaluate("sessionStorage.setItem('facet.key', 'fct_gone')")
    p.page.evaluate("location.hash = '#/people'")
    report.check("a key that is gone leads back to signing in", p.sees("is not valid any more"))


def by_keyboard(browser, box, report):
    """From signing in to another name, without a mouse."""
    p = Page(browser, box)
    keys, focused = p.page.keyboard, "document.activeElement.%s"
    p.page.get_by_label("API key").wait_for()
    keys.type(box.key)
    keys.press("Enter")
    p.page.locator("a.face").first.wait_for()
    p.page.reload()
    p.page.locator("a.face").first.wait_for()
    keys.press("Tab")
    wrong = [] if p.page.evaluate(focused % "className") == "skip" else ["the first stop is no skip link"]
    keys.press("Enter")
    wrong += [] if p.page.evaluate(focused % "id") == "main" else ["it does not skip"]
    for _ in range(12):
        keys.press("Tab")
        if p.page.evaluate(focused % "className") == "face":
            break
    keys.press("End")
    keys.press("Home")
    keys.press("ArrowRight")
    name = p.page.evaluate(focused % "querySelector('.name').textContent")
    keys.press("Enter")
    p.page.get_by_role("heading", name=name).wait_for()
    wrong += [] if p.page.evaluate(focused % "tagName") in ("H1", "MAIN") else ["the focus is not at the heading"]
    for _ in range(12):
        keys.press("Tab")
        if p.page.evaluate(focused % "textContent") == "Rename":
            break
    keys.press("Enter")
    p.page.get_by_role("dialog").wait_for()
    keys.press("Escape")
    wrong += [] if p.page.evaluate(focused % "textContent") == "Rename" else ["the focus did not come back"]
    keys.press("Enter")
    keys.press("ControlOrMeta+A")
    keys.type(name + " the Second")
    keys.press("Enter")
    wrong += p.sees(name + " the Second") + until("no new name", lambda: name + " the Second" in people(box))
    report.check("by keyboard alone", wrong)
    p.close()
    return p.faults


def many(p, box, report):
    p.go("enroll")
    wrong = web_box.import_people(box, 10000)
    p.go("people")
    wrong += p.sees(re.compile(r"10,00\d people"))
    size = "Number(document.querySelector('.virtual li').getAttribute('aria-setsize'))"
    wrong += until("not all are there", lambda: p.page.evaluate(size) > 10000)
    p.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    wrong += p.sees("Person 09999")
    cards = p.page.locator("a.face").count()
    wrong += [] if 10 < cards < 250 else ["%d cards" % cards]
    p.page.get_by_role("searchbox").fill("04321")
    wrong += until("the search", lambda: p.page.locator("a.face .name").all_inner_texts() == ["Person 04321"])
    report.check("10,000 people: counted, scrolled through, searched", wrong)


VIEWS = "people people/1 enroll identify compare unknown duplicates monitors removed keys audit system".split()
VIEWS += ["settings", "nothing"]


def accessible(browser, box, report):
    """axe-core on every view, in both themes, wide and narrow."""
    axe, faults = web_box.axe_source(), []
    if not axe:
        report.skip("accessibility by axe-core", "no axe-playwright-python from PyPI")
        return faults
    for theme, width in (("light", 1280), ("dark", 360)):
        p = Page(
            browser,
            box,
            box.key,
            color_scheme=theme,
            viewport={"width": width, "height": 800},
            reduced_motion="reduce",
        )
        wrong = []
        p.page.evaluate(axe)
        for view in VIEWS:
            p.go(view)
            found = p.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
            wrong += ["%s, %s: %s: %s" % (view, theme, v["id"], v["nodes"][0]["html"][:200]) for v in found]
            over = p.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            wrong += ["%s is %d too wide for %d" % (view, over, width)] if over > 0 else []
        report.check("axe-core finds nothing, and nothing is too wide: %s, %d" % (theme, width), wrong)
        p.close()
        faults += p.faults
    return faults


def in_browser(box, report):
    from playwright.sync_api import Error, sync_playwright

    web_box.write_camera(box.dir / "camera.y4m")
    flags = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    flags.append("--use-file-for-fake-video-capture=%s" % (box.dir / "camera.y4m"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=web_box.CHROMIUM, args=flags)
        p = Page(browser, box, box.key, viewport={"width": 1280, "height": 800})
        faults = p.faults
        parts = (signing_in, enrolling, webcam, recognizing, changing, removing, sorting, unknown, watching, managing)
        parts += (by_keyboard, accessible, many, losing)
        for part in parts:
            if sys.argv[4:] and part.__name__ not in sys.argv[4:]:
                continue
            began = time.monotonic()
            try:
                faults += part(browser if part in (signing_in, by_keyboard, accessible) else p, box, report) or []
            except (Error, KeyError) as e:
                report.check(part.__name__, [repr(e)[:1500]])
            if os.environ.get("FCT_WEB_TIMES"):
                print("%-12s %5.1f s" % (part.__name__, time.monotonic() - began))
        report.check("the browser complains of nothing", faults)
        browser.close()


def main():
    report = Report()
    with Box(sys.argv[1], sys.argv[2]) as box:
        box.start("--max-body", str(MOST), "--monitor-files", str(box.dir), "--audit", "searches")
        files(box, report)
        why = web_box.missing()
        if why:
            report.skip("the page in a browser", why)
        else:
            in_browser(box, report)
    report.close()


main()
