#!/usr/bin/env python3
"""Writes the seeds of the fuzzers: small valid files of each kind, and damaged ones.

usage: fuzz/make_corpus.py [fuzz/corpus]

Needs numpy, onnx and Pillow (PyPI). The same files come out every time; names
are seed-*. Inputs that a fuzzer found are kept beside them."""

import io
import json
import pathlib
import random
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

SEED = 20240229


# ---- Pictures ------------------------------------------------------------------


def picture(rng, mode, size):
    w, h = size
    bands = {"L": 1, "P": 1, "RGB": 3, "RGBA": 4, "CMYK": 4, "LA": 2}[mode]
    y, x = np.mgrid[0:h, 0:w]
    data = np.stack([(x * (3 + b) + y * (7 - b) + rng.integers(0, 40, (h, w))) % 256 for b in range(bands)], -1)
    data = data.astype(np.uint8)
    return Image.fromarray(data[..., 0] if bands == 1 else data, mode if mode != "P" else "L")


def encode(im, kind, **options):
    out = io.BytesIO()
    im.save(out, kind, **options)
    return out.getvalue()


def exif(orientation):
    e = Image.Exif()
    e[0x0112] = orientation
    return e.tobytes()


def pictures(rng):
    rgb = picture(rng, "RGB", (37, 23))
    yield "jpeg", encode(rgb, "JPEG", quality=60)
    yield "jpeg-progressive", encode(rgb, "JPEG", quality=40, progressive=True)
    yield "jpeg-444", encode(rgb, "JPEG", quality=90, subsampling=0)
    yield "jpeg-gray", encode(picture(rng, "L", (16, 40)), "JPEG")
    yield "jpeg-cmyk", encode(picture(rng, "CMYK", (20, 9)), "JPEG")
    yield "jpeg-restart", encode(rgb, "JPEG", restart_marker_blocks=1)
    for orientation in (3, 6, 7):
        yield "jpeg-exif%d" % orientation, encode(rgb, "JPEG", exif=exif(orientation))
    for mode in ("L", "LA", "RGB", "RGBA"):
        yield "png-" + mode.lower(), encode(picture(rng, mode, (19, 11)), "PNG")
    yield "png-palette", encode(rgb.quantize(16), "PNG")
    yield "png-palette-alpha", encode(rgb.quantize(8), "PNG", transparency=3)
    yield "png-1bit", encode(picture(rng, "L", (33, 5)).convert("1"), "PNG")
    yield "png-16bit", encode(Image.fromarray(rng.integers(0, 65535, (9, 7)).astype(np.uint16)), "PNG")
    yield "png-exif", encode(rgb, "PNG", exif=exif(8))
    yield "webp", encode(rgb, "WEBP", quality=50)
    yield "webp-lossless", encode(rgb, "WEBP", lossless=True)
    yield "webp-alpha", encode(picture(rng, "RGBA", (21, 13)), "WEBP", quality=40)
    yield "webp-exif", encode(rgb, "WEBP", exif=exif(5))
    yield "webp-animated", encode(rgb, "WEBP", save_all=True, append_images=[picture(rng, "RGB", (37, 23))])


# ---- Networks ---------------------------------------------------------------------


def tensor(rng, name, *shape, kind=np.float32, scale=0.5):
    return numpy_helper.from_array((rng.standard_normal(shape) * scale).astype(kind), name)


def ints(name, *values):
    return numpy_helper.from_array(np.array(values, np.int64), name)


def model(nodes, weights, inputs, outputs, opset=11):
    def value(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(nodes, "g", [value(*i) for i in inputs], [value(n, None) for n in outputs], weights)
    m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="seed")
    m.ir_version = 6
    return m.SerializeToString()


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs.split(), outputs.split(), name=op.lower(), **attributes)


