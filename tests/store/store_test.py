#!/usr/bin/env python3
"""The pack store against a server that misbehaves and archives that attack.

    store_test.py STORE_RUN

Uses the standard library alone. Prints, last, "N passed, N failed, N skipped"."""
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import threading
import time
import zipfile

from store_box import Box, NET, ON_WINDOWS, Server, make_zip, onnx, plain

OK, IO, FORMAT, UNSUPPORTED, LIMIT, NOT_FOUND, EXISTS, MISMATCH, CANCELLED, NETWORK, ARG = \
    0, -3, -4, -5, -6, -7, -8, -9, -11, -12, -2
FAILED, PASSED = [], []


class Skip(Exception):
    """With the reason."""


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def same(a, b):
    check(a == b, f"{a!r}, expected {b!r}")


TESTS = []


def test(f):
    TESTS.append(f)
    return f


GOOD = make_zip([("a.onnx", NET), ("README.md", b"hello")])
HASH = hashlib.sha256(GOOD).hexdigest()


# ---- Downloads --------------------------------------------------------------------------------------
@test
def errors_show_no_credentials(box, web):
    secret = web.url.replace("://", "://ada:s3cr%40t@") + "/none.zip?key=k3y"
    same(box.get(secret), NOT_FOUND)
    check("s3cr" not in box.text and "ada" not in box.text and "k3y" not in box.text, box.text)
    check(web.url + "/none.zip?..." in box.text, box.text)
    web.files["/some.zip"] = GOOD
    same(box.get(secret.replace("none.zip?key=k3y", "some.zip"), "sha256=" + "0" * 64), MISMATCH)
    check("s3cr" not in box.text, box.text)


@test
def installs_and_records(box, web):
    web.files["/some.zip"] = GOOD
    same(box.get(web.url + "/some.zip"), OK)
    same(box.pack(), ["README.md", "SHA256SUMS", "a.onnx"])
    check("checked=0 files=1 sha256=" + HASH in box.out, box.out)
    same(open(os.path.join(box.root, "some", "a.onnx"), "rb").read(), NET)
    same(box.left(), [".facet-archives.sha256", "some"])
    same(box.get(web.url + "/some.zip"), EXISTS)
    same(box.get(web.url + "/some.zip", "replace"), OK)
    check("checked=1" in box.out, box.out)
    same(subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=os.path.join(box.root, "some")).returncode, 0)


@test
def a_mirror_may_be_a_folder(box, web):
    web.files["/mirror/some.zip"] = GOOD
    same(box.get(web.url + "/mirror"), OK)
    same(box.get(web.url + "/mirror/", "replace"), OK)


@test
def changed_archives_are_refused(box, web):
    web.files["/some.zip"] = GOOD
    same(box.get(web.url + "/some.zip"), OK)
    web.files["/some.zip"] = make_zip([("b.onnx", NET)])
    same(box.get(web.url + "/some.zip", "replace"), MISMATCH)
    same(box.pack(), ["README.md", "SHA256SUMS", "a.onnx"])  # the old pack stays
    check(not [f for f in box.left() if "part" in f or "new" in f], box.left())


@test
def wrong_hashes_are_refused(box, web):
    web.files["/some.zip"] = GOOD
    same(box.get(web.url + "/some.zip", "sha256=" + "0" * 64), MISMATCH)
    check(HASH in box.text and "0000" in box.text, box.text)
    same(box.left(), [])
    same(box.get(web.url + "/some.zip", "sha256=" + HASH), OK)
    same(box.get(web.url + "/some.zip", "sha256=xyz", "replace"), ARG)


@test
def known_packs_must_have_the_known_hash(box, web):
    web.files["/buffalo_l.zip"] = GOOD
    same(box.get(web.url, name="buffalo_l"), MISMATCH)
    same(box.pack("buffalo_l"), None)


@test
def terms_must_be_accepted(box, web):
    same(box.get(web.url, "refuse", name="buffalo_l"), ARG)
    check("non-commercial" in box.text, box.text)
    same(web.requests, [])
    same(box.get("-", name="nobody_knows_this"), NOT_FOUND)
    for name in ("..", "a/b", "", "-x", ".hidden", "x" * 65, "a b"):
        same(box.get(web.url, name=name), ARG)
    same(web.requests, [])


