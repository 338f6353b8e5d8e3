"""Networks from facet's short descriptions (train/net.h), their ONNX form, and ONNX teachers as modules."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


class Unit(nn.Module):
    """Convolution, BatchNorm, PReLU and residual, each where `facet train` has it. kind: conv, dw or bn."""

    def __init__(s, kind, ci, co, k, stride, pad, prelu, residual=None, fixed_gamma=False):
        super().__init__()
        s.kind, s.k, s.stride, s.pad, s.residual = kind, k, stride, pad, residual
        s.conv = None
        if kind != 'bn':
            s.conv = nn.Conv2d(ci, co, k, stride, pad, groups=ci if kind == 'dw' else 1, bias=False)
            nn.init.normal_(s.conv.weight, 0, (2 / s.conv.weight[0].numel()) ** 0.5)
        s.norm = nn.BatchNorm2d(co)
        s.norm.weight.requires_grad_(not fixed_gamma)
        s.act = nn.PReLU(co) if prelu else None

    def convolve(s, x):
        if s.kind == 'dw' and x.device.type == 'cpu':  # what PyTorch is slow at going back through on CPUs
            if s.k == x.shape[2] and not s.pad:
                return (x * s.conv.weight[:, 0].to(x.dtype)).sum((2, 3), keepdim=True)
            if s.stride == 2:
                return F.conv2d(x, s.conv.weight, None, 1, s.pad, groups=s.conv.groups)[:, :, ::2, ::2]
        return s.conv(x)

    def forward(s, x):
        x = s.norm(s.convolve(x) if s.conv is not None else x)
        return s.act(x) if s.act is not None else x


class Net(nn.Module):
    """-> embeddings [n, dim] of pictures [n, 3, size, size], (x - 127.5) / 127.5."""

    def __init__(s, text):
        super().__init__()
        s.text, s.size, s.units = text, 112, nn.ModuleList()
        s.c, s.side, s.macs = 3, 112, 0
        for words in (t.split() for t in text.replace('\n', ';').split(';')):
            if words:
                linear = words[-1] == 'linear'
                s.statement(words[0], [int(v) for v in words[1 : len(words) - linear]], linear)

    def add(s, kind, co, k, stride, pad, prelu, **more):
        s.units.append(Unit(kind, s.c, co, k, stride, pad, prelu, **more))
        s.c, s.side = co, (s.side + 2 * pad - k) // stride + 1
        w = s.units[-1].conv
        s.macs += 0 if w is None else w.weight.numel() * s.side**2

    def bottleneck(s, c, e, stride, residual):
        start = len(s.units) - 1
        s.add('conv', e, 1, 1, 0, True)
        s.add('dw', e, 3, stride, 1, True)
        s.add('conv', c, 1, 1, 0, False, residual=start if residual else None)

    def statement(s, name, v, linear):
        if name == 'input':
            s.size = s.side = v[0]
            s.c = v[1] if len(v) > 1 else 3
        elif name == 'conv':
            s.add('conv', v[0], v[1], v[2], v[1] // 2, not linear)
        elif name == 'dw':
            s.add('dw', s.c, v[0], v[1], v[0] // 2, not linear)
        elif name == 'down':
            s.bottleneck(v[0], v[1], v[2], False)
        elif name == 'res':
            for _ in range(v[1]):
                s.bottleneck(s.c, v[0], 1, True)
        elif name == 'gdc':
            s.add('dw', s.c, s.side, 1, 0, False)
        elif name == 'bn':
            s.add('bn', s.c, 1, 1, 0, False)
        elif name == 'linear':
            s.dim = v[0]
            s.add('conv', v[0], s.side, 1, 0, False, fixed_gamma=True)
        else:
            raise SystemExit(f'network "{name}": this program does not have it')

    def forward(s, x, first=0, end=None):
        """Units first to end of the network; x: what unit first takes. No residual may cross first."""
        kept = {u.residual for u in s.units}
        at = {first - 1: x}
        for i, u in list(enumerate(s.units))[first:end]:
            x = u(x)
            if u.residual is not None:
                x = x + at.pop(u.residual)
            if i in kept:
                at[i] = x
        return x.flatten(1) if end is None else x


def load(net, path):
    """Weights of a file that export() or `facet train` wrote for this network."""
    import onnx
    from onnx import numpy_helper

    t = {
        i.name.removesuffix('.half'): numpy_helper.to_array(i).astype(np.float32)
        for i in onnx.load(path).graph.initializer
    }
    with torch.no_grad():
        for i, u in enumerate(net.units):
            m, n = u.norm, f'{u.kind}{i}'
            parts = dict(gamma=m.weight, beta=m.bias, mean=m.running_mean, var=m.running_var)
            if u.conv is not None:
                parts['weight'] = u.conv.weight
            if u.act is not None:
                parts['slope'] = u.act.weight
            for k, v in parts.items():
                if f'{n}.{k}' not in t or t[f'{n}.{k}'].size != v.numel():
                    raise SystemExit(f'{path}: not a network of this shape ({n}.{k})')
                v.copy_(torch.from_numpy(t[f'{n}.{k}'].reshape(v.shape)))


def export(net, path):
    """Writes what `facet train` would: it can go on from the file (init, facet train --export)."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, tensors = [], []

    def put(name, v, shape=None):
        v = v.detach().float().cpu().numpy()
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(v.reshape(shape or v.shape)), name))
        return name

    def result(i):
        return names[i] + '.out' if i >= 0 else 'input.1'

    names = [f'{u.kind}{i}' for i, u in enumerate(net.units)]
    for i, (n, u) in enumerate(zip(names, net.units)):
        x = result(i - 1)
        if u.conv is not None:
            w = put(n + '.weight', u.conv.weight)
            nodes.append(
                helper.make_node('Conv', [x, w], [n + '.conv'], n + '.conv', dilations=[1, 1], group=u.conv.groups,
                                 kernel_shape=[u.k] * 2, pads=[u.pad] * 4, strides=[u.stride] * 2)
            )  # fmt: skip
            x = n + '.conv'
        m = u.norm
        parts = [
            put(f'{n}.{k}', v)
            for k, v in dict(gamma=m.weight, beta=m.bias, mean=m.running_mean, var=m.running_var).items()
        ]
        stages = ['.norm'] + ['.act'] * (u.act is not None) + ['.sum'] * (u.residual is not None)
        outs = [n + t for t in stages[:-1]] + [n + '.out']
        nodes.append(helper.make_node('BatchNormalization', [x, *parts], [outs[0]], outs[0], epsilon=m.eps))
        if u.act is not None:
            slope = put(n + '.slope', u.act.weight, (-1, 1, 1))
            nodes.append(helper.make_node('PRelu', [outs[0], slope], [outs[1]], outs[1]))
        if u.residual is not None:
            nodes.append(helper.make_node('Add', [outs[-2], result(u.residual)], [outs[-1]], outs[-1]))
    nodes.append(helper.make_node('Flatten', [result(len(names) - 1)], ['embedding'], 'embedding', axis=1))
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, 'embedder', [value('input.1', TensorProto.FLOAT, ['N', 3, net.size, net.size])],
        [value('embedding', TensorProto.FLOAT, ['N', net.dim])], tensors,
    )  # fmt: skip
    model = helper.make_model(graph, producer_name='facet', opset_imports=[helper.make_opsetid('', 13)], ir_version=7)
    p = model.metadata_props.add()
    p.key, p.value = 'facet.network', net.text
    onnx.checker.check_model(model)
    onnx.save(model, path)