def conv_net(rng, dynamic):
    nodes = [
        node("Sub", "x mean", "x0"),
        node("Mul", "x0 scale", "x1"),
        node("Conv", "x1 w1", "c1", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        node("BatchNormalization", "c1 s b m v", "b1", epsilon=1e-5),
        node("PRelu", "b1 p", "r1"),
        node("Conv", "r1 w2", "d1", kernel_shape=[3, 3], group=8, pads=[1, 1, 1, 1]),
        node("Conv", "d1 w3 bias", "e1", kernel_shape=[1, 1]),
        node("Add", "e1 r1", "a1"),
        node("Relu", "a1", "a2"),
        node("MaxPool", "a2", "m1", kernel_shape=[2, 2], strides=[2, 2]),
        node("GlobalAveragePool", "m1", "g1"),
        node("Flatten", "g1", "f1"),
        node("Gemm", "f1 fc fcb", "y", transB=1),
    ]
    weights = [
        tensor(rng, "mean", 1),
        tensor(rng, "scale", 1),
        tensor(rng, "w1", 8, 3, 3, 3),
        tensor(rng, "w2", 8, 1, 3, 3),
        tensor(rng, "w3", 8, 8, 1, 1),
        tensor(rng, "bias", 8),
        tensor(rng, "p", 8, 1, 1),
        tensor(rng, "fc", 5, 8),
        tensor(rng, "fcb", 5),
    ]
    weights += [numpy_helper.from_array(np.abs(rng.standard_normal(8)).astype(np.float32) + 0.1, n) for n in "sbmv"]
    size = ["N", 3, "H", "W"] if dynamic else [1, 3, 12, 12]
    return model(nodes, weights, [("x", size)], ["y"])


def detector(rng):
    """A dynamic size: Shape, Gather, Concat, Resize, Transpose, Reshape, Sigmoid."""
    nodes = [
        node("Conv", "x w", "c", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        node("Shape", "x", "s"),
        node("Gather", "s two", "h"),
        node("Gather", "s three", "wd"),
        helper.make_node("Unsqueeze", ["h"], ["h1"], axes=[0]),
        helper.make_node("Unsqueeze", ["wd"], ["w1"], axes=[0]),
        helper.make_node("Slice", ["s", "zero", "two1"], ["nc"]),
        node("Concat", "oc h1 w1", "hw", axis=0),
        helper.make_node("Concat", ["n1", "hw"], ["full"], axis=0),
        helper.make_node(
            "Resize", ["c", "roi", "none", "full"], ["u"], mode="linear", coordinate_transformation_mode="half_pixel"
        ),
        node("Transpose", "u", "t", perm=[2, 3, 0, 1]),
        node("Reshape", "t shape", "r"),
        node("Sigmoid", "r", "score"),
    ]
    weights = [
        tensor(rng, "w", 2, 3, 3, 3),
        ints("zero", 0),
        ints("two1", 2),
        ints("oc", 2),
        ints("n1", 1),
        ints("shape", -1, 1),
        numpy_helper.from_array(np.array(2, np.int64), "two"),
        numpy_helper.from_array(np.array(3, np.int64), "three"),
        numpy_helper.from_array(np.zeros(0, np.float32), "roi"),
        numpy_helper.from_array(np.zeros(0, np.float32), "none"),
    ]
    return model(nodes, weights, [("x", [1, 3, "H", "W"])], ["score"])


def many_ops(rng):
    nodes = [
        node("Clip", "x", "a", min=0.0, max=6.0),
        node("LeakyRelu", "a", "b", alpha=0.1),
        node("Softmax", "b", "c", axis=1),
        node("AveragePool", "c", "d", kernel_shape=[3, 3], strides=[1, 1], pads=[1, 1, 1, 1]),
        node("Div", "d two", "e"),
        node("Squeeze", "e", "f", axes=[0]),
        helper.make_node("Unsqueeze", ["f"], ["g"], axes=[0]),
        node("Identity", "g", "h"),
        node("Dropout", "h", "i"),
        node("Cast", "i", "j", to=1),
        node("Slice", "j", "k", starts=[0], ends=[2], axes=[1]),
        node("Upsample", "k", "l", mode="nearest", scales=[1.0, 1.0, 2.0, 2.0]),
        node("Transpose", "l", "m", perm=[0, 2, 3, 1]),
        node("MatMul", "m mm", "y"),
    ]
    return model(nodes, [tensor(rng, "two", 1), tensor(rng, "mm", 2, 3)], [("x", [1, 4, 6, 5])], ["y"], opset=7)


def half_weights(rng):
    nodes = [
        node("Cast", "w", "wf", to=1),
        node("Conv", "x wf", "c", kernel_shape=[1, 1]),
        node("Constant", "", "k", value=tensor(rng, "", 1)),
        node("Mul", "c k", "y"),
    ]
    return model(nodes, [tensor(rng, "w", 4, 3, 1, 1, kind=np.float16)], [("x", [1, 3, 4, 4])], ["y"], opset=13)


def scrfd(rng):
    """Of SCRFD's form: scores, boxes and landmarks at strides 8, 16, 32, about one anchor in ten above 0.5."""
    nodes, weights, outputs, source, channels = [], [], [[], [], []], "x", 3
    for stride, step in ((8, 8), (16, 2), (32, 2)):
        body = "f%d" % stride
        weights.append(tensor(rng, "w" + body, 6, channels, 3, 3))
        nodes.append(
            node("Conv", "%s w%s" % (source, body), body, kernel_shape=[3, 3], strides=[step, step], pads=[1, 1, 1, 1])
        )
        for i, (kind, width) in enumerate((("score", 1), ("box", 4), ("kps", 10))):
            name = "%s%d" % (kind, stride)
            weights += [
                tensor(rng, "w" + name, 2 * width, 6, 1, 1, scale=0.3),
                ints("s" + name, -1, width),
                numpy_helper.from_array(np.full(2 * width, -1.3 if kind == "score" else 2.0, np.float32), "b" + name),
            ]
            nodes += [
                node("Conv", "%s w%s b%s" % (body, name, name), "c" + name, kernel_shape=[1, 1]),
                node("Transpose", "c" + name, "t" + name, perm=[2, 3, 0, 1]),
            ]
            last = "t" + name
            if kind == "score":
                nodes.append(node("Sigmoid", last, "g" + name))
                last = "g" + name
            nodes.append(node("Reshape", "%s s%s" % (last, name), name))
            outputs[i].append(name)
        source, channels = body, 6
    return model(nodes, weights, [("x", [1, 3, "H", "W"])], sum(outputs, []))


def arcface(rng):
    nodes = [
        node("Conv", "x w", "c", kernel_shape=[3, 3], strides=[16, 16], pads=[1, 1, 1, 1]),
        node("PRelu", "c p", "r"),
        node("GlobalAveragePool", "r", "g"),
        node("Flatten", "g", "f"),
        node("Gemm", "f fc b", "y", transB=1),
    ]
    weights = [tensor(rng, "w", 8, 3, 3, 3), tensor(rng, "p", 8, 1, 1), tensor(rng, "fc", 16, 8), tensor(rng, "b", 16)]
    return model(nodes, weights, [("x", ["N", 3, 112, 112])], ["y"])


def networks(rng):
    yield "conv", conv_net(rng, False)
    yield "conv-dynamic", conv_net(rng, True)
    yield "detector", detector(rng)
    yield "operators", many_ops(rng)
    yield "half", half_weights(rng)
    yield "scrfd", scrfd(rng)
    yield "arcface", arcface(rng)


# ---- Manifests ----------------------------------------------------------------------


def manifests(rng):
    yield "least", b'{"facet_pack": 1}'
    yield (
        "whole",
        json.dumps(
            {
                "facet_pack": 1,
                "name": "seed",
                "license": "MIT",
                "threshold": 0.4,
                "other": [1, {"a": None}],
                "files": [
                    {
                        "file": "det.onnx",
                        "task": "detection",
                        "sha256": "0" * 64,
                        "mean": 127.5,
                        "std": 128,
                        "agreement": True,
                        "second_look": True,
                    },
                    {"file": "embed.onnx", "task": "recognition"},
                ],
            }
        ).encode(),
    )
    yield "leaves-the-folder", b'{"facet_pack": 1, "files": [{"file": "../x.onnx"}]}'
    yield "escapes", b'{"facet_pack": 1, "name": "\\ud83d\\ude00\\u0000", "threshold": 1e400}'
    yield "deep", b'{"facet_pack": 1, "files": ' + b"[" * 300 + b"]" * 300 + b"}"
    for name, data in networks(rng):
        yield "network-" + name, data[:1500]


# ---- Files --------------------------------------------------------------------------


def damaged(data, chance):
    """A copy with a piece overwritten, removed or repeated."""
    data = bytearray(data)
    at = chance.randrange(len(data))
    length = chance.randrange(1, 9)
    piece = chance.randrange(3)
    if piece == 0:
        data[at : at + length] = bytes(chance.choice((0, 0xFF, 0x7F, chance.randrange(256))) for _ in range(length))
    elif piece == 1:
        del data[at:]
    else:
        data[at:at] = data[at : at + 8 * length]
    return bytes(data)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "corpus")
    for target, make in (("image", pictures), ("onnx", networks), ("manifest", manifests)):
        folder = root / target
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("seed-*"):
            old.unlink()
        chance = random.Random(SEED)
        for name, data in make(np.random.default_rng(SEED)):
            (folder / ("seed-" + name)).write_bytes(data)
            if target != "manifest":
                (folder / ("seed-" + name + "-damaged")).write_bytes(damaged(data, chance))


main()
