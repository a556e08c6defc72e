"""Writes the vectors for optimizers, parameter groups, moving averages and learning rates that make_vectors.py has not.

    python3 Tests/Support/vectors/make_training_vectors.py

PyTorch has no LARS and no LAMB: the formulas of the papers are written out below, in double precision.
"""

import math

import torch

from make_vectors import STEPS, Vectors, generator, rate, single


class LARS(torch.optim.Optimizer):
    """You et al. 2017 (arXiv 1708.03888), Algorithm 1; a group with adapts=False has local rate 1."""

    def __init__(self, groups, momentum, trust):
        super().__init__(groups, {"lr": 1.0, "weight_decay": 0.0, "adapts": True})
        self.momentum, self.trust = momentum, trust

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta = group["weight_decay"]
            for w in group["params"]:
                local = self.trust * w.norm() / (w.grad.norm() + beta * w.norm()) if group["adapts"] else 1.0
                v = self.state[w].setdefault("v", torch.zeros_like(w))
                v.mul_(self.momentum).add_(group["lr"] * local * (w.grad + beta * w))
                w.sub_(v)


class LAMB(torch.optim.Optimizer):
    """You et al. 2019 (arXiv 1904.00962), Algorithm 2 with phi(z) = z; a group with adapts=False takes the rate alone."""

    def __init__(self, groups, betas, eps):
        super().__init__(groups, {"lr": 1.0, "weight_decay": 0.0, "adapts": True})
        self.betas, self.eps = betas, eps

    @torch.no_grad()
    def step(self):
        b1, b2 = self.betas
        for group in self.param_groups:
            for w in group["params"]:
                s = self.state[w]
                s["t"] = t = s.get("t", 0) + 1
                m, v = s.setdefault("m", torch.zeros_like(w)), s.setdefault("v", torch.zeros_like(w))
                m.mul_(b1).add_((1 - b1) * w.grad)
                v.mul_(b2).add_((1 - b2) * w.grad**2)
                r = (m / (1 - b1**t)) / ((v / (1 - b2**t)).sqrt() + self.eps) + group["weight_decay"] * w
                ratio = w.norm() / r.norm() if group["adapts"] else 1.0
                w.sub_(group["lr"] * ratio * r)


RULES = {
    "adam": lambda g: torch.optim.Adam(g, betas=(0.9, 0.999), eps=1e-8),
    "adam-fast": lambda g: torch.optim.Adam(g, betas=(0.8, 0.95), eps=1e-3),
    "lars": lambda g: LARS(g, momentum=0.9, trust=0.001),
    "lars-fast": lambda g: LARS(g, momentum=0.5, trust=0.3),
    "lamb": lambda g: LAMB(g, betas=(0.9, 0.999), eps=1e-6),
    "lamb-fast": lambda g: LAMB(g, betas=(0.7, 0.9), eps=1e-3),
    "sgd-momentum": lambda g: torch.optim.SGD(g, lr=1, momentum=0.9),
    "adamw": lambda g: torch.optim.AdamW(g, betas=(0.9, 0.999), eps=1e-8),
}


def clip(kind, parameters):
    if kind == "clipped":
        torch.nn.utils.clip_grad_norm_(parameters, 2.0)
    if kind == "limited":
        torch.nn.utils.clip_grad_value_(parameters, 0.7)


def write_rules(out):
    """A weight (decayed, adapted) and a bias (neither) over 20 steps of given gradients and changing rates."""
    for name, maker in RULES.items():
        for kind in ["", "clipped", "limited"]:
            if name in ("sgd-momentum", "adamw") and kind != "limited":
                continue  # in make_vectors.py
            rng = generator("training", name, kind)
            weight, bias = (single(rng.standard_normal(s)).requires_grad_() for s in [(4, 3), (5,)])
            groups = [{"params": [weight], "weight_decay": 0.3}, {"params": [bias], "weight_decay": 0.0}]
            if name[:4] in ("lars", "lamb"):
                groups[1]["adapts"] = False
            optimizer = maker(groups)
            at = f"rules/{name}-{kind}" if kind else f"rules/{name}"
            out.put(f"{at}/weight", weight)
            out.put(f"{at}/bias", bias)
            history = {"weight": [], "bias": [], "weight gradient": [], "bias gradient": []}
            for step in range(STEPS):
                weight.grad, bias.grad = (single(rng.standard_normal(tuple(p.shape))) for p in (weight, bias))
                history["weight gradient"].append(weight.grad.clone())
                history["bias gradient"].append(bias.grad.clone())
                clip(kind, [weight, bias])
                for group in optimizer.param_groups:
                    group["lr"] = rate(step)
                optimizer.step()
                history["weight"].append(weight.detach().clone())
                history["bias"].append(bias.detach().clone())
            for key, values in history.items():
                out.put(f"{at}/after/{key}" if "gradient" not in key else f"{at}/{key}", torch.stack(values))


