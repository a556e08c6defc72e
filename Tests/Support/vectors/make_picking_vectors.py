"""Writes the vectors of PyTorch for picking, scattering, padding and rearranging by index, and for sparse matrices.

    python3 Tests/Support/vectors/make_picking_vectors.py

See make_vectors.py for the format of a case; a case here is one line of OPS and a row of OpTable+Picking.swift.
"""

import torch
import torch.nn.functional as F

from make_vectors import places, write_cases

ROWS = [([1],), ([4],), ([3, 2],), ([2, 1, 3],)]
BLOCKS = [([2, 3, 4],), ([1, 5, 1],), ([2, 1, 3],)]
LONG = [([3],), ([4],), ([3, 2],)]
TRIANGLES = [([1, 1],), ([3, 4],), ([2, 4, 3],)]
PLANES = [([2, 3],), ([2, 2, 4],)]


def scramble(shape, below):
    n = torch.Size(shape).numel()
    return ((torch.arange(n) * 7 + torch.arange(n) // 3 + 1) % below).reshape(shape)


def take_first(x):
    return x.gather(0, scramble([2, *x.shape[1:]], x.shape[0]))


def take_middle(x):
    return x.gather(1, scramble([x.shape[0], x.shape[1] + 1, x.shape[2]], x.shape[1]))


def scatter(x, axis, below, rows):
    shape = list(x.shape)
    shape[axis] = rows
    return torch.zeros(shape).index_add(axis, places(x.shape[axis], below), x)


def scatter_along(x, axis):
    shape = list(x.shape)
    shape[axis] = 4
    return torch.zeros(shape).scatter_add(axis, scramble(x.shape, 3), x)


def expanded(x, axis, below):
    index = places(x.shape[axis], below)
    return index.reshape([-1] + [1] * (x.dim() - axis % x.dim() - 1)).expand(x.shape)


def reduced(x, axis, below, rows, how, empty=0.0):
    shape = list(x.shape)
    shape[axis] = rows
    start = torch.full(shape, empty)
    return start.scatter_reduce(axis, expanded(x, axis, below), x, how, include_self=False)


def segment_softmax(x, axis, below, rows):
    e = x.exp()
    return e / scatter(e, axis, below, rows).index_select(axis, places(x.shape[axis], below))


def sparse(values, columns):
    k = torch.arange(len(values))
    flat = (k * 7 + 1) % 3 * columns + (k * 5 + 2) % columns
    return torch.zeros(4 * columns).index_add(0, flat, values).reshape(4, columns)


def pad_first(x, before, after, **mode):
    """Padding of the first axis of a tensor of any rank."""
    flat = x.reshape(x.shape[0], -1).T.reshape(1, -1, x.shape[0])
    y = F.pad(flat, (before, after), **mode)
    return y.reshape(-1, before + after + x.shape[0]).T.reshape(-1, *x.shape[1:])


def pad_planes(x, amounts, mode):
    y = F.pad(x.reshape(1, -1, *x.shape[-2:]), amounts, mode=mode)
    return y.reshape(*x.shape[:-2], *y.shape[-2:])


OPS = [
    ("gathered(last axis)", lambda a: a[..., places(a.shape[-1] + 2, a.shape[-1])], ROWS),
    ("gathered(middle)", lambda a: a[:, places(a.shape[1] * 2, a.shape[1])], BLOCKS),
    ("gathered(table)", lambda a: a[scramble([2, 3], len(a))], ROWS),
    ("gathered(table, middle)", lambda a: a[:, scramble([3, 2], a.shape[1])], BLOCKS),
    ("scattered(last axis)", lambda a: scatter(a, a.dim() - 1, 3, 4), ROWS),
    ("scattered(middle)", lambda a: scatter(a, 1, 3, 4), BLOCKS),
    ("takenAlong", take_first, ROWS),
    ("takenAlong(middle)", take_middle, BLOCKS),
    ("scatteredAlong", lambda a: scatter_along(a, 0), ROWS),
    ("scatteredAlong(middle)", lambda a: scatter_along(a, 1), BLOCKS),
    ("scatteredMean", lambda a: reduced(a, 0, 3, 4, "mean"), ROWS),
    ("scatteredMean(middle)", lambda a: reduced(a, 1, 3, 4, "mean"), BLOCKS),
    ("scatteredMax", lambda a: reduced(a, 0, 3, 4, "amax", -3.0), ROWS, "apart"),
    ("scatteredMax(middle)", lambda a: reduced(a, 1, 2, 2, "amax"), BLOCKS, "apart"),
    ("scatteredSoftmax", lambda a: segment_softmax(a, 0, 3, 4), ROWS),
    ("scatteredSoftmax(last axis)", lambda a: segment_softmax(a, a.dim() - 1, 2, 2), BLOCKS),
    ("matmul(sparse)", lambda v, x: torch.tensordot(sparse(v, len(x)), x, 1), [([7], [3, 2]), ([1], [1]), ([5], [2, 1, 3])]),
    ("matmul(sparse, transposed)", lambda v, x: sparse(v, 5).T @ x, [([7], [4, 2]), ([1], [4])]),
    ("dense", lambda v: sparse(v, 5), [([7],), ([1],)]),
    ("rowSums", lambda v: sparse(v, 5).sum(1), [([7],), ([1],)]),
    ("dense(scaled)", lambda v, r, c: torch.diag(r) @ sparse(v, 5) @ torch.diag(c), [([7], [4], [5]), ([1], [4], [5])]),
    ("flipped", lambda a: a.flip(0), ROWS),
    ("flipped(axes)", lambda a: a.flip((-1, 1)), BLOCKS),
    ("rolled", lambda a: a.roll(2, 0), ROWS),
    ("rolled(back)", lambda a: a.roll((-4, 1), (-2, -1)), BLOCKS),
    ("repeated", lambda a: a.repeat_interleave(3, 0), ROWS),
    ("repeated(last axis)", lambda a: a.repeat_interleave(2, -1), BLOCKS),
    ("tiled", lambda a: torch.cat([a, a, a]), ROWS),
    ("tiled(last axis)", lambda a: torch.tile(a, (1, 1, 2)), BLOCKS),
    ("lowerTriangular", torch.tril, TRIANGLES),
    ("lowerTriangular(diagonal)", lambda a: a.tril(-1), TRIANGLES),
    ("upperTriangular", lambda a: a.triu(1), TRIANGLES),
    ("padded(value)", lambda a: pad_first(a, 1, 2, value=1.5), ROWS),
    ("padded(reflect)", lambda a: pad_first(a, 2, 1, mode="reflect"), LONG),
    ("padded(replicate)", lambda a: pad_first(a, 2, 3, mode="replicate"), ROWS),
    ("padded(circular)", lambda a: pad_first(a, 3, 1, mode="circular"), LONG),
    ("padded(axes)", lambda a: F.pad(a, (0, 2, 1, 1)), PLANES),
    ("padded(axes, reflect)", lambda a: pad_planes(a, (0, 2, 1, 1), "reflect"), PLANES),
    ("padded(axes, replicate)", lambda a: pad_planes(a, (1, 4, 0, 2), "replicate"), PLANES + [([1, 1],)]),
]


if __name__ == "__main__":
    write_cases("picking.h5", OPS)
