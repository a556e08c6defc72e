"""Makes neus.h5: samples, weights, loss terms and gradients of one step of NeuS, computed by PyTorch in double precision.

    python3 Tests/Vectors/make_neus_vectors.py        (torch, numpy, h5py)

A small network with random weights sees a few rays. Written from the equations of arXiv 2106.10689 and the published details of
the sampler (fixed sharpness, smaller of two slopes, constants), so that it can disagree with the Swift code; gradients through
normals come from torch's own second order.
"""

import pathlib

import h5py
import numpy as np
import torch

torch.set_default_dtype(torch.float64)
WIDTH, FEATURES, COLOUR = 12, 4, 10
EVEN, IMPORTANT, ROUNDS = 8, 8, 2
RAYS, BETA, ANNEALING = 6, 10.0, 0.3


def random(g, *shape, scale=1.0, mean=0.0):
    """Numbers that a float can hold."""
    return (torch.randn(*shape, generator=g) * scale + mean).to(torch.float32).to(torch.float64)


def encode(x, octaves):
    parts = [x]
    for k in range(octaves):
        parts += [torch.sin(x * 2**k), torch.cos(x * 2**k)]
    return torch.cat(parts, -1)


def normalised(v, g):
    return v * g / v.norm(dim=1, keepdim=True)


def distance_network(p, x):
    e = encode(x, 1)
    h = e
    for layer in range(3):
        if layer == 2:
            h = torch.cat([h, e], -1) / 2**0.5
        w = normalised(p[f"field.network.hidden.{layer}.weight"], p[f"field.gains.{layer}.gain"])
        h = torch.nn.functional.softplus(h @ w.T + p[f"field.network.hidden.{layer}.bias"], beta=BETA, threshold=1e9)
    y = h @ normalised(p["field.network.last.weight"], p["field.gains.3.gain"]).T + p["field.network.last.bias"]
    return y[:, 0], y[:, 1:]


def colour_network(p, x, d, n, z):
    h = torch.cat([x, encode(d, 1), n, z], -1)
    h = torch.relu(h @ normalised(p["colour.layers.0.weight"], p["colour.gains.0.gain"]).T + p["colour.layers.0.bias"])
    return torch.sigmoid(
        h @ normalised(p["colour.layers.1.weight"], p["colour.gains.1.gain"]).T + p["colour.layers.1.bias"])


def through(alpha):
    """The light that reaches each section."""
    return torch.cumprod(torch.cat([torch.ones(len(alpha), 1), 1 - alpha + 1e-7], -1), -1)[:, :-1]


def new_samples(o, d, z, f, count, s):
    """Depths at the quantiles of the weights of what is known."""
    inside = (o[:, None] + d[:, None] * z[..., None]).norm(dim=-1) < 1
    middle = (f[:, :-1] + f[:, 1:]) / 2
    length = z[:, 1:] - z[:, :-1]
    slope = (f[:, 1:] - f[:, :-1]) / (length + 1e-5)
    before = torch.cat([torch.zeros(len(z), 1), slope[:, :-1]], -1)
    slope = torch.minimum(slope, before).clip(-1e3, 0) * (inside[:, :-1] | inside[:, 1:])
    a, b = torch.sigmoid((middle - slope * length / 2) * s), torch.sigmoid((middle + slope * length / 2) * s)
    alpha = (a - b + 1e-5) / (a + 1e-5)
    w = alpha * through(alpha) + 1e-5
    cdf = torch.cat([torch.zeros(len(z), 1), torch.cumsum(w / w.sum(-1, keepdim=True), -1)], -1)
    u = torch.linspace(0.5 / count, 1 - 0.5 / count, count).expand(len(z), count).contiguous()
    above = torch.searchsorted(cdf, u, right=True)
    low, high = (above - 1).clamp(min=0), above.clamp(max=z.shape[1] - 1)
    c0, c1 = cdf.gather(1, low), cdf.gather(1, high)
    width = torch.where(c1 - c0 < 1e-5, torch.ones_like(c0), c1 - c0)
    z0, z1 = z.gather(1, low), z.gather(1, high)
    return z0 + (u - c0) / width * (z1 - z0)


