"""Writes the vectors of PyTorch for convolutional networks and fields; see make_layer_vectors.py.

    python3 Tests/Support/vectors/make_network_vectors.py
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

from layer_cases import joined, write_layer
from make_vectors import Vectors


class DoubleConv(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.double_conv = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())

    def forward(self, x):
        return self.double_conv(x)


class Up(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.up = nn.ConvTranspose2d(inputs, inputs // 2, 2, stride=2)
        self.conv = DoubleConv(inputs, outputs)

    def forward(self, x, skip):
        x = self.up(x)
        dy, dx = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
        return self.conv(torch.cat([skip, F.pad(x, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])], 1))


class UNet(nn.Module):
    def __init__(self, channels=2, width=3, levels=2, outputs=2):
        super().__init__()
        self.inc = DoubleConv(channels, width)
        self.down = nn.ModuleList(DoubleConv(width << k, width << (k + 1)) for k in range(levels))
        self.up = nn.ModuleList(Up(width << (k + 1), width << k) for k in reversed(range(levels)))
        self.outc = nn.Conv2d(width, outputs, 1)

    def forward(self, x):
        maps = [self.inc(x)]
        for down in self.down:
            maps.append(down(F.max_pool2d(maps[-1], 2)))
        x = maps.pop()
        for up in self.up:
            x = up(x, maps.pop())
        return self.outc(x)


class Squeeze(nn.Module):
    def __init__(self, channels, squeezed):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(channels, squeezed, 1), nn.Conv2d(squeezed, channels, 1)

    def forward(self, x):
        return x * self.fc2(self.fc1(x.mean((2, 3), keepdim=True)).relu()).sigmoid()


class ConvNorm(nn.Module):
    def __init__(self, inputs, outputs, kernel=1, stride=1, groups=1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return self.bn(self.conv(x))


class RegNetBlock(nn.Module):
    def __init__(self, inputs, outputs, stride, group, squeezed):
        super().__init__()
        self.conv1, self.conv3 = ConvNorm(inputs, outputs), ConvNorm(outputs, outputs)
        self.conv2 = ConvNorm(outputs, outputs, 3, stride, outputs // group)
        if squeezed:
            self.se = Squeeze(outputs, squeezed)
        if stride != 1 or inputs != outputs:
            self.downsample = ConvNorm(inputs, outputs, 1, stride)

    def forward(self, x):
        y = self.conv2(self.conv1(x).relu()).relu()
        y = self.conv3(self.se(y) if hasattr(self, "se") else y)
        return (y + (self.downsample(x) if hasattr(self, "downsample") else x)).relu()


def evaluated(m, *x):
    return m.eval()(*x)


def encode(x, octaves):
    parts = [x]
    for k in range(octaves):
        parts += [(x * 2**k).sin(), (x * 2**k).cos()]
    return torch.cat(parts, -1)


class NeRF(nn.Module):
    def __init__(self, directions, width=8, layers=4, skips=(1,), octaves=(2, 1)):
        super().__init__()
        self.skips, self.octaves, self.directions = skips, octaves, directions
        place, view = (3 * (1 + 2 * o) for o in octaves)
        self.pts_linears = nn.ModuleList(
            nn.Linear(place if i == 0 else width + place if i - 1 in skips else width, width) for i in range(layers))
        if directions:
            self.views_linears = nn.ModuleList([nn.Linear(width + view, width // 2)])
            self.feature_linear, self.alpha_linear = nn.Linear(width, width), nn.Linear(width, 1)
            self.rgb_linear = nn.Linear(width // 2, 3)
        else:
            self.output_linear = nn.Linear(width, 4)

    def forward(self, x, d=None):
        e = encode(x, self.octaves[0])
        h = e
        for i, layer in enumerate(self.pts_linears):
            h = layer(h).relu()
            if i in self.skips:
                h = torch.cat([e, h], -1)
        if not self.directions:
            y = self.output_linear(h)
            return joined(y[:, :3].sigmoid(), y[:, 3].relu())
        v = torch.cat([self.feature_linear(h), encode(d, self.octaves[1])], -1)
        for layer in self.views_linears:
            v = layer(v).relu()
        return joined(self.rgb_linear(v).sigmoid(), self.alpha_linear(h)[:, 0].relu())


def render(m, colour, density, depths):
    """Ray by ray and sample by sample."""
    density, depths = density.abs(), (depths.abs() + 0.1).cumsum(1)
    colours, deeps, stopped, weights = [], [], [], []
    for r in range(len(density)):
        light, c, z, a, w = torch.tensor(1.0), 0, 0, 0, []
        for i in range(density.shape[1]):
            step = depths[r, i + 1] - depths[r, i] if i + 1 < density.shape[1] else 0.7
            alpha = 1 - (-density[r, i] * step).exp()
            w.append(light * alpha)
            c, z, a = c + w[-1] * colour[r, i], z + w[-1] * depths[r, i], a + w[-1]
            light = light * (1 - alpha)
        colours.append(c), deeps.append(z), stopped.append(a), weights.append(torch.stack(w))
    return joined(*(torch.stack(t) for t in [colours, deeps, stopped, weights]))


def write_images(out):
    write_layer(
        out, "double conv", lambda: DoubleConv(2, 3), [([2, 2, 4, 3],)],
        buffers=[f"double_conv.{i}.running_{k}" for i in [1, 4] for k in ["mean", "var"]])
    write_layer(out, "U-Net", UNet, [([2, 2, 8, 8],), ([2, 2, 9, 7],)])
    write_layer(out, "U-Net frozen", UNet, [([1, 2, 6, 5],)], evaluated)
    write_layer(out, "squeeze excitation", lambda: Squeeze(4, 2), [([2, 4, 3, 2],)])
    write_layer(out, "normalized conv", lambda: ConvNorm(4, 6, 3, 2, 2), [([2, 4, 5, 4],)])
    write_layer(out, "RegNet X block", lambda: RegNetBlock(4, 4, 1, 2, 0), [([2, 4, 5, 4],)])
    write_layer(out, "RegNet Y block", lambda: RegNetBlock(4, 6, 2, 3, 1), [([2, 4, 5, 4],)])
    write_layer(out, "RegNet Y block frozen", lambda: RegNetBlock(4, 6, 2, 3, 1), [([1, 4, 5, 4],)], evaluated)


def write_fields(out):
    write_layer(out, "NeRF", lambda: NeRF(True), [([5, 3], [5, 3])])
    write_layer(out, "NeRF without directions", lambda: NeRF(False), [([5, 3],)])
    write_layer(out, "rendered rays", lambda: nn.Module(), [([2, 5, 3], [2, 5], [2, 5]), ([1, 1, 3], [1, 1], [1, 1])], render)


if __name__ == "__main__":
    with Vectors("networks.h5") as out:
        write_images(out)
        write_fields(out)
