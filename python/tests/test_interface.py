#!/usr/bin/env python3
"""What scripts written for InsightFace do with the objects, the gallery, and the documentation's examples:

    test_interface.py MAKE_PACK [STRUCT_SIZES]

Needs FCT_LIBRARY and NumPy (else exit status 77); MAKE_PACK writes two small networks, see
tests/tools/make_pack.c. Where the insightface package is installed, its objects are the judge."""

import ctypes
import datetime
import doctest
import inspect
import os
import subprocess
import sys
import tempfile
import threading
import unittest
import warnings

try:
    import numpy as np
except ImportError:
    print("SKIP: no NumPy for this Python")
    sys.exit(77)
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import facet
from facet import _native, model_zoo
from facet.app import FaceAnalysis
from facet.app.common import Face

MAKE_PACK = sys.argv.pop(1) if len(sys.argv) > 1 else sys.exit(__doc__)
STRUCT_SIZES = sys.argv.pop(1) if len(sys.argv) > 1 and os.path.exists(sys.argv[1]) else None
TEMP = tempfile.TemporaryDirectory()
PACK = os.path.join(TEMP.name, "pack")
FEATURES = _native.lib.fct_build_features().decode().split()


def in_temp(name):
    return os.path.join(TEMP.name, name)


def picture(width, height, faces):
    """BGR; faces: (x, y, radius, person), as tests/tools/discs.c draws them."""
    img = np.empty((height, width, 3), np.uint8)
    img[:] = 80, 60, 70
    y, x = np.mgrid[:height, :width]
    for cx, cy, radius, person in faces:
        inside = (x - cx) ** 2 + (y - cy) ** 2 <= radius**2
        quarter = (x >= cx) + 2 * (y >= cy)
        img[inside] = np.stack(
            [(person >> (quarter + 4) & 1) * 255, np.full_like(x, 255), (person >> quarter & 1) * 255], axis=-1
        )[inside]
    return img


ADA, BOB = (picture(320, 240, [(160, 112, 24, code)]) for code in (0x35, 0xC6))
TWO = picture(320, 240, [(80, 96, 24, 0xC6), (240, 144, 22, 0x35)])


def open_app(**kwargs):
    app = FaceAnalysis(PACK, **kwargs)
    app.prepare(0, det_size=(320, 320))
    return app


class Own:
    """An object of a script's own in app.models."""

    taskname = "own"

    def __init__(self):
        self.seen = []

    def prepare(self, ctx_id, **kwargs):
        pass

    def get(self, img, face):
        self.seen.append((img.shape, face.embedding is not None))
        face.mine = 7
        return 7


