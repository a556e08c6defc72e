"""Writes the vectors of PyTorch for rotations, rigid motions and spectra: see make_vectors.py for the format.

    python3 Tests/Support/vectors/make_geometry_vectors.py

A case is one line of a table here and a row of OpTable+Geometry.swift or OpTable+Spectral.swift. Exponentials are PyTorch's
matrix exponential, logarithms the inverse trigonometric formulas; mel filters are written out after librosa's filters.mel
(Slaney) and torchaudio's melscale_fbanks (HTK).
"""

import math

import numpy as np
import torch
import torch.nn.functional as F

from make_vectors import Vectors, write_cases


def vectors(n):
    return [([n],), ([2, n],), ([2, 1, 3, n],)]


def pairs(n):
    return [([n], [n]), ([2, n], [n]), ([2, 1, n], [1, 3, n])]


def hat(v):
    x, y, z = v.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(v.shape[:-1] + (3, 3))


def rotation(v):
    return torch.linalg.matrix_exp(hat(v))


def axis_angle(m):
    """angle / (2 sin(angle)) (R - R^T)"""
    angle = torch.acos((m.diagonal(dim1=-2, dim2=-1).sum(-1) - 1) / 2)
    v = torch.stack([m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]], -1)
    return v * (angle / (2 * torch.sin(angle))).unsqueeze(-1)


def product(a, b):
    aw, av, bw, bv = a[..., :1], a[..., 1:], b[..., :1], b[..., 1:]
    a3, b3 = torch.broadcast_tensors(av, bv)
    return torch.cat([aw * bw - (av * bv).sum(-1, keepdim=True), aw * bv + bw * av + torch.cross(a3, b3, dim=-1)], -1)


def quaternion_to_matrix(q):
    q = F.normalize(q, dim=-1)
    w, v = q[..., 0, None, None], q[..., 1:]
    outer = v.unsqueeze(-1) * v.unsqueeze(-2)
    return (w * w - (v * v).sum(-1)[..., None, None]) * torch.eye(3) + 2 * outer + 2 * w * hat(v)


def quaternion_of(v):
    """Of the rotation by v, the representative with w >= 0."""
    half = v.norm(dim=-1, keepdim=True) / 2
    q = torch.cat([torch.cos(half), torch.sin(half) * F.normalize(v, dim=-1)], -1)
    return q * torch.where(q[..., :1] < 0, -1.0, 1.0)


def matrix_to_quaternion(m):
    """Shepperd's method: the component with the largest square by its root, the others by products with it."""
    e = lambda i, j: m[..., i, j]
    one = torch.ones_like(e(0, 0))
    w, x = one + e(0, 0) + e(1, 1) + e(2, 2), one + e(0, 0) - e(1, 1) - e(2, 2)
    y, z = one - e(0, 0) + e(1, 1) - e(2, 2), one - e(0, 0) - e(1, 1) + e(2, 2)
    wx, wy, wz = e(2, 1) - e(1, 2), e(0, 2) - e(2, 0), e(1, 0) - e(0, 1)
    xy, xz, yz = e(0, 1) + e(1, 0), e(0, 2) + e(2, 0), e(1, 2) + e(2, 1)
    rows = torch.stack([
        torch.stack([w, wx, wy, wz], -1), torch.stack([wx, x, xy, xz], -1), torch.stack([wy, xy, y, yz], -1),
        torch.stack([wz, xz, yz, z], -1),
    ], -2)
    best = torch.stack([w, x, y, z], -1).argmax(-1)
    q = torch.gather(rows, -2, best[..., None, None].expand(best.shape + (1, 4))).squeeze(-2)
    q = F.normalize(q, dim=-1)
    return q * torch.where(q[..., :1] < 0, -1.0, 1.0)


def quaternion_axis_angle(q):
    v = q[..., 1:]
    s = v.norm(dim=-1, keepdim=True)
    return v * 2 * torch.atan2(s, q[..., :1]) / s


def six_d(x):
    a = F.normalize(x[..., :3], dim=-1)
    b = F.normalize(x[..., 3:] - (a * x[..., 3:]).sum(-1, keepdim=True) * a, dim=-1)
    return torch.stack([a, b, torch.cross(a, b, dim=-1)], -1)


def motion(r, t):
    lead = torch.broadcast_shapes(r.shape[:-2], t.shape[:-1])
    upper = torch.cat([r.expand(lead + (3, 3)), t.expand(lead + (3,)).unsqueeze(-1)], -1)
    return torch.cat([upper, torch.tensor([0.0, 0, 0, 1]).expand(lead + (1, 4))], -2)


def rigid(x):
    """The matrix exponential of [[phi]x rho; 0 0]."""
    upper = torch.cat([hat(x[..., 3:]), x[..., :3].unsqueeze(-1)], -1)
    return torch.linalg.matrix_exp(torch.cat([upper, torch.zeros(x.shape[:-1] + (1, 4))], -2))


