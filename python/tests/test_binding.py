#!/usr/bin/env python3
"""What the binding promises, on a pack of two small networks that know drawn "faces":

    test_binding.py MAKE_PACK

Needs FCT_LIBRARY and NumPy (else exit status 77); MAKE_PACK writes the networks, see
tests/tools/make_pack.c."""

import ctypes
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
import unittest

try:
    import numpy as np
except ImportError:
    print("SKIP: no NumPy for this Python")
    sys.exit(77)
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from facet import _engine, _native
from facet.app import FaceAnalysis

MAKE_PACK = sys.argv.pop(1) if len(sys.argv) > 1 else sys.exit(__doc__)
ADA, BOB, EVE = 0x35, 0xC6, 0x9A


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


THREE = picture(320, 240, [(80, 96, 24, BOB), (240, 144, 22, ADA), (160, 56, 12, EVE)])


class BindingTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temp = tempfile.TemporaryDirectory()
        for folder in ("pack", "other", "blind", "headless"):
            os.mkdir(os.path.join(cls.temp.name, folder))
        subprocess.run([MAKE_PACK, cls.temp.name], check=True)
        cls.app = FaceAnalysis(os.path.join(cls.temp.name, "pack"))
        cls.app.prepare(ctx_id=0, det_size=(320, 320))

    def equal(self, a, b):
        self.assertEqual(len(a), len(b))
        for f, g in zip(a, b):
            self.assertEqual(list(f), list(g))
            for key in f:
                np.testing.assert_array_equal(f[key], g[key])

    def test_finds_the_drawn_faces(self):
        faces = self.app.get(THREE)
        found = sorted(
            (round(float(f.bbox[0] + f.bbox[2]) / 2), round(float(f.bbox[1] + f.bbox[3]) / 2)) for f in faces
        )
        self.assertEqual(found, [(80, 96), (160, 56), (240, 144)])
        self.assertEqual(list(faces[0]), ["bbox", "kps", "det_score", "embedding"])
        ada = self.app.get(picture(320, 240, [(160, 112, 24, ADA)]))[0]
        close = max(faces, key=lambda f: float(f.normed_embedding @ ada.normed_embedding))
        self.assertAlmostEqual(float(close.bbox[0] + close.bbox[2]) / 2, 240, delta=4)

    def seen(self, image):
        """Where the library was told to read a picture."""
        views, real = [], _native.call

        def spy(name, *args):
            if name == "fct_analyze_batch":
                views.extend((v.data, v.stride, v.width, v.height, v.format) for v in args[1])
            return real(name, *args)

        _native.call = spy
        try:
            faces = self.app.get(image)
        finally:
            _native.call = real
        return views[0], faces

    def test_arrays_are_read_where_they_lie(self):
        wide = np.zeros((300, 400, 3), np.uint8)
        wide[30:270, 40:360] = THREE
        up = np.ascontiguousarray(THREE[::-1])[::-1]
        alpha = np.ascontiguousarray(np.dstack([THREE, THREE[..., :1]]))
        frozen = THREE.copy()
        frozen.flags.writeable = False
        for image, form in (
            (THREE, _native.PIX_BGR),
            (wide[30:270, 40:360], _native.PIX_BGR),
            (up, _native.PIX_BGR),
            (alpha, _native.PIX_BGRA),
            (frozen, _native.PIX_BGR),
        ):
            view, faces = self.seen(image)
            self.assertEqual(view, (image.ctypes.data, image.strides[0], 320, 240, form))
            self.equal(faces, self.app.get(THREE))
        flipped = np.ascontiguousarray(THREE[:, :, ::-1])[:, :, ::-1]  # channels backwards: the one case that is copied
        view, faces = self.seen(flipped)
        self.assertNotEqual(view[0], flipped.ctypes.data)
        self.equal(faces, self.app.get(THREE))

    def ticks_during(self, function):
        """Steps that another Python thread makes while function runs, well within the call."""
        ticks, stop = [], threading.Event()

        def work():
            while not stop.is_set():
                ticks.append(time.perf_counter())
                time.sleep(0.0005)

        thread = threading.Thread(target=work)
        thread.start()
        while not ticks:
            time.sleep(0.001)
        span = []

        def timed(*args):
            span.append(time.perf_counter())
            result = function(*args)
            span.append(time.perf_counter())
            return result

        try:
            analyzer = self.app._analyzer_of(["detection", "recognition"])
            o = analyzer.options([(2048, 2048)])
            v, held = _engine.view(THREE)
            out, err = ctypes.c_void_p(), _native.Error()
            with _engine._Lease(analyzer, o) as h:
                status = timed(h, (_native.View * 1)(v), 1, ctypes.byref(out), ctypes.byref(err))
            _native.lib.fct_faces_free(out)
        finally:
            stop.set()
            thread.join()
        self.assertEqual(status, 0, err.text)
        return sum(span[0] < t < span[1] for t in ticks), span[1] - span[0]

    def test_other_threads_run_during_a_call(self):
        free = _native.lib.fct_analyze_batch
        held = ctypes.PyDLL(_native._find()).fct_analyze_batch  # the same function, called with the GIL held
        held.argtypes = [ctypes.c_void_p, ctypes.POINTER(_native.View), ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
        seconds = 0
        for _ in range(20):  # the pair of calls until it was long enough to tell
            ticks, seconds = self.ticks_during(
                lambda h, v, n, out, err: free(
                    h,
                    v,
                    n,
                    ctypes.cast(out, ctypes.POINTER(ctypes.c_void_p)),
                    ctypes.cast(err, ctypes.POINTER(_native.Error)),
                )
            )
            blocked, _ = self.ticks_during(held)
            if ticks >= 5 and blocked <= 2:
                return
        self.fail(f"{ticks} steps of another thread in {seconds:.3f} s, {blocked} where the GIL is held")

    def test_threads_share_one_instance(self):
        want = {k: self.app.get(p) for k, p in enumerate(self.pictures())}
        errors = []

        def work(k):
            try:
                for _ in range(10):
                    self.equal(self.app.get(self.pictures()[k]), want[k])
            except Exception as e:  # also of the assertions
                errors.append(e)

        threads = [threading.Thread(target=work, args=(k,)) for k in (0, 1, 0, 1)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(errors, [])

    def pictures(self):
        return [
            THREE,
            picture(320, 240, [(208, 96, 24, BOB)]),
            picture(320, 240, []),
            picture(64, 500, [(30, 250, 24, EVE)]),
        ]

    def test_a_batch_is_as_single_calls(self):
        pictures = self.pictures() * 3
        for one, many in zip((self.app.get(p) for p in pictures), self.app.get_batch(pictures)):
            self.assertEqual(len(one), len(many))
            for f, g in zip(one, many):
                for key in ("bbox", "kps", "det_score"):
                    np.testing.assert_array_equal(f[key], g[key])
                np.testing.assert_allclose(f.embedding, g.embedding, rtol=1e-4, atol=1e-3)
        self.assertEqual(self.app.get_batch([]), [])

    def test_pickles(self):
        self.app.prepare(0, det_thresh=0.4, det_size=(320, 320))
        try:
            again = pickle.loads(pickle.dumps(self.app))
            self.assertEqual((again.det_thresh, again.det_size), (0.4, [(320, 320)]))
            self.equal(again.get(THREE), self.app.get(THREE))
        finally:
            self.app.prepare(0, det_size=(320, 320))
        # And into another process, as multiprocessing does it.
        code = (
            "import pickle, sys; app, img = pickle.load(sys.stdin.buffer);"
            " sys.stdout.buffer.write(pickle.dumps(app.get(img)))"
        )
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
        p = subprocess.run(
            [sys.executable, "-c", code],
            input=pickle.dumps((self.app, THREE)),
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            check=True,
        )
        self.equal(pickle.loads(p.stdout), self.app.get(THREE))

    def test_prepared_networks_are_kept_on_disk(self):
        # os.environ reaches the library's getenv().
        pack, before = os.path.join(self.temp.name, "pack"), os.environ.get("FCT_CACHE")
        try:
            with tempfile.TemporaryDirectory() as cache:
                for setting, kept in ("off", False), (cache, True), (cache, True):
                    os.environ["FCT_CACHE"] = setting
                    app = FaceAnalysis(pack)
                    app.prepare(0, det_size=(320, 320))
                    self.equal(app.get(THREE), self.app.get(THREE))
                    del app  # what is kept is written by then
                    self.assertEqual(any(f.endswith(".weights") for f in os.listdir(cache)), kept)
        finally:
            os.environ.pop("FCT_CACHE", None)
            if before is not None:
                os.environ["FCT_CACHE"] = before

    def test_modules(self):
        only = FaceAnalysis(os.path.join(self.temp.name, "pack"), allowed_modules=["detection"])
        only.prepare(0, det_size=(320, 320))
        self.assertEqual((list(only.models), only.get(THREE)[0].embedding), (["detection"], None))
        self.assertRaises(
            AssertionError, FaceAnalysis, os.path.join(self.temp.name, "pack"), allowed_modules=["recognition"]
        )
        self.assertRaises(_native.FacetError, FaceAnalysis, os.path.join(self.temp.name, "blind"))


if __name__ == "__main__":
    unittest.main()
