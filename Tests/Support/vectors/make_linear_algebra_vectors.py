"""Writes the vectors of PyTorch for linear algebra: see make_vectors.py for the format and the way to run it.

    python3 Tests/Support/vectors/make_linear_algebra_vectors.py

A case is one line of OPS and a row of OpTable+LinearAlgebra.swift. Signs of factors are free: the functions compared do not
depend on them, and the diagonal of R is made positive as ours is.
"""

import torch

from make_vectors import write_cases

SQUARE = [([1, 1],), ([3, 3],), ([2, 4, 4],)]
ANY = [([1, 1],), ([3, 3],), ([4, 2],), ([2, 4],), ([2, 3, 2],), ([5, 1],), ([1, 3],)]
SYSTEMS = [([1, 1], [1, 1]), ([3, 3], [3, 2]), ([3, 3], [2, 3, 2]), ([2, 1, 2, 2], [3, 2, 1])]


def spread(x):
    m, n = x.shape[-2:]
    return 0.2 * x + torch.eye(m, n) * 1.5 * torch.arange(1, n + 1)


def positive(x):
    return 0.2 * x @ x.mT + spread(torch.zeros(x.shape[-2], x.shape[-2]))


def symmetric(x):
    return (x + x.mT) / 2


def ramp(n):
    return torch.arange(1, n + 1, dtype=torch.float64)


def svd(f):
    return lambda x: f(*torch.linalg.svd(spread(x), full_matrices=False))


def eigh(f, matrix):
    return lambda x: f(*torch.linalg.eigh(symmetric(matrix(x))))


def qr(x):
    q, r = torch.linalg.qr(spread(x))
    sign = r.diagonal(dim1=-2, dim2=-1).sign()
    return q * sign.unsqueeze(-2), r * sign.unsqueeze(-1)


def triangular(upper, transposed):
    def f(a, b):
        a = spread(a)
        a = a.triu() if upper else a.tril()
        return torch.linalg.solve(a.mT if transposed else a, b)

    return f


def cholesky_solve(a, b):
    factor = spread(a).tril()
    return torch.linalg.solve(factor @ factor.mT, b)


def solve(a, b):
    return torch.linalg.solve(spread(a), b)


def inverse(x):
    return torch.linalg.inv(spread(x))


OPS = [
    ("singularValues", lambda x: torch.linalg.svdvals(spread(x)), ANY),
    ("svd(U s^2 V^T)", svd(lambda u, s, vt: u * s.square().unsqueeze(-2) @ vt), ANY),
    ("svd(polar factor)", svd(lambda u, s, vt: u @ vt), ANY),
    ("svd(weighted left vectors)", svd(lambda u, s, vt: u * ramp(s.shape[-1]) @ u.mT), ANY),
    ("svd(weighted right vectors)", svd(lambda u, s, vt: vt.mT * ramp(s.shape[-1]) @ vt), ANY),
    ("eigh(values)", lambda x: torch.linalg.eigvalsh(symmetric(spread(x))), SQUARE),
    ("eigh(logarithm)", eigh(lambda w, v: v * w.log().unsqueeze(-2) @ v.mT, positive), SQUARE),
    ("eigh(weighted vectors)", eigh(lambda w, v: v * ramp(v.shape[-1]) @ v.mT, spread), SQUARE),
    ("qr(q)", lambda x: qr(x)[0], ANY),
    ("qr(r)", lambda x: qr(x)[1], ANY),
    ("cholesky", lambda x: torch.linalg.cholesky(positive(x)), SQUARE),
    ("cholesky(not symmetric)", lambda x: torch.linalg.cholesky(symmetric(spread(x))), SQUARE),
    ("choleskyIfPositiveDefinite", lambda x: torch.linalg.cholesky(positive(x)), [([3, 3],)]),
    ("choleskySolve", cholesky_solve, SYSTEMS),
    ("solve", solve, SYSTEMS),
    ("solveIfRegular", solve, [([3, 3], [3, 2])]),
    ("solveTriangular(lower)", triangular(False, False), SYSTEMS),
    ("solveTriangular(upper, transposed)", triangular(True, True), SYSTEMS),
    (
        "leastSquares", lambda a, b: torch.linalg.pinv(spread(a)) @ b,
        [([3, 3], [3, 2]), ([4, 2], [4, 1]), ([2, 4], [2, 2]), ([2, 3, 2], [3, 1])],
    ),
    ("inverse", inverse, SQUARE),
    ("inverseIfRegular", inverse, [([3, 3],)]),
    ("determinant", lambda x: torch.linalg.det(spread(x) * 0.5), SQUARE),
    ("logDeterminant", lambda x: torch.linalg.slogdet(spread(x)).logabsdet, SQUARE),
    ("pseudoInverse", lambda x: torch.linalg.pinv(spread(x)), ANY),
    (
        "pseudoInverse(low rank)", lambda a, b: torch.linalg.pinv(spread(a) @ spread(b), rtol=1e-3),
        [([4, 2], [2, 3]), ([2, 3, 1], [1, 4])],
    ),
]

if __name__ == "__main__":
    write_cases("linear_algebra.h5", OPS)
