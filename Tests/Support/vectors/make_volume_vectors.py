"""Writes the vectors of PyTorch for layers over sequences, volumes and places of maps; see make_layer_vectors.py.

    python3 Tests/Support/vectors/make_volume_vectors.py
"""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from layer_cases import joined, write_layer
from make_network_vectors import evaluated
from make_vectors import Vectors


class TemporalBlock(nn.Module):
    def __init__(self, inputs, outputs, kernel, dilation, causal):
        super().__init__()
        self.reach, self.causal = (kernel - 1) * dilation, causal
        self.conv1 = nn.Conv1d(inputs, outputs, kernel, dilation=dilation)
        self.conv2 = nn.Conv1d(outputs, outputs, kernel, dilation=dilation)
        if inputs != outputs:
            self.downsample = nn.Conv1d(inputs, outputs, 1)

    def forward(self, x, mask=None):
        keep = torch.ones(len(x), x.shape[2]) if mask is None else mask
        before = self.reach if self.causal else self.reach // 2
        y = x
        for conv in [self.conv1, self.conv2]:
            y = conv(F.pad(y * keep[:, None], (before, self.reach - before))).relu()
        return (y + (self.downsample(x) if hasattr(self, "downsample") else x)).relu() * keep[:, None]


class TemporalNetwork(nn.Module):
    def __init__(self, widths, causal):
        super().__init__()
        self.network = nn.ModuleList(
            TemporalBlock(a, b, 3, 2**i, causal) for i, (a, b) in enumerate(zip(widths, widths[1:])))

    def forward(self, x):
        for block in self.network:
            x = block(x)
        return x


MASK = torch.tensor([[1.0, 1, 1, 1, 0, 0], [1, 1, 0, 0, 0, 0]])


def conv_norm(inputs, outputs, kernel, stride=1, padding=0):
    return nn.Sequential(nn.Conv3d(inputs, outputs, kernel, stride, padding, bias=False), nn.BatchNorm3d(outputs))


