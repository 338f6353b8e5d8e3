#!/usr/bin/env python3
"""Scripts written for the InsightFace package, with facet in their import lines.

Needs FCT_LIBRARY, NumPy, OpenCV, FCT_SHARED with weights/ and photos/."""
import os
import subprocess
import sys
import tempfile
import textwrap
import unittest

PYTHON = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
SHARED = os.environ.get("FCT_SHARED", "")
WEIGHTS, PHOTOS = (os.path.join(SHARED, *p) for p in (("weights",), ("photos", "insightface")))

ANALYSIS = """
    import cv2, numpy as np
    from {0}.app import FaceAnalysis
    from {0}.data import get_image
    app = FaceAnalysis(providers=["CPUExecutionProvider"])
    app.prepare(ctx_id=0, det_size=(640, 640))
    img = get_image("t1")
    faces = app.get(img)
    assert cv2.imwrite("out.jpg", app.draw_on(img, faces))
    feats = np.stack([f.normed_embedding for f in faces])
    sims = feats @ feats.T
    assert np.allclose(np.diag(sims), 1, atol=1e-5)
    print(len(faces))
"""
ONE_BY_ONE = """
    import os, cv2, {0}
    from {0}.app.common import Face
    from {0}.model_zoo import get_model
    from {0}.utils import face_align
    folder = os.path.expanduser("~/.insightface/models/buffalo_l")
    detector = {0}.model_zoo.get_model(os.path.join(folder, "det.onnx"), providers=["CPUExecutionProvider"])
    detector.prepare(ctx_id=-1, input_size=(640, 640), det_thresh=0.5)
    recognizer = get_model(os.path.join(folder, "w.onnx"))
    recognizer.prepare(ctx_id=-1)
    img = {0}.data.get_image("t1", to_rgb=False, use_cache=False)
    boxes, points = detector.detect(img, max_num=2)
    face = Face(bbox=boxes[0, :4], kps=points[0], det_score=boxes[0, 4])
    recognizer.get(img, face)
    crop = face_align.norm_crop(img, landmark=points[0], image_size=112)
    assert recognizer.compute_sim(face.embedding, recognizer.get_feat(crop)) > 0.999
    print(len(boxes), face.embedding.shape[0])
"""


@unittest.skipUnless(os.path.isdir(WEIGHTS) and os.path.isdir(PHOTOS), "no weights or photos")
class ScriptTest(unittest.TestCase):
    def run_script(self, text):
        with tempfile.TemporaryDirectory() as home:
            pack = os.path.join(home, ".insightface", "models", "buffalo_l")
            os.makedirs(pack)
            for link, name in (("det.onnx", "scrfd_500m_kps.onnx"), ("w.onnx", "mfnet_y1.onnx")):
                os.symlink(os.path.abspath(os.path.join(WEIGHTS, name)), os.path.join(pack, link))
            r = subprocess.run([sys.executable, "-c", textwrap.dedent(text).format("facet")], capture_output=True,
                               text=True, cwd=home, env={**os.environ, "HOME": home, "PYTHONPATH": PYTHON,
                                                         "FCT_IMAGES": os.path.abspath(PHOTOS)})
        self.assertEqual(r.returncode, 0, r.stderr)
        return r.stdout.strip()

    def test_analysis(self):
        self.assertEqual(self.run_script(ANALYSIS), "6")

    def test_one_model_at_a_time(self):
        self.assertEqual(self.run_script(ONE_BY_ONE), "2 128")


if __name__ == "__main__":
    unittest.main()
