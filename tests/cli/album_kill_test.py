#!/usr/bin/env python3
"""facet album scan, killed, twice at once, on a full disk, without the right to write, and beside somebody who
changes a photo all the time: the album stays whole, and the next scan ends what was begun.

usage: album_kill_test.py FACET MAKE_PACK [NAME...]"""

import hashlib
import os
import pathlib
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))
from report import Report, toy_pack

FACET, MAKE_PACK = (os.path.abspath(p) for p in sys.argv[1:3])
PHOTOS, KILLS = 200, 100
report = Report()


def scan(album, *words, **more):
    command = [FACET, "album", "scan", "-q", "-m", "pack", "-a", album, *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def finished(process):
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def check(album):
    """The faults of the album's file, as facet finds them."""
    p = subprocess.run([FACET, "album", "check", "-a", album], capture_output=True, text=True)
    return [] if p.returncode == 0 else ["%s: %s" % (album, p.stderr.strip())]


def contents(album):
    """What is in the album, without numbers that depend on the order of reading."""
    with sqlite3.connect("file:%s?mode=ro" % album, uri=True) as db:
        return sorted(
            db.execute(
                "SELECT d.path, f.name, f.size, hex(p.hash), p.width, x.x1, x.y1, x.x2, x.y2, x.score, hex(e.data), "
                "hex(c.jpeg) FROM file f JOIN folder d ON d.id = f.folder_id LEFT JOIN photo p ON p.id = f.photo_id "
                "LEFT JOIN face x ON x.photo_id = p.id LEFT JOIN embedding e ON e.face_id = x.id "
                "LEFT JOIN crop c ON c.face_id = x.id"
            ).fetchall()
        )


def count(album):
    if not os.path.exists(album):
        return 0
    with sqlite3.connect("file:%s?mode=ro" % album, uri=True) as db:
        try:
            return db.execute("SELECT count(*) FROM photo").fetchone()[0]
        except sqlite3.OperationalError:
            return 0  # killed before the tables were made


def make_library():
    """Photos that differ: a JPEG may have anything behind its end."""
    names = ["ada2.jpg"]
    for i in range(PHOTOS):
        folder = pathlib.Path("library", "%02d" % (i % 7))
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / ("%d.jpg" % i)
        path.write_bytes(pathlib.Path(names[i % len(names)]).read_bytes() + b"%d" % i)
        os.utime(path, (1500000000, 1500000000))


def whole():
    """a scan from beginning to end"""
    code, _, err = finished(scan("whole.db", "library"))
    if code:
        return ["scan: %d %s" % (code, err)]
    faults = check("whole.db")
    if len(contents("whole.db")) != PHOTOS:
        faults.append("%d rows" % len(contents("whole.db")))
    return faults


def killed():
    """killed %(kills)d times"""
    faults, kills, before = [], 0, 0
    rnd = random.Random(1)
    longest = 0.4
    while kills < KILLS and not faults:
        p = scan("killed.db", "library")
        time.sleep(rnd.uniform(0.02, longest))
        if p.poll() is not None:  # it has ended: begin anew, with less time
            faults += [] if p.returncode == 0 else ["scan: " + p.stderr.read()]
            longest *= 0.8
            for end in ("", "-wal", "-shm"):
                pathlib.Path("killed.db" + end).unlink(missing_ok=True)
            before = 0
            continue
        p.kill()
        p.wait()
        kills += 1
        now = count("killed.db")
        if now < before:
            faults.append("after kill %d: %d photos of %d" % (kills, now, before))
        before = now
        if now and kills % 5 == 0:
            faults += check("killed.db")
    code, _, err = finished(scan("killed.db", "library"))
    if code:
        faults.append("the last scan: %d %s" % (code, err))
    if contents("whole.db") != contents("killed.db"):
        faults.append("an album after kills is another than one that was scanned at once")
    return faults + check("killed.db")


def twice():
    """two scans at once"""
    first = scan("twice.db", "library")
    for _ in range(500):
        if os.path.exists("twice.db-scan"):
            break
        time.sleep(0.01)
    first.send_signal(signal.SIGSTOP)
    code, _, err = finished(scan("twice.db", "library"))
    first.send_signal(signal.SIGCONT)
    faults = []
    if code != 3 or "is being scanned by another program" not in err:
        faults.append("the second scan: %d %s" % (code, err))
    code, _, err = finished(first)
    if code:
        faults.append("the first scan: %d %s" % (code, err))
    if os.path.exists("twice.db-scan"):
        faults.append("the lock is left")
    return faults + check("twice.db")


def small_disk():
    """No file may grow beyond 400 KiB: as a full disk, writing fails."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400 << 10, 400 << 10))


def full():
    """a full disk"""
    code, _, err = finished(scan("full.db", "library", preexec_fn=small_disk))
    faults = []
    if code != 3 or "disk" not in err or "full" not in err:
        faults.append("on a full disk: %d %s" % (code, err))
    faults += check("full.db")
    code, _, err = finished(scan("full.db", "library"))
    if code or contents("full.db") != contents("whole.db"):
        faults.append("after the disk was full: %d %s" % (code, err))
    return faults


def another_user():
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)


def read_only():
    """an album that may not be written"""
    global FACET
    usual = FACET
    FACET = shutil.copy(FACET, os.path.abspath("facet-copy"))  # where another user may run it
    try:
        return read_only_faults()
    finally:
        FACET = usual


def read_only_faults():
    os.makedirs("closed", exist_ok=True)
    data = pathlib.Path("whole.db").read_bytes()
    pathlib.Path("closed/album.db").write_bytes(data)
    os.chmod("closed/album.db", 0o444)
    os.chmod("closed", 0o555)
    code, _, err = finished(scan("closed/album.db", "library", preexec_fn=another_user))
    faults = []
    if code != 3 or "denied" not in err and "not writable" not in err and "read" not in err:
        faults.append("an album that may not be written: %d %s" % (code, err))
    p = subprocess.run(
        [FACET, "album", "status", "-a", "closed/album.db"], preexec_fn=another_user, capture_output=True, text=True
    )
    if p.returncode or "%d files" % PHOTOS not in p.stdout:
        faults.append("its status: %d %s" % (p.returncode, p.stderr))
    os.chmod("closed", 0o755)
    if pathlib.Path("closed/album.db").read_bytes() != data:
        faults.append("it was changed")
    return faults


def changing():
    """a photo that is written again and again, in place, while scans run"""
    path, stop = pathlib.Path("library/00/0.jpg"), threading.Event()
    short, long = path.read_bytes(), pathlib.Path("ada2.jpg").read_bytes() + bytes(3000)

    def change():
        i = 0
        while not stop.is_set():
            i += 1
            with open(path, "r+b") as f:
                f.truncate(len(short) // 2)
                f.seek(0)
                f.write((long if i % 2 else short) + b"%d" % i)

    writer = threading.Thread(target=change)
    writer.start()
    faults = []
    for _ in range(10):
        code, _, err = finished(scan("changing.db", "library"))
        if code not in (0, 3):
            faults.append("scan: %d %s" % (code, err))
        faults += check("changing.db")
    stop.set()
    writer.join()
    code, _, err = finished(scan("changing.db", "library"))
    digest = hashlib.sha256(path.read_bytes()).hexdigest().upper()
    rows = [r for r in contents("changing.db") if r[1] == "0.jpg"]
    if code or len(rows) != 1 or rows[0][3] != digest or rows[0][5] is None:
        faults.append("when it rests: %d %s %s" % (code, err, rows[:1]))
    return faults


with tempfile.TemporaryDirectory() as folder:
    os.chmod(folder, 0o755)
    os.chdir(folder)
    os.environ.update(HOME=folder, XDG_CACHE_HOME=folder)
    toy_pack(MAKE_PACK, pathlib.Path(folder))
    make_library()
    for test in (whole, killed, twice, full, read_only, changing):
        if test == read_only and os.environ.get("FCT_WINDOWS"):
            report.skip(test.__doc__, "another user of Linux has no Wine, and Windows other rights")
        elif len(sys.argv) < 4 or test == whole or test.__name__ in sys.argv[3:]:
            report.check(test.__doc__ % {"kills": KILLS}, test())
report.close()
