"""Forty training steps in facet and in PyTorch: the same network, weights,
pictures and targets must give the same losses within 1e-3.

train_parity.py TRACE: TRACE is the built program tests/train/train_trace, which
runs the steps and writes, into a folder, its first weights (start.onnx), the
batch (input.f32, target.f32) and a line per step (losses.txt). Needs torch,
onnx and numpy."""
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper

STEPS, BATCH, SIZE, DIM = 40, 16, 48, 32
LR, MOMENTUM, DECAY, COSINE, GRAM = 0.02, 0.9, 5e-4, 1.0, 2.0


def load(path):
    graph = onnx.load(path).graph
    weights = {t.name: torch.tensor(numpy_helper.to_array(t).copy()) for t in graph.initializer}
    for name, value in weights.items():
        if not name.endswith((".mean", ".var")):
            value.requires_grad_(True)
    return graph, weights


def forward(graph, weights, x):
    """The graph of the file, node by node, BatchNorm by the batch's statistics."""
    values = {graph.input[0].name: x, **weights}
    for node in graph.node:
        a = {k.name: onnx.helper.get_attribute_value(k) for k in node.attribute}
        v = [values[i] for i in node.input]
        if node.op_type == "Conv":
            y = F.conv2d(v[0], v[1], None, a["strides"], a["pads"][:2], a["dilations"], a["group"])
        elif node.op_type == "BatchNormalization":
            y = F.batch_norm(v[0], None, None, v[1], v[2], True, 0.1, a["epsilon"])
        elif node.op_type == "PRelu":
            y = F.prelu(v[0], v[1].flatten())
        elif node.op_type == "Add":
            y = v[0] + v[1]
        elif node.op_type == "Flatten":
            y = v[0].flatten(1)
        else:
            raise SystemExit(f"unexpected operator {node.op_type}")
        values[node.output[0]] = y
    return values[graph.output[0].name]


def losses(folder):
    graph, weights = load(folder / "start.onnx")
    x = torch.tensor(np.fromfile(folder / "input.f32", "<f4").reshape(BATCH, SIZE, SIZE, 3)).permute(0, 3, 1, 2)
    t = torch.tensor(np.fromfile(folder / "target.f32", "<f4").reshape(BATCH, DIM))
    last = [n for n in weights if n.endswith(".gamma")][-1]
    decayed = [v for n, v in weights.items() if n.endswith(".weight")]
    plain = [v for n, v in weights.items() if n.endswith((".gamma", ".beta", ".slope")) and n != last]
    optimizer = torch.optim.SGD([{"params": decayed, "weight_decay": DECAY}, {"params": plain}], LR, MOMENTUM,
                                nesterov=True)
    off = 1 - torch.eye(BATCH)
    out = []
    for _ in range(STEPS):
        u = F.normalize(forward(graph, weights, x))
        gram = (((u @ u.T - t @ t.T) ** 2) * off).sum() / (BATCH * (BATCH - 1))
        loss = COSINE * (1 - (u * t).sum(1)).mean() + GRAM * gram
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        out.append(loss.item())
    return np.array(out)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.argv[1], name], check=True)
        ours = np.loadtxt(folder / "losses.txt")
        theirs = losses(folder)
    worst = np.abs(ours - theirs).max()
    print(f"{STEPS} steps: loss {ours[0]:.6f} -> {ours[-1]:.6f} (PyTorch {theirs[-1]:.6f}), "
          f"largest difference {worst:.2e}")
    return 0 if len(ours) == STEPS and worst < 1e-3 else 1


if __name__ == "__main__":
    sys.exit(main())
