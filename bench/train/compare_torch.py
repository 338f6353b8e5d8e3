#!/usr/bin/env python3
"""Times training steps (forward and backward, without data and optimizer) of
facet and PyTorch on the same network, batch and threads, in turns.

usage: compare_torch.py BUILD [--threads N] [--batch B] [--rounds R] [--steps S]     (needs torch)

PyTorch runs with contiguous and with channels_last memory, and the faster counts.
Each turn begins with a step that is not counted. Prints the median and best step
of all turns as images a second, and the ratio of the medians."""
import argparse
import re
import statistics
import subprocess
import time
from pathlib import Path

import torch
from torch import nn

RECIPE = Path(__file__).resolve().parents[2] / "train/recipes/ibex-embedder.conf"


def layer(ci, co, k, s, pad, groups=1, act=True):
    parts = [nn.Conv2d(ci, co, k, s, pad, groups=groups, bias=False), nn.BatchNorm2d(co)]
    return nn.Sequential(*parts, *([nn.PReLU(co)] if act else []))


class Residual(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return x + self.inner(x)


def bottleneck(ci, co, e, s):
    return nn.Sequential(layer(ci, e, 1, 1, 0), layer(e, e, 3, s, 1, e), layer(e, co, 1, 1, 0, act=False))


def build(text):
    """The network of a description (docs/training.md), and its input's side."""
    parts, c, side, first = [], 3, 112, 112
    for statement in text.split(";"):
        name, *v = statement.split()
        v = [int(x) for x in v]
        if name == "input":
            first, c = v
            side = first
            continue
        if name == "conv":
            parts.append(layer(c, v[0], v[1], v[2], v[1] // 2))
        elif name == "dw":
            parts.append(layer(c, c, v[0], v[1], v[0] // 2, c))
        elif name == "down":
            parts.append(bottleneck(c, v[0], v[1], v[2]))
        elif name == "res":
            parts += [Residual(bottleneck(c, c, v[0], 1)) for _ in range(v[1])]
        elif name == "gdc":
            parts.append(layer(c, c, side, 1, 0, c, act=False))
            side = 1
        elif name == "linear":
            parts.append(layer(c, v[0], side, 1, 0, act=False))
        else:
            raise SystemExit(f"unknown statement {name}")
        stride = {"conv": v[2:3], "dw": v[1:2], "down": v[2:3]}.get(name, [1])[0]
        side = (side - 1) // stride + 1
        c = c if name in ("dw", "res", "gdc") else v[0]
    return nn.Sequential(*parts), first


class Torch:
    def __init__(self, text, batch, layout):
        torch.manual_seed(1)
        self.net, side = build(text)
        self.net = self.net.to(memory_format=layout).train()
        self.x = torch.rand(batch, 3, side, side).to(memory_format=layout)
        self.grad = torch.randn_like(self.net(self.x))

    def turn(self, steps):
        out = []
        for _ in range(steps + 1):
            start = time.perf_counter()
            self.net.zero_grad(set_to_none=True)
            self.net(self.x).backward(self.grad)
            out.append(time.perf_counter() - start)
        return out[1:]


def facet_turn(program, text, batch, steps, threads):
    out = subprocess.run([program, text, str(batch), str(steps + 1)], check=True, capture_output=True, text=True,
                         env={"FCT_THREADS": str(threads)}).stdout
    return [batch / float(v) for v in re.findall(r"([\d.]+) images/s", out)][1:]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--rounds", type=int, default=4)
    p.add_argument("--steps", type=int, default=2)
    a = p.parse_args()
    text = re.search(r"^network = (.*)$", RECIPE.read_text(), re.M)[1]
    program = str(Path(a.build).resolve() / "bench/train_speed")
    torch.set_num_threads(a.threads)
    engines = {"torch contiguous": Torch(text, a.batch, torch.contiguous_format),
               "torch channels_last": Torch(text, a.batch, torch.channels_last)}
    times = {"facet": [], **{k: [] for k in engines}}
    for _ in range(a.rounds):
        times["facet"] += facet_turn(program, text, a.batch, a.steps, a.threads)
        for name, engine in engines.items():
            times[name] += engine.turn(a.steps)
    print(f"{a.threads} threads, batch {a.batch}, torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}")
    for name, t in times.items():
        print(f"{name:20s} median {a.batch / statistics.median(t):6.1f}  best {a.batch / min(t):6.1f} images/s")
    theirs = min(statistics.median(times[k]) for k in engines)
    print(f"facet / faster PyTorch: {theirs / statistics.median(times['facet']):.2f}")


if __name__ == "__main__":
    main()
