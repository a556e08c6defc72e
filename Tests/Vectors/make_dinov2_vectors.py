"""Makes dinov2.h5: DINOv2's losses, gradients and updates, computed by PyTorch in double precision.

    python3 Tests/Vectors/make_dinov2_vectors.py        (torch, numpy, h5py)

The networks are small and their weights random; names of parameters are those of the method's checkpoints. Written from the
equations of arXiv 2304.07193 and the description in Methods/Distillation, so that it can disagree with the Swift code.
"""

import math
import pathlib

import h5py
import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
WIDTH, HEADS, DEPTH, PATCH, SIDE = 12, 3, 2, 4, 16
PROTOTYPES, HIDDEN, BOTTLENECK = 11, 16, 6
BATCH, LOCALS, LOCAL_SIDE = 4, 3, 8
PATCHES = (SIDE // PATCH) ** 2


def random(generator, *shape, scale=1.0, mean=0.0):
    """Numbers that a float can hold."""
    x = torch.randn(*shape, generator=generator) * scale + mean
    return x.to(torch.float32).to(torch.float64)


def make_network(g, registers, separate):
    p = {
        "backbone.cls_token": random(g, 1, 1, WIDTH, scale=0.5),
        "backbone.pos_embed": random(g, 1, 1 + PATCHES, WIDTH, scale=0.5),
    }
    if registers:
        p["backbone.register_tokens"] = random(g, 1, registers, WIDTH, scale=0.5)
    p["backbone.mask_token"] = random(g, 1, WIDTH, scale=0.5)
    p["backbone.patch_embed.proj.weight"] = random(g, WIDTH, 3, PATCH, PATCH, scale=0.15)
    p["backbone.patch_embed.proj.bias"] = random(g, WIDTH, scale=0.1)

    def affine(name, inputs, outputs):
        p[f"{name}.weight"] = random(g, outputs, inputs, scale=inputs**-0.5)
        p[f"{name}.bias"] = random(g, outputs, scale=0.1)

    def norm(name):
        p[f"{name}.weight"] = random(g, WIDTH, scale=0.2, mean=1)
        p[f"{name}.bias"] = random(g, WIDTH, scale=0.1)

    for i in range(DEPTH):
        b = f"backbone.blocks.{i}"
        norm(f"{b}.norm1")
        affine(f"{b}.attn.qkv", WIDTH, 3 * WIDTH)
        affine(f"{b}.attn.proj", WIDTH, WIDTH)
        p[f"{b}.ls1.gamma"] = random(g, WIDTH, scale=0.2, mean=0.7)
        norm(f"{b}.norm2")
        affine(f"{b}.mlp.fc1", WIDTH, 4 * WIDTH)
        affine(f"{b}.mlp.fc2", 4 * WIDTH, WIDTH)
        p[f"{b}.ls2.gamma"] = random(g, WIDTH, scale=0.2, mean=0.7)
    norm("backbone.norm")
    for head in ["dino_head"] + (["ibot_head"] if separate else []):
        affine(f"{head}.mlp.0", WIDTH, HIDDEN)
        affine(f"{head}.mlp.2", HIDDEN, HIDDEN)
        affine(f"{head}.mlp.4", HIDDEN, BOTTLENECK)
        p[f"{head}.last_layer.weight_g"] = random(g, PROTOTYPES, 1, scale=0.1, mean=1)
        p[f"{head}.last_layer.weight_v"] = random(g, PROTOTYPES, BOTTLENECK, scale=0.4)
    return p


def positions(p, rows, columns):
    embedding = p["backbone.pos_embed"]
    side = SIDE // PATCH
    if (rows, columns) == (side, side):
        return embedding
    grid = embedding[:, 1:].reshape(1, side, side, WIDTH).permute(0, 3, 1, 2)
    scale = ((rows + 0.1) / side, (columns + 0.1) / side)
    grid = F.interpolate(grid, scale_factor=scale, mode="bicubic").permute(0, 2, 3, 1).reshape(1, -1, WIDTH)
    return torch.cat([embedding[:, :1], grid], 1)


def backbone(p, images, mask=None):
    """Class token and patch tokens after the last norm."""
    x = F.conv2d(images, p["backbone.patch_embed.proj.weight"], p["backbone.patch_embed.proj.bias"], stride=PATCH)
    rows, columns = x.shape[2:]
    x = x.flatten(2).transpose(1, 2)
    if mask is not None:
        x = torch.where(mask[:, :, None], p["backbone.mask_token"][None], x)
    n = len(images)
    x = torch.cat([p["backbone.cls_token"].expand(n, -1, -1), x], 1) + positions(p, rows, columns)
    registers = p.get("backbone.register_tokens")
    first = 1
    if registers is not None:
        first += registers.shape[1]
        x = torch.cat([x[:, :1], registers.expand(n, -1, -1), x[:, 1:]], 1)
    for i in range(DEPTH):
        q = {k.removeprefix(f"backbone.blocks.{i}."): v for k, v in p.items() if k.startswith(f"backbone.blocks.{i}.")}
        y = F.layer_norm(x, (WIDTH,), q["norm1.weight"], q["norm1.bias"], 1e-6)
        qkv = F.linear(y, q["attn.qkv.weight"], q["attn.qkv.bias"]).reshape(n, -1, 3, HEADS, WIDTH // HEADS)
        y = F.scaled_dot_product_attention(*qkv.permute(2, 0, 3, 1, 4)).transpose(1, 2).flatten(2)
        x = x + q["ls1.gamma"] * F.linear(y, q["attn.proj.weight"], q["attn.proj.bias"])
        y = F.layer_norm(x, (WIDTH,), q["norm2.weight"], q["norm2.bias"], 1e-6)
        y = F.gelu(F.linear(y, q["mlp.fc1.weight"], q["mlp.fc1.bias"]))
        x = x + q["ls2.gamma"] * F.linear(y, q["mlp.fc2.weight"], q["mlp.fc2.bias"])
    x = F.layer_norm(x, (WIDTH,), p["backbone.norm.weight"], p["backbone.norm.bias"], 1e-6)
    return x[:, 0], x[:, first:]


def head(p, name, x):
    for i in (0, 2, 4):
        x = F.linear(x, p[f"{name}.mlp.{i}.weight"], p[f"{name}.mlp.{i}.bias"])
        x = F.gelu(x) if i < 4 else F.normalize(x, dim=-1)
    layer = torch.nn.utils.weight_norm(torch.nn.Linear(BOTTLENECK, PROTOTYPES, bias=False))
    del layer._parameters["weight_g"], layer._parameters["weight_v"]
    layer.weight_g, layer.weight_v = p[f"{name}.last_layer.weight_g"], p[f"{name}.last_layer.weight_v"]
    return layer(x)


def sinkhorn(logits, temperature):
    q = torch.exp(logits / temperature)
    q = q / q.sum()
    for _ in range(3):
        q = q / q.sum(0, keepdim=True) / q.shape[1]
        q = q / q.sum(1, keepdim=True) / q.shape[0]
    return q * q.shape[0]


def cross_entropy(target, logits):
    return -(target * F.log_softmax(logits / 0.1, -1)).sum(-1)


def koleo(x):
    x = F.normalize(x, eps=1e-8, dim=-1)
    with torch.no_grad():
        similarity = x @ x.T
        similarity.fill_diagonal_(-1)
        nearest = similarity.argmax(1)
    return -torch.log(torch.nn.PairwiseDistance(2, eps=1e-8)(x, x[nearest]) + 1e-8).mean()


def step(case, student, teacher, centers, temperature):
    """Loss terms with the student's graph, and the next centres."""
    globals_, locals_, masks = case["globals"], case["locals"], case["masks"]
    patch_head = "ibot_head" if "ibot_head.mlp.0.weight" in student else "dino_head"
    with torch.no_grad():
        targets, patch_targets, moved = [], [], []
        seen = [backbone(teacher, view) for view in globals_]
        cls = torch.cat([head(teacher, "dino_head", token) for token, _ in seen])
        patches = torch.cat([head(teacher, patch_head, tokens[mask]) for (_, tokens), mask in zip(seen, masks)])
        if case["centering"] == "sinkhorn":
            targets, patch_targets = sinkhorn(cls, temperature), sinkhorn(patches, temperature)
        else:
            targets = F.softmax((cls - centers[0]) / temperature, -1)
            patch_targets = F.softmax((patches - centers[1]) / temperature, -1)
            centers = [0.9 * c + 0.1 * z.mean(0, keepdim=True) for c, z in zip(centers, (cls, patches))]
        targets = targets.chunk(2)
    seen = [backbone(student, view, mask) for view, mask in zip(globals_, masks)]
    logits = [head(student, "dino_head", token) for token, _ in seen]
    dino = cross_entropy(targets[1], logits[0]).mean() + cross_entropy(targets[0], logits[1]).mean()
    for view in locals_:
        z = head(student, "dino_head", backbone(student, view)[0])
        for target in targets:
            dino = dino + cross_entropy(target, z).mean()
    dino = dino / (2 * len(locals_) + 2)
    ibot, at = 0, 0
    for (_, tokens), mask in zip(seen, masks):
        for image in range(BATCH):
            count = int(mask[image].sum())
            if count:
                rows = cross_entropy(patch_targets[at : at + count], head(student, patch_head, tokens[image][mask[image]]))
                ibot = ibot + rows.mean() / (2 * BATCH)
                at += count
    spread = koleo(seen[0][0]) + koleo(seen[1][0])
    return {"dino": dino, "ibot": ibot, "koleo": spread, "loss": dino + ibot + 0.1 * spread}, centers


def factors(name, decay=0.9):
    """Of the learning rate and of the weight decay."""
    layer = DEPTH + 1
    if any(part in name for part in ("cls_token", "pos_embed", "mask_token", "register_tokens", "patch_embed")):
        layer = 0
    elif ".blocks." in name:
        layer = int(name.split(".")[2]) + 1
    rate = decay ** (DEPTH + 1 - layer) * (0.2 if "patch_embed" in name else 1)
    return rate, 0.0 if name.endswith(".bias") or "norm" in name or "gamma" in name else 1.0


def train(case, student, teacher, centers):
    """Two steps of AdamW; the last layer rests in the first one."""
    student = {k: v.clone().requires_grad_() for k, v in student.items()}
    teacher = {k: v.clone() for k, v in teacher.items()}
    groups = [{"params": [v], "name": k} for k, v in student.items()]
    optimizer = torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.999), eps=1e-3)
    for k, temperature in enumerate([0.04, 0.055]):
        for group in optimizer.param_groups:
            rate, decay = factors(group["name"])
            group["lr"] = 0 if k == 0 and "last_layer" in group["name"] else 0.01 * rate
            group["weight_decay"] = 0.1 * decay
        optimizer.zero_grad()
        terms, centers = step(case, student, teacher, centers, temperature)
        terms["loss"].backward()
        for part in ("backbone", "dino_head", "ibot_head"):
            members = [v for n, v in student.items() if n.startswith(part)]
            if members:
                torch.nn.utils.clip_grad_norm_(members, 0.05)
        optimizer.step()
        with torch.no_grad():
            for n in teacher:
                teacher[n] = 0.9 * teacher[n] + 0.1 * student[n]
    return student, teacher, centers, terms