@test
def broken_connections_are_resumed(box, web):
    web.files["/some.zip"] = GOOD
    web.behavior["/some.zip"] = lambda h, b: plain(h, b, cut=100_000)
    same(box.get(web.url + "/some.zip", "retries=0"), OK)  # every attempt brings some bytes: none counts
    starts = [r for _, r in web.requests]
    same(starts, [None, "bytes=100000-", "bytes=200000-", "bytes=300000-", "bytes=400000-"])


@test
def servers_without_ranges_start_again(box, web):
    web.files["/some.zip"] = GOOD
    tries = []

    def act(h, b):
        tries.append(1)
        plain(h, b, ranges=False, cut=150_000 if len(tries) == 1 else None)

    web.behavior["/some.zip"] = act
    same(box.get(web.url + "/some.zip"), OK)
    same(box.pack(), ["README.md", "SHA256SUMS", "a.onnx"])


@test
def a_later_call_resumes(box, web):
    web.files["/some.zip"] = GOOD
    web.behavior["/some.zip"] = lambda h, b: plain(h, b, delay=0.02)
    same(box.get(web.url + "/some.zip", "cancel=130000"), CANCELLED)
    same(box.pack(), None)
    check(".facet-some.zip.part" in box.left(), box.left())
    del web.behavior["/some.zip"]
    web.requests.clear()
    same(box.get(web.url + "/some.zip"), OK)
    check(web.requests[0][1], "was not resumed")
    same(box.left(), [".facet-archives.sha256", "some"])


@test
def leftovers_of_another_file_are_dropped(box, web):
    web.files["/some.zip"] = GOOD
    for junk in (b"x" * 1000, b"x" * len(GOOD), b"x" * (len(GOOD) + 5)):
        shutil.rmtree(box.root, ignore_errors=True)
        os.makedirs(box.root)
        with open(os.path.join(box.root, ".facet-some.zip.part"), "wb") as f:
            f.write(junk)
        same(box.get(web.url + "/some.zip", "sha256=" + HASH), OK)


@test
def a_link_in_place_of_the_partial_file_is_not_followed(box, web):
    if ON_WINDOWS:
        raise Skip("Wine 8 removes the file that a link leads to, and makes no links of Windows' own")
    web.files["/some.zip"] = GOOD
    os.makedirs(box.root, exist_ok=True)
    victim = os.path.join(box.root, "victim.txt")
    with open(victim, "wb") as f:
        f.write(b"dear")
    os.symlink(victim, os.path.join(box.root, ".facet-some.zip.part"))
    same(box.get(web.url + "/some.zip", "sha256=" + HASH), OK)
    with open(victim, "rb") as f:
        same(f.read(), b"dear")
    os.remove(victim)


@test
def redirects_are_followed_to_a_limit(box, web):
    web.files["/real.zip"] = GOOD

    def to(where, code=302):
        def act(h, b):
            h.send_response(code)
            h.send_header("Location", where)
            h.send_header("Content-Length", "0")
            h.end_headers()
        return act

    web.behavior["/some.zip"] = to("/two")
    web.behavior["/two"] = to(web.url + "/real.zip", 301)
    same(box.get(web.url + "/some.zip"), OK)
    web.behavior["/loop.zip"] = to("/loop.zip")
    same(box.get(web.url + "/loop.zip", name="loop"), NETWORK)
    web.behavior["/file.zip"] = to("file:///etc/passwd")
    same(box.get(web.url + "/file.zip", name="file"), NETWORK)
    same(box.get("file:///etc/passwd.zip", name="file"), NETWORK)
    same(box.pack("file"), None)


@test
def slow_and_silent_servers(box, web):
    web.files["/some.zip"] = GOOD
    web.behavior["/some.zip"] = lambda h, b: plain(h, b, delay=0.3)  # slow, but it comes
    same(box.get(web.url + "/some.zip", "stall=1"), OK)

    def silent(h, b):
        h.send_response(200)
        h.send_header("Content-Length", "1000")
        h.end_headers()
        h.wfile.flush()
        time.sleep(6)

    web.behavior["/silent.zip"] = silent
    start = time.time()
    same(box.get(web.url + "/silent.zip", "stall=1", "retries=0", name="silent"), NETWORK)
    check(time.time() - start < 5, "waited too long")


