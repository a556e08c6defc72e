"""Writes slip.h5: losses, gradients and the head of SLIP, by PyTorch in double precision.

    python3 Tests/Support/vectors/make_slip_vectors.py

Two machines with half a batch each are played by hand: what is gathered without a graph is a constant, machines' losses are
means over their own rows, and gradients are averaged over machines, as DistributedDataParallel does.
"""

import pathlib

import h5py
import torch
import torch.nn.functional as F

torch.manual_seed(20220112)
torch.set_default_dtype(torch.float64)
N, E, K, TAU = 6, 5, 4, 0.1


def clip(images, texts, s, machines):
    """The mean over machines of CLIP's loss; with one machine nothing is gathered and nothing is constant."""
    images, texts = F.normalize(images, dim=-1), F.normalize(texts, dim=-1)
    total, n = 0, N // machines
    for r in range(machines):
        rows = slice(r * n, (r + 1) * n)
        every = (images, texts) if machines == 1 else (images.detach(), texts.detach())
        labels = torch.arange(N)[rows]
        total = total + (
            F.cross_entropy(s.exp() * images[rows] @ every[1].T, labels)
            + F.cross_entropy(s.exp() * texts[rows] @ every[0].T, labels)
        ) / 2
    return total / machines


def simclr(a, b):
    """The form with two matrices: partners first, then a sample's other neighbours in its own view."""
    a, b = F.normalize(a, dim=-1), F.normalize(b, dim=-1)
    own, labels = 1e9 * torch.eye(N), torch.arange(N)
    one = F.cross_entropy(torch.cat([a @ b.T / TAU, a @ a.T / TAU - own], 1), labels)
    two = F.cross_entropy(torch.cat([b @ a.T / TAU, b @ b.T / TAU - own], 1), labels)
    return (one + two) / 2


images, texts = torch.randn(N, E, requires_grad=True), torch.randn(N, E, requires_grad=True)
a, b = torch.randn(N, K, requires_grad=True), torch.randn(N, K, requires_grad=True)
s = torch.tensor(1.3, requires_grad=True)
mlp = torch.nn.Sequential(
    torch.nn.Linear(E, 7), torch.nn.BatchNorm1d(7), torch.nn.ReLU(), torch.nn.Linear(7, 7), torch.nn.BatchNorm1d(7),
    torch.nn.ReLU(), torch.nn.Linear(7, K))  # fmt: skip
names = {"0": "layer1", "1": "bn1", "3": "layer2", "4": "bn2", "6": "layer3"}


def renamed(name):
    head, tail = name.split(".", 1)
    return f"{names[head]}.{tail}"


with h5py.File(pathlib.Path(__file__).with_name("slip.h5"), "w", track_order=True) as file:
    def write(path, tensor):
        file.create_dataset(path, data=torch.as_tensor(tensor).detach().numpy().astype("float32"), track_times=False)

    for name, value in [("images", images), ("texts", texts), ("a", a), ("b", b), ("scale", s)]:
        write(name, value)
    for machines in (1, 2):
        loss = clip(images, texts, s, machines)
        gradients = torch.autograd.grad(loss, [images, texts, s])
        for name, value in zip(["loss", "images", "texts", "scale"], [loss, *gradients]):
            write(f"clip-{machines}/{name}", value)
    loss = simclr(a, b)
    for name, value in zip(["loss", "a", "b"], [loss, *torch.autograd.grad(loss, [a, b])]):
        write(f"simclr/{name}", value)
    for name, value in mlp.state_dict().items():
        if "num_batches" not in name:
            write(f"head/before/{renamed(name)}", value)
    first, second = mlp(images), mlp(texts)
    write("head/first", first)
    write("head/second", second)
    (first.square().sum() + second.sum()).backward()
    for name, value in mlp.named_parameters():
        write(f"head/gradient/{renamed(name)}", value.grad)
    for name, value in mlp.state_dict().items():
        if "running" in name:
            write(f"head/after/{renamed(name)}", value)
    write("head/frozen", mlp.eval()(images))