class ModelsTest(unittest.TestCase):
    def test_a_network_that_is_taken_out_is_not_run(self):
        app = open_app()
        app.models.pop("recognition")
        self.assertIsNone(app.get(ADA)[0].embedding)

    def test_an_object_of_one_s_own_is_called_in_its_place(self):
        app, own = open_app(), Own()
        app.models["own"] = own
        face = app.get(ADA)[0]
        self.assertEqual((face.mine, own.seen), (7, [((240, 320, 3), True)]))
        first = open_app()
        first.models = {
            "detection": first.models["detection"],
            "own": Own(),
            "recognition": first.models["recognition"],
        }
        face = first.get(ADA)[0]
        self.assertEqual(first.models["own"].seen, [((240, 320, 3), False)])
        self.assertEqual(list(face), ["bbox", "kps", "det_score", "mine", "embedding"])
        np.testing.assert_allclose(face.embedding, open_app().get(ADA)[0].embedding, rtol=1e-4, atol=1e-4)

    def test_a_replaced_method_is_called(self):
        app = open_app()
        app.models["recognition"].get = lambda img, face: face.update(embedding=None)
        self.assertIsNone(app.get(ADA)[0].embedding)

    def test_a_detector_of_one_s_own_finds_the_faces(self):
        app, real = open_app(), open_app()

        class Half:
            def detect(self, img, max_num=0, metric="default"):
                boxes, kps = real.det_model.detect(img, max_num=max_num, metric=metric)
                return boxes[:1], kps[:1]

        app.det_model = Half()
        one, two = app.get(TWO), real.get(TWO)
        self.assertEqual((len(one), len(two)), (1, 2))
        np.testing.assert_allclose(one[0].embedding, two[0].embedding, rtol=1e-3, atol=1e-3)

    def test_the_detector_s_attributes_hold(self):
        app = open_app()
        scores = sorted(f.det_score for f in app.get(TWO))
        app.det_model.det_thresh = float(scores[0] + scores[1]) / 2
        self.assertEqual(len(app.get(TWO)), 1)
        app.det_model.det_thresh = 0.999
        self.assertEqual((app.get(TWO), app.det_model.detect(TWO)[0].shape), ([], (0, 5)))
        # As InsightFace 2.1 resolves them: the sizes of prepare() go before input_size.
        app = open_app()
        app.det_model.input_size = (64, 64)
        self.assertEqual((app.det_model.sizes(), len(app.get(TWO))), ([(320, 320)], 2))
        app.det_model.input_sizes = []
        self.assertEqual((app.det_model.sizes(), app.det_model.sizes((96, 96))), ([(64, 64)], [(96, 96)]))
        self.assertEqual(FaceAnalysis(PACK).det_model.sizes(), [])

    def test_the_embedder_s_methods(self):
        app = open_app()
        rec = app.models["recognition"]
        crop = facet.utils.face_align.norm_crop(ADA, app.get(ADA)[0].kps)
        want = rec.get_feat(crop)
        self.assertEqual((rec.input_size, rec.input_shape[1:], want.shape), ((112, 112), [3, 112, 112], (1, 64)))
        blob = crop[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32)
        np.testing.assert_allclose(rec.forward(blob), want, rtol=1e-3, atol=1e-3)
        for other in (np.repeat(np.repeat(crop, 2, 0), 2, 1), crop.astype(np.float32), crop[:, :, 1], crop[::2, ::2]):
            feat = rec.get_feat([other, crop])
            self.assertEqual(feat.shape, (2, 64))
            np.testing.assert_allclose(feat[1], want[0], rtol=1e-3, atol=1e-3)
        doubled = rec.get_feat(np.repeat(np.repeat(crop, 2, 0), 2, 1))
        self.assertGreater(rec.compute_sim(doubled, want), 0.99)

    def test_get_model(self):
        model = model_zoo.get_model(os.path.join(PACK, "embedder.onnx"))
        self.assertEqual(model.taskname, "recognition")
        self.assertRaises(FileNotFoundError, model_zoo.get_model, in_temp("nothing.onnx"))
        self.assertRaises(FileNotFoundError, model_zoo.get_model, "no_such_pack", root=TEMP.name)
        with open(in_temp("text.onnx"), "w") as f:
            f.write("not a network")
        self.assertRaises(facet.FacetError, model_zoo.get_model, in_temp("text.onnx"))


class PictureTest(unittest.TestCase):
    def test_kinds_of_pictures(self):
        app = open_app()
        want = app.get(ADA)[0]
        for kind in (np.float32, np.float64):
            np.testing.assert_array_equal(app.get(ADA.astype(kind))[0].embedding, want.embedding)
        np.testing.assert_array_equal(app.get(ADA.astype(np.float32) + 0.3)[0].bbox, want.bbox)
        for bad, why in (
            (None, "could not be read"),
            (ADA.astype(np.int64), "uint8"),
            (ADA[:0], "not empty"),
            (np.full(ADA.shape, np.nan), "finite"),
        ):
            with self.assertRaisesRegex(ValueError, why):
                app.get(bad)

    @unittest.skipUnless("png" in FEATURES, "a build without PNG")
    def test_a_path_is_a_picture_too(self):
        import pathlib

        app, path = open_app(), in_temp("ada.png")
        for name in (path, pathlib.Path(path)):
            np.testing.assert_array_equal(app.get(name)[0].embedding, app.get(ADA)[0].embedding)
        with self.assertRaisesRegex(facet.FacetError, "nothing.png"):
            app.get(in_temp("nothing.png"))


class LayoutTest(unittest.TestCase):
    def test_structures_have_the_library_s_sizes(self):
        for kind, init in (
            ("PackOpts", "fct_pack_opts_init"),
            ("AnalyzerOpts", "fct_analyzer_opts_init"),
            ("DecodeOpts", "fct_decode_opts_init"),
            ("GalleryOpts", "fct_gallery_opts_init"),
            ("EnrollOpts", "fct_enroll_opts_init"),
            ("SearchOpts", "fct_search_opts_init"),
        ):
            opts = getattr(_native, kind)()
            getattr(_native.lib, init)(ctypes.byref(opts))
            self.assertEqual(opts.size, ctypes.sizeof(opts), kind)


