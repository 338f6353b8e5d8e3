#!/usr/bin/env python3
"""facet against the InsightFace package: every field of every face of every photo.

    insightface_parity.py [--shared DIR] [--models DIR] [--pack weights|generated|all] [--photos GLOB] [-v]

Needs insightface, onnxruntime, onnx and OpenCV in the interpreter that runs it, and facet's
library (FCT_LIBRARY). Both sides get the same decoded pixels, so that decoders are left out
of the comparison. --shared: folder with weights/ and photos/; --models: folder of generated
networks (gen_models.py). Exit status: 0 all agree, 1 a difference, 77 nothing to compare with.

Limits: the same faces with IoU > 0.99, score within 1e-3, landmarks within 0.5 px, pose within
0.1 degree, gender equal, age within 1 where a rounding tie is shown, else equal, embedding
cosine > 0.999. A face whose score lies within 1e-3 of the threshold may be missing on one side.

The landmark and attribute networks of the generator have random weights and magnify their input:
a box moved by 1e-5 pixel, less than float32 resolves there, changes a few bytes of the crop by one
gray level and landmarks by several pixels (the last lines show it, reference against reference).
They are therefore compared on the reference's own boxes, in exact arithmetic.
"""

import argparse
import glob
import logging
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "python"))
try:
    import cv2
    import numpy as np
    import onnx
    from insightface.app import FaceAnalysis as Reference
    from insightface import __version__ as reference_version
except ImportError as e:
    print(
        f"SKIP insightface_parity: no InsightFace package to compare with: {e}; pip install insightface opencv-python"
        " onnx for this Python"
    )
    sys.exit(77)
from facet.app import FaceAnalysis

THRESH = 0.5


def link(folder, path, name=None):
    os.symlink(os.path.abspath(path), os.path.join(folder, name or os.path.basename(path)))


def rename_nodes(source, target):
    """Takes the slash off node names: InsightFace looks for Sub and Mul at their start."""
    model = onnx.load(source)
    for node in model.graph.node:
        node.name = node.name.lstrip("/")
    onnx.save(model, target)


def make_packs(root, args):
    """Pack name -> options for facet; folders under root/models."""
    packs, weights, models = {}, os.path.join(args.shared, "weights"), args.models

    def folder(name, **options):
        path = os.path.join(root, "models", name)
        os.makedirs(path)
        packs[name] = options
        return path

    if args.pack in ("weights", "all") and os.path.isdir(weights):
        for name, det, rec in (
            ("w25_y1", "scrfd_2.5g_kps", "mfnet_y1"),
            ("w500_v2", "scrfd_500m_kps", "mobileface_v2"),
        ):
            # As published, facet bound to InsightFace's rule by names; and with names that this rule knows.
            path = folder(name + "_published", names_only=True)
            link(path, os.path.join(weights, det + ".onnx"))
            link(path, os.path.join(weights, rec + ".onnx"))
            path = folder(name)
            link(path, os.path.join(weights, det + ".onnx"))
            rename_nodes(os.path.join(weights, rec + ".onnx"), os.path.join(path, rec + ".onnx"))
    if args.pack in ("generated", "all") and models and os.path.isdir(models):
        # A generated detector finds no faces, so a real one goes before it (in path order).
        for name, det, rec in (("gen_r50", "scrfd_2.5g_kps", "w600k_r50"), ("gen_mbf", "scrfd_500m_kps", "w600k_mbf")):
            path = folder(name, precision="exact", known=True)
            link(path, os.path.join(weights, det + ".onnx"), "1det.onnx")
            for part in ("1k3d68", "2d106det", "genderage", rec):
                link(path, os.path.join(models, part + ".onnx"))
    return packs


def iou(a, b):
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    inter = max(w, 0) * max(h, 0)
    return inter / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter)


class Worst(dict):
    """Largest deviation seen of each kind, and the failures."""

    def __init__(self):
        super().__init__()
        self.failures, self.faces, self.photos = [], 0, 0

    def see(self, kind, value, limit, where):
        self[kind] = max(self.get(kind, 0.0), float(value))
        if not value <= limit:
            self.failures.append(f"{where}: {kind} {value:.5g} (limit {limit:g})")


def compare_faces(a, b, where, worst):
    worst.see("1 - IoU", 1 - iou(a.bbox, b.bbox), 0.01, where)
    worst.see("score", abs(a.det_score - b.det_score), 1e-3, where)
    worst.see("kps px", np.abs(a.kps - b.kps).max(), 0.5, where)
    for key in ("landmark_2d_106", "landmark_3d_68"):
        if getattr(a, key) is not None:
            worst.see(key + " px", np.abs(a[key] - b[key]).max(), 0.5, where)
    if a.pose is not None:
        worst.see("pose degrees", np.abs((a["pose"] - b["pose"] + 180) % 360 - 180).max(), 0.1, where)
    if a.gender is not None:
        worst.see("gender", abs(int(a["gender"]) - int(b["gender"])), 0, where)
        worst.see("age years", abs(int(a["age"]) - int(b["age"])), 0, where)
    if a.embedding is not None:
        worst.see("1 - cosine", 1 - a.normed_embedding @ b.normed_embedding, 1e-3, where)


