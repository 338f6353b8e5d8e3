"""Exported embedders in onnxruntime and in the InsightFace package: both must
give the embeddings that the trainer computes itself.

export_parity.py TRACE: TRACE is the built program tests/train/export_trace. Exit
status 77 without onnxruntime or insightface."""
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

try:
    import insightface
    import onnxruntime as ort
except ImportError as e:
    print(f"SKIP export_parity: {e}; pip install insightface onnxruntime for this Python")
    sys.exit(77)

N, SIDE, LIMIT = 3, 112, 1e-4


def error(got, want):
    return np.linalg.norm(got - want) / np.linalg.norm(want)


def check(folder, name, pixels):
    want = np.fromfile(folder / f"{name}.f32", "<f4").reshape(N, -1)
    path = str(folder / f"{name}.onnx")
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    planes = (pixels.astype(np.float32).transpose(0, 3, 1, 2) - 127.5) / 127.5
    by_ort = error(session.run(None, {session.get_inputs()[0].name: planes})[0], want)
    model = insightface.model_zoo.get_model(path, providers=["CPUExecutionProvider"])
    by_package = error(model.get_feat([p[:, :, ::-1] for p in pixels]), want)  # it takes BGR
    print(f"{name}: onnxruntime {by_ort:.1e}, {type(model).__name__} {by_package:.1e} "
          f"(mean {model.input_mean}, std {model.input_std})")
    return by_ort < LIMIT and by_package < LIMIT and type(model).__name__ == "ArcFaceONNX"


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.argv[1], name], check=True)
        pixels = np.fromfile(folder / "pixels.u8", np.uint8).reshape(N, SIDE, SIDE, 3)
        good = [check(folder, n, pixels) for n in ("w", "half")]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
