#!/usr/bin/env python3
"""Writes fuzz/corpus/exchange: NumPy files as NumPy writes them (also read by
tests/unit/gallery_exchange_test.c), gallery exports, CSV. Needs numpy."""
from pathlib import Path

import numpy as np

out = Path(__file__).parent / "corpus" / "exchange"
out.mkdir(parents=True, exist_ok=True)
m = (0.5 + np.arange(3)[:, None] - np.arange(4)[None, :] / 4).astype("<f4")

np.save(out / "f2.npy", m.astype("<f2"))
np.save(out / "f4.npy", m)
np.save(out / "f8.npy", m.astype("<f8"))
np.save(out / "f4-big-endian.npy", m.astype(">f4"))
with open(out / "f4-version2.npy", "wb") as f:
    np.lib.format.write_array(f, m, version=(2, 0))
np.savez(out / "one-matrix.npz", names=np.array(["Ada", "Bob", "Eve"]), embs=m, ids=np.arange(3))
np.save(out / "objects.npy", np.array([["a"], [{}]], dtype=object), allow_pickle=True)
np.save(out / "ints.npy", m.astype("<i4"))
np.save(out / "columns.npy", np.asfortranarray(m))
np.save(out / "vector.npy", m[0])
np.save(out / "cube.npy", m[None])
np.savez_compressed(out / "compressed.npz", embs=m)
np.savez(out / "two-matrices.npz", a=m, b=m)
np.savez(out / "names-only.npz", names=np.array(["Ada", "Bob"]))
(out / "names.csv").write_bytes(b'name,source\r\n"Ada ""A"" L.",a.jpg\r\nBob\r\n')
(out / "gallery.jsonl").write_bytes(
    b'{"facet_gallery":1,"model":"m","dim":2}\n{"name":"Ada","created":1700000000}\n'
    b'{"name":"Ada \\"A\\" \\u00e9\\ud83d\\ude00","created":1,"box":[1,2.5,-3e2,4],"score":0.5,"quality":0,'
    b'"source":"a/b.jpg","embedding":"AACAPwAAAEA=","crop":"/9g="}\n')
