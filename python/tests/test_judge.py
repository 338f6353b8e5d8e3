#!/usr/bin/env python3
"""The same script on facet's objects and on those of InsightFace 2.1, which is the judge.

Needs FCT_LIBRARY, FCT_SHARED with weights/ and photos/, insightface, onnx and OpenCV (else exit status 77)."""

import os
import shutil
import sys
import tempfile
import unittest
import warnings

try:
    import cv2
    import numpy as np
    import onnx
    from insightface.addons import catalog
    from insightface.app import FaceAnalysis as JudgeAnalysis
except ImportError as e:
    print("SKIP:", e)
    sys.exit(77)
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import facet
from facet.app import FaceAnalysis

SHARED = os.environ.get("FCT_SHARED", "")
WEIGHTS, PHOTO = os.path.join(SHARED, "weights"), os.path.join(SHARED, "photos", "insightface", "t1.jpg")
if not os.path.isdir(WEIGHTS) or not os.path.isfile(PHOTO):
    print("SKIP: no weights or photos")
    sys.exit(77)
warnings.simplefilter("ignore")
catalog._verify = lambda *args: None  # it wants its own network; ours has the same contract


class Mine:
    taskname = "mine"

    def prepare(self, ctx_id, **kwargs):
        pass

    def get(self, img, face):
        face.mine = (img.shape[0], face.embedding is not None)