class Teacher(nn.Module):
    """An ONNX embedder of convolutions and elementwise operators: pictures [n, 3, h, w] -> [n, dim]. BatchNorms
    are constants."""

    def __init__(s, path):
        import onnx
        from onnx import helper, numpy_helper

        super().__init__()
        s.path, g = path, onnx.load(path).graph
        s.input, s.output, s.nodes, s.number = g.input[0].name, g.output[0].name, [], {}
        fixed = {i.name: numpy_helper.to_array(i) for i in g.initializer}
        s.weights = nn.ParameterList()
        for n in g.node:
            at = {a.name: helper.get_attribute_value(a) for a in n.attribute}
            if n.op_type == 'Constant':
                fixed[n.output[0]] = numpy_helper.to_array(at['value'])
            elif n.op_type in ('Cast', 'Identity') and n.input[0] in fixed:
                fixed[n.output[0]] = fixed[n.input[0]].astype(np.float32)
            elif n.op_type == 'Transpose' and n.input[0] in fixed:
                fixed[n.output[0]] = fixed[n.input[0]].T
            else:
                plain = n.op_type in ('Slice', 'Resize')  # numbers that say what to do, not weights
                for i in n.input:
                    if i in fixed and i not in s.number and fixed[i].size > 1 and not plain:
                        s.number[i] = len(s.weights)
                        learned = n.op_type != 'BatchNormalization' or i in n.input[1:3]
                        s.weights.append(nn.Parameter(torch.from_numpy(np.array(fixed[i], np.float32)), learned))
                small = {i: fixed[i].tolist() if plain else float(fixed[i].item())
                         for i in n.input if i in fixed and (plain or fixed[i].size == 1)}  # fmt: skip
                s.nodes.append((n.op_type, list(n.input), n.output[0], at, small))

    def cut(s, convolutions):
        """-> number of the last node, with at most so many convolutions up to it, whose result alone is needed after
        it; -1: none."""
        best, seen = -1, 0
        for k, n in enumerate(s.nodes):
            seen += n[0] == 'Conv'
            made = {m[2] for m in s.nodes[: k + 1]} | {s.input}
            if seen <= convolutions and {i for m in s.nodes[k + 1 :] for i in m[1]} & made == {n[2]}:
                best = k
        return best

    def convolve(s, x, w, b, at):
        top, left, bottom, right = at.get('pads', [0, 0, 0, 0])
        stride, groups = at.get('strides', [1, 1]), at.get('group', 1)
        if (top, left) != (bottom, right):
            x, top, left = F.pad(x, (left, right, top, bottom)), 0, 0
        if groups == x.shape[1] and x.device.type == 'cpu':  # what PyTorch is slow at going back through on CPUs
            if w.shape[2:] == x.shape[2:] and not top and b is None:
                return (x * w[:, 0].to(x.dtype)).sum((2, 3), keepdim=True)
            if stride == [2, 2]:
                return F.conv2d(x, w, b, 1, (top, left), groups=groups)[:, :, ::2, ::2]
        return F.conv2d(x, w, b, stride, (top, left), groups=groups)

    def run(s, op, v, at):
        """One operator: its inputs' values v, its attributes at."""
        if op == 'Conv':
            return s.convolve(v[0], v[1], v[2] if len(v) > 2 else None, at)
        if op == 'Clip':
            low, high = (v + [None, None])[1:3]
            return v[0].clamp(at.get('min', low), at.get('max', high))
        if op == 'BatchNormalization':
            return F.batch_norm(v[0], v[3], v[4], v[1], v[2], eps=at.get('epsilon', 1e-5))
        if op in ('Add', 'Sub', 'Mul', 'MatMul'):
            return {'Add': torch.add, 'Sub': torch.sub, 'Mul': torch.mul, 'MatMul': torch.matmul}[op](*v)
        if op == 'PRelu':
            return torch.where(v[0] > 0, v[0], v[0] * v[1])
        if op == 'Sigmoid':
            return v[0].sigmoid()
        if op == 'AveragePool' and list(v[0].shape[2:]) == list(at['kernel_shape']):
            return v[0].mean((2, 3), keepdim=True)
        if op == 'Slice' and len(v) == 4 and v[3] == [2, 3]:
            (top, left), (bottom, right) = v[1:3]
            return v[0][:, :, top:bottom, left:right]
        if op == 'Resize' and at.get('mode') == b'linear':
            size = v[3] if len(v) > 3 else [int(a * b) for a, b in zip(v[0].shape, v[2])]
            return F.interpolate(v[0], size[2:], mode='bilinear', align_corners=False)
        if op == 'Flatten':
            return v[0].flatten(1)
        raise SystemExit(f'{s.path}: operator {op} is not supported')

    def forward(s, x, first=0, end=None):
        """Nodes first to end of the network; x: what is needed of the nodes before, see cut()."""
        e = {s.nodes[first - 1][2] if first else s.input: x}
        for op, names, out, at, small in s.nodes[first:end]:
            v = [e[i] if i in e else s.weights[s.number[i]] if i in s.number else small.get(i) for i in names]
            if op in ('Add', 'Mul') and names[1] in s.number:
                v[1] = v[1].to(v[0].dtype)  # with autocast, so that the sum is not of twice the size
            e[out] = s.run(op, v, at)
        return e[out]

    def export(s, path):
        """Writes the file that the network was read from with the weights of now."""
        import onnx
        from onnx import numpy_helper

        m = onnx.load(s.path)
        for i in m.graph.initializer:
            name = i.name.removesuffix('.half')  # as pack.py names them
            if name in s.number:
                w = s.weights[s.number[name]].detach().float().cpu().numpy()
                w = w.astype(np.float32 if name == i.name else np.float16)
                i.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(w), i.name))
        m.producer_name = 'facet'
        onnx.save(m, path)
