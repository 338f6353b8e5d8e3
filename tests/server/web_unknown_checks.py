"""The page's unknown faces in the browser: groups are merged, split, ignored, given names, said not to be somebody and
removed, and a reader sees them without being offered any of it."""

import struct
import zlib

from web_box import BACKGROUND, Page, people, until

HERE = "/v1/collections/_default"
STRANGERS = {"one": 0x11, "two": 0x2D, "three": 0xE4}


def png(width, height, rows):
    """A PNG of 8 bits a channel; rows: its bytes, line by line, three a pixel."""
    lines = b"".join(b"\0" + rows[i * width * 3 : (i + 1) * width * 3] for i in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def disc(person, shade=255, size=320, radius=24):
    """A picture of somebody as tests/tools/discs.c draws people; another shade makes another picture of the same."""
    rows, middle = bytearray(), size // 2
    for y in range(size):
        for x in range(size):
            dx, dy = x - middle, y - middle
            if dx * dx + dy * dy > radius * radius:
                rows += bytes(BACKGROUND)
                continue
            quarter = (dx >= 0) + 2 * (dy >= 0)
            full = shade if quarter in (0, 3) else 255
            rows += bytes((full * (person >> quarter & 1), 255, full * (person >> (quarter + 4) & 1)))
    return png(size, size, bytes(rows))


def groups(box, ignored=False):
    return box.get(HERE + "/unknown?ignored=%s" % str(ignored).lower()).json["groups"]


def counts(box):
    return sorted(g["face_count"] for g in groups(box))


def see(box):
    """Three strangers are seen, each twice; one of them alike twice."""
    box.send_json(HERE, {"keep_unknown": True, "threshold": 0.7}, method="PATCH")
    for name, person in STRANGERS.items():
        for shade in (255, 190):
            picture = disc(person, 255 if name == "three" else shade)
            box.form(HERE + "/identify", [("image", picture), ("source", "gate " + name)])
    box.send_json(HERE, {"keep_unknown": False}, method="PATCH")


def card(p, source):
    return p.page.locator("li.cluster").filter(has_text="gate " + source)


def check_merge(p, box, report):
    p.go("unknown")
    wrong = [] if counts(box) == [1, 2, 2] else [str(groups(box))]
    for source in ("one", "three"):
        card(p, source).get_by_role("checkbox").check()
    wrong += p.sees("2 chosen")
    p.click("They are one person")
    wrong += p.sees("Merged") + until("not merged", lambda: counts(box) == [2, 3])
    report.check("two groups of unknown faces become one", wrong)


def check_split(p, box, report):
    big = max(groups(box), key=lambda g: g["face_count"])
    p.go("unknown/" + big["id"])
    p.page.locator(".pick").nth(2).click()
    p.click("Split off")
    wrong = p.sees("a group of their own") + until("not split", lambda: counts(box) == [1, 2, 2])
    wrong += until("it is shown", lambda: p.page.locator(".pick").count() == 2)
    p.page.locator(".pick").first.click()
    p.click("Name these…")
    p.page.get_by_label("Who is this?").fill("Grace")
    p.click("Save")
    wrong += p.sees("These faces are Grace now") + until("not named", lambda: counts(box) == [1, 1, 2])
    wrong += [] if people(box).get("Grace", {}).get("face_count") == 1 else [str(people(box))]
    report.check("a face is split off a group, another gets a name", wrong)


def check_known(p, box, report):
    """Of two choices, a name that is known and somebody whom it is not."""
    p.go("unknown")
    card(p, "two").get_by_role("button", name="Say who it is not").click()
    dialog = p.page.get_by_role("dialog")
    note = dialog.get_by_role("button", name="Note it")
    wrong = [] if note.is_disabled() else ["nobody has to be chosen"]
    p.page.get_by_label("Who is it not?").fill("Grac")
    p.page.get_by_role("option", name="Grace").click()
    note.click()
    wrong += p.sees("Noted: not Grace")
    grace = people(box)["Grace"]["id"]
    negatives = box.get(HERE + "/persons/" + grace + "/negatives").json["negatives"]
    wrong += [] if len(negatives) == 2 else [str(negatives)]
    report.check("an unknown face is said not to be somebody", wrong)


def check_ignore(p, box, report):
    p.go("unknown")
    card(p, "two").get_by_role("button", name="Ignore").click()
    wrong = until("not ignored", lambda: [g["source"] for g in groups(box, True)] == ["gate two"])
    p.click("Undo")
    wrong += until("not undone", lambda: not groups(box, True))
    card(p, "two").get_by_role("button", name="Ignore").click()
    wrong += until("not ignored again", lambda: len(groups(box, True)) == 1)
    p.click("Ignored", exact=True)
    card(p, "two").get_by_role("button", name="Bring back").click()
    wrong += until("not brought back", lambda: not groups(box, True)) + p.sees("Nothing is ignored")
    report.check("a group is ignored, and brought back", wrong)


def check_remove(p, box, report):
    p.go("people")
    p.go("unknown")
    n = len(groups(box))
    card(p, "two").get_by_role("button", name="Delete").click()
    wrong = until("it is shown", lambda: card(p, "two").count() == 0)
    p.page.get_by_role("button", name="Undo").last.click()  # older messages may still be there
    wrong += until("it is not back", lambda: card(p, "two").count() == 1)
    wrong += [] if len(groups(box)) == n else ["it was removed"]
    card(p, "two").get_by_role("button", name="Delete").click()
    p.go("people")  # leaving the page is the end of undoing
    wrong += until("it is there", lambda: len(groups(box)) == n - 1)
    report.check("a group is deleted, with undo until the page is left", wrong)


def check_reader(p, box, report):
    made = box.send_json("/v1/keys", {"name": "looks", "role": "reader"}).json
    reader = Page(p.context.browser, box, made["secret"])
    reader.go("unknown")
    reader.page.locator("li.cluster").first.wait_for()
    wrong = reader.page.locator("main button:visible").all_inner_texts()
    wrong = [w for w in wrong if w not in ("To do", "Ignored")]
    wrong += ["a box"] if reader.page.locator("main input:visible").count() else []
    reader.page.locator("li.cluster a").first.click()
    reader.page.get_by_role("heading", name="Somebody unknown").wait_for()
    wrong += reader.page.locator("main button:visible").all_inner_texts()
    reader.go("removed")
    wrong += reader.page.locator("main button:visible").all_inner_texts()
    report.check("a reader is shown unknown faces, and offered nothing that is refused", wrong)
    reader.close()
    box.ask("DELETE", "/v1/keys/" + made["key"]["id"])
    return reader.faults


def run(p, box, report):
    p.go("people")
    see(box)
    check_merge(p, box, report)
    check_split(p, box, report)
    check_known(p, box, report)
    check_ignore(p, box, report)
    check_remove(p, box, report)
    faults = check_reader(p, box, report)
    box.send_json(HERE, {"threshold": None}, method="PATCH")
    return faults
