"""Writes the vectors of PyTorch for convolutions, pooling, batch normalisation and a residual network.

    python3 Tests/Support/vectors/make_conv_vectors.py

See make_vectors.py for the format of a case; a case here is one line of OPS and a row of OpTable+Convolutions.swift.
The residual network's parameters are not stored: both sides compute them from a formula, see `pattern`.
"""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from make_vectors import Vectors, single, write_cases

PLANES = [([3, 4],), ([2, 5, 4],), ([1, 2, 4, 5],)]
IMAGES = [([2, 3, 5, 4], [4, 3, 3, 3], [4]), ([1, 1, 3, 3], [1, 1, 3, 3], [1])]


def derivative(k, f):
    """The gradient of sum(f(x)^2) by the k-th input."""
    return lambda *x: torch.autograd.grad((f(*x) ** 2).sum(), x[k], create_graph=True)[0]


def planes(f):
    """A function of [N, C, H, W] applied to [..., H, W]."""
    return lambda x: (lambda y: y.reshape(x.shape[:-2] + y.shape[-2:]))(f(x.reshape((1, -1) + x.shape[-2:])))


def again(x, y):
    return torch.tanh(x * y) + torch.sin(x)


OPS = [
    ("conv2d", F.conv2d, IMAGES),
    ("conv2d(same size)", lambda x, w, b: F.conv2d(x, w, b, padding=1), IMAGES),
    ("conv2d(stride)", lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1), IMAGES),
    ("conv2d(dilation)", lambda x, w, b: F.conv2d(x, w, b, stride=(1, 2), padding=(2, 3), dilation=2), IMAGES),
    ("conv2d(pointwise)", F.conv2d, [([2, 3, 2, 4], [5, 3, 1, 1]), ([1, 1, 1, 1], [2, 1, 1, 1])]),
    (
        "conv2d(groups)", lambda x, w: F.conv2d(x, w, padding=1, groups=2),
        [([2, 4, 3, 4], [6, 2, 2, 3]), ([1, 2, 3, 3], [4, 1, 3, 2])],
    ),
    ("conv2d(itself)", lambda x: F.conv2d(x, x, padding=1), [([2, 2, 3, 3],), ([1, 1, 2, 2],)]),
    (
        "convTranspose2d", lambda x, w, b: F.conv_transpose2d(x, w, b, stride=2, padding=1, output_padding=1),
        [([2, 3, 3, 4], [3, 2, 3, 3], [2]), ([1, 1, 1, 2], [1, 3, 2, 2], [3])],
    ),
    ("conv2d(gradient by the input)", derivative(0, lambda x, w, b: F.conv2d(x, w * 0.3, b, padding=1)), IMAGES),
    ("conv2d(gradient by the weight)", derivative(1, lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1)), IMAGES),
    ("maxPooled", planes(lambda x: F.max_pool2d(x, 2, stride=(1, 2))), PLANES, "apart"),
    ("maxPooled(padded)", planes(lambda x: F.max_pool2d(x, 3, stride=2, padding=1)), PLANES, "apart"),
    ("maxPooled(gradient)", derivative(0, planes(lambda x: F.max_pool2d(x, 2))), PLANES, "apart"),
    (
        "maxPooled(second derivative)", derivative(0, derivative(0, planes(lambda x: F.max_pool2d(x, 2) ** 2))), PLANES,
        "apart",
    ),
    ("averagePooled", planes(lambda x: F.avg_pool2d(x, 2)), PLANES),
    ("averagePooled(padded)", planes(lambda x: F.avg_pool2d(x, 3, stride=2, padding=1)), PLANES),
    (
        "averagePooled(inside)",
        planes(lambda x: F.avg_pool2d(x, (3, 2), stride=1, padding=1, count_include_pad=False)), PLANES,
    ),
    ("averagePooled(gradient)", derivative(0, planes(lambda x: F.avg_pool2d(x, 2) ** 2)), PLANES),
    ("globalAveragePooled", lambda x: x.mean((-2, -1)), PLANES),
    (
        "batchNormalized", lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True, eps=0.1),
        [([4, 3], [3], [3]), ([2, 3, 5], [3], [3]), ([3, 2, 2, 3], [2], [2]), ([1, 2, 7], [2], [2])],
    ),
    ("recomputed", again, [([3, 4], [4]), ([], [])]),
    ("recomputed(itself twice)", lambda x: again(x, again(x, x)), [([3, 4],), ([],)]),
    ("recomputed(gradient)", derivative(0, again), [([3, 4], [4]), ([], [])]),
]


