"""Writes small networks in the layouts of published weights, with their features as PyTorch computes them.

    python3 Tests/Support/vectors/make_published_models.py

published_<name>.pth          state dicts by torch.save, with the names of the authors' files
published_features.h5         inputs and expected outputs, by model

The forward passes are written here in plain PyTorch from the papers and the documented layouts; parameters are the
`pattern` of make_weight_files.py, so that nothing is random.
"""

import math
import os
import zlib
from collections import OrderedDict

import h5py
import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))


def pattern(shape, number, scale=1.0, shift=0.0):
    count = math.prod(shape)
    x = 0.6180339887498949 * (torch.arange(count, dtype=torch.float64) + 1 + 1000 * number)
    return (scale * (x - x.floor() - 0.5) + shift).float().reshape(shape)


class State(OrderedDict):
    """A state dict whose arrays are patterns named by their place; weights have unit gain, gains are around 1."""

    def weight(self, name, *shape):
        fan = math.prod(shape) / shape[0]
        self[name] = pattern(shape, zlib.crc32(name.encode()) % 1000, 3.46 / math.sqrt(fan))
        return self[name]

    def vector(self, name, size, shift=0.0, scale=0.5):
        self[name] = pattern((size,), zlib.crc32(name.encode()) % 1000, scale, shift)
        return self[name]

    def tokens(self, name, *shape):
        self[name] = pattern(shape, zlib.crc32(name.encode()) % 1000, 1.5)
        return self[name]

    def linear(self, name, inputs, outputs, bias=True):
        self.weight(f"{name}.weight", outputs, inputs)
        if bias:
            self.vector(f"{name}.bias", outputs)

    def norm(self, name, width):
        self.vector(f"{name}.weight", width, 1.0)
        self.vector(f"{name}.bias", width)

    def batch_norm(self, name, width):
        self.norm(name, width)
        self.vector(f"{name}.running_mean", width)
        self.vector(f"{name}.running_var", width, 1.0)
        self[f"{name}.num_batches_tracked"] = torch.tensor(7)


def lin(s, name, x):
    return F.linear(x, s[f"{name}.weight"], s.get(f"{name}.bias"))


def norm(s, name, x, eps):
    return F.layer_norm(x, x.shape[-1:], s[f"{name}.weight"], s[f"{name}.bias"], eps)


