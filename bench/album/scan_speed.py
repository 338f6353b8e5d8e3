#!/usr/bin/env python3
"""facet album scan against the InsightFace package in a Python loop with a process per core, on the same networks
and the same photos, taking turns.

    scan_speed.py --facet build/tools/facet --weights ../shared/weights --scenes ../shared/faces/scenes.tar

Two libraries are made of the photos in the archive: as they are (--small), and enlarged to 12 megapixels, as a
phone takes them (--large). Each turn gives both sides new photos, as many as --turn says: facet adds them to one
album, from reading the folder to the last commit; each InsightFace process has its networks loaded already and
reads its share (cv2.imread, app.get). Start-up is left out for InsightFace and counted for facet; turns last some
seconds, so that it decides as little as in a library of 100,000 photos. Both detect at 640 x 640, which is the
package's way for photos.

Prints each turn, the ratio of the medians, facet's peak memory in the first and the last turn, and bytes per face.
--again N: makes an album of N small files and measures a second scan of it, in which nothing is new.
"""

import argparse
import functools
import io
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time

DET, EMB = "scrfd_2.5g_kps.onnx", "mobileface_v2.onnx"
LARGE = 40  # different pictures of 12 megapixels
SMALL_TURN, LARGE_TURN = 1280, 640  # photos: some eight seconds of two cores


@functools.lru_cache(maxsize=LARGE)
def large_photo(archive, i):
    """The archive's picture i with 12 million pixels, as JPEG."""
    from PIL import Image

    with tarfile.open(archive) as tar:
        members = [m for m in tar.getmembers() if m.isfile()]
        im = Image.open(io.BytesIO(tar.extractfile(members[i]).read())).convert("RGB")
    k = (12e6 / (im.width * im.height)) ** 0.5
    out = io.BytesIO()
    im.resize((round(im.width * k), round(im.height * k)), Image.BICUBIC).save(out, "JPEG", quality=90)
    return out.getvalue()


@functools.lru_cache(maxsize=1)
def small_photos(archive):
    """All of the archive's pictures, as JPEG."""
    from PIL import Image

    photos = []
    with tarfile.open(archive) as tar:
        for m in tar.getmembers()[:3000]:
            if not m.isfile():
                continue
            out = io.BytesIO()
            Image.open(io.BytesIO(tar.extractfile(m).read())).convert("RGB").save(out, "JPEG", quality=90)
            photos.append(out.getvalue())
    return photos


def make_photos(archive, folder, n, large, first):
    """n JPEG files, each with bytes of its own behind the picture, so that no two are the same photo. Of large ones
    there are LARGE pictures, which come again in each turn."""
    paths = []
    os.makedirs(folder, exist_ok=True)
    small = [] if large else small_photos(archive)
    for i in range(first, first + n):
        path = os.path.join(folder, "%06d.jpg" % i)
        with open(path, "wb") as f:
            f.write((large_photo(archive, i % LARGE) if large else small[i % len(small)]) + b"%d" % i)
        os.utime(path, (1500000000, 1500000000))
        paths.append(path)
    return paths


def reader(root, det_size, inbox, outbox):
    """One process of the other side: the loop that its users write."""
    os.environ["OMP_NUM_THREADS"] = "1"
    import cv2
    import onnxruntime

    cv2.setNumThreads(1)
    plain = onnxruntime.SessionOptions

    def one_thread():
        o = plain()
        o.intra_op_num_threads = o.inter_op_num_threads = 1
        return o

    onnxruntime.SessionOptions = one_thread
    sessions = onnxruntime.InferenceSession

    class Single(sessions):
        def __init__(self, path, *args, **more):
            more.setdefault("sess_options", one_thread())
            super().__init__(path, *args, **more)

    onnxruntime.InferenceSession = Single
    from insightface.app import FaceAnalysis

    app = FaceAnalysis(name="pair", root=root, providers=["CPUExecutionProvider"])
    app.prepare(ctx_id=-1, det_size=(det_size, det_size))
    outbox.put("ready")
    for paths in iter(inbox.get, None):
        faces, start = 0, time.process_time()
        for path in paths:
            faces += len([f.normed_embedding for f in app.get(cv2.imread(path))])
        outbox.put((faces, time.process_time() - start))


class Peer:
    def __init__(self, root, cores, det_size):
        self.inboxes = [multiprocessing.Queue() for _ in range(cores)]
        self.outbox = multiprocessing.Queue()
        self.processes = [
            multiprocessing.Process(target=reader, args=(root, det_size, i, self.outbox), daemon=True)
            for i in self.inboxes
        ]
        for p in self.processes:
            p.start()
        for _ in self.processes:
            self.outbox.get(timeout=120)

    def turn(self, paths):
        start = time.perf_counter()
        for i, inbox in enumerate(self.inboxes):
            inbox.put(paths[i :: len(self.inboxes)])
        got = [self.outbox.get() for _ in self.inboxes]
        return time.perf_counter() - start, sum(g[0] for g in got), sum(g[1] for g in got)

    def close(self):
        for inbox in self.inboxes:
            inbox.put(None)
        for p in self.processes:
            p.join()


