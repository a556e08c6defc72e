"""Writes the vectors of PyTorch for further functions, reductions along any axis, scans, products by name and sorting.

    python3 Tests/Support/vectors/make_mathematics_vectors.py

See make_vectors.py for the format of a case; a case here is one line of OPS and a row of OpTable+Mathematics.swift.
"""

import torch
import torch.nn.functional as F

from make_vectors import ONE, TWO, pattern, write_cases

ROWS = [([1],), ([4],), ([3, 2],), ([2, 1, 3],)]
BLOCKS = [([2, 3, 4],), ([1, 5, 1],), ([2, 1, 3],)]


def holes(x):
    return x * (1 - pattern(x.shape).double())


def recurrence(a, b, axis, reverse):
    steps = range(a.shape[axis])
    h, out = torch.zeros_like(b.select(axis, 0)), {}
    for t in reversed(steps) if reverse else steps:
        h = out[t] = a.select(axis, t) * h + b.select(axis, t)
    return torch.stack([out[t] for t in steps], axis)


def patches(x):
    c, h, w = x.shape
    return x.reshape(c, h // 2, 2, w // 2, 2).permute(1, 3, 0, 2, 4).reshape(1, h * w // 4, 4 * c)


OPS = [
    ("expm1", torch.expm1, ONE),
    ("pow(tensor)", torch.pow, TWO, "positive", "normal"),
    ("pow(itself)", lambda a: a.pow(a), ONE, "positive"),
    ("atan2", torch.atan2, TWO, "positive", "normal"),
    ("atan2(left)", lambda a, b: torch.atan2(a, -b), TWO, "normal", "positive"),
    ("atan", torch.atan, ONE, "wide"),
    ("asin", lambda a: (a.sin() * 0.9).asin(), ONE, "wide"),
    ("acos", lambda a: (a.sin() * 0.9).acos(), ONE, "wide"),
    ("leakyRelu", lambda a: F.leaky_relu(a, 0.2), ONE, "apart"),
    ("elu", lambda a: F.elu(a, 1.5), ONE, "apart"),
    ("geluTanh", lambda a: F.gelu(a, approximate="tanh"), ONE, "wide"),
    ("logSigmoid", F.logsigmoid, ONE, "wide"),
    ("amax(middle)", lambda a: a.amax(1, keepdim=True), BLOCKS, "apart"),
    ("amin(first)", lambda a: a.amin(0), ROWS, "apart"),
    ("maxWithIndices", lambda a: a.max(-2)[0], BLOCKS, "apart"),
    ("minWithIndices", lambda a: a.min(1, keepdim=True)[0], BLOCKS, "apart"),
    ("logSumExp(middle)", lambda a: a.logsumexp(1), BLOCKS),
    ("logSumExp(first, kept)", lambda a: a.logsumexp(0, keepdim=True), ROWS),
    ("softmax(middle)", lambda a: a.softmax(1), BLOCKS, "wide"),
    ("softmax(first, scale)", lambda a: (2.5 * a).softmax(0), ROWS),
    ("logSoftmax(middle)", lambda a: a.log_softmax(1), BLOCKS, "wide"),
    ("l2Normalized(middle)", lambda a: F.normalize(a, dim=1), BLOCKS),
    ("variance(axes)", lambda a: a.var((0, -1), unbiased=False), BLOCKS + [([3, 4],)]),
    ("standardDeviation", lambda a: (a.var(0, unbiased=False) + 0.1).sqrt(), ROWS),
    ("standardDeviation(unbiased)", lambda a: a.std(-1, keepdim=True), [([3],), ([4, 7],)]),
    ("cumulativeSum", lambda a: a.cumsum(0), ROWS),
    ("cumulativeSum(reversed)", lambda a: a.flip(-2).cumsum(-2).flip(-2), BLOCKS),
    ("cumulativeProduct", lambda a: a.cumprod(0), ROWS),
    ("cumulativeProduct(zeros)", lambda a: holes(a).cumprod(1), BLOCKS),
    ("product", lambda a: a.prod(0), ROWS),
    ("product(zeros)", lambda a: holes(a).prod(-1, keepdim=True), BLOCKS),
    ("linearRecurrence", lambda a, b: recurrence(a, b, 0, False), [([1], [1]), ([5], [5]), ([3, 2], [3, 2])]),
    ("linearRecurrence(reversed)", lambda a, b: recurrence(a, b, 1, True), [([2, 3, 2], [2, 3, 2])]),
    ("outer", lambda a, b: a.unsqueeze(-1) * b.unsqueeze(-2), [([3], [2]), ([2, 1], [2, 4]), ([4], [3, 2])]),
    ("einsum(attention)", lambda a, b: torch.einsum("bihd,bjhd->bhij", a, b), [([2, 3, 2, 4], [2, 5, 2, 4])]),
    ("einsum(several axes)", lambda a, b: torch.einsum("nab,abk->kn", a, b), [([2, 3, 4], [3, 4, 5])]),
    ("einsum(bilinear)", lambda a, b, c: torch.einsum("nd,de,ne->n", a, b, c), [([3, 2], [2, 4], [3, 4])]),
    ("einsum(outer)", lambda a, b: torch.einsum("bi,bj->bji", a, b), [([2, 3], [2, 4])]),
    ("einsum(dot)", lambda a, b: torch.einsum("bi,bi->b", a, b), [([2, 3], [2, 3])]),
    ("einsum(sums of one)", lambda a: torch.einsum("abc->ca", a), [([2, 3, 4],)]),
    ("einsum(lone axes)", lambda a, b: torch.einsum("ab,ca->", a, b), [([2, 3], [4, 2])]),
    ("rearranged", lambda a: a.reshape(*a.shape[:2], 2, -1).transpose(1, 2), [([2, 3, 4],), ([1, 1, 2],)]),
    ("rearranged(patches)", patches, [([3, 4, 6],), ([1, 2, 2],)]),
    ("rearranged(one axis out)", lambda a: a.squeeze(1).T, [([3, 1, 4],)]),
    ("sorted", lambda a: a.sort(-1)[0], ROWS, "apart"),
    ("sorted(descending)", lambda a: a.sort(1, descending=True)[0], BLOCKS, "apart"),
    ("topK", lambda a: a.topk(2)[0], [([3],), ([2, 17],), ([3, 5],)], "apart"),
    ("topK(smallest)", lambda a: a.topk(2, 1, largest=False)[0], [([2, 3, 4],), ([1, 5, 1],), ([2, 18, 1],)], "apart"),
]


if __name__ == "__main__":
    write_cases("mathematics.h5", OPS)