def attend(qkv, heads, turn=None, causal=False):
    b, n, width = qkv.shape
    q, k, v = qkv.reshape(b, n, 3, heads, width // 3 // heads).permute(2, 0, 3, 1, 4)
    if turn:
        q, k = turn(q), turn(k)
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    if causal:
        scores = scores.masked_fill(torch.ones(n, n, dtype=torch.bool).triu(1), -math.inf)
    return (scores.softmax(-1) @ v).transpose(1, 2).reshape(b, n, width // 3)


def make_vit(kind, width=8, depth=2, hidden=16, patch=4, side=3, registers=0, gated=None, classes=None):
    s = State()
    s.tokens("cls_token", 1, 1, width)
    if kind != "dinov3":
        s.tokens("pos_embed", 1, 1 + side * side, width)
    if kind == "dinov2" and registers:
        s.tokens("register_tokens", 1, registers, width)
    if kind == "dinov3":
        s.tokens("storage_tokens", 1, registers, width)
        s["rope_embed.periods"] = 100.0 ** (2 * torch.arange(width // 2 // 4).float() / (width // 2 // 2))
    if kind.startswith("dino"):
        s.tokens("mask_token", 1, width)
    s.weight("patch_embed.proj.weight", width, 3, patch, patch)
    s.vector("patch_embed.proj.bias", width)
    for i in range(depth):
        p = f"blocks.{i}"
        s.norm(f"{p}.norm1", width)
        s.linear(f"{p}.attn.qkv", width, 3 * width)
        if kind == "dinov3":
            mask = torch.ones(3 * width)
            mask[width : 2 * width] = 0
            s[f"{p}.attn.qkv.bias_mask"] = mask
        s.linear(f"{p}.attn.proj", width, width)
        if kind.startswith("dino"):
            s.vector(f"{p}.ls1.gamma", width, 1.0)
        s.norm(f"{p}.norm2", width)
        if gated == "packed":
            s.linear(f"{p}.mlp.w12", width, 2 * hidden)
            s.linear(f"{p}.mlp.w3", hidden, width)
        elif gated == "apart":
            s.linear(f"{p}.mlp.w1", width, hidden)
            s.linear(f"{p}.mlp.w2", width, hidden)
            s.linear(f"{p}.mlp.w3", hidden, width)
        else:
            s.linear(f"{p}.mlp.fc1", width, hidden)
            s.linear(f"{p}.mlp.fc2", hidden, width)
        if kind.startswith("dino"):
            s.vector(f"{p}.ls2.gamma", width, 1.0)
    s.norm("norm", width)
    if classes:
        s.linear("head", width, classes)
    return s


def positions(s, rows, columns, antialias, offset):
    table = s["pos_embed"]
    side = round(math.sqrt(table.shape[1] - 1))
    if (rows, columns) == (side, side):
        return table
    grid = table[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    if offset:
        options = dict(scale_factor=((rows + offset) / side, (columns + offset) / side))
    else:
        options = dict(size=(rows, columns))
    grid = F.interpolate(grid, mode="bicubic", antialias=antialias, **options)
    assert grid.shape[-2:] == (rows, columns)
    return torch.cat([table[:, :1], grid.permute(0, 2, 3, 1).reshape(1, rows * columns, -1)], 1)


def vit(s, kind, images, heads=2, patch=4):
    eps = 1e-5 if kind == "dinov3" else 1e-6
    rows, columns = images.shape[2] // patch, images.shape[3] // patch
    x = F.conv2d(images, s["patch_embed.proj.weight"], s["patch_embed.proj.bias"], stride=patch)
    x = x.flatten(2).transpose(1, 2)
    x = torch.cat([s["cls_token"].expand(len(x), -1, -1), x], 1)
    extra = s.get("storage_tokens", s.get("register_tokens"))
    if kind != "dinov3":
        smooth = kind == "timm" or extra is not None
        x = x + positions(s, rows, columns, smooth, 0 if smooth else 0.1)
    first = 1
    if extra is not None:
        x = torch.cat([x[:, :1], extra.expand(len(x), -1, -1), x[:, 1:]], 1)
        first += extra.shape[1]
    turn = None
    if kind == "dinov3":
        down = (torch.arange(rows) + 0.5) / rows * 2 - 1
        across = (torch.arange(columns) + 0.5) / columns * 2 - 1
        places = torch.stack(torch.meshgrid(down, across, indexing="ij"), -1).reshape(-1, 2)
        angles = (2 * math.pi * places[:, :, None] / s["rope_embed.periods"]).flatten(1).tile(2)

        def turn(t):
            head, tail = t[:, :, :first], t[:, :, first:]
            a, b = tail.chunk(2, -1)
            return torch.cat([head, tail * angles.cos() + torch.cat([-b, a], -1) * angles.sin()], 2)

    for i in range(sum(k.endswith("norm1.weight") for k in s)):
        p = f"blocks.{i}"
        y = norm(s, f"{p}.norm1", x, eps)
        bias = s[f"{p}.attn.qkv.bias"] * s.get(f"{p}.attn.qkv.bias_mask", 1.0)
        y = lin(s, f"{p}.attn.proj", attend(F.linear(y, s[f"{p}.attn.qkv.weight"], bias), heads, turn))
        x = x + y * s.get(f"{p}.ls1.gamma", 1.0)
        y = norm(s, f"{p}.norm2", x, eps)
        if f"{p}.mlp.w12.weight" in s:
            a, b = lin(s, f"{p}.mlp.w12", y).chunk(2, -1)
            y = lin(s, f"{p}.mlp.w3", F.silu(a) * b)
        elif f"{p}.mlp.w1.weight" in s:
            y = lin(s, f"{p}.mlp.w3", F.silu(lin(s, f"{p}.mlp.w1", y)) * lin(s, f"{p}.mlp.w2", y))
        else:
            y = lin(s, f"{p}.mlp.fc2", F.gelu(lin(s, f"{p}.mlp.fc1", y)))
        x = x + y * s.get(f"{p}.ls2.gamma", 1.0)
    x = norm(s, "norm", x, eps)
    return x[:, 0], x[:, first:]


def make_resnet(bottleneck, width=3, blocks=(2, 1, 1, 1), classes=5):
    s = State()
    s.weight("conv1.weight", width, 3, 7, 7)
    s.batch_norm("bn1", width)
    inputs = width
    for k, count in enumerate(blocks):
        inner, outputs = width << k, (width << k) * (4 if bottleneck else 1)
        for i in range(count):
            p = f"layer{k + 1}.{i}"
            shapes = [(inner, inputs, 1), (inner, inner, 3), (outputs, inner, 1)] if bottleneck else [
                (inner, inputs, 3), (outputs, inner, 3)]
            for j, (a, b, kernel) in enumerate(shapes):
                s.weight(f"{p}.conv{j + 1}.weight", a, b, kernel, kernel)
                s.batch_norm(f"{p}.bn{j + 1}", a)
            if i == 0 and (k > 0 or inputs != outputs):
                s.weight(f"{p}.downsample.0.weight", outputs, inputs, 1, 1)
                s.batch_norm(f"{p}.downsample.1", outputs)
            inputs = outputs
    s.linear("fc", inputs, classes)
    return s


def bn(s, name, x):
    return F.batch_norm(
        x, s[f"{name}.running_mean"], s[f"{name}.running_var"], s[f"{name}.weight"], s[f"{name}.bias"], eps=1e-5)


def resnet(s, x):
    x = F.max_pool2d(F.relu(bn(s, "bn1", F.conv2d(x, s["conv1.weight"], stride=2, padding=3))), 3, 2, 1)
    for k in range(1, 5):
        for i in range(100):
            p = f"layer{k}.{i}"
            if f"{p}.conv1.weight" not in s:
                break
            stride = 2 if k > 1 and i == 0 else 1
            convolutions = [j for j in (1, 2, 3) if f"{p}.conv{j}.weight" in s]
            strided = 2 if len(convolutions) == 3 else 1
            y = x
            for j in convolutions:
                w = s[f"{p}.conv{j}.weight"]
                y = F.conv2d(y, w, stride=stride if j == strided else 1, padding=w.shape[-1] // 2)
                y = bn(s, f"{p}.bn{j}", y)
                y = F.relu(y) if j != convolutions[-1] else y
            if f"{p}.downsample.0.weight" in s:
                x = bn(s, f"{p}.downsample.1", F.conv2d(x, s[f"{p}.downsample.0.weight"], stride=stride))
            x = F.relu(x + y)
    features = x.mean((2, 3))
    return features, lin(s, "fc", features)


def make_clip(openai, width=8, text_width=6, depth=2, patch=4, side=2, vocabulary=11, context=7, embedding=5):
    s = State()
    s.tokens("positional_embedding", context, text_width)
    s.weight("text_projection", text_width, embedding)
    s["logit_scale"] = torch.tensor(2.7)
    s.tokens("visual.class_embedding", width)
    s.tokens("visual.positional_embedding", 1 + side * side, width)
    s.weight("visual.proj", width, embedding)
    s.weight("visual.conv1.weight", width, 3, patch, patch)
    s.norm("visual.ln_pre", width)
    for tower, w in [("visual.transformer", width), ("transformer", text_width)]:
        for i in range(depth):
            p = f"{tower}.resblocks.{i}"
            s.weight(f"{p}.attn.in_proj_weight", 3 * w, w)
            s.vector(f"{p}.attn.in_proj_bias", 3 * w)
            s.linear(f"{p}.attn.out_proj", w, w)
            s.norm(f"{p}.ln_1", w)
            s.linear(f"{p}.mlp.c_fc", w, 4 * w)
            s.linear(f"{p}.mlp.c_proj", 4 * w, w)
            s.norm(f"{p}.ln_2", w)
    s.norm("visual.ln_post", width)
    s.tokens("token_embedding.weight", vocabulary, text_width)
    s.norm("ln_final", text_width)
    if openai:
        for name, value in [("input_resolution", patch * side), ("context_length", context), ("vocab_size", vocabulary)]:
            s[name] = torch.tensor(value)
    return s


def clip_blocks(s, tower, x, heads, quick, causal):
    i = 0
    while f"{tower}.resblocks.{i}.ln_1.weight" in s:
        p = f"{tower}.resblocks.{i}"
        y = norm(s, f"{p}.ln_1", x, 1e-5)
        y = attend(F.linear(y, s[f"{p}.attn.in_proj_weight"], s[f"{p}.attn.in_proj_bias"]), heads, causal=causal)
        x = x + lin(s, f"{p}.attn.out_proj", y)
        y = lin(s, f"{p}.mlp.c_fc", norm(s, f"{p}.ln_2", x, 1e-5))
        x = x + lin(s, f"{p}.mlp.c_proj", y * torch.sigmoid(1.702 * y) if quick else F.gelu(y))
        i += 1
    return x


def clip_image(s, images, heads, quick):
    w = s["visual.conv1.weight"]
    x = F.conv2d(images, w, stride=w.shape[-1])
    rows, columns = x.shape[2:]
    x = x.flatten(2).transpose(1, 2)
    x = torch.cat([s["visual.class_embedding"].expand(len(x), 1, -1), x], 1)
    table = {"pos_embed": s["visual.positional_embedding"][None]}
    x = norm(s, "visual.ln_pre", x + positions(table, rows, columns, True, 0), 1e-5)
    x = clip_blocks(s, "visual.transformer", x, heads, quick, False)
    return norm(s, "visual.ln_post", x[:, 0], 1e-5) @ s["visual.proj"]


def clip_text(s, tokens, heads, quick):
    x = s["token_embedding.weight"][tokens] + s["positional_embedding"][: tokens.shape[1]]
    x = norm(s, "ln_final", clip_blocks(s, "transformer", x, heads, quick, True), 1e-5)
    return x[torch.arange(len(x)), tokens.argmax(-1)] @ s["text_projection"]


def make_bert(width=8, depth=2, hidden=12, vocabulary=13, places=9, old=False):
    s = State()
    gain, bias = ("gamma", "beta") if old else ("weight", "bias")

    def layer_norm(name):
        s.vector(f"{name}.{gain}", width, 1.0)
        s.vector(f"{name}.{bias}", width)

    s["embeddings.position_ids"] = torch.arange(places)[None]
    s.tokens("embeddings.word_embeddings.weight", vocabulary, width)
    s.tokens("embeddings.position_embeddings.weight", places, width)
    s.tokens("embeddings.token_type_embeddings.weight", 2, width)
    layer_norm("embeddings.LayerNorm")
    for i in range(depth):
        p = f"encoder.layer.{i}"
        for part in ["query", "key", "value"]:
            s.linear(f"{p}.attention.self.{part}", width, width)
        s.linear(f"{p}.attention.output.dense", width, width)
        layer_norm(f"{p}.attention.output.LayerNorm")
        s.linear(f"{p}.intermediate.dense", width, hidden)
        s.linear(f"{p}.output.dense", hidden, width)
        layer_norm(f"{p}.output.LayerNorm")
    s.linear("pooler.dense", width, width)
    return s


def bert(s, tokens, padding, types, heads=2, eps=1e-12):
    s = {k.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias"): v
         for k, v in s.items()}
    x = s["embeddings.word_embeddings.weight"][tokens] + s["embeddings.token_type_embeddings.weight"][types]
    x = norm(s, "embeddings.LayerNorm", x + s["embeddings.position_embeddings.weight"][: tokens.shape[1]], eps)
    b, n, width = x.shape
    i = 0
    while f"encoder.layer.{i}.output.dense.weight" in s:
        p = f"encoder.layer.{i}"
        q, k, v = (
            lin(s, f"{p}.attention.self.{part}", x).reshape(b, n, heads, -1).transpose(1, 2)
            for part in ["query", "key", "value"])
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        scores = scores.masked_fill(padding[:, None, None, :].bool(), -math.inf)
        y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(b, n, width)
        x = norm(s, f"{p}.attention.output.LayerNorm", x + lin(s, f"{p}.attention.output.dense", y), eps)
        y = lin(s, f"{p}.output.dense", F.gelu(lin(s, f"{p}.intermediate.dense", x)))
        x = norm(s, f"{p}.output.LayerNorm", x + y, eps)
        i += 1
    kept = (1 - padding)[:, :, None]
    sentences = F.normalize((x * kept).sum(1) / kept.sum(1), dim=1)
    return x * kept, torch.tanh(lin(s, "pooler.dense", x[:, 0])), sentences


def main():
    with h5py.File(f"{HERE}/published_features.h5", "w") as file:

        def put(name, **arrays):
            for key, value in arrays.items():
                file.create_dataset(f"{name}/{key}", data=value.detach().float().numpy(), track_times=False)

        models = [
            ("dinov2", "dinov2", dict()), ("dinov2_registers", "dinov2", dict(registers=2)),
            ("dinov2_gated", "dinov2", dict(gated="packed")), ("dinov3", "dinov3", dict(registers=3)),
            ("dinov3_gated", "dinov3", dict(registers=1, gated="apart")), ("timm_vit", "timm", dict(classes=4)),
        ]
        for name, kind, options in models:
            s = make_vit(kind, **options)
            if name == "dinov2_registers":
                saved = {"teacher": OrderedDict((f"backbone.{k}", v) for k, v in s.items()), "iteration": 12}
            elif name == "timm_vit":
                saved = {"state_dict": OrderedDict((f"module.{k}", v) for k, v in s.items())}
            else:
                saved = OrderedDict(s)
            torch.save(saved, f"{HERE}/published_{name}.pth")
            for size, (h, w) in [("learnt", (12, 12)), ("wide", (16, 20)), ("small", (8, 8))]:
                images = pattern((2, 3, h, w), 31, 4)
                token, patches = vit(s, kind, images)
                put(f"{name}/{size}", images=images, token=token, patches=patches)
                if "head.weight" in s:
                    put(f"{name}/{size}", logits=lin(s, "head", token))
        for name, bottleneck in [("resnet", False), ("resnet_bottleneck", True)]:
            s = make_resnet(bottleneck, blocks=(1, 1, 1, 1) if bottleneck else (2, 1, 1, 1), width=2)
            torch.save(OrderedDict(s), f"{HERE}/published_{name}.pth")
            images = pattern((2, 3, 40, 36), 32, 4)
            features, logits = resnet(s, images)
            put(name, images=images, features=features, logits=logits)
        tokens = torch.tensor([[9, 3, 5, 10, 0, 0, 0], [9, 1, 10, 0, 0, 0, 0]])
        for name, openai in [("clip", True), ("open_clip", False)]:
            s = make_clip(openai)
            saved = OrderedDict(s) if openai else {"state_dict": OrderedDict((f"module.{k}", v) for k, v in s.items())}
            torch.save(saved, f"{HERE}/published_{name}.pth")
            for size, (h, w) in [("learnt", (8, 8)), ("wide", (8, 16))]:
                images = pattern((2, 3, h, w), 33, 4)
                put(f"{name}/{size}", images=images, image=clip_image(s, images, 2, openai))
            put(name, tokens=tokens, text=clip_text(s, tokens, 2, openai))
        tokens = torch.tensor([[1, 7, 12, 3, 2], [1, 4, 2, 0, 0]])
        padding = torch.tensor([[0, 0, 0, 0, 0], [0, 0, 0, 1, 1.0]])
        types = torch.tensor([[0, 0, 1, 1, 1], [0, 0, 0, 0, 0]])
        for name, old in [("bert", False), ("bert_old", True)]:
            s = make_bert(old=old)
            saved = OrderedDict((f"bert.{k}" if old else k, v) for k, v in s.items())
            torch.save(saved, f"{HERE}/published_{name}.pth", _use_new_zipfile_serialization=not old)
            states, pooled, _ = bert(s, tokens, padding, types)
            sentences = bert(s, tokens, padding, types * 0)[2]
            put(name, tokens=tokens, padding=padding, types=types, states=states, pooled=pooled, sentences=sentences)


main()