def facet_turn(args, pack, album, folder, det_size="640"):
    """Seconds, faces, seconds of the processor and peak memory of one scan."""
    command = [args.facet, "album", "scan", folder, "-m", pack, "-a", album, "--det-size", det_size, "--json", "-q"]
    start = time.perf_counter()
    p = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    out = p.stdout.read()
    _, status, usage = os.wait4(p.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        sys.exit("facet album scan: status %d" % status)
    return seconds, json.loads(out.splitlines()[0])["faces"], usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def compare(args, work, large):
    name = "12 megapixels" if large else "as they are (384 pixels)"
    pack = os.path.join(work, "models", "pair")
    album, library = os.path.join(work, "%d.db" % large), os.path.join(work, "lib%d" % large)
    peer = Peer(work, args.cores, 640)
    ours, theirs, memory, work_ratios = [], [], [], []
    faces = 0
    facet_turn(args, pack, os.path.join(work, "warm.db"), make_warm(args, work))  # the cache of prepared weights
    for turn in range(args.turns):
        n = args.turn or (LARGE_TURN if large else SMALL_TURN)
        folder = os.path.join(library, str(turn))
        paths = make_photos(args.scenes, folder, n, large, turn * n)
        for path in paths:  # neither side reads from the disk
            with open(path, "rb") as f:
                f.read()
        pair = [None, None]
        for side in (0, 1) if turn % 2 else (1, 0):
            pair[side] = facet_turn(args, pack, album, folder) if side == 0 else peer.turn(paths)
        ours.append(n / pair[0][0])
        theirs.append(n / pair[1][0])
        memory.append(pair[0][3])
        work_ratios.append(pair[1][2] / pair[0][2])
        faces += pair[0][1]
        print(
            "%s, turn %d: facet %.1f photos/s (%d faces, %.0f MiB), InsightFace %.1f photos/s (%d faces), ratio %.2f, "
            "of processor time %.2f"
            % (name, turn, ours[-1], pair[0][1], memory[-1], theirs[-1], pair[1][1], ours[-1] / theirs[-1],
               work_ratios[-1]),
            flush=True,
        )
        if turn + 1 < args.turns:
            shutil.rmtree(folder)
    peer.close()
    ratios = [a / b for a, b in zip(ours, theirs)]
    size = os.path.getsize(album)
    print(
        "%s: median ratio %.2f (%.2f to %.2f), of processor time %.2f; facet %.1f, InsightFace %.1f photos/s; "
        "peak memory %.0f then %.0f MiB; %.0f bytes a face"
        % (name, statistics.median(ratios), min(ratios), max(ratios),
                               statistics.median(work_ratios), statistics.median(ours),
                               statistics.median(theirs), memory[0], memory[-1], size / max(faces, 1))
    )


def make_warm(args, work):
    folder = os.path.join(work, "warm")
    if not os.path.isdir(folder):
        make_photos(args.scenes, folder, 4, False, 2950)
    return folder


def second_scan(args, work):
    """An album of many small files, then a scan in which nothing is new."""
    pack, folder = os.path.join(work, "models", "pair"), os.path.join(work, "many")
    album = os.path.join(work, "many.db")
    from PIL import Image

    data = io.BytesIO()
    Image.new("RGB", (32, 32), (90, 120, 40)).save(data, "JPEG")
    for i in range(args.again):
        sub = os.path.join(folder, "%03d" % (i // 500))
        os.makedirs(sub, exist_ok=True)
        path = os.path.join(sub, "IMG_%06d.jpg" % i)
        with open(path, "wb") as f:
            f.write(data.getvalue() + b"%d" % i)
        os.utime(path, (1500000000, 1500000000))
    first = facet_turn(args, pack, album, folder, "32")
    again = [facet_turn(args, pack, album, folder, "32") for _ in range(3)]
    print(
        "%d small files: first scan %.1f s (%.0f MiB), second %.2f s (%.0f MiB)"
        % (args.again, first[0], first[3], min(a[0] for a in again), again[0][3])
    )


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--facet", default="build/tools/facet")
    p.add_argument("--weights", default="../shared/weights")
    p.add_argument("--scenes", default="../shared/faces/scenes.tar")
    p.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--turns", type=int, default=7)
    p.add_argument("--turn", type=int, default=0, help="photos a turn (default 1280 small, 640 large)")
    p.add_argument("--small", action="store_true")
    p.add_argument("--large", action="store_true")
    p.add_argument("--again", type=int, default=0)
    args = p.parse_args()
    args.facet = os.path.abspath(args.facet)
    with tempfile.TemporaryDirectory() as work:
        os.environ["XDG_CACHE_HOME"] = work
        models = os.path.join(work, "models", "pair")
        os.makedirs(models)
        for name in (DET, EMB):
            shutil.copy(os.path.join(args.weights, name), models)
        if args.small or not (args.large or args.again):
            compare(args, work, False)
        if args.large or not (args.small or args.again):
            compare(args, work, True)
        if args.again:
            second_scan(args, work)


if __name__ == "__main__":
    main()
