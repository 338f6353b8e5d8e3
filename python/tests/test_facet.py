#!/usr/bin/env python3
"""The Python package: behavior of Face and FaceAnalysis, also beside insightface's own.

Needs FCT_LIBRARY, NumPy and OpenCV; FCT_SHARED with weights/ and photos/, else most is skipped;
insightface for the comparisons."""
import copy
import os
import pickle
import sys
import tempfile
import threading
import unittest

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import facet
from facet.app import Face, FaceAnalysis
from facet.utils import face_align

SHARED = os.environ.get("FCT_SHARED", "")
WEIGHTS, PHOTOS = os.path.join(SHARED, "weights"), os.path.join(SHARED, "photos", "insightface")
try:
    import cv2
    from insightface.app.common import Face as ReferenceFace
    from insightface.utils import face_align as reference_align
except ImportError:
    ReferenceFace = None


class FaceTest(unittest.TestCase):
    def kinds(self):
        return [Face] + ([ReferenceFace] if ReferenceFace else [])

    def test_missing_is_none_and_entries_are_attributes(self):
        for kind in self.kinds():
            f = kind(bbox=np.zeros(4), nested={"a": 1}, many=[{"b": 2}, 3])
            self.assertIsNone(f.age)
            self.assertIsNone(f.normed_embedding)
            self.assertIsNone(f.sex)
            f.gender = 1
            f["age"] = 30
            self.assertEqual((f["gender"], f.age, f.sex, f.nested.a, f.many[0].b), (1, 30, "M", 1, 2))
            self.assertEqual(list(f), ["bbox", "nested", "many", "gender", "age"])
            self.assertRaises(KeyError, lambda: f["none"])
            f.embedding = np.array([3.0, 4.0])
            self.assertAlmostEqual(f.embedding_norm, 5)
            np.testing.assert_allclose(f.normed_embedding, [0.6, 0.8])

    def test_copies_and_pickles(self):
        f = Face(bbox=np.arange(4.0), age=3)
        for g in (copy.copy(f), copy.deepcopy(f), pickle.loads(pickle.dumps(f))):
            self.assertIsInstance(g, Face)
            self.assertEqual(g.age, 3)
            np.testing.assert_array_equal(g.bbox, f.bbox)


class ArgumentTest(unittest.TestCase):
    def test_errors_are_the_library_s_own(self):
        with self.assertRaises(facet.FacetError) as e:
            FaceAnalysis("/no/such/folder")
        self.assertIn("/no/such/folder", str(e.exception))
        with tempfile.TemporaryDirectory() as empty, self.assertRaises(facet.FacetError) as e:
            FaceAnalysis(empty)
        self.assertIn("no face detector", str(e.exception))

    @unittest.skipUnless(ReferenceFace, "no insightface")
    def test_alignment_is_insightface_s(self):
        rng = np.random.default_rng(5)
        for size in (112, 128, 224):
            kps = (reference_align.arcface_dst * 2 + rng.normal(0, 4, (5, 2)) + 50).astype(np.float32)
            np.testing.assert_allclose(face_align.estimate_norm(kps, size), reference_align.estimate_norm(kps, size),
                                       rtol=1e-4, atol=1e-3)
        self.assertRaises(ValueError, face_align.estimate_norm, kps[:4])