@test
def errors_of_the_server(box, web):
    same(box.get(web.url + "/none.zip"), NOT_FOUND)
    same(len(web.requests), 1)  # a 404 is not tried again
    check("404" in box.text, box.text)
    web.files["/some.zip"] = GOOD
    tries = []

    def act(h, b):
        tries.append(1)
        h.send_error(503) if len(tries) < 3 else plain(h, b)

    web.behavior["/some.zip"] = act
    same(box.get(web.url + "/some.zip"), OK)
    web.behavior["/down.zip"] = lambda h, b: h.send_error(500)
    same(box.get(web.url + "/down.zip", "retries=1", name="down"), NETWORK)
    same(box.get("http://127.0.0.1:1/x.zip", "retries=0", name="down"), NETWORK)
    same(box.get("nonsense://x/x.zip", name="down"), NETWORK)


@test
def html_instead_of_a_zip(box, web):
    web.files["/some.zip"] = b"<html>please log in</html>"
    same(box.get(web.url + "/some.zip"), FORMAT)
    same(box.left(), [])
    web.files["/some.zip"] = b""
    check(box.get(web.url + "/some.zip") in (FORMAT, NETWORK), box.text)
    same(box.pack(), None)


@test
def a_full_disk_leaves_nothing(box, web):
    web.files["/some.zip"] = make_zip([("a.onnx", NET)], zipfile.ZIP_DEFLATED)
    same(box.get(web.url + "/some.zip", "filesize=100000"), IO)  # while downloading
    same(box.left(), [])
    big = make_zip([("a.onnx", onnx(weight=bytes(3_000_000)))], zipfile.ZIP_DEFLATED)
    web.files["/big.zip"] = big
    same(box.get(web.url + "/big.zip", "filesize=200000", name="big"), IO)  # while unpacking
    check(not [f for f in box.left() if "new" in f or f == "big"], box.left())


@test
def proxies_are_used(box, web):
    web.files["/some.zip"] = GOOD
    same(box.get("http://models.invalid/some.zip", "proxy=" + web.url), OK)
    check(web.requests[0][0].startswith("http://models.invalid/"), web.requests)


# ---- Several at the same time ----------------------------------------------------------------------
def held(web, path="/some.zip"):
    """Lets the server stop in the middle of a download: events of its start and for its end."""
    started, go = threading.Event(), threading.Event()

    def act(h, b):
        h.send_response(200)
        h.send_header("Content-Length", str(len(b)))
        h.end_headers()
        h.wfile.write(b[:100_000])
        h.wfile.flush()
        started.set()
        go.wait(30)
        h.wfile.write(b[100_000:])

    web.behavior[path] = act
    return started, go


def finish(process):
    out, errors = process.communicate(timeout=60)
    return int(out.partition(" ")[0]), out, errors


@test
def the_second_waits_for_the_first(box, web):
    web.files["/some.zip"] = GOOD
    started, go = held(web)
    first = box.start("get", "some", box.root, web.url)
    check(started.wait(30), "no download")
    del web.behavior["/some.zip"]
    same(box.get(web.url, "impatient"), CANCELLED)  # may be given up, and harms nobody
    second = [box.start("get", "some", box.root, web.url, *extra) for extra in ((), ("replace",))]
    import_zip = os.path.join(box.dir, "some.zip")
    with open(import_zip, "wb") as f:
        f.write(GOOD)
    second.append(box.start("import", import_zip, "-", box.root))
    for p in second:
        same(p.stderr.readline(), "waiting\n")
    same(len(web.requests), 1)
    same(box.pack(), None)
    go.set()
    same(finish(first)[0], OK)
    same([finish(p)[0] for p in second], [EXISTS, OK, EXISTS])
    same(box.pack(), ["README.md", "SHA256SUMS", "a.onnx"])
    same(box.left(), [".facet-archives.sha256", "some"])