class Block3d(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1, self.conv2 = conv_norm(inputs, outputs, 3, stride, 1), conv_norm(outputs, outputs, 3, 1, 1)
        if stride != 1 or inputs != outputs:
            self.downsample = conv_norm(inputs, outputs, 1, stride)

    def forward(self, x):
        y = self.conv2(self.conv1(x).relu())
        return (y + (self.downsample(x) if hasattr(self, "downsample") else x)).relu()


class ResNet3D(nn.Module):
    def __init__(self, width, classes):
        super().__init__()
        self.stem = conv_norm(2, width, (3, 7, 7), (1, 2, 2), (1, 3, 3))
        for k in range(4):
            inputs = width << max(k - 1, 0)
            setattr(self, f"layer{k + 1}", nn.Sequential(Block3d(inputs, width << k, 1 if k == 0 else 2)))
        if classes:
            self.fc = nn.Linear(width * 8, classes)

    def forward(self, x):
        x = self.stem(x).relu()
        x = self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean((2, 3, 4))
        return self.fc(x) if hasattr(self, "fc") else x


class Basic(nn.Module):
    def __init__(self, conv, outputs):
        super().__init__()
        self.block = nn.Sequential(conv, nn.BatchNorm3d(outputs), nn.ReLU())

    def forward(self, x):
        return self.block(x)


class Res(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.res_branch = nn.Sequential(
            nn.Conv3d(a, b, 3, padding=1), nn.BatchNorm3d(b), nn.ReLU(), nn.Conv3d(b, b, 3, padding=1), nn.BatchNorm3d(b))
        self.skip_con = nn.Sequential() if a == b else nn.Sequential(nn.Conv3d(a, b, 1), nn.BatchNorm3d(b))

    def forward(self, x):
        return (self.res_branch(x) + self.skip_con(x)).relu()


class V2V(nn.Module):
    def __init__(self, inputs, outputs, w):
        super().__init__()
        self.front_layers = nn.Sequential(Basic(nn.Conv3d(inputs, w, 7, padding=3), w), Res(w, 2 * w))
        e = self.encoder_decoder = nn.Module()
        e.encoder_res1, e.encoder_res2, e.mid_res = Res(2 * w, 4 * w), Res(4 * w, 8 * w), Res(8 * w, 8 * w)
        e.decoder_res2, e.decoder_res1 = Res(8 * w, 8 * w), Res(4 * w, 4 * w)
        e.decoder_upsample2 = Basic(nn.ConvTranspose3d(8 * w, 4 * w, 2, 2), 4 * w)
        e.decoder_upsample1 = Basic(nn.ConvTranspose3d(4 * w, 2 * w, 2, 2), 2 * w)
        e.skip_res1, e.skip_res2 = Res(2 * w, 2 * w), Res(4 * w, 4 * w)
        self.output_layer = nn.Conv3d(2 * w, outputs, 1)

    def forward(self, x):
        e = self.encoder_decoder
        x = self.front_layers(x)
        skip1 = e.skip_res1(x)
        x = e.encoder_res1(F.max_pool3d(x, 2))
        skip2 = e.skip_res2(x)
        x = e.decoder_res2(e.mid_res(e.encoder_res2(F.max_pool3d(x, 2))))
        x = e.decoder_res1(e.decoder_upsample2(x) + skip2)
        return self.output_layer(e.decoder_upsample1(x) + skip1)


class Deformable(nn.Module):
    """Eq. 3 of Zhu et al. 2020, place by place: every sample is interpolated from its four neighbours by hand."""

    def __init__(self, width, heads, levels, points):
        super().__init__()
        self.sampling_offsets = nn.Linear(width, heads * levels * points * 2)
        self.attention_weights = nn.Linear(width, heads * levels * points)
        self.value_proj, self.output_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.heads, self.levels, self.points = heads, levels, points

    def forward(self, queries, references, *maps):
        b, q, width = queries.shape
        references = references.sigmoid()
        offsets = self.sampling_offsets(queries).reshape(b, q, self.heads, self.levels, self.points, 2)
        weights = self.attention_weights(queries).reshape(b, q, self.heads, -1).softmax(-1)
        weights = weights.reshape(b, q, self.heads, self.levels, self.points)
        out = torch.zeros(b, q, self.heads, width // self.heads)
        for l, image in enumerate(maps):
            rows, columns = image.shape[2:]
            value = self.value_proj(image.permute(0, 2, 3, 1)).reshape(b, rows, columns, self.heads, -1)
            # In units of cells: x + offset, whose cell k has its middle at k + 1/2.
            x = references[:, :, None, None, 0] * columns + offsets[:, :, :, l, :, 0] - 0.5
            y = references[:, :, None, None, 1] * rows + offsets[:, :, :, l, :, 1] - 0.5
            batch, head = torch.arange(b)[:, None, None, None], torch.arange(self.heads)[None, None, :, None]
            sample = 0
            for dy in [0, 1]:
                for dx in [0, 1]:
                    i, j = y.floor().long() + dy, x.floor().long() + dx
                    share = (1 - (y - i).abs()) * (1 - (x - j).abs())
                    inside = (i >= 0) & (i < rows) & (j >= 0) & (j < columns)
                    found = value[batch, i.clamp(0, rows - 1), j.clamp(0, columns - 1), head]
                    sample = sample + found * (share * inside)[..., None]
            out = out + (sample * weights[:, :, :, l, :, None]).sum(3)
        return self.output_proj(out.flatten(2))


def write_layers(out):
    write_layer(out, "conv 1d", lambda: nn.Conv1d(4, 6, 3, 2, 1, 2, 2), [([2, 4, 9],), ([1, 4, 5],)])
    write_layer(out, "conv 3d", lambda: nn.Conv3d(2, 4, (1, 3, 2), (1, 2, 1), (0, 1, 1), groups=2), [([2, 2, 3, 4, 3],)])
    write_layer(out, "conv transpose 1d", lambda: nn.ConvTranspose1d(4, 2, 3, 2, 1, 1, 2), [([2, 4, 5],), ([1, 4, 1],)])
    write_layer(out, "conv transpose 3d", lambda: nn.ConvTranspose3d(2, 3, 2, 2), [([2, 2, 2, 1, 3],)])
    write_layer(out, "group norm", lambda: nn.GroupNorm(2, 4), [([2, 4, 3],), ([1, 4, 2, 3],)])
    write_layer(out, "instance norm", lambda: nn.InstanceNorm2d(3, affine=True), [([2, 3, 4, 2],)])
    write_layer(out, "instance norm plain", lambda: nn.InstanceNorm1d(3), [([2, 3, 5],)])
    write_layer(out, "temporal block", lambda: TemporalBlock(3, 4, 3, 2, True), [([2, 3, 7],), ([1, 3, 1],)])
    write_layer(out, "temporal block centred", lambda: TemporalBlock(4, 4, 5, 1, False), [([2, 4, 7],)])
    write_layer(out, "temporal block masked", lambda: TemporalBlock(3, 4, 3, 1, False), [([2, 3, 6],)], lambda m, x: m(x, MASK))
    write_layer(out, "temporal network", lambda: TemporalNetwork([2, 4, 4, 3], True), [([2, 2, 12],)])
    write_layer(out, "ResNet 3D", lambda: ResNet3D(2, 3), [([3, 2, 5, 12, 9],)])
    write_layer(out, "ResNet 3D frozen", lambda: ResNet3D(2, 0), [([1, 2, 3, 8, 8],)], evaluated)
    write_layer(out, "residual volume block", lambda: Res(2, 3), [([2, 2, 2, 3, 2],)])
    write_layer(out, "volume block", lambda: Basic(nn.Conv3d(2, 3, 3, padding=1), 3), [([2, 2, 2, 3, 2],)])
    write_layer(out, "volume block doubling", lambda: Basic(nn.ConvTranspose3d(3, 2, 2, 2), 2), [([2, 3, 2, 1, 2],)])
    write_layer(out, "V2V", lambda: V2V(2, 3, 1), [([2, 2, 8, 4, 4],)])
    write_layer(out, "V2V frozen", lambda: V2V(1, 2, 1), [([1, 1, 4, 4, 8],)], evaluated)
    write_layer(
        out, "deformable attention", lambda: Deformable(8, 2, 2, 3), [([2, 3, 8], [2, 3, 2], [2, 8, 5, 4], [2, 8, 2, 3])])


def morlet(n, scale, angle, slant, frequency):
    """A Morlet wavelet on n x n places, periodised over five images a side, or a Gauss function if the frequency is None."""
    sigma = 0.8 * 2**scale
    i = np.arange(n)
    envelope, wave = np.zeros((n, n)), np.zeros((n, n), complex)
    for a in range(-2, 3):
        for b in range(-2, 3):
            u, v = np.meshgrid(i + a * n, i + b * n, indexing="ij")
            along = math.cos(angle) * u + math.sin(angle) * v
            across = -math.sin(angle) * u + math.cos(angle) * v
            g = np.exp(-(along**2 + (slant * across) ** 2) / (2 * sigma**2)) * slant / (2 * math.pi * sigma**2)
            envelope += g
            if frequency:
                wave += g * np.exp(1j * frequency * along)
    return envelope if frequency is None else wave - wave.sum() / envelope.sum() * envelope


def scattering(x, scales, angles):
    """Bruna and Mallat 2012: averages of moduli of wavelet transforms, of orders 0 to 2; by loops over paths."""
    pad = 2**scales
    x = F.pad(x, (pad, pad, pad, pad), mode="reflect")
    n = x.shape[-1]

    def filtered(z, f):
        return torch.fft.ifft2(torch.fft.fft2(z) * torch.from_numpy(np.fft.fft2(f)))

    low = morlet(n, scales - 1, 0.0, 1.0, None)
    bank = {
        (j, k): morlet(n, j, k * math.pi / angles, 4 / angles, 0.75 * math.pi / 2**j)
        for j in range(scales) for k in range(angles)
    }

    def average(z):
        return filtered(z, low).real[..., pad:-pad:pad, pad:-pad:pad]

    first = {p: filtered(x, f).abs() for p, f in bank.items()}
    paths = [average(x)] + [average(first[p]) for p in bank]
    for (j, k) in bank:
        paths += [average(filtered(first[j, k], bank[i, l]).abs()) for (i, l) in bank if i > j]
    return torch.stack(paths, 2)  # [B, C, paths, H / 2^J, W / 2^J]


def write_scattering(out):
    def call(m, x):
        return scattering(x, 2, 4)

    write_layer(out, "scattering", lambda: nn.Module(), [([1, 2, 8, 8],), ([2, 1, 12, 12],)], call)
    write_layer(out, "scattering deep", lambda: nn.Module(), [([1, 1, 16, 16],)], lambda m, x: scattering(x, 3, 2))


if __name__ == "__main__":
    with Vectors("spatial_layers.h5") as out:
        write_layers(out)
    with Vectors("scattering.h5") as out:
        write_scattering(out)
