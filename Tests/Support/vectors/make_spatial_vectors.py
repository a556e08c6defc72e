"""Writes the vectors of PyTorch for attention, convolutions of lines and volumes, pooling, resampling and norms.

    python3 Tests/Support/vectors/make_spatial_vectors.py

See make_vectors.py for the format of a case; a case here is one line of OPS or SAMPLING and a row of
OpTable+Attention.swift, OpTable+Spatial.swift or OpTable+Sampling.swift.
"""

import math

import torch
import torch.nn.functional as F

from make_conv_vectors import derivative
from make_vectors import write_cases

SEQUENCES = [
    ([2, 2, 3, 4], [2, 2, 5, 4], [2, 2, 5, 3]), ([1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]),
    ([1, 1, 130, 2], [1, 1, 260, 2], [1, 1, 260, 1]), ([2, 1, 5, 3], [2, 1, 2, 3], [2, 1, 2, 3]),
]
BIASES = [
    ([2, 2, 3, 4], [2, 2, 5, 4], [2, 2, 5, 3], b)
    for b in ([2, 3, 5], [2, 2, 3, 5], [3, 1], [1, 5], [2, 1, 1, 5], [1], [2, 1, 3, 1])
]


def allowed(n, m):
    """Row 1 (and every fifth after it) is allowed no key."""
    i = torch.arange(n * m)
    return ~((i // m % 5 == 1) | ((i * 7 + i // m) % 4 == 0)).reshape(n, m)


def attention(q, k, v, bias=None, mask=None, causal=False, scale=None):
    """Attention written out; a query without keys gives zeros."""
    n, m = q.shape[2], k.shape[2]
    s = q @ k.transpose(-1, -2) * (1 / math.sqrt(q.shape[3]) if scale is None else scale)
    s = s if bias is None else s + bias
    may = torch.ones(n, m, dtype=torch.bool) if mask is None else mask
    may = may.tril() if causal else may
    dead = ~may.any(-1, keepdim=True)
    w = torch.softmax(s.masked_fill(~(may | dead), -math.inf), -1).masked_fill(~may, 0)
    y = w @ v
    if not dead.any():
        attn_mask = may if bias is None else torch.where(may, bias, torch.tensor(-math.inf)).expand(s.shape)
        assert torch.allclose(y, F.scaled_dot_product_attention(q, k, v, attn_mask=attn_mask, scale=scale))
    return y


LINES = [([2, 3, 9], [4, 3, 3], [4]), ([1, 1, 5], [1, 1, 3], [1])]
VOLUMES = [([2, 2, 3, 5, 4], [3, 2, 2, 3, 3], [3]), ([1, 1, 3, 3, 3], [1, 1, 1, 1, 3], [1])]


def last(axes, f):
    """A function of [N, C, ...] with `axes` more axes, applied to any leading axes."""
    return lambda x: (lambda y: y.reshape(x.shape[: x.dim() - axes] + y.shape[-axes:]))(
        f(x.reshape((1, -1) + x.shape[x.dim() - axes:])))


ROWS1 = [([7],), ([2, 5],), ([2, 1, 4],)]
ROWS2 = [([3, 4],), ([2, 5, 4],), ([1, 2, 4, 5],)]
ROWS3 = [([3, 4, 4],), ([2, 3, 3, 3],), ([1, 1, 3, 4, 3],)]
RESIZED1 = [([4],), ([2, 5],), ([2, 3, 1],)]
RESIZED2 = [([4, 3],), ([2, 5, 6],), ([2, 1, 1, 1],), ([1, 17, 5],)]
RESIZED3 = [([2, 4, 3],), ([2, 3, 5, 2],), ([1, 1, 1, 1],)]


def resize(mode, *sizes, corners=None, antialias=False):
    return last(len(sizes), lambda x: F.interpolate(
        x, size=sizes, mode=mode, align_corners=corners, antialias=antialias))


def first_axis(f):
    return lambda x: f(x.reshape(x.shape[0], -1).T).T.reshape((-1,) + x.shape[1:])


GRIDS2 = [([2, 3, 4, 5], [2, 3, 2, 2]), ([1, 1, 2, 3], [1, 1, 4, 2])]
GRIDS3 = [([2, 2, 3, 2, 4], [2, 2, 1, 3, 3]), ([1, 1, 2, 2, 2], [1, 1, 2, 4, 3])]


def sample(mode, outside, corners):
    def f(x, u):
        n = torch.tensor([float(k) for k in reversed(x.shape[2:])])
        i = torch.arange(u.numel()).reshape(u.shape)
        place = ((i * 7 + 2) % 11 - 3) + (0.5 if mode == "bilinear" else 0.0) + 0.3 * torch.tanh(u)
        grid = place * 2 / (n - 1) - 1 if corners else (place * 2 + 1) / n - 1
        return F.grid_sample(x, grid, mode=mode, padding_mode=outside, align_corners=corners)
    return f


def weight_norm(axis):
    def f(v, g):
        others = [a for a in range(v.dim()) if a != axis]
        length = torch.linalg.vector_norm(v, dim=others, keepdim=True) if others else v.abs()
        return v * (g.reshape(length.shape) / length)
    return f


OPS = [
    ("attention", attention, SEQUENCES),
    ("attention(causal)", lambda q, k, v: attention(q, k, v, causal=True), SEQUENCES),
    ("attention(scale)", lambda q, k, v: attention(q, k, v, scale=0.3), SEQUENCES),
    ("attention(mask)", lambda q, k, v: attention(q, k, v, mask=allowed(q.shape[2], k.shape[2])), SEQUENCES),
    ("attention(bias)", attention, BIASES),
    (
        "attention(everything)",
        lambda q, k, v, b: attention(q, k, v, b, allowed(q.shape[2], k.shape[2]), True, 2.0), BIASES,
    ),
    ("attention(itself)", lambda x: attention(x, x, x, causal=True), [([2, 2, 4, 3],), ([1, 1, 1, 2],)]),
    (
        "attention(heads inside)",
        lambda q, k: attention(q.transpose(1, 2), k.transpose(1, 2), k.transpose(1, 2)).transpose(1, 2).flatten(2),
        [([2, 4, 3, 2], [2, 5, 3, 2]), ([1, 1, 1, 3], [1, 2, 1, 3])],
    ),
    ("conv1d", F.conv1d, LINES),
    ("conv1d(stride)", lambda x, w, b: F.conv1d(x, w, b, stride=2, padding=3, dilation=2), LINES),
    (
        "conv1d(groups)", lambda x, w: F.conv1d(x, w, padding=1, groups=2),
        [([2, 4, 6], [6, 2, 2]), ([1, 2, 3], [4, 1, 3])],
    ),
    ("conv3d", F.conv3d, VOLUMES),
    (
        "conv3d(stride)",
        lambda x, w, b: F.conv3d(x, w, b, stride=(2, 1, 2), padding=(1, 2, 3), dilation=(1, 2, 2)), VOLUMES,
    ),
    (
        "conv3d(groups)", lambda x, w: F.conv3d(x, w, padding=1, groups=2),
        [([2, 4, 3, 3, 2], [6, 2, 2, 3, 1]), ([1, 2, 1, 1, 1], [4, 1, 3, 3, 3])],
    ),
    ("conv3d(gradient by the input)", derivative(0, lambda x, w, b: F.conv3d(x, w * 0.3, b, padding=1)), VOLUMES),
    (
        "conv3d(gradient by the weight)",
        derivative(1, lambda x, w, b: F.conv3d(x * 0.3, w, b, stride=2, padding=1)), VOLUMES,
    ),
    (
        "convTranspose1d", lambda x, w, b: F.conv_transpose1d(x, w, b, stride=2, padding=1, output_padding=1),
        [([2, 3, 4], [3, 2, 3], [2]), ([1, 1, 1], [1, 3, 2], [3])],
    ),
    (
        "convTranspose1d(groups)", lambda x, w: F.conv_transpose1d(x, w, stride=3, dilation=2, groups=2),
        [([2, 4, 3], [4, 3, 2]), ([1, 2, 1], [2, 1, 3])],
    ),
    (
        "convTranspose2d(groups)",
        lambda x, w, b: F.conv_transpose2d(x, w, b, stride=(1, 2), padding=(1, 0), dilation=(2, 1), groups=2),
        [([2, 4, 3, 2], [4, 3, 2, 3], [6]), ([1, 2, 1, 1], [2, 1, 3, 3], [2])],
    ),
    (
        "convTranspose2d(padding beyond the stride)",
        lambda x, w, b: F.conv_transpose2d(x, w, b, stride=(1, 2), output_padding=2, dilation=3),
        [([1, 2, 3, 2], [2, 3, 2, 3], [3])],
    ),
    (
        "convTranspose3d",
        lambda x, w, b: F.conv_transpose3d(
            x, w, b, stride=(2, 1, 2), padding=(1, 0, 0), output_padding=(1, 0, 1)),
        [([2, 3, 2, 3, 2], [3, 2, 3, 2, 3], [2]), ([1, 1, 1, 1, 1], [1, 3, 2, 2, 2], [3])],
    ),
    (
        "convTranspose3d(groups)",
        lambda x, w: F.conv_transpose3d(x, w, stride=2, dilation=(1, 2, 1), groups=2),
        [([2, 4, 2, 1, 2], [4, 1, 2, 2, 1])],
    ),
    (
        "conv2d(depthwise)", lambda x, w, b: F.conv2d(x, w, b, padding=1, groups=x.shape[1]),
        [([2, 3, 5, 4], [3, 1, 3, 3], [3]), ([1, 2, 3, 3], [2, 1, 1, 3], [2])],
    ),
    (
        "conv2d(depthwise, stride)",
        lambda x, w, b: F.conv2d(x, w, b, stride=(2, 3), padding=(2, 3), dilation=(1, 2), groups=x.shape[1]),
        [([2, 3, 5, 4], [6, 1, 3, 2], [6]), ([1, 2, 1, 1], [4, 1, 3, 3], [4])],
    ),
    (
        "conv1d(depthwise)",
        lambda x, w: F.conv1d(x, w, stride=2, padding=1, dilation=2, groups=x.shape[1]), [([2, 3, 8], [6, 1, 3])],
    ),
    (
        "conv3d(depthwise)",
        lambda x, w: F.conv3d(x, w, stride=(2, 1, 2), padding=1, dilation=(1, 2, 1), groups=x.shape[1]),
        [([1, 2, 3, 4, 3], [2, 1, 2, 3, 3])],
    ),
    (
        "convTranspose2d(depthwise)",
        lambda x, w, b: F.conv_transpose2d(x, w, b, stride=2, padding=1, output_padding=1, groups=x.shape[1]),
        [([2, 3, 3, 2], [3, 1, 3, 3], [3])],
    ),
    (
        "conv2d(depthwise, gradient by the input)",
        derivative(0, lambda x, w: F.conv2d(x, w * 0.3, stride=2, padding=1, groups=x.shape[1])),
        [([2, 3, 5, 4], [3, 1, 3, 3])],
    ),
    (
        "conv2d(depthwise, gradient by the weight)",
        derivative(1, lambda x, w: F.conv2d(x * 0.3, w, padding=1, dilation=2, groups=x.shape[1])),
        [([2, 3, 5, 4], [6, 1, 3, 3])],
    ),
    (
        "maxPooled(dilation)", last(2, lambda x: F.max_pool2d(x, 2, stride=1, padding=1, dilation=(2, 1))), ROWS2,
        "apart",
    ),
    ("maxPooled1d", last(1, lambda x: F.max_pool1d(x, 3, stride=2, padding=1)), ROWS1, "apart"),
    ("maxPooled3d", last(3, lambda x: F.max_pool3d(x, 2)), ROWS3, "apart"),
    (
        "maxPooled3d(padded)", last(3, lambda x: F.max_pool3d(x, (3, 2, 3), stride=(2, 1, 1), padding=1)), ROWS3,
        "apart",
    ),
    ("averagePooled1d", last(1, lambda x: F.avg_pool1d(x, 3, stride=2, padding=1)), ROWS1),
    ("averagePooled3d", last(3, lambda x: F.avg_pool3d(x, 2, stride=(1, 2, 1))), ROWS3),
    (
        "averagePooled3d(inside)",
        last(3, lambda x: F.avg_pool3d(x, (3, 2, 3), stride=(2, 1, 1), padding=1, count_include_pad=False)), ROWS3,
    ),
    ("globalAveragePooled(axes)", lambda x: x.mean((-3, -2, -1)), ROWS3),
    ("globalMaxPooled", lambda x: x.amax((-2, -1)), ROWS2, "apart"),
    ("adaptiveAveragePooled", last(2, lambda x: F.adaptive_avg_pool2d(x, (2, 3))), ROWS2),
    ("adaptiveAveragePooled(larger)", last(2, lambda x: F.adaptive_avg_pool2d(x, (7, 1))), ROWS2),
    ("adaptiveAveragePooled1d", last(1, lambda x: F.adaptive_avg_pool1d(x, 3)), ROWS1),
    ("adaptiveAveragePooled3d", last(3, lambda x: F.adaptive_avg_pool3d(x, (2, 3, 5))), ROWS3),
    ("adaptiveMaxPooled", last(2, lambda x: F.adaptive_max_pool2d(x, (2, 3))), ROWS2, "apart"),
    ("adaptiveMaxPooled1d", last(1, lambda x: F.adaptive_max_pool1d(x, 3)), ROWS1, "apart"),
    ("adaptiveMaxPooled3d", last(3, lambda x: F.adaptive_max_pool3d(x, (2, 3, 1))), ROWS3, "apart"),
    ("unfolded", lambda x: F.unfold(x, (2, 3)), [([2, 3, 4, 5],), ([1, 1, 2, 3],)]),
    (
        "unfolded(stride)", lambda x: F.unfold(x, (2, 3), stride=(2, 1), padding=(1, 2), dilation=(2, 1)),
        [([2, 3, 4, 5],), ([1, 1, 2, 1],)],
    ),
    ("folded", lambda x: F.fold(x, (3, 5), (2, 3)), [([2, 12, 6],), ([1, 6, 6],)]),
    (
        "folded(stride)", lambda x: F.fold(x, (4, 5), (2, 3), stride=(2, 1), padding=1),
        [([2, 12, 15],), ([1, 6, 15],)],
    ),
    ("pixelShuffled", lambda x: F.pixel_shuffle(x, 2), [([2, 8, 2, 3],), ([4, 1, 1],)]),
    ("pixelUnshuffled", lambda x: F.pixel_unshuffle(x, 2), [([2, 2, 4, 6],), ([1, 2, 2],)]),
]

SAMPLING = [
    ("resized", resize("linear", 7, corners=False), RESIZED1),
    ("resized(first axis)", first_axis(resize("linear", 3, corners=True)), RESIZED1),
    ("resized(nearest)", resize("nearest", 7, 3), RESIZED2),
    ("resized(bilinear)", resize("bilinear", 3, 8, corners=False), RESIZED2),
    ("resized(bilinear, corners)", resize("bilinear", 7, 1, corners=True), RESIZED2),
    ("resized(bicubic)", resize("bicubic", 3, 8, corners=False), RESIZED2),
    ("resized(bicubic, corners)", resize("bicubic", 7, 4, corners=True), RESIZED2),
    ("resized(bilinear, antialiased)", resize("bilinear", 4, 8, corners=False, antialias=True), RESIZED2),
    ("resized(bicubic, antialiased)", resize("bicubic", 4, 2, corners=False, antialias=True), RESIZED2),
    ("resized(trilinear)", resize("trilinear", 3, 2, 5, corners=False), RESIZED3),
    ("resized(trilinear, corners)", resize("trilinear", 3, 2, 5, corners=True), RESIZED3),
    ("resizedLinearly", resize("linear", 3, corners=False), [([1],), ([3],), ([2, 4],), ([2, 3, 1],)]),
    ("resizedLinearly(first)", first_axis(resize("linear", 5, corners=False)), [([1],), ([4, 2],), ([2, 1, 3],)]),
    ("resizedBilinearly", resize("bilinear", 4, 2, corners=False), [([2, 3],), ([1, 2, 1],), ([2, 1, 3, 4],)]),
    (
        "resizedBilinearly(channels last)",
        lambda x: resize("bilinear", 3, 5, corners=False)(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1),
        [([2, 2, 3, 2],), ([1, 1, 4, 3],)],
    ),
    ("gridSampled(zeros)", sample("bilinear", "zeros", False), GRIDS2),
    ("gridSampled(zeros, corners)", sample("bilinear", "zeros", True), GRIDS2),
    ("gridSampled(border)", sample("bilinear", "border", False), GRIDS2),
    ("gridSampled(border, corners)", sample("bilinear", "border", True), GRIDS2),
    ("gridSampled(reflection)", sample("bilinear", "reflection", False), GRIDS2),
    ("gridSampled(reflection, corners)", sample("bilinear", "reflection", True), GRIDS2),
    ("gridSampled(nearest)", sample("nearest", "zeros", False), GRIDS2),
    ("gridSampled(nearest, border)", sample("nearest", "border", True), GRIDS2),
    ("gridSampled(nearest, reflection)", sample("nearest", "reflection", False), GRIDS2),
    ("gridSampled3d(zeros)", sample("bilinear", "zeros", False), GRIDS3),
    ("gridSampled3d(border, corners)", sample("bilinear", "border", True), GRIDS3),
    ("gridSampled3d(reflection)", sample("bilinear", "reflection", False), GRIDS3),
    ("gridSampled3d(nearest)", sample("nearest", "zeros", True), GRIDS3),
    ("gridSampled(gradient by the image)", derivative(0, sample("bilinear", "zeros", False)), GRIDS2),
    ("gridSampled(gradient by the grid)", derivative(1, sample("bilinear", "reflection", True)), GRIDS2),
    ("affineGrid", lambda t: F.affine_grid(t, (len(t), 1, 9, 7), align_corners=False), [([1, 2, 3],)]),
    ("affineGrid(small)", lambda t: F.affine_grid(t, (len(t), 1, 1, 3), align_corners=False), [([2, 2, 3],)]),
    ("affineGrid(corners)", lambda t: F.affine_grid(t, (len(t), 1, 1, 4), align_corners=True), [([2, 2, 3],)]),
    ("affineGrid3d", lambda t: F.affine_grid(t, (len(t), 1, 4, 3, 5), align_corners=False), [([1, 3, 4],)]),
    ("affineGrid3d(corners)", lambda t: F.affine_grid(t, (len(t), 1, 2, 1, 3), align_corners=True), [([2, 3, 4],)]),
    ("layerNormalized(plain)", lambda x: F.layer_norm(x, x.shape[-1:], eps=0.1), [([3, 5],), ([2, 1, 7],)]),
    (
        "layerNormalized(gain)", lambda x, w: F.layer_norm(x, w.shape, w, eps=0.1),
        [([3, 5], [5]), ([2, 1, 7], [7])],
    ),
    (
        "layerNormalized(gelu)", lambda x, w: F.gelu(F.layer_norm(x, w.shape, w, eps=0.1)),
        [([3, 5], [5]), ([2, 1, 7], [7])],
    ),
    (
        "layerNormalized(bias)", lambda x, b: F.layer_norm(x, b.shape, None, b, eps=0.1),
        [([3, 5], [5]), ([2, 1, 7], [7])],
    ),
    (
        "layerNormalized(axes)", lambda x, w, b: F.layer_norm(x, w.shape, w, b, eps=0.1),
        [([3, 2, 5], [2, 5], [2, 5]), ([2, 3], [2, 3], [2, 3])],
    ),
    (
        "groupNormalized", lambda x, w, b: F.group_norm(x, 2, w, b, eps=0.1),
        [([2, 4, 3], [4], [4]), ([3, 2], [2], [2]), ([1, 6, 2, 3], [6], [6])],
    ),
    ("groupNormalized(plain)", lambda x: F.group_norm(x, 1, eps=0.1), [([2, 4, 3],), ([1, 2, 2, 1, 3],)]),
    (
        "instanceNormalized", lambda x, w, b: F.instance_norm(x, weight=w, bias=b, eps=0.1),
        [([2, 3, 4], [3], [3]), ([1, 2, 2, 3], [2], [2])],
    ),
    ("instanceNormalized(plain)", lambda x: F.instance_norm(x, eps=0.1), [([2, 3, 4],), ([1, 2, 2, 1, 3],)]),
    (
        "batchNormalized(volumes)", lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True, eps=0.1),
        [([2, 3, 2, 1, 3], [3], [3]), ([3, 2, 5], [2], [2]), ([4, 3], [3], [3])],
    ),
    (
        "weightNormalized", weight_norm(0), [([3, 2], [3]), ([2, 3, 2, 2], [2]), ([4], [4]), ([1, 1, 3], [1])],
        "positive",
    ),
    ("weightNormalized(axis)", weight_norm(1), [([3, 2], [2]), ([2, 3, 2, 2], [3])], "positive"),
]

if __name__ == "__main__":
    write_cases("spatial.h5", OPS)
    write_cases("sampling.h5", SAMPLING)