def rigid_log(m):
    phi = axis_angle(m[..., :3, :3])
    t = phi.norm(dim=-1)[..., None, None]
    k = hat(phi)
    v = torch.eye(3) + (1 - torch.cos(t)) / t**2 * k + (t - torch.sin(t)) / t**3 * k @ k
    return torch.cat([torch.linalg.solve(v, m[..., :3, 3:]).squeeze(-1), phi], -1)


def moved(p, x):
    m = rigid(x)
    return p @ m[..., :3, :3].mT + m[..., :3, 3].unsqueeze(-2)


GEOMETRY = [
    ("cross", lambda a, b: torch.cross(*torch.broadcast_tensors(a, b), dim=-1), pairs(3)),
    ("quaternionProduct", product, pairs(4)),
    ("quaternionConjugate", lambda q: torch.cat([q[..., :1], -q[..., 1:]], -1), vectors(4)),
    ("quaternionToMatrix", quaternion_to_matrix, vectors(4)),
    ("matrixToQuaternion", quaternion_of, vectors(3)),
    ("matrixToQuaternion(disturbed)", lambda x: matrix_to_quaternion(rotation(x * 0.2) * 1.2 + hat(x) * 0.1), vectors(3)),
    ("quaternionToAxisAngle", lambda q: quaternion_axis_angle(F.normalize(q, dim=-1)), vectors(4), "positive"),
    (
        "axisAngleToQuaternion",
        lambda v: torch.cat([torch.cos(v.norm(dim=-1, keepdim=True) / 2),
                             torch.sin(v.norm(dim=-1, keepdim=True) / 2) * F.normalize(v, dim=-1)], -1), vectors(3),
    ),
    ("crossProductMatrix", hat, vectors(3)),
    ("axisAngleToMatrix", rotation, vectors(3)),
    ("axisAngleToMatrix(several turns)", lambda v: rotation(3 * v), vectors(3), "positive"),
    ("matrixToAxisAngle", lambda a, b: axis_angle(rotation(a * 0.5) @ rotation(b * 0.3)), pairs(3), "positive"),
    ("sixDToMatrix", six_d, vectors(6)),
    ("matrixToSixD", lambda v: rotation(v)[..., :2].mT.flatten(-2), vectors(3)),
    ("rigidMotion", motion, [([3, 3], [3]), ([2, 3, 3], [3]), ([2, 1, 3, 3], [4, 3])]),
    ("rigidExponential", rigid, vectors(6)),
    ("rigidLogarithm", lambda a, b: rigid_log(rigid(a * 0.5) @ rigid(b * 0.3)), pairs(6), "positive"),
    ("rigidInverse", lambda x: torch.linalg.inv(rigid(x)), vectors(6)),
    ("moved", moved, [([1, 3], [6]), ([2, 5, 3], [2, 6]), ([4, 3], [2, 1, 6])]),
]

COMPLEX = [([1, 2],), ([2, 2],), ([3, 2],), ([4, 2],), ([2, 12, 2],), ([13, 2],), ([17, 2],), ([30, 2],), ([2, 19, 2],)]
REAL = [([1],), ([2],), ([7],), ([2, 12],), ([17],), ([2, 3, 10],)]
HALF = [([2, 2],), ([3, 5, 2],), ([9, 2],)]


def complex_map(f):
    return lambda x: torch.view_as_real(f(torch.view_as_complex(x.contiguous())))


def stft(x, size, hop, window, center):
    flat = x.reshape(-1, x.shape[-1])
    y = torch.view_as_real(torch.stft(
        flat, size, hop, len(window), window, center=center, pad_mode="reflect", onesided=True, return_complex=True))
    return y.reshape(x.shape[:-1] + y.shape[1:])


def istft(y, size, hop, window, length=None):
    flat = torch.view_as_complex(y.contiguous()).reshape((-1,) + y.shape[-3:-1])
    x = torch.istft(flat, size, hop, len(window), window, center=True, onesided=True, length=length)
    return x.reshape(y.shape[:-3] + x.shape[1:])


