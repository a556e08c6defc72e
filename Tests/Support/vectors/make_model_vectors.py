"""Writes the vectors of PyTorch for whole models: logits, loss, gradients, then ten steps of training.

    python3 Tests/Support/vectors/make_model_vectors.py

Parameters are patterns as in make_layer_vectors.py, inputs are drawn. The vision transformer is in make_vectors.py.

Models that normalise by batch train by momentum: a bias in front of a norm has no gradient but rounding, and Adam would make whole
steps of it. Their training is unstable, too: a relu that opens a step earlier changes later losses in the second digit. Batches
and rates are such that ten steps do not depend on the last digits: with parameters changed by 2e-7, PyTorch's own losses in double
precision stay within 1e-5 (with 6 images and a rate of 0.02 they differed by 0.04).
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

from layer_cases import digest, fill, joined, places
from make_conv_vectors import ResNet
from make_graph_vectors import GCN, PointNet
from make_network_vectors import UNet
from make_vectors import Vectors, generator, single


class Recurrent(nn.Module):
    """Classes of sequences from the last states of two layers and two directions."""

    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(3, 5, 2, bidirectional=True, batch_first=True)
        self.head = nn.Linear(20, 4)

    def forward(self, x):
        return self.head(self.gru(x)[1].transpose(0, 1).flatten(1))


class GraphNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = GCN(3, 6), GCN(6, 3)

    def forward(self, x):
        return self.conv2(self.conv1(x).relu())


def momentum(p):
    return torch.optim.SGD(p, lr=0.001, momentum=0.9, nesterov=True)


def adamw(p):
    return torch.optim.AdamW(p, lr=0.01, betas=(0.9, 0.99), eps=1e-4, weight_decay=0.0)


MODELS = [
    # name, model, shape of the input, classes, logits [N, classes] of it, optimizer
    ("ResNet-18", lambda: ResNet([2, 2, 2, 2], 4, 5, False, True), [8, 3, 16, 16], 5, lambda m, x: m(x), momentum),
    (
        "U-Net", lambda: UNet(3, 4, 2, 3), [2, 3, 12, 10], 3,
        lambda m, x: m(x).permute(0, 2, 3, 1).reshape(-1, 3), momentum,
    ),
    ("GRU", Recurrent, [6, 7, 3], 4, lambda m, x: m(x), adamw),
    ("GCN", GraphNetwork, [5, 3], 3, lambda m, x: m(x), adamw),
    ("PointNet", lambda: PointNet(transforms=False), [16, 12, 3], 3, lambda m, x: m(x), momentum),
]


def write_model(out, name, make, shape, classes, call, optimizer):
    model = make()
    named = fill(model)
    x = single(generator("models", name).standard_normal(shape))
    out.put(f"{name}/input", x)
    logits = call(model, x)
    target = places(len(logits), classes)
    optimizer = optimizer([p for _, p in named])
    losses = []
    for step in range(10):
        y = call(model, x) if step else logits
        loss = F.cross_entropy(y, target)
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            out.put(f"{name}/logits", digest(logits))
            out.put(f"{name}/gradients", joined(*(digest(p.grad) for _, p in named)))
        losses.append(loss.detach())
        optimizer.step()
    out.put(f"{name}/losses", torch.stack(losses))
    out.put(f"{name}/parameters", joined(*(digest(p) for _, p in named)))
    buffers = sorted((n, b) for n, b in model.named_buffers() if "running" in n)
    if buffers:
        out.put(f"{name}/buffers", joined(*(digest(b) for _, b in buffers)))
    print(name, [round(float(v), 4) for v in losses])


if __name__ == "__main__":
    with Vectors("models.h5") as out:
        for model in MODELS:
            write_model(out, *model)