@unittest.skipUnless(os.path.isdir(WEIGHTS) and os.path.isdir(PHOTOS), "no weights or photos")
class AnalysisTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temp = tempfile.TemporaryDirectory()
        for name in ("scrfd_500m_kps.onnx", "mfnet_y1.onnx"):
            os.symlink(os.path.join(WEIGHTS, name), os.path.join(cls.temp.name, name))
        cls.app = FaceAnalysis(cls.temp.name)
        cls.app.prepare(ctx_id=0, det_size=(640, 640))
        cls.img = cv2.imread(os.path.join(PHOTOS, "t1.jpg"))
        cls.faces = cls.app.get(cls.img)

    def same(self, a, b):
        self.assertEqual(len(a), len(b))
        for x, y in zip(a, b):
            np.testing.assert_array_equal(x.bbox, y.bbox)
            np.testing.assert_allclose(x.embedding, y.embedding, atol=1e-4)

    def test_fields(self):
        self.assertEqual(len(self.faces), 6)
        f = self.faces[0]
        self.assertEqual(list(f), ["bbox", "kps", "det_score", "embedding"])
        self.assertEqual((f.bbox.shape, f.kps.shape, f.embedding.shape), ((4,), (5, 2), (128,)))
        self.assertEqual((f.bbox.dtype, f.det_score.dtype), (np.float32, np.float32))
        self.assertIsNone(f.landmark_2d_106)

    def test_limits(self):
        self.assertEqual(len(self.app.get(self.img, max_num=2)), 2)
        areas = [(f.bbox[2] - f.bbox[0]) * (f.bbox[3] - f.bbox[1]) for f in self.faces]
        top = self.app.get(self.img, max_num=1, det_metric="max")[0].bbox
        self.assertEqual((top[2] - top[0]) * (top[3] - top[1]), max(areas))
        self.assertEqual(len(self.app.get(self.img)), 6)

    def test_views_are_read_as_they_lie(self):
        wide = np.zeros((self.img.shape[0], self.img.shape[1] + 9, 3), np.uint8)
        wide[:, 5:-4] = self.img
        self.same(self.app.get(wide[:, 5:-4]), self.faces)             # rows apart
        self.same(self.app.get(self.img[::-1].copy()[::-1]), self.faces)  # rows upwards
        self.same(self.app.get(np.asfortranarray(self.img)), self.faces)  # needs a copy
        self.same(self.app.get(np.dstack([self.img, self.img[:, :, :1]])), self.faces)  # BGRA
        for bad in (self.img.astype(np.int32), self.img[:0], self.img[..., :2], None):
            self.assertRaises(ValueError, self.app.get, bad)

    def test_batches(self):
        small = cv2.imread(os.path.join(PHOTOS, "Tom_Hanks_54745.png"))
        both = self.app.get_batch([self.img, small, self.img])
        self.same(both[0], self.faces)
        self.same(both[2], self.faces)
        self.assertEqual(self.app.get_batch([]), [])
        self.assertEqual(self.app.get(np.zeros((50, 50, 3), np.uint8)), [])

    def test_threads_share_one_instance(self):
        results, errors = [], []

        def work():
            try:
                results.append(self.app.get(self.img))
            except Exception as e:
                errors.append(e)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(errors, [])
        for r in results:
            self.same(r, self.faces)

    def test_pickles(self):
        app = pickle.loads(pickle.dumps(self.app))
        self.same(app.get(self.img), self.faces)

    def test_models_one_by_one(self):
        boxes, kps = self.app.det_model.detect(self.img, max_num=3)
        self.assertEqual((boxes.shape, kps.shape), ((3, 5), (3, 5, 2)))
        rec, face = self.app.models["recognition"], self.faces[0]
        crop = face_align.norm_crop(self.img, face.kps)
        self.assertEqual(crop.shape, (112, 112, 3))
        self.assertGreater(rec.compute_sim(rec.get_feat(crop), face.embedding), 0.999)
        again = Face(bbox=face.bbox, kps=face.kps)
        self.assertGreater(facet.cosine(rec.get(self.img, again), face.embedding), 0.999999)
        model = facet.model_zoo.get_model(os.path.join(WEIGHTS, "mfnet_y1.onnx"))
        self.assertEqual(model.taskname, "recognition")
        self.assertEqual(model.get_feat([crop, crop]).shape, (2, 128))

    def test_modules_and_sizes(self):
        app = FaceAnalysis(self.temp.name, allowed_modules=["detection"])
        self.assertEqual(list(app.models), ["detection"])
        for size in (None, (0, 0), (320, 320), [(128, 128), (640, 640)]):
            app.prepare(0, det_thresh=0.4, det_size=size)
            self.assertGreaterEqual(len(app.get(self.img)), 5)
            self.assertIsNone(app.get(self.img)[0].embedding)
        app.prepare(0, det_size=(100, 100))
        self.assertRaises(facet.FacetError, app.get, self.img)
        self.assertRaises(AssertionError, FaceAnalysis, self.temp.name, allowed_modules=["recognition"])

    def test_turned_photos_on_request(self):
        turned = np.rot90(self.img).copy()
        upright = cv2.imread(os.path.join(PHOTOS, "rot_0.jpg"))
        a = self.app.get(upright)
        b = self.app.get(np.rot90(upright, 2).copy(), rotations=True)
        self.assertGreaterEqual(len(b), len(a) > 0)
        self.assertEqual(turned.shape[:2], self.img.shape[1::-1])

    def test_drawing(self):
        out = self.app.draw_on(self.img, self.faces)
        self.assertEqual(out.shape, self.img.shape)
        self.assertTrue((out != self.img).any())


if __name__ == "__main__":
    unittest.main()
