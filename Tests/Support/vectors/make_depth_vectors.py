"""Writes depth.h5: losses of self-supervised depth and their gradients, by PyTorch in double precision.

    python3 Tests/Support/vectors/make_depth_vectors.py

Needs torch, numpy and h5py. Written from the equations of Godard et al. 2019 (Monodepth2) and Watson et al. 2021 (ManyDepth).
"""

import os

import h5py
import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.manual_seed(20261)
B, H, W = 2, 24, 32
NEAR, FAR = 0.1, 100.0


def single(x):
    """Rounded to what a Float holds, so that both sides start from equal numbers."""
    return x.float().double()


def smooth_image():
    """Random waves, so that bilinear samples change smoothly."""
    return single(torch.sigmoid(2 * F.interpolate(torch.randn(B, 3, 7, 9), (H, W), mode="bicubic", align_corners=True)))


def exponential(twist):
    """[R t; 0 1] of axis times angle (first three) and translation."""
    v = twist[:, :3]
    zero = torch.zeros(B)
    cross = torch.stack([
        torch.stack([zero, -v[:, 2], v[:, 1]], 1), torch.stack([v[:, 2], zero, -v[:, 0]], 1),
        torch.stack([-v[:, 1], v[:, 0], zero], 1)], 1)
    motion = torch.zeros(B, 4, 4)
    motion[:, 3, 3] = 1
    motion = motion.clone()
    motion[:, :3, :3] = torch.matrix_exp(cross)
    motion[:, :3, 3] = twist[:, 3:]
    return motion


def warp(image, depth, k, motion):
    v, u = torch.meshgrid(torch.arange(H), torch.arange(W), indexing="ij")
    pixels = torch.stack([u, v, torch.ones_like(u)]).reshape(1, 3, -1).double()
    points = depth.reshape(B, 1, -1) * (torch.linalg.inv(k) @ pixels)
    q = k @ (motion[:, :3, :3] @ points + motion[:, :3, 3:])
    place = q[:, :2] / (q[:, 2:] + 1e-7)
    grid = torch.stack([2 * place[:, 0] / (W - 1) - 1, 2 * place[:, 1] / (H - 1) - 1], -1).reshape(B, H, W, 2)
    return F.grid_sample(image, grid, padding_mode="border", align_corners=True)


def error(x, y):
    mean = lambda z: F.avg_pool2d(F.pad(z, (1, 1, 1, 1), mode="reflect"), 3, 1)
    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    ssim = (2 * mx * my + 1e-4) * (2 * cov + 9e-4) / ((mx * mx + my * my + 1e-4) * (vx + vy + 9e-4))
    return (0.85 * ((1 - ssim) / 2).clamp(0, 1) + 0.15 * (x - y).abs()).mean(1, keepdim=True)


def smoothness(d, image):
    d = d / (d.mean((2, 3), keepdim=True) + 1e-7)
    edge = lambda axis: torch.exp(-image.diff(dim=axis).abs().mean(1, keepdim=True))
    return (d.diff(dim=3).abs() * edge(3)).mean() + (d.diff(dim=2).abs() * edge(2)).mean()


def to_depth(disparity):
    full = F.interpolate(disparity, (H, W), mode="bilinear", align_corners=False)
    return 1 / (1 / FAR + (1 / NEAR - 1 / FAR) * full)


target, before, after = smooth_image(), smooth_image(), smooth_image()
k = single(torch.tensor([[[25.0, 0, 15.2], [0, 24.0, 11.7], [0, 0, 1]], [[28.0, 0, 15.9], [0, 27.0, 11.1], [0, 0, 1]]]))
twists = [single(torch.randn(B, 6) * 0.03) for _ in range(2)]
disparities = [single(torch.sigmoid(torch.randn(B, 1, H >> s, W >> s) * 0.4)) for s in (1, 2)]
teacher = [single(0.15 + 0.2 * torch.rand(B, 1, H, W)) for _ in (1, 2)]
mask = (torch.rand(B, 1, H, W) < 0.6).double()
out = {"target": target, "before": before, "after": after, "k": k, "mask": mask}
for i in range(2):
    out[f"twist{i}"], out[f"disparity{i}"], out[f"teacher{i}"] = twists[i], disparities[i], teacher[i]


def losses(name, is_multi):
    d = [x.clone().requires_grad_() for x in disparities]
    t = [x.clone().requires_grad_() for x in twists]
    identity = torch.minimum(error(before, target), error(after, target))
    total = 0
    for i, s in enumerate((1, 2)):
        depth = to_depth(d[i])
        motions = [exponential(x).detach() if is_multi else exponential(x) for x in t]
        r = torch.minimum(*[error(warp(x, depth, k, m), target) for x, m in zip((before, after), motions)])
        mu = mask if is_multi else (r < identity).double()
        if not is_multi:
            out[f"{name}/share{i}"] = mu.mean()[None]
        total = total + (r * mu).sum() / (mu.sum() + 1e-7)
        if is_multi:
            total = total + ((1 - mask) * (depth - teacher[i]).abs()).mean()
        total = total + 0.05 / 2**s * smoothness(d[i], F.avg_pool2d(target, 2**s))
    loss = total / 2
    loss.backward()
    out[f"{name}/loss"] = loss.detach()[None]
    for i in range(2):
        out[f"{name}/disparity{i}"] = d[i].grad
        if not is_multi:
            out[f"{name}/twist{i}"] = t[i].grad
        else:
            assert t[i].grad is None


losses("single", False)
losses("multi", True)
with h5py.File(os.path.join(os.path.dirname(os.path.abspath(__file__)), "depth.h5"), "w", track_order=True) as file:
    for name, value in out.items():
        file.create_dataset(name, data=value.detach().numpy().astype(np.float32), track_times=False)
print({name: float(value.reshape(-1)[0]) for name, value in out.items() if "loss" in name or "share" in name})