def main():
    g = torch.Generator().manual_seed(12)
    p = {}
    shapes = [(WIDTH, 9), (WIDTH - 9, WIDTH), (WIDTH, WIDTH)]
    for layer, shape in enumerate(shapes):
        p[f"field.network.hidden.{layer}.weight"] = random(g, *shape, scale=0.4)
        p[f"field.network.hidden.{layer}.bias"] = random(g, shape[0], scale=0.1)
        p[f"field.gains.{layer}.gain"] = random(g, shape[0], 1, scale=0.1, mean=1)
    p["field.network.last.weight"] = random(g, 1 + FEATURES, WIDTH, scale=0.4)
    p["field.network.last.bias"] = random(g, 1 + FEATURES, scale=0.1)
    p["field.gains.3.gain"] = random(g, 1 + FEATURES, 1, scale=0.1, mean=1)
    inputs = 3 + 9 + 3 + FEATURES
    for layer, shape in enumerate([(COLOUR, inputs), (3, COLOUR)]):
        p[f"colour.layers.{layer}.weight"] = random(g, *shape, scale=0.5)
        p[f"colour.layers.{layer}.bias"] = random(g, shape[0], scale=0.2)
        p[f"colour.gains.{layer}.gain"] = random(g, shape[0], 1, scale=0.1, mean=1)
    p["variance"] = torch.tensor([np.float32(0.25)], dtype=torch.float64)
    o = random(g, RAYS, 3)
    o = (o / o.norm(dim=1, keepdim=True) * 3).to(torch.float32).double()
    d = random(g, RAYS, 3, scale=0.25) - o
    d = (d / d.norm(dim=1, keepdim=True)).to(torch.float32).double()
    # The distance is 0 half way through the ball of the first ray, so that samples have a surface to find.
    with torch.no_grad():
        f0, _ = distance_network(p, o[:1] + 2.8 * d[:1])
        p["field.network.last.bias"][0] -= f0[0]
        p["field.network.last.bias"] = p["field.network.last.bias"].to(torch.float32).double()
    jitter = (torch.rand(RAYS, 1, generator=g) - 0.5).to(torch.float32).double()
    truth = torch.rand(RAYS, 3, generator=g).to(torch.float32).double()
    mask = torch.tensor([1.0, 0, 1, 1, 0, 1])

    middle = -(o * d).sum(-1, keepdim=True)
    z = middle - 1 + 2 * torch.linspace(0, 1, EVEN) + jitter * 2 / EVEN
    with torch.no_grad():
        def ask(depths):
            return distance_network(p, (o[:, None] + d[:, None] * depths[..., None]).reshape(-1, 3))[0].reshape(RAYS, -1)
        f = ask(z)
        for i in range(ROUNDS):
            added = new_samples(o, d, z, f, IMPORTANT // ROUNDS, 64 * 2**i)
            z, order = torch.sort(torch.cat([z, added], -1), dim=-1)
            f = torch.cat([f, ask(added)], -1).gather(1, order)

    for value in p.values():
        value.requires_grad_(True)
    length = torch.cat([z[:, 1:] - z[:, :-1], torch.full((RAYS, 1), 2 / EVEN)], -1)
    x = (o[:, None] + d[:, None] * (z + length / 2)[..., None]).reshape(-1, 3).requires_grad_(True)
    rays = d[:, None].expand(RAYS, z.shape[1], 3).reshape(-1, 3)
    f, features = distance_network(p, x)
    n = torch.autograd.grad(f.sum(), x, create_graph=True)[0]
    cos = (rays * n).sum(-1)
    slope = -(torch.relu(0.5 - 0.5 * cos) * (1 - ANNEALING) + torch.relu(-cos) * ANNEALING)
    s = torch.exp(10 * p["variance"])
    flat = length.reshape(-1)
    a, b = torch.sigmoid((f - slope * flat / 2) * s), torch.sigmoid((f + slope * flat / 2) * s)
    alpha = ((a - b + 1e-5) / (a + 1e-5)).clip(0, 1).reshape(RAYS, -1)
    w = alpha * through(alpha)
    c = (w[..., None] * colour_network(p, x, rays, n, features).reshape(RAYS, -1, 3)).sum(1)
    colour = (c - truth).abs().sum() / RAYS
    near = (x.norm(dim=-1) < 1.2).double()
    eikonal = (near * (n.norm(dim=-1) - 1) ** 2).sum() / (near.sum() + 1e-5)
    seen = w.sum(-1).clip(1e-3, 1 - 1e-3)
    entropy = -(mask * seen.log() + (1 - mask) * (1 - seen).log()).mean()
    loss = colour + 0.5 * eikonal + 0.3 * entropy
    loss.backward()

    path = pathlib.Path(__file__).with_name("neus.h5")
    with h5py.File(path, "w", track_order=False) as file:
        def put(name, value):
            value = value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
            file.create_dataset(name, data=value.astype(np.float32), track_times=False)
        for name, value in p.items():
            put(f"parameters/{name}", value)
            put(f"gradients/{name}", value.grad)
        for name, value in dict(origins=o, directions=d, jitter=jitter[:, 0], truth=truth, mask=mask, depths=z, weights=w,
                                rendered=c, colour=colour.reshape(1), eikonal=eikonal.reshape(1),
                                entropy=entropy.reshape(1), loss=loss.reshape(1)).items():
            put(name, value)
    print(path, loss.item(), w.sum(-1))


main()