def compare_photo(ref, ours, where, worst):
    """Pairs the faces by overlap; what stays single must lie at the threshold."""
    left = list(ours)
    for a in ref:
        b = max(left, key=lambda f: iou(a.bbox, f.bbox), default=None)
        if b is None or iou(a.bbox, b.bbox) < 0.5:
            if a.det_score > THRESH + 1e-3:
                worst.failures.append(f"{where}: a face of score {a.det_score:.4f} is missing")
            continue
        left = [f for f in left if f is not b]
        worst.faces += 1
        compare_faces(a, b, where, worst)
    for b in left:
        if b.det_score > THRESH + 1e-3:
            worst.failures.append(f"{where}: a face of score {b.det_score:.4f} is not the reference's")


def jitter(ref, img, faces, worst):
    """How far the reference's landmarks move when a box moves by 1e-5 pixel."""
    model = ref.models.get("landmark_3d_68")
    for face in faces if model else ():
        moved = type(face)(bbox=(face.bbox.astype(np.float64) + 1e-5), kps=face.kps)
        model.get(img, moved)
        worst["moved px"] = max(
            worst.get("moved px", 0.0), float(np.abs(moved.landmark_3d_68 - face.landmark_3d_68).max())
        )


def analyze_known(ours, img, faces):
    """facet's tasks after detection on the reference's boxes and landmarks."""
    boxes, kps = np.array([f.bbox for f in faces]), np.array([f.kps for f in faces])
    found = ours._analyzer.run_known(img, boxes, kps, ours._options())
    for face, values in zip(faces, found):
        values["det_score"] = face.det_score
    return [ours._face(v) for v in found]


def run_pack(name, options, root, photos, det_size, args):
    options = dict(options)
    known = options.pop("known", False)
    with open(os.devnull, "w") as null:
        stdout, sys.stdout = sys.stdout, null  # the reference prints
        try:
            ref = Reference(name=name, root=root, providers=["CPUExecutionProvider"])
            ref.prepare(-1, det_thresh=THRESH, det_size=det_size)
        finally:
            sys.stdout = stdout
    ours = FaceAnalysis(name=name, root=root, **options)
    ours.prepare(0, det_thresh=THRESH, det_size=det_size)
    worst = Worst()
    for photo in photos:
        img = cv2.imread(photo)
        if img is None:
            continue
        worst.photos += 1
        faces = ref.get(img)
        found = (analyze_known(ours, img, faces) if faces else []) if known else ours.get(img)
        compare_photo(faces, found, f"{name} {os.path.basename(photo)}", worst)
        if known:
            jitter(ref, img, faces, worst)
        for metric in ("default", "max"):  # the limit keeps the same faces, in the same order
            a, b = (
                (x.get(img, max_num=2, det_metric=metric) for x in (ref, ours))
                if args.limits and not known
                else ((), ())
            )
            if len(a) != len(b) or any(iou(f.bbox, g.bbox) < 0.99 for f, g in zip(a, b)):
                worst.failures.append(f"{name} {os.path.basename(photo)}: max_num by {metric} differs")
    print(
        f"{name}, size {det_size or 'auto'}: {worst.photos} photos, {worst.faces} faces; largest deviations: "
        + ", ".join(f"{k} {v:.2g}" for k, v in worst.items())
    )
    return worst.failures


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--shared", default=os.environ.get("FCT_SHARED", os.path.join(HERE, "../../../shared")))
    p.add_argument("--models", default=os.environ.get("FCT_GENMODELS"))
    p.add_argument("--pack", default="all", choices=("weights", "generated", "all"))
    p.add_argument("--photos", default="photos/*/*.*g")
    p.add_argument("--limits", action="store_true", help="compare max_num too")
    args = p.parse_args()
    logging.disable(logging.WARNING)
    photos = sorted(glob.glob(os.path.join(args.shared, args.photos)))
    if not photos:
        print(f"SKIP insightface_parity: no photos in {args.shared}")
        return 77
    print(f"insightface {reference_version}, OpenCV {cv2.__version__}")
    failures = []
    with tempfile.TemporaryDirectory() as root:
        packs = make_packs(root, args)
        if not packs:
            print("SKIP insightface_parity: no packs to compare with")
            return 77
        for name, options in packs.items():
            sizes = (None, (640, 640)) if name in ("w25_y1", "w500_v2") else (None,)
            for det_size in sizes:
                failures += run_pack(name, options, root, photos, det_size, args)
    for line in failures:
        print("DIFFERS", line)
    print(f"{len(failures)} differences")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