def write(group, values, dtype="<f4"):
    for name, value in values.items():
        group.create_dataset(name, data=value.detach().numpy().astype(dtype), track_times=False)


def main():
    path = pathlib.Path(__file__).with_name("dinov2.h5")
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        for name, registers, separate, seed in [("softmax", 2, False, 1), ("sinkhorn", 0, True, 2)]:
            g = torch.Generator().manual_seed(seed)
            student, other = make_network(g, registers, separate), make_network(g, registers, separate)
            teacher = {k: (v + 0.3 * (other[k] - v)).to(torch.float32).to(torch.float64) for k, v in student.items()}
            centers = [random(g, 1, PROTOTYPES, scale=0.1) for _ in range(2)]
            masks = torch.zeros(2, BATCH, PATCHES, dtype=torch.bool)
            for crop, image, count in [(0, 1, 3), (0, 2, 7), (1, 0, 1), (1, 3, 5)]:
                masks[crop, image, torch.randperm(PATCHES, generator=g)[:count]] = True
            case = {
                "centering": name,
                "globals": [random(g, BATCH, 3, SIDE, SIDE) for _ in range(2)],
                "locals": [random(g, BATCH, 3, LOCAL_SIDE, LOCAL_SIDE) for _ in range(LOCALS)],
                "masks": masks,
            }
            group = file.create_group(name)
            write(group, {f"global.{i}": v for i, v in enumerate(case["globals"])})
            write(group, {f"local.{i}": v for i, v in enumerate(case["locals"])})
            write(group, {"masks": masks.reshape(2 * BATCH, PATCHES).to(torch.float64)})
            write(group, {"dino_center": centers[0], "ibot_center": centers[1]})
            write(group.create_group("student"), student)
            write(group.create_group("teacher"), teacher)

            tracked = {k: v.clone().requires_grad_() for k, v in student.items()}
            terms, moved = step(case, tracked, teacher, centers, 0.04)
            terms["loss"].backward()
            write(group.create_group("terms"), terms, "<f8")
            write(group.create_group("gradient"), {k: v.grad for k, v in tracked.items()})
            write(group.create_group("moved"), {"dino_center": moved[0], "ibot_center": moved[1]})

            trained, followed, moved, terms = train(case, student, teacher, centers)
            write(group.create_group("after/terms"), terms, "<f8")
            write(group.create_group("after/student"), {k: v - student[k] for k, v in trained.items()})
            write(group.create_group("after/teacher"), {k: v - teacher[k] for k, v in followed.items()})
            print(name, {k: round(float(v.detach()), 6) for k, v in terms.items()})

        # The head alone, with the gradients of gains and directions.
        g = torch.Generator().manual_seed(3)
        p = {k: v for k, v in make_network(g, 0, False).items() if k.startswith("dino_head.")}
        p = {k: v.requires_grad_() for k, v in p.items()}
        x, seed = random(g, 5, WIDTH).requires_grad_(), random(g, 5, PROTOTYPES)
        y = head(p, "dino_head", x)
        (y * seed).sum().backward()
        group = file.create_group("head")
        write(group, {"input": x, "output": y, "seed": seed, "input_gradient": x.grad})
        write(group.create_group("weights"), {k.removeprefix("dino_head."): v for k, v in p.items()})
        write(group.create_group("gradient"), {k.removeprefix("dino_head."): v.grad for k, v in p.items()})

        # KoLeo alone.
        x = random(g, 9, 5).requires_grad_()
        value = koleo(x)
        value.backward()
        write(file.create_group("koleo"), {"input": x, "gradient": x.grad})
        write(file["koleo"], {"value": value}, "<f8")
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