class OpeningTest(unittest.TestCase):
    def test_the_default_pack_stands_in_for_buffalo_l(self):
        before = os.environ.get("FCT_PACK")
        os.environ["FCT_PACK"] = PACK
        try:
            with warnings.catch_warnings(record=True) as seen:
                warnings.simplefilter("always")
                app = FaceAnalysis(root=TEMP.name)
            self.assertEqual(len(seen), 1)
            self.assertIn("buffalo_l", str(seen[0].message))
            self.assertEqual((seen[0].filename, list(app.models)), (__file__, ["detection", "recognition"]))
            self.assertRaises(facet.FacetError, FaceAnalysis, "other_name", root=TEMP.name)
        finally:
            os.environ.pop("FCT_PACK")
            if before is not None:
                os.environ["FCT_PACK"] = before

    def test_only_public_names_are_shown(self):
        app = open_app()
        for thing in (
            facet,
            facet.app,
            facet.model_zoo,
            facet.utils,
            facet.data,
            facet.gallery,
            facet.people,
            app,
            app.det_model,
            app.get(ADA)[0],
        ):
            hidden = [k for k in dir(thing) if k.startswith("_") and not k.startswith("__")]
            self.assertEqual(hidden, [], thing)
            self.assertFalse(inspect.ismodule(thing) and {"np", "os", "C"} & set(dir(thing)), thing)

    def test_reprs(self):
        app = open_app()
        self.assertIn("pack: detection, recognition; det_size [(320, 320)], det_thresh 0.5", repr(app))
        self.assertEqual(repr(app.models["recognition"]), "<facet Embedder recognition: embedder.onnx>")
        self.assertRegex(
            repr(app.get(ADA)[0]), r"<facet Face bbox \[120\.\d, .*\], kps 5x2, det_score 0\.9\d, embedding 64>"
        )

    def test_the_package_is_typed(self):
        self.assertTrue(os.path.exists(os.path.join(os.path.dirname(facet.__file__), "py.typed")))
        for function in (
            FaceAnalysis.get,
            FaceAnalysis.prepare,
            facet.Gallery.enroll,
            facet.Gallery.people,
            model_zoo.get_model,
            facet.cosine,
        ):
            hints = inspect.signature(function)
            self.assertTrue(
                all(p.annotation is not p.empty for k, p in hints.parameters.items() if k != "self"), function
            )


