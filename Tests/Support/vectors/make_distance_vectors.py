"""Writes the vectors of PyTorch for distances, transport and soft places, and for losses.

    python3 Tests/Support/vectors/make_distance_vectors.py

See make_vectors.py for the format of a case; a case here is one line of OPS and a row of OpTable+Distances.swift, or one
line of LOSSES and of LossTests.swift.
"""

import math

import torch
import torch.nn.functional as F

from make_vectors import places, single, write_cases

PAIRS = [([3, 2], [4, 2]), ([1, 1], [1, 1]), ([2, 3, 3], [2, 2, 3])]
SETS = [([4, 2], [3, 2]), ([1, 3], [1, 3]), ([2, 3, 3], [2, 2, 3])]


def squared(a, b):
    return ((a.unsqueeze(-2) - b.unsqueeze(-3)) ** 2).sum(-1)


def cosines(a, b):
    return F.cosine_similarity(a.unsqueeze(-2), b.unsqueeze(-3), dim=-1)


def spread(x, offset):
    """Points around 3 i + offset: of sets with offsets 0 and 1 there is no doubt who is nearest to whom."""
    return 0.1 * x + (3 * torch.arange(x.shape[-2], dtype=torch.float64) + offset).unsqueeze(-1)


def chamfer(a, b, root):
    a, b = spread(a, 0), spread(b, 1)
    d = squared(a, b)
    d = d.sqrt() if root else d
    return d.amin(-1).mean(-1) + d.amin(-2).mean(-1)


def sinkhorn(cost, epsilon, iterations, rows=None, columns=None):
    k = (-cost / epsilon).exp()
    m, n = cost.shape[-2:]
    rows = torch.full((m,), 1 / m) if rows is None else rows
    columns = torch.full((n,), 1 / n) if columns is None else columns
    u = torch.ones(cost.shape[:-1])
    for _ in range(iterations):
        v = columns / (k * u.unsqueeze(-1)).sum(-2)
        u = rows / (k * v.unsqueeze(-2)).sum(-1)
    return u.unsqueeze(-1) * k * v.unsqueeze(-2)


def soft_place(x, axis):
    shape = [1] * x.dim()
    shape[axis] = -1
    return (x.softmax(axis) * torch.arange(x.shape[axis], dtype=torch.float64).reshape(shape)).sum(axis)


def soft_point(x):
    h, w = x.shape[-2:]
    p = x.flatten(-2).softmax(-1).reshape(x.shape)
    across, down = torch.arange(w, dtype=torch.float64), torch.arange(h, dtype=torch.float64)
    return torch.stack([(p.sum(-2) * across).sum(-1), (p.sum(-1) * down).sum(-1)], -1)


def likelihood(x):
    labels = places(x[..., 0].numel(), x.shape[-1]).reshape(x.shape[:-1])
    return x.log_softmax(-1).gather(-1, labels.unsqueeze(-1)).squeeze(-1)


OPS = [
    ("squaredDistances", squared, PAIRS),
    ("squaredDistances(product)", lambda a, b: squared(a, b + 2), PAIRS, "normal", "positive"),
    ("squaredDistances(itself)", lambda a: squared(a, a), [([3, 2],), ([1, 4],), ([2, 2, 3],)]),
    ("distances", lambda a, b: torch.cdist(a, b + 3), PAIRS, "normal", "positive"),
    ("norm", lambda a: a.norm(dim=-1), [([3],), ([3, 2],), ([2, 1, 3],)]),
    ("norm", lambda a: a.norm(dim=-1), [([2, 3],)], single([[0.0, 0, 0], [0, 3, 4]])),
    ("norm(first, kept)", lambda a: a.norm(dim=0, keepdim=True), [([3],), ([3, 2],)]),
    ("cosineSimilarities", cosines, PAIRS),
    ("cosineSimilarity", lambda a, b: F.cosine_similarity(a, b, dim=-1), [([3, 2], [3, 2]), ([4], [4])]),
    ("cosineSimilarity(first axis)", lambda a, b: F.cosine_similarity(a, b, dim=0), [([3, 2], [3, 2])]),
    ("chamferDistance", lambda a, b: chamfer(a, b, False), SETS),
    ("chamferDistance(not squared)", lambda a, b: chamfer(a, b, True), SETS),
    ("sinkhorn", lambda c: sinkhorn(c, 0.5, 4), [([3, 4],), ([1, 2],), ([2, 3, 2],)]),
    (
        "sinkhorn(masses)", lambda c, r, s: sinkhorn(c, 1, 3, r, s), [([3, 4], [3], [4]), ([2, 2, 3], [2], [3])],
        "normal", "positive",
    ),
    ("softArgmax", lambda a: soft_place(a, -1), [([1],), ([7],), ([3, 5],)]),
    ("softArgmax(first)", lambda a: soft_place(2 * a, 0), [([4],), ([3, 5],)]),
    ("softArgmax2D", lambda a: soft_point(1.5 * a), [([2, 3],), ([1, 1],), ([2, 3, 4],)]),
    ("logLikelihood", likelihood, [([3],), ([4, 1],), ([3, 5],), ([2, 1, 3],)]),
]


ROWS = [([1, 2],), ([5, 3],), ([7, 10],)]
TWO_ROWS = [([1, 2], [1, 2]), ([5, 3], [5, 3])]
ELEMENTS = [([], []), ([7], [7]), ([3, 2], [3, 2])]


def classes(z):
    return places(len(z), z.shape[1])


def weights(n):
    return torch.arange(1, n + 1) / n


def zero_one(shape):
    return (torch.arange(math.prod(shape)) % 3 == 0).double().reshape(shape)