def write_liveness(path):
    """A network of the add-on's contract: the sigmoid of the crop's mean red minus its mean blue."""
    from onnx import TensorProto, helper

    weights = np.zeros((1, 3, 80, 80), np.float32)
    weights[0, 0], weights[0, 2] = 60 / 6400, -60 / 6400
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"]),
        helper.make_node("Sigmoid", ["c"], ["s"]),
        helper.make_node("Reshape", ["s", "shape"], ["score"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 80, 80])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["n"])],
        [onnx.numpy_helper.from_array(weights, "w"), onnx.numpy_helper.from_array(np.array([-1], np.int64), "shape")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


class JudgeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temp = tempfile.TemporaryDirectory()
        pack = os.path.join(cls.temp.name, "models", "judged")
        os.makedirs(pack)
        os.makedirs(os.path.join(cls.temp.name, "addons"))
        for name in ("scrfd_500m_kps.onnx", "mfnet_y1.onnx"):
            os.symlink(os.path.abspath(os.path.join(WEIGHTS, name)), os.path.join(pack, name))
        write_liveness(os.path.join(cls.temp.name, "addons", "liveness.onnx"))
        cls.img = cv2.imread(PHOTO)

    @classmethod
    def tearDownClass(cls):
        cls.temp.cleanup()

    def pair(self, **kwargs):
        apps = [
            FaceAnalysis("judged", root=self.temp.name, names_only=True, **kwargs),
            JudgeAnalysis("judged", root=self.temp.name, providers=["CPUExecutionProvider"], **kwargs),
        ]
        for app in apps:
            app.prepare(0, det_size=(640, 640))
        return apps

    def check(self, ours, judged, least=0.99):
        self.assertEqual(len(ours), len(judged))
        for f, g in zip(sorted(ours, key=lambda f: f.bbox[0]), sorted(judged, key=lambda f: f.bbox[0])):
            np.testing.assert_allclose(f.bbox, g.bbox, atol=2)
            self.assertEqual(set(k for k in f if f[k] is not None), set(k for k in g if g[k] is not None))
            if g.embedding is not None:
                self.assertGreater(facet.cosine(f.embedding, g.embedding), least)
            self.assertEqual(f.mine, g.mine)

    def each(self, change, img=None, **kwargs):
        """Changes both, runs both and compares."""
        results = []
        for app in self.pair(**kwargs):
            change(app)
            results.append(app.get(self.img if img is None else img))
        self.check(*results)
        return results

    def test_as_it_is(self):
        self.assertEqual(len(self.each(lambda app: None)[0]), 6)

    def test_models_taken_out_and_put_in(self):
        def swap(app):
            app.models["mine"] = Mine()
            app.models["recognition"] = app.models.pop("recognition")  # now the last

        self.each(lambda app: app.models.pop("recognition"))
        self.each(lambda app: app.models.update(mine=Mine()))
        self.each(swap)
        self.each(lambda app: app.models.update(recognition=Mine()))

    def test_the_detector_s_attributes(self):
        def prepared(app):
            app.det_model.input_size = (128, 128)  # prepare() has set input_sizes

        def unprepared(app):
            app.det_model.input_sizes, app.det_model.input_size = [], (320, 320)

        for thresh in (0.3, 0.75, 0.8, 0.9, 0.999):
            self.each(lambda app: setattr(app.det_model, "det_thresh", thresh))
        self.each(prepared)
        self.each(unprepared)
        self.each(lambda app: app.det_model.prepare(0, input_size=(256, 256), det_thresh=0.4))

    def test_pictures_of_floats(self):
        self.each(lambda app: None, self.img.astype(np.float32))

    def test_the_embedder(self):
        recs = [app.models["recognition"] for app in self.pair()]
        crop = facet.utils.face_align.norm_crop(self.img, self.pair()[0].get(self.img)[0].kps)
        for a in (crop, crop.astype(np.float32), cv2.resize(crop, (160, 160)), cv2.resize(crop, (90, 64))):
            ours, judged = (r.get_feat([a, a]) for r in recs)
            self.assertEqual(ours.shape, judged.shape)
            self.assertGreater(facet.cosine(ours[0], judged[0]), 0.999)
        blob = crop[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32)
        ours, judged = (r.forward(blob) for r in recs)
        self.assertGreater(facet.cosine(ours, judged), 0.999)
        self.assertEqual(recs[0].input_shape[1:], list(recs[1].input_shape)[1:])
        self.assertEqual(
            (recs[0].input_size, recs[0].input_name, recs[0].output_names),
            (recs[1].input_size, recs[1].input_name, recs[1].output_names),
        )

    def test_manifest_v2(self):
        import json

        folder = os.path.join(self.temp.name, "models", "manifested")
        os.makedirs(os.path.join(folder, "nets"))
        for name in ("scrfd_500m_kps.onnx", "mfnet_y1.onnx"):
            shutil.copy(os.path.join(WEIGHTS, name), os.path.join(folder, "nets", name))
        with open(os.path.join(folder, "MODEL.LICENSE"), "w") as f:
            f.write("for tests")
        for norm in ({"mean": 127.5, "std": 127.5}, {"mean": 100.0, "std": 90.0}, "embedded"):
            with open(os.path.join(folder, "manifest.json"), "w") as f:
                json.dump(
                    {
                        "manifest_version": 2,
                        "model_id": "manifested",
                        "license": "MODEL.LICENSE",
                        "tasks": {
                            "detection": {"file": "nets/scrfd_500m_kps.onnx"},
                            "recognition": {
                                "file": "nets/mfnet_y1.onnx",
                                "embedding_dimension": 128,
                                "preprocessing": norm,
                            },
                        },
                    },
                    f,
                )
            apps = [
                FaceAnalysis("manifested", root=self.temp.name),
                JudgeAnalysis("manifested", root=self.temp.name, providers=["CPUExecutionProvider"]),
            ]
            for app in apps:
                app.prepare(0, det_size=(640, 640))
            self.check(apps[0].get(self.img), apps[1].get(self.img))

    def test_liveness(self):
        small = self.img[:, 470:560]  # a face of which much is missing
        for mode in ("normal", "observe"):
            for img in (self.img, self.img[:, :, ::-1].copy(), small):
                ours, judged = self.each(
                    lambda app: None, img, addons=["liveness"], liveness_mode=mode, liveness_threshold=0.6
                )
                for f, g in zip(sorted(ours, key=lambda f: f.bbox[0]), sorted(judged, key=lambda f: f.bbox[0])):
                    self.assertEqual(
                        (f.liveness.status, f.liveness.is_live, f.liveness.reason),
                        (g.liveness.status, g.liveness.is_live, g.liveness.reason),
                    )
                    if g.liveness.live_score is not None:
                        self.assertAlmostEqual(f.liveness.live_score, g.liveness.live_score, delta=0.02)
        for bad in (
            dict(addons="liveness"),
            dict(addons=["other"]),
            dict(liveness_mode="x"),
            dict(liveness_threshold=2),
            dict(liveness_threshold="0.5"),
        ):
            kinds = []
            for kind in (FaceAnalysis, JudgeAnalysis):
                with self.assertRaises((TypeError, ValueError)) as e:
                    kind("judged", root=self.temp.name, **bad)
                kinds.append(type(e.exception))
            self.assertEqual(*kinds)


if __name__ == "__main__":
    unittest.main()