@test
def different_packs_do_not_wait(box, web):
    web.files["/some.zip"] = web.files["/other.zip"] = GOOD
    started, go = held(web)
    first = box.start("get", "some", box.root, web.url)
    check(started.wait(30), "no download")
    same(box.get(web.url, "impatient", name="other"), OK)
    go.set()
    same(finish(first)[0], OK)
    with open(os.path.join(box.root, ".facet-archives.sha256")) as f:
        same(sorted(line.split()[1] for line in f), ["other", "some"])  # neither forgot the other's hash


@test
def many_at_once_leave_one_whole_pack(box, web):
    web.files["/some.zip"] = GOOD
    web.behavior["/some.zip"] = lambda h, b: plain(h, b, delay=0.01)
    many = [box.start("get", "some", box.root, web.url, "replace") for _ in range(6)]
    for p in many:
        status, out, errors = finish(p)
        check(status == OK, out + errors)
    same(box.left(), [".facet-archives.sha256", "some"])
    same(subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=os.path.join(box.root, "some")).returncode, 0)


@test
def what_a_killed_one_leaves_is_cleared(box, web):
    web.files["/some.zip"] = GOOD
    started, go = held(web)
    first = box.start("get", "some", box.root, web.url)
    check(started.wait(30), "no download")
    del web.behavior["/some.zip"]
    first.kill()
    first.communicate()
    go.set()
    os.makedirs(os.path.join(box.root, ".facet-new-some-4242"))
    os.makedirs(os.path.join(box.root, ".facet-new-some-1-4242"))  # of a pack called some-1
    same(box.get(web.url, "impatient"), OK)  # its lock went with it
    same(box.left(), [".facet-archives.sha256", ".facet-new-some-1-4242", "some"])
    # Killed between the two steps of a replacement: the old pack is put back.
    os.rename(os.path.join(box.root, "some"), os.path.join(box.root, ".facet-old-some-4242"))
    same(box.get(web.url), EXISTS)
    same(box.pack(), ["README.md", "SHA256SUMS", "a.onnx"])
    os.makedirs(os.path.join(box.root, ".facet-old-some-4243"))
    same(box.get(web.url, "replace"), OK)
    same(box.left(), [".facet-archives.sha256", ".facet-new-some-1-4242", "some"])


# ---- Archives --------------------------------------------------------------------------------------
@test
def nested_folders_are_taken_off(box, web):
    same(box.load(make_zip([("antelope/", b""), ("antelope/a.onnx", NET), ("antelope/x.txt", b"1"),
                            ("__MACOSX/antelope/._a.onnx", b"junk"), ("other/readme.txt", b"2")])), OK)
    same(box.pack(), ["SHA256SUMS", "a.onnx", "x.txt"])
    same(box.load(make_zip([("one/a.onnx", NET), ("two/b.onnx", NET)]), name="two"), FORMAT)
    same(box.pack("two"), None)


@test
def archives_that_leave_their_folder(box, web):
    for bad in ("../evil.onnx", "/etc/evil.onnx", "a/../../evil.onnx", "..\\evil.onnx", "C:/evil.onnx", "a/..",
                "x\ny.onnx"):
        same(box.load(make_zip([("a.onnx", NET), (bad, NET)])), FORMAT)
        same(box.left(), [])
        check(not os.path.exists(os.path.join(box.dir, "evil.onnx")), bad)


@test
def links_and_devices_are_refused(box, web):
    for kind in (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO):
        entry = zipfile.ZipInfo("link.onnx")
        entry.create_system = 3
        entry.external_attr = (kind | 0o777) << 16
        same(box.load(make_zip([("a.onnx", NET), (entry, b"/etc/passwd")])), FORMAT)
        same(box.left(), [])


@test
def bombs_are_refused(box, web):
    same(box.load(make_zip([("a.onnx", bytes(300_000_000))], zipfile.ZIP_DEFLATED)), LIMIT)
    same(box.load(make_zip([(f"{i}.onnx", b"") for i in range(300)])), FORMAT)
    liar = bytearray(make_zip([("a.onnx", NET)]))
    at = liar.rfind(b"PK\x01\x02")
    liar[at + 24:at + 28] = (0xF0000000).to_bytes(4, "little")  # says it unpacks to 4 GB
    check(box.load(bytes(liar)) in (LIMIT, FORMAT), box.text)
    same(box.left(), [])