def entropy(ignored=-100, **options):
    def loss(z):
        y = classes(z)
        if ignored == 1:
            y[-1] = 1
        return F.cross_entropy(z, y, ignore_index=ignored, **options)
    return loss


def weighted_entropy(**options):
    return lambda z: F.cross_entropy(z, classes(z), weight=weights(z.shape[1]), **options)


def soft_entropy(**options):
    return lambda z, t: F.cross_entropy(z, t, **options)


def focal_binary(z, gamma, alpha):
    t = zero_one(z.shape)
    p = z.sigmoid()
    pt = p * t + (1 - p) * (1 - t)
    return (F.binary_cross_entropy_with_logits(z, t, reduction="none") * (1 - pt) ** gamma * (alpha * t + (1 - alpha) * (1 - t))).mean()


def focal_classes(z, gamma, w):
    y = classes(z)
    log = -F.cross_entropy(z, y, reduction="none")
    return -(w[y] * (1 - log.exp()) ** gamma * log).mean()


def info_nce(q, k, temperature):
    return F.cross_entropy(cosines(q, k) / temperature, torch.arange(len(q)))


def info_nce_bank(q, p, n, temperature):
    s = torch.cat([F.cosine_similarity(q, p, dim=1).unsqueeze(1), cosines(q, n)], 1) / temperature
    return F.cross_entropy(s, torch.zeros(len(q), dtype=torch.long))


def nt_xent(a, b, temperature):
    z = torch.cat([a, b])
    s = cosines(z, z) / temperature
    s = s.masked_fill(torch.eye(len(z), dtype=torch.bool), -math.inf)
    return F.cross_entropy(s, (torch.arange(len(z)) + len(a)) % len(z))


LOSSES = [
    ("crossEntropy(sum)", entropy(reduction="sum"), ROWS),
    ("crossEntropy(none)", entropy(reduction="none"), ROWS),
    ("crossEntropy(weights)", weighted_entropy(), ROWS),
    ("crossEntropy(smoothing)", entropy(label_smoothing=0.1), ROWS),
    ("crossEntropy(weights, smoothing)", weighted_entropy(label_smoothing=0.2), ROWS),
    ("crossEntropy(weights, smoothing, none)", weighted_entropy(label_smoothing=0.2, reduction="none"), ROWS),
    ("crossEntropy(ignored)", entropy(ignored=1), ROWS[1:]),
    ("crossEntropy(ignored, smoothing)", entropy(ignored=1, label_smoothing=0.2), ROWS[1:]),
    ("crossEntropy(ignored, none)", entropy(ignored=1, reduction="none"), ROWS[1:]),
    ("crossEntropy(targets)", soft_entropy(), TWO_ROWS, "normal", "positive"),
    ("crossEntropy(targets, smoothing)", soft_entropy(label_smoothing=0.2), TWO_ROWS, "normal", "positive"),
    ("crossEntropy(targets, weights)", lambda z, t: F.cross_entropy(z, t, weights(z.shape[1]), reduction="sum"), TWO_ROWS, "normal", "positive"),
    ("klDivergence", lambda p, z: F.kl_div((z / 0.5).log_softmax(-1), p, reduction="batchmean"), TWO_ROWS, "positive", "normal"),
    ("klDivergence(none)", lambda p, z: F.kl_div(z.log_softmax(-1), p, reduction="none").sum(-1), TWO_ROWS, "positive", "normal"),
    ("binaryCrossEntropy", F.binary_cross_entropy_with_logits, ELEMENTS, "wide", "positive"),
    (
        "binaryCrossEntropy(weights)",
        lambda z, t: F.binary_cross_entropy_with_logits(z, t, weights(z.shape[-1]), pos_weight=weights(z.shape[-1]) * 3, reduction="sum"),
        ELEMENTS[1:], "normal", "positive",
    ),
    ("focalLoss(binary)", lambda z: focal_binary(z, 2, 0.25), ROWS),
    ("focalLoss(binary, gamma)", lambda z: 2 * focal_binary(z, 1.5, 0.5), ROWS),
    ("focalLoss", lambda z: focal_classes(z, 2, torch.ones(z.shape[1])), ROWS),
    ("focalLoss(weights)", lambda z: focal_classes(z, 0.5, weights(z.shape[1])), ROWS),
    ("squaredError", F.mse_loss, ELEMENTS),
    ("squaredError(sum)", lambda a, b: F.mse_loss(a, b, reduction="sum"), ELEMENTS),
    ("absoluteError", F.l1_loss, ELEMENTS, "apart", "between"),
    ("huberLoss", F.huber_loss, ELEMENTS, "apart", "between"),
    ("huberLoss(delta)", lambda a, b: F.huber_loss(a, b, reduction="none", delta=0.4), ELEMENTS, "apart", "between"),
    ("smoothL1", lambda a, b: F.smooth_l1_loss(a, b, beta=0.4), ELEMENTS, "apart", "between"),
    ("cosineLoss", lambda a, b: 1 - F.cosine_similarity(a, b).mean(), TWO_ROWS),
    ("tripletLoss", lambda a, p, n: F.triplet_margin_loss(a, p, n, margin=1, eps=0), [([1, 2],) * 3, ([6, 3],) * 3]),
    ("infoNCE", lambda q, k: info_nce(q, k, 0.5), [([1, 2], [1, 2]), ([5, 3], [5, 3])]),
    ("infoNCE(bank)", lambda q, p, n: info_nce_bank(q, p, n, 0.5), [([1, 2], [1, 2], [3, 2]), ([4, 3], [4, 3], [1, 3])]),
    ("ntXent", lambda a, b: nt_xent(a, b, 0.5), [([2, 2], [2, 2]), ([5, 3], [5, 3])]),
]


if __name__ == "__main__":
    write_cases("distances.h5", OPS)
    write_cases("training_losses.h5", LOSSES)
