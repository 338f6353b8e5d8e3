"""One side of compare.py: `worker.py facet|insightface OPTIONS`, OPTIONS as JSON.

A user's script, timed from its first line: imports, FaceAnalysis, prepare, a picture by
OpenCV, get. Prints one JSON line with the times and the process's peak memory, then answers
each line with a number of seconds by the times of the calls of get() made in them, and an
empty line by the peak so far."""
import time

START = time.perf_counter()
import contextlib
import json
import os
import sys


def peak_mb():
    """Largest resident size of this process so far, the kernel's own figure."""
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) / 1024


def main():
    side, options = sys.argv[1], json.loads(sys.argv[2])
    import cv2

    img = cv2.imread(options["picture"])
    opened = time.perf_counter()
    if side == "facet":
        from facet.app import FaceAnalysis
    else:
        from insightface.app import FaceAnalysis
    imported = time.perf_counter()
    with contextlib.redirect_stdout(open(os.devnull, "w")):  # insightface prints
        app = FaceAnalysis(name=options["name"], root=options["root"], providers=["CPUExecutionProvider"])
        size = tuple(options["size"]) if options["size"] else None
        app.prepare(ctx_id=0, det_thresh=options["thresh"], det_size=size)
    loaded = time.perf_counter()
    faces = app.get(img)
    end = time.perf_counter()
    fields = sorted(k for k, v in faces[0].items() if v is not None) if faces else []
    print(json.dumps({"first_s": end - START, "opencv_s": opened - START, "import_s": imported - opened,
                      "load_s": loaded - imported, "get_s": end - loaded, "faces": len(faces), "fields": fields,
                      "scores": [round(float(f.det_score), 3) for f in faces], "peak_mb": peak_mb()}), flush=True)
    for line in sys.stdin:
        if not line.strip():
            print(json.dumps(peak_mb()), flush=True)
            continue
        times, stop = [], time.perf_counter() + float(line)
        while not times or time.perf_counter() < stop:
            t = time.perf_counter()
            app.get(img)
            times.append(time.perf_counter() - t)
        print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main()