def morlet(x, scales=(1, 1.7, 4), w=5.0):
    """Torrence and Compo 1998, Eq. 4 to 6, over all frequencies of the full transform."""
    n = x.shape[-1]
    omega = 2 * math.pi * torch.fft.fftfreq(n, dtype=torch.float64)
    if n % 2 == 0:
        omega[n // 2] = math.pi
    s = torch.tensor(scales, dtype=torch.float64).unsqueeze(-1)
    filters = torch.sqrt(2 * math.pi * s) * math.pi**-0.25 * (omega > 0) * torch.exp(-((s * omega - w) ** 2) / 2)
    return torch.view_as_real(torch.fft.ifft(torch.fft.fft(x).unsqueeze(-2) * filters))


def framed(x, size, hop):
    return x.unfold(-1, size, hop)


def overlap_added(x, hop, count):
    frames, size = x.shape[-2:]
    y = torch.zeros(x.shape[:-2] + (max(count, (frames - 1) * hop + size),))
    for t in range(frames):
        y[..., t * hop:t * hop + size] += x[..., t, :]
    return y[..., :count]


HANN = torch.hann_window(8)
HAMMING = torch.hamming_window(7)

SPECTRAL = [
    ("fft", complex_map(torch.fft.fft), COMPLEX),
    ("fft(axis)", complex_map(lambda x: torch.fft.fft(x, dim=-2)), [([3, 2, 2],), ([2, 4, 3, 2],), ([17, 2, 2],)]),
    ("ifft", complex_map(torch.fft.ifft), COMPLEX),
    ("rfft", lambda x: torch.view_as_real(torch.fft.rfft(x)), REAL),
    (
        "irfft(even)",
        lambda x: torch.fft.irfft(torch.view_as_complex(x.contiguous()), n=2 * (x.shape[-2] - 1)), HALF,
    ),
    (
        "irfft(odd)",
        lambda x: torch.fft.irfft(torch.view_as_complex(x.contiguous()), n=2 * x.shape[-2] - 1), HALF + [([1, 2],)],
    ),
    ("complexMagnitude", lambda x: x.norm(dim=-1), [([2],), ([3, 2],), ([2, 1, 2],)], "positive"),
    ("complexMagnitude(epsilon)", lambda x: (x.square().sum(-1) + 0.5).sqrt(), [([2],), ([3, 2],)]),
    (
        "complexProduct",
        lambda a, b: torch.view_as_real(torch.view_as_complex(a.contiguous()) * torch.view_as_complex(b.contiguous())),
        [([2], [2]), ([3, 2], [2]), ([4, 1, 2], [1, 3, 2])],
    ),
    ("framed", lambda x: framed(x, 4, 2), [([5],), ([2, 8],), ([2, 1, 9],)]),
    ("framed(gaps)", lambda x: framed(x, 2, 3), [([5],), ([2, 8],)]),
    ("overlapAdded", lambda x: overlap_added(x, 2, 9), [([1, 4],), ([3, 4],), ([2, 2, 5],)]),
    ("overlapAdded(cut)", lambda x: overlap_added(x, 2, 5), [([4, 4],), ([2, 3, 5],)]),
    ("stft", lambda x: stft(x, 8, 2, HANN, True), [([9],), ([2, 16],), ([2, 1, 21],)]),
    ("stft(not centred)", lambda x: stft(x, 10, 3, HAMMING, False), [([10],), ([2, 16],)]),
    ("istft", lambda x: istft(x, 8, 2, HANN), [([5, 3, 2],), ([2, 5, 6, 2],)]),
    ("istft(count)", lambda x: istft(x, 8, 2, HANN, 9), [([5, 6, 2],), ([2, 5, 8, 2],)]),
    ("morletTransform", morlet, [([1],), ([9],), ([2, 16],)]),
]


def mel_filters(count, size, rate, low, high, slaney_scale, slaney_norm):
    if slaney_scale:
        step = 200.0 / 3
        to_mel = lambda f: f / step if f < 1000 else 15 + math.log(f / 1000) / (math.log(6.4) / 27)
        to_hz = lambda m: np.where(m < 15, m * step, 1000 * np.exp(math.log(6.4) / 27 * (m - 15)))
    else:
        to_mel = lambda f: 2595 * math.log10(1 + f / 700)
        to_hz = lambda m: 700 * (10 ** (m / 2595) - 1)
    corners = to_hz(np.linspace(to_mel(low), to_mel(high), count + 2))
    widths = np.diff(corners)
    ramps = corners[:, None] - np.linspace(0, rate / 2, size // 2 + 1)[None]
    filters = np.maximum(0, np.minimum(-ramps[:-2] / widths[:-1, None], ramps[2:] / widths[1:, None]))
    return filters * (2 / (corners[2:] - corners[:-2]))[:, None] if slaney_norm else filters


if __name__ == "__main__":
    write_cases("geometry.h5", GEOMETRY)
    write_cases("spectral.h5", SPECTRAL)
    with Vectors("mel_filters.h5") as out:
        for name, arguments in {
            "htk": (8, 64, 16000, 0, 8000, False, False),
            "htk-range": (5, 50, 8000, 120, 3000, False, False),
            "slaney": (10, 128, 22050, 0, 11025, True, True),
            "slaney-height": (6, 64, 16000, 300, 7000, True, False),
        }.items():
            out.put(name, mel_filters(*arguments))
        for n in [1, 2, 7, 8]:
            for periodic in [True, False]:
                kind = "periodic" if periodic else "symmetric"
                out.put(f"hann-{kind}-{n}", torch.hann_window(n, periodic=periodic))
                out.put(f"hamming-{kind}-{n}", torch.hamming_window(n, periodic=periodic))