@unittest.skipUnless("gallery" in FEATURES, "a build without gallery")
class GalleryTest(unittest.TestCase):
    def setUp(self):
        self.app, self.path = open_app(), in_temp(self.id() + ".db")

    def test_people_and_faces(self):
        with facet.Gallery(self.path) as g:
            self.assertEqual((g.people(), len(g), g.model_id, g.find("Ada")), ([], 0, None, None))
            first = g.enroll(self.app, "Ada", ADA, source="a note")
            self.assertEqual(
                (first.outcome, first.face_id, g.enroll(self.app, "Ada", ADA).outcome), ("stored", 1, "known")
            )
            like = g.enroll(self.app, "Eve", ADA, refuse=["like_other"])
            self.assertEqual(
                (like.outcome, like.face_id, like.warnings[-1].flaw, like.warnings[-1].person_id),
                ("refused", None, "like_other", g.find("Ada").id),
            )
            self.assertEqual(g.enroll(self.app, "Bob", TWO, refuse=True).warnings[0].flaw, "several")
            self.assertEqual(g.enroll(self.app, "Nobody", picture(320, 240, [])).outcome, "no_face")
            g.enroll(self.app, "Bob", BOB, store_crop=False)
            (face,) = g.faces("Ada")
            self.assertEqual((face.source, face.crop_cut, g.faces("Bob")[0].crop_cut), ("a note", "aligned", None))
            self.assertAlmostEqual(face.quality, first.quality)
            want = self.app.get(ADA)[0].embedding
            np.testing.assert_array_equal(g.embedding(face.id), want)
            self.assertEqual(g.crop(face.id)[:2], b"\xff\xd8")
            many = g.identify(np.stack([want, self.app.get(BOB)[0].embedding]), self.app, top=2)
            self.assertEqual([[m.name for m in row] for row in many], [["Ada"], ["Bob"]])
            self.assertEqual([m.name for m in g.identify(want, self.app, top=5, threshold=-1)], ["Ada", "Bob"])
            self.assertEqual(g.identify(np.empty((0, 64), np.float32), self.app), [])
            g.rename("Bob", "Robert")
            g.merge("Robert", "Ada")
            self.assertEqual([(p.name, p.faces) for p in g], [("Ada", 2)])
            g.remove_face(face.id)
            g.check()
            self.assertRaises(KeyError, g.remove, "Zoe")
            self.assertRaises(ValueError, g.enroll, self.app, "Ada", ADA, refuse=["ugly"])
            with self.assertRaisesRegex(ValueError, "could not be read"):
                g.enroll(self.app, "Ada", None)
        self.assertRaises(ValueError, g.people)

    def test_files_and_own_embeddings(self):
        rng = np.random.default_rng(1)
        vectors = rng.normal(size=(5, 16)).astype(np.float32)
        with facet.Gallery(self.path) as g, facet.Gallery(self.path + "2") as other:
            ids = g.add("my-network", "Ada", vectors[:3], sources=["a", "b", "c"])
            self.assertEqual(len(set(ids)), 3)
            g.add("my-network", "Bob", vectors[3])
            self.assertRaises(facet.FacetError, g.add, "another", "Bob", vectors[4])
            g.export(self.path + ".jsonl")
            self.assertEqual((other.import_file(self.path + ".jsonl"), other.import_file(self.path + ".jsonl")), (4, 0))
            self.assertEqual([f.source for f in other.faces("Ada")], ["a", "b", "c"])
            self.assertEqual(other.identify(vectors[3] * 2, "my-network")[0].name, "Bob")
            g.backup(self.path + ".copy")
        with facet.Gallery(self.path + ".copy", read_only=True) as copy:
            self.assertEqual((len(copy), copy.model_id), (2, "my-network"))
            self.assertRaises(facet.FacetError, copy.remove, "Ada")
        self.assertRaises(facet.FacetError, facet.Gallery, self.path + ".none", must_exist=True)

    def test_collections_and_thresholds(self):
        rng = np.random.default_rng(2)
        ada, bob = rng.normal(size=(2, 64)).astype(np.float32)
        half = ada / np.linalg.norm(ada) + bob / np.linalg.norm(bob) * 0.9  # cosines of 0.7 or so to both
        with facet.Gallery(self.path) as g, facet.Gallery(self.path, collection="staff") as staff:
            g.add("net", "Ada", ada)
            staff.add("net", "Bob", bob)
            self.assertEqual([(c.name, c.people, c.threshold) for c in g.collections()],
                             [("default", 1, None), ("staff", 1, None)])
            self.assertEqual([m.name for m in g.identify(half, "net", top=5)], ["Ada", "Bob"])
            g.set_threshold(0.9, "staff")
            self.assertEqual((g.threshold("staff"), g.threshold()), (0.9, None))
            self.assertEqual([m.name for m in g.identify(half, "net", top=5)], ["Ada"])
            self.assertEqual(len(g.identify(half, "net", top=5, threshold=0.3)), 2)
            self.assertEqual(staff.identify(ada, "net", threshold=0.5), [])
            g.move("Ada", "staff")
            self.assertEqual([p.name for p in staff], ["Ada", "Bob"])
            g.rename_collection("staff", "crew")
            self.assertEqual(g.find("Ada").collection_id, g.add_collection("crew"))
            self.assertRaises(facet.FacetError, g.remove_collection, "staff")
            self.assertEqual((g.remove_collection("crew"), len(g)), (2, 0))
            g.set_setting("x.color", "red")
            self.assertEqual((g.setting("x.color"), g.setting("x.none")), ("red", None))

    def test_searches_among_some(self):
        rng = np.random.default_rng(3)
        vectors = rng.normal(size=(3, 64)).astype(np.float32)
        with facet.Gallery(self.path) as g:
            for name, v in zip(["Ada", "Bob", "Carl"], vectors):
                g.add("net", name, v)

            def names(**limits):
                return sorted(m.name for m in g.identify(vectors[0], "net", threshold=-1, top=9, **limits))

            self.assertEqual(names(people=["Bob", g.find("Carl")]), ["Bob", "Carl"])
            self.assertEqual((names(except_people=["Ada"]), names(people=[])), (["Bob", "Carl"], []))
            tomorrow = datetime.date.today() + datetime.timedelta(2)
            self.assertEqual((names(stored_from=tomorrow), len(names(stored_before=tomorrow))), ([], 3))
            self.assertEqual(names(means=True), ["Ada", "Bob", "Carl"])
            self.assertRaises(ValueError, names, people=[1], except_people=[2])
            self.assertRaises(TypeError, names, place="here")
            self.assertRaises(KeyError, names, people=["Zoe"])
            twice = np.stack([vectors[0], vectors[0] + 0.8 * vectors[2], vectors[1]])
            self.assertEqual([m and m.name for m in g.identify_picture(twice, "net")], ["Ada", "Carl", "Bob"])
            self.assertEqual(g.identify_picture(np.empty((0, 64), np.float32), "net"), [])

    def test_notes_and_negatives(self):
        rng = np.random.default_rng(4)
        ada, bob = rng.normal(size=(2, 64)).astype(np.float32)
        with facet.Gallery(self.path, actor="tester") as g:
            g.set_setting("audit", "changes")
            g.add("net", "Ada", ada)
            (face,) = g.add("net", "Bob", bob)
            g.set_metadata("Ada", "team", ["a", {"b": None}])
            g.set_metadata("Ada", "badge", 7)
            g.remove_metadata("Ada", "badge")
            at = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.timezone.utc)
            g.set_consent("Ada", "paper", by="Grace", time=at)
            g.set_expires("Ada", datetime.date(2027, 1, 31))
            d = g.details("Ada")
            self.assertEqual((d.metadata, d.consent.by, d.consent.text, d.consent.time),
                             ({"team": ["a", {"b": None}]}, "Grace", "paper", at))
            self.assertEqual((d.expires.isoformat(), g.expired(at)), ("2027-01-31T00:00:00+00:00", []))
            self.assertEqual([p.name for p in g.expired(datetime.date(2027, 2, 1))], ["Ada"])
            g.set_consent("Ada", None)
            self.assertIsNone(g.details("Ada").consent)
            g.set_expires("Ada", None)
            self.assertIsNone(g.details("Ada").expires)
            near = ada + 0.25 * bob
            self.assertEqual(g.identify(near, "net")[0].name, "Ada")
            number = g.reject("Ada", near, "net")
            self.assertEqual(g.identify(near, "net"), [])
            self.assertEqual([(x.id, x.person_id) for x in g.negatives("Ada")], [(number, g.find("Ada").id)])
            g.remove_negative(number)
            self.assertEqual((g.negatives(), g.identify(near, "net")[0].name), ([], "Ada"))
            g.reject("Bob", face)
            self.assertEqual(g.identify(bob, "net"), [])
            g.add("net", "Ida", ada + 0.2 * bob)
            self.assertEqual([(x.names, round(x.score, 1)) for x in g.similar(0.8)], [(("Ada", "Ida"), 1.0)])
            self.assertEqual((g.forget("Ada", "Bob"), [p.name for p in g]), (2, ["Ida"]))
            g.note("door-opened", door=3)
            log = g.audit()
            self.assertEqual({x.actor for x in log}, {"tester"})
            self.assertEqual((log[-1].what, log[-1].detail), ("door-opened", {"door": 3}))
            state = g.verify_audit()
            self.assertEqual((state.entries, state.hash, len(g.audit(after=state.entries - 1))),
                             (len(log), log[-1].hash, 1))

    def test_threads_share_one_gallery(self):
        errors = []
        with facet.Gallery(self.path) as g:

            def work(k):
                try:
                    rng = np.random.default_rng(k)
                    for i in range(20):
                        v = rng.normal(size=32).astype(np.float32)
                        g.add("net", f"person {k}", v)
                        assert g.identify(v, "net")[0].name == f"person {k}"
                        assert f"person {k}" in [p.name for p in g.people()]
                except Exception as e:
                    errors.append(e)

            threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            self.assertEqual((errors, sorted(p.faces for p in g.people())), ([], [20] * 4))

    def test_structures_are_as_large_as_the_librarys(self):
        from facet import _native

        if not STRUCT_SIZES:
            self.skipTest("no program that tells the sizes was given")
        lines = subprocess.run([STRUCT_SIZES], capture_output=True, text=True, check=True).stdout.split("\n")[:-1]
        want = {k: int(n) for k, n in (line.split() for line in lines)}
        got = {k: ctypes.sizeof(getattr(_native, k.title().replace("_", ""))) for k in want}
        self.assertGreater(len(want), 15)
        self.assertEqual(got, want)

    def test_examples_of_the_documentation(self):
        readme = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "README.md")
        names = {"facet": facet, "np": np, "PACK": PACK, "ADA": ADA, "BOB": BOB}
        for module, path in ((facet, None), (facet.gallery, None), (facet.people, None), (None, readme)):
            names.update(PATH=in_temp("doc-%s.db" % (module and module.__name__)), EXPORT=in_temp("doc.jsonl"))
            if path:
                failed, tried = doctest.testfile(path, module_relative=False, globs=dict(names))
            else:
                failed, tried = doctest.testmod(module, extraglobs=names)
            self.assertTrue(tried and not failed, path or module)


def setUpModule():
    for folder in ("pack", "other", "blind", "headless"):
        os.mkdir(in_temp(folder))
    subprocess.run([MAKE_PACK, TEMP.name], check=True)


def tearDownModule():
    TEMP.cleanup()


if __name__ == "__main__":
    unittest.main()