def write_groups(out):
    """AdamW with a group for each layer and role: layer-wise decay 0.5 over a stem, two blocks and a head."""
    names = ["patch_embed.weight", "patch_embed.bias", "blocks.0.weight", "blocks.0.bias", "blocks.1.weight",
             "blocks.1.bias", "head.weight", "head.bias"]
    depth = {"patch_embed": 0, "blocks.0": 1, "blocks.1": 2, "head": 3}
    rng = generator("groups")
    parameters = [single(rng.standard_normal((2, 3) if n.endswith("weight") else (2,))).requires_grad_() for n in names]
    factors = [0.5 ** (3 - depth[n.rpartition(".")[0]]) for n in names]
    optimizer = torch.optim.AdamW(
        [{"params": [p], "weight_decay": 0.2 if n.endswith("weight") else 0.0} for n, p in zip(names, parameters)])
    for n, p in zip(names, parameters):
        out.put(f"groups/before/{n}", p)
    gradients = {n: [] for n in names}
    for step in range(STEPS):
        for n, p, group, factor in zip(names, parameters, optimizer.param_groups, factors):
            p.grad = single(rng.standard_normal(tuple(p.shape)))
            gradients[n].append(p.grad)
            group["lr"] = rate(step) * factor
        optimizer.step()
    for n, p in zip(names, parameters):
        out.put(f"groups/gradients/{n}", torch.stack(gradients[n]))
        out.put(f"groups/after/{n}", p)


def write_averages(out):
    """Averages of a weight over 20 values: PyTorch's EMA and its plain mean; and two changing rates, by their formulas."""
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    rng = generator("averages")
    values = single(rng.standard_normal((STEPS, 2, 3)))
    out.put("averages/values", values)
    model = torch.nn.Linear(3, 2, bias=False)
    for name, function in [("ema", get_ema_multi_avg_fn(0.9)), ("mean", None)]:
        average = AveragedModel(model, multi_avg_fn=function)
        history = []
        for value in values:
            with torch.no_grad():
                model.weight.copy_(value)
            average.update_parameters(model)  # the first value is copied
            history.append(average.module.weight.detach().clone())
        out.put(f"averages/{name}", torch.stack(history))
    # timm's warm-up of the decay, and the cosine of BYOL (arXiv 2006.07733, Section 3.3), tau = 1 - (1 - 0.9)(cos + 1) / 2.
    for name in ["warmed up", "byol"]:
        average, history = values[0].clone(), [values[0].clone()]
        for t, value in enumerate(values[1:]):
            progress = (t + 1) / STEPS
            decay = min(0.6, (1 + t) / (10 + t))
            if name == "byol":
                decay = 1 - (1 - 0.9) * (math.cos(math.pi * progress) + 1) / 2
            average = decay * average + (1 - decay) * value
            history.append(average)
        out.put(f"averages/{name}", torch.stack(history))


def write_rates(out):
    """PyTorch's schedules over 21 steps, 0 to 20."""
    lr = torch.optim.lr_scheduler
    makers = {
        "constant": lambda o: lr.ConstantLR(o, factor=1.0),
        "linear": lambda o: lr.LinearLR(o, start_factor=1.0, end_factor=0.25, total_iters=20),
        "cosine": lambda o: lr.CosineAnnealingLR(o, T_max=20, eta_min=0.1),
        "step": lambda o: lr.MultiStepLR(o, milestones=[6, 13], gamma=0.1),
        "exponential": lambda o: lr.ExponentialLR(o, gamma=0.01 ** (1 / 20)),
        # The rise ends at step 0.25 * 24 - 1 = 5 of 0 ... 23.
        "one cycle": lambda o: lr.OneCycleLR(o, max_lr=2.0, total_steps=24, pct_start=0.25, div_factor=10, final_div_factor=50),
        "warm-up": lambda o: lr.SequentialLR(
            o, [lr.LinearLR(o, start_factor=0.2, end_factor=1.0, total_iters=4), lr.CosineAnnealingLR(o, T_max=16)],
            milestones=[4]),
    }
    for name, maker in makers.items():
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=2.0)
        schedule = maker(optimizer)
        rates = []
        for _ in range(24 if name == "one cycle" else 21):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step() if len(rates) < 24 else None
        out.put(f"rates/{name}", rates)


if __name__ == "__main__":
    with Vectors("training.h5") as out:
        write_rules(out)
        write_groups(out)
        write_averages(out)
        write_rates(out)
