"""What the scripts that write vectors of layers share; see make_layer_vectors.py."""

import math
import zlib

import numpy as np
import torch

from make_conv_vectors import pattern

DIGEST_LIMIT = 160


def digest(x):
    """A tensor as it is if it is small, else sixteen weighted sums that cover every element."""
    x = x.detach().flatten()
    if len(x) <= DIGEST_LIMIT:
        return x
    x = x * pattern(7, x.shape, 2)
    return torch.cat([x, torch.zeros(-len(x) % 16)]).reshape(-1, 16).sum(0)


def parameter_pattern(number, shape, name):
    if len(shape) >= 2:
        return pattern(number, shape, 3.46 / math.sqrt(math.prod(shape) / shape[0]))
    return pattern(number, shape, 0.5, 1.0 if name.endswith(("weight", "gamma")) else 0.0)


def fill(module):
    """Weights of unit gain, gains around 1, biases around 0, numbered by the order of their sorted names."""
    named = sorted((n, p) for n, p in module.named_parameters() if p.requires_grad)
    with torch.no_grad():
        for number, (name, p) in enumerate(named):
            p.copy_(parameter_pattern(number, tuple(p.shape), name))
    return named


def inputs_of(shapes):
    return [pattern(900 + i, tuple(s), 3).requires_grad_() for i, s in enumerate(shapes)]


def write_layer(out, name, make, cases, call=None, buffers=()):
    """One case for each tuple of input shapes.

    call(module, *inputs) gives one tensor; `buffers` are names whose values after the call are stored.
    """
    for number, shapes in enumerate(cases):
        module = make()
        named = fill(module)
        x = inputs_of(shapes)
        y = call(module, *x) if call else module(*x)
        parameters = [p for _, p in named]
        grads = torch.autograd.grad(y, x + parameters, pattern(800, tuple(y.shape), 2), allow_unused=True)
        grads = [torch.zeros_like(p) if g is None else g for g, p in zip(grads, x + parameters)]
        after = dict(module.named_buffers())
        check = zlib.crc32("\n".join(f"{n} {list(p.shape)}" for n, p in named).encode())
        label = " ".join([str(number)] + [str(list(s)) for s in shapes] + ["->", str(list(y.shape)), f"#{check}"])
        flat = [digest(t) for t in [y, *grads] + [after[b] for b in sorted(buffers)]]
        out.put(f"{name}/{label}", torch.cat(flat))


def joined(*tensors):
    """Several outputs as one vector."""
    return torch.cat([t.flatten() for t in tensors])


def places(count, below):
    return torch.from_numpy(np.array([(i * 5 + 2) % below for i in range(count)]))