def pattern(number, shape, scale, shift=0.0):
    """Element i of tensor `number`: scale * (frac(0.6180339887498949 * (i + 1000 * number)) - 1/2) + shift, in single."""
    i = np.arange(int(np.prod(shape)), dtype=np.float64) + 1000 * number
    x = np.modf(0.6180339887498949 * i)[0] - 0.5
    return single((scale * x + shift).reshape(shape))


class Block(nn.Module):
    """A basic block or a bottleneck, with torchvision's names."""

    def __init__(self, inputs, width, stride, bottleneck):
        super().__init__()
        outputs = 4 * width if bottleneck else width
        kernels = [(inputs, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1)] if bottleneck else [
            (inputs, width, 3, stride), (width, outputs, 3, 1)]
        self.depth = len(kernels)
        for i, (a, b, k, s) in enumerate(kernels):
            setattr(self, f"conv{i + 1}", nn.Conv2d(a, b, k, s, k // 2, bias=False))
            setattr(self, f"bn{i + 1}", nn.BatchNorm2d(b))
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = x
        for i in range(1, self.depth + 1):
            y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
            y = torch.relu(y) if i < self.depth else y
        return torch.relu(y + (self.downsample(x) if hasattr(self, "downsample") else x))


class ResNet(nn.Module):
    def __init__(self, blocks, width, classes, bottleneck, cifar):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False) if cifar else nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.Identity() if cifar else nn.MaxPool2d(3, 2, 1)
        inputs = width
        for k, n in enumerate(blocks):
            stage = []
            for i in range(n):
                stage.append(Block(inputs, width << k, 2 if i == 0 and k > 0 else 1, bottleneck))
                inputs = (width << k) * (4 if bottleneck else 1)
            setattr(self, f"layer{k + 1}", nn.Sequential(*stage))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        for k in range(4):
            x = getattr(self, f"layer{k + 1}")(x)
        return self.fc(x.mean((-2, -1)))


def write_resnet(out, name, blocks, width, bottleneck, cifar, size, stores_gradients):
    model = ResNet(blocks, width, 5, bottleneck, cifar)
    with torch.no_grad():
        for number, (path, p) in enumerate(model.named_parameters()):
            if p.dim() == 4:
                p.copy_(pattern(number, p.shape, 4 / math.sqrt(p[0].numel())))
            else:
                p.copy_(pattern(number, p.shape, 0.5, 1.0 if path.endswith("weight") and p.dim() == 1 else 0.0))
    images = pattern(999, (3, 3, size, size), 4)
    seed = pattern(998, (3, 5), 2)
    model.train()
    y = model(images)
    gradients = torch.autograd.grad(y, list(model.parameters()), seed)
    out.put(f"{name}/training", y)
    for (path, _), g in zip(model.named_parameters(), gradients):
        # Whole gradients of one network; of the others their inner product with a pattern.
        value = g if stores_gradients else (g * pattern(7, g.shape, 2)).sum()
        out.put(f"{name}/gradients/{path}", value)
    with torch.no_grad():
        for _ in range(2):
            model(images * 0.5)
        model.eval()
        out.put(f"{name}/frozen", model(images))
    for path, b in model.named_buffers():
        if "running" in path:
            out.put(f"{name}/buffers/{path}", b)


if __name__ == "__main__":
    write_cases("convolutions.h5", OPS)
    with Vectors("resnet.h5") as out:
        write_resnet(out, "resnet18", [2, 2, 2, 2], 3, False, False, 40, True)
        write_resnet(out, "resnet18-cifar", [2, 2, 2, 2], 4, False, True, 16, False)
        write_resnet(out, "bottleneck", [1, 2, 1, 1], 2, True, True, 12, False)