@test
def damaged_archives(box, web):
    for n in (0, 10, len(GOOD) // 2, len(GOOD) - 3):
        same(box.load(GOOD[:n]), FORMAT)
    flipped = bytearray(GOOD)
    flipped[200_000] ^= 1  # in the weights: the checksum tells
    same(box.load(bytes(flipped)), FORMAT)
    same(box.load(make_zip([("README", b"no networks")])), FORMAT)
    same(box.load(make_zip([("a.onnx", b"not a network")])), FORMAT)
    same(box.load(make_zip([("a.onnx", onnx(side=50))])), FORMAT)  # a network, but of no known kind
    same(box.load(make_zip([("a.onnx", NET[:5000])])), FORMAT)
    same(box.left(), [])


@test
def folders_can_be_imported(box, web):
    source = os.path.join(box.dir, "mine")
    os.makedirs(os.path.join(source, "deep"))
    for name in ("a.onnx", "deep/b.onnx", ".secret"):
        with open(os.path.join(source, name), "wb") as f:
            f.write(NET)
    same(box.call("import", source + "/", "-", box.root), OK)
    same(box.pack("mine"), ["SHA256SUMS", "a.onnx"])
    same(box.call("import", os.path.join(box.dir, "nothing"), "-", box.root), NOT_FOUND)
    same(box.call("import", os.path.join(source, "deep"), "..", box.root), ARG)


# ---- What is there ------------------------------------------------------------------------------------
@test
def verify_tells_what_changed(box, web):
    same(box.load(make_zip([("a.onnx", NET), ("b.onnx", NET), ("c.onnx", NET)])), OK)
    with open(os.path.join(box.root, "some", "b.onnx"), "r+b") as f:
        f.write(b"x")
    os.remove(os.path.join(box.root, "some", "c.onnx"))
    with open(os.path.join(box.root, "some", "d.onnx"), "wb") as f:
        f.write(b"x")
    same(box.call("verify", "some", box.root), OK)
    same([x for x in box.out.splitlines() if x.startswith("file")],
         ["file a.onnx 1", "file b.onnx 3", "file d.onnx 2", "file c.onnx 4"])
    same(box.call("verify", "other", box.root), NOT_FOUND)
    same(box.call("verify", "../some", box.root), ARG)


@test
def list_and_remove(box, web):
    same(box.call("list", box.root), OK)  # no store yet
    check("pack buffalo_l known 0 0" in box.out, box.out)
    same(box.load(GOOD), OK)
    os.makedirs(os.path.join(box.root, "notes"))
    same(box.call("list", box.root), OK)
    check("pack some installed 1" in box.out and "notes" not in box.out, box.out)
    same(box.call("remove", "notes", box.root), ARG)
    same(box.call("remove", "..", box.root), ARG)
    same(box.call("remove", "some", box.root), OK)
    same(box.call("remove", "some", box.root), NOT_FOUND)
    outside = os.path.join(box.dir, "outside")
    os.makedirs(outside)
    with open(os.path.join(outside, "a.onnx"), "wb") as f:
        f.write(NET)
    os.symlink(outside, os.path.join(box.root, "linked"))
    status = box.call("remove", "linked", box.root)  # the link, not what it leads to
    check(ON_WINDOWS or status == OK, box.text)  # Wine refuses: it takes the link for the folder
    check(os.path.exists(os.path.join(outside, "a.onnx")), "removed through a link")


def main():
    skipped = 0
    for f in TESTS:
        box, web = Box(sys.argv[1]), Server()
        try:
            f(box, web)
            PASSED.append(f.__name__)
        except Skip as e:
            skipped += 1
            print(f"SKIP {f.__name__}: {e}")
        except (AssertionError, OSError) as e:
            if "not installed" in getattr(box, "text", "") or "built without" in getattr(box, "text", ""):
                skipped += 1
                print(f"SKIP {f.__name__}: {box.text}")
            else:
                FAILED.append(f.__name__)
                print(f"FAIL {f.__name__}: line {e.__traceback__.tb_next.tb_lineno}: {e}; {getattr(box, 'text', '')}")
        finally:
            web.http.shutdown()
            shutil.rmtree(box.dir, ignore_errors=True)
    print(f"{len(PASSED)} passed, {len(FAILED)} failed, {skipped} skipped")
    return 1 if FAILED else 0


sys.exit(main())
