"""Going on from an exported network, whose BatchNorms were folded into the convolutions."""

import numpy as np
import torch
import torch.nn as nn

KINDS = {'Conv': nn.Conv2d, 'Gemm': nn.Linear, 'PRelu': nn.PReLU}


def _stored(path):
    """-> per operator of KINDS the stored tensors of its nodes, in the order of the graph."""
    import onnx
    from onnx import numpy_helper

    g = onnx.load(path).graph
    t = {i.name: torch.from_numpy(numpy_helper.to_array(i).astype(np.float32)) for i in g.initializer}
    for n in g.node:  # weights stored as float16 are widened in the graph
        if n.op_type == 'Cast' and n.input[0] in t:
            t[n.output[0]] = t[n.input[0]]
    return {op: [[t[i] for i in n.input[1:] if i in t] for n in g.node if n.op_type == op] for op in KINDS}


def _hooked(net, kinds, hook, forward):
    handles = [m.register_forward_pre_hook(hook) for m in net.modules() if isinstance(m, kinds)]
    with torch.no_grad():
        forward()
    for h in handles:
        h.remove()


def start(net, path, forward, optional=(), adapt=None):
    """Loads the weights of path into net, which must run its layers in the order of the file. forward() runs
    the exported part of net on typical input: every BatchNorm gets that input's statistics, and the scale and
    shift that undo them, so that net computes what the file computes. Modules in optional may be missing from
    the file; then adapt() makes the others' weights fit."""
    order, stored, shift = [], _stored(path), {}
    net.eval()
    _hooked(net, (nn.BatchNorm2d, *KINDS.values()), lambda m, x: order.append(m), forward)
    missing = bool(optional) and len(stored['Conv']) < sum(isinstance(m, nn.Conv2d) for m in order)
    ours = [m for m in order if not (missing and m in optional)]
    for op, kind in KINDS.items():
        own = [m for m in ours if isinstance(m, kind)]
        if [m.weight.numel() for m in own] != [v[0].numel() for v in stored[op]]:
            raise SystemExit(f'{path}: not a network of this shape')
        with torch.no_grad():
            for m, (w, *b) in zip(own, stored[op]):
                m.weight.copy_(w.reshape(m.weight.shape))
                if getattr(m, 'bias', None) is not None:
                    m.bias.copy_(b[0])
                elif b:
                    shift[m] = b[0]
    if missing:
        adapt()
    after = {b: shift[c] for c, b in zip(order, order[1:]) if isinstance(b, nn.BatchNorm2d)}

    def calibrate(m, x):
        var, mean = torch.var_mean(x[0], (0, 2, 3), unbiased=False)
        var += 1e-3 * var.mean()  # a dead channel stays one
        m.running_mean.copy_(mean)
        m.running_var.copy_(var)
        m.weight.copy_((var + m.eps).sqrt())
        m.bias.copy_(mean + after[m])

    _hooked(net, nn.BatchNorm2d, calibrate, forward)
    net.train()
