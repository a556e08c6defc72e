"""Writes the vectors of PyTorch against which the tests compare: one small HDF5 file for each group, beside this script.

Run it with PyTorch (CPU), numpy and h5py:

    python3 Tests/Support/vectors/make_vectors.py

The tests only read the files; nobody needs PyTorch to run them. PyTorch computes in double precision from inputs that are
exact in single precision, and the results are rounded once, so that a difference is an error of the code under test.
A case of an op is one line of OPS; its name is that of the op's row in Tests/TensorTests/OpTable.swift.

A case of an op is one array, in0, in1, ..., out, seed, grad0, grad1, ... one after the other, whose name holds the shapes:

    <name>/<number> [3, 5] [5] -> [3, 5]

grad_k is the gradient of sum(seed * out) with respect to in_k; a '/' in a name is written ':'.
"""

import math
import pathlib
import zlib

import h5py
import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
HERE = pathlib.Path(__file__).parent


class Vectors:
    """A file of small float32 arrays, each stored inside its own header."""

    def __init__(self, name):
        self.file = h5py.File(HERE / name, "w", libver="latest", track_order=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def put(self, path, value):
        if isinstance(value, torch.Tensor):
            value = value.detach().numpy()
        value = np.array(value, dtype=np.float32, order="C")
        group, _, name = path.rpartition("/")
        parent = self.file.require_group(group) if group else self.file
        space = h5py.h5s.create_simple(value.shape) if value.shape else h5py.h5s.create(h5py.h5s.SCALAR)
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_obj_track_times(False)
        if value.nbytes < 60000:
            plist.set_layout(h5py.h5d.COMPACT)
        dataset = h5py.h5d.create(parent.id, name.encode(), h5py.h5t.IEEE_F32LE, space, plist)
        if value.size:
            dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, value)

    def case(self, path, inputs, output, seed, gradients):
        gradients = [torch.zeros_like(x) if g is None else g for x, g in zip(inputs, gradients)]
        shapes = " ".join(str(list(x.shape)) for x in inputs)
        flat = torch.cat([x.detach().flatten() for x in [*inputs, output, seed, *gradients]])
        self.put(f"{path} {shapes} -> {list(output.shape)}", flat)


def generator(*names):
    return np.random.default_rng(zlib.crc32("/".join(map(str, names)).encode()))


def single(array):
    """The nearest numbers of single precision, as doubles."""
    return torch.from_numpy(np.asarray(array, dtype=np.float32).astype(np.float64))


def draw(kind, shape, rng):
    """Inputs of one of the domains of OpTable; a tensor is taken as it is."""
    if isinstance(kind, torch.Tensor):
        return kind
    n = int(np.prod(shape))
    if kind == "normal":
        return single(rng.standard_normal(shape))
    if kind == "wide":
        return single(rng.uniform(-9, 9, shape))
    if kind == "positive":
        return single(rng.uniform(0.5, 2, shape))
    offset = 0.1 if kind == "apart" else 0.0
    return single((0.2 * (rng.permutation(n) % 64 - min(32, n // 2)) + offset).reshape(shape))


ONE = [([],), ([1],), ([7],), ([3, 5],), ([2, 1, 3],)]
TWO = [([], []), ([1], [7]), ([2, 3], [2, 3]), ([3, 5], [5]), ([2, 1, 3], [4, 1])]
MATRICES = [([1],), ([7],), ([3, 5],), ([2, 1, 3],), ([2, 33],)]


def places(count, below):
    return torch.tensor([(i * 5 + 2) % below for i in range(count)], dtype=torch.long)


def pattern(shape):
    n = int(np.prod(shape))
    return (torch.arange(n) % 3 == 0).reshape(shape)


def last_broadcast(x):
    shape = list(x.shape)
    return x.expand([2] + (shape[:-1] + [max(shape[-1], 3)] if shape else [3]))


def pick(x):
    places = (torch.arange(int(np.prod(x.shape[:-1]))) * 2 + 1) % x.shape[-1]
    return x.gather(-1, places.reshape(x.shape[:-1] + (1,))).squeeze(-1)


def place(x):
    return F.one_hot((torch.arange(x.numel()) % 3).reshape(x.shape), 4) * x.unsqueeze(-1)


def fill_diagonal(x):
    return torch.where(torch.eye(x.shape[-1], dtype=torch.bool), torch.tensor(3.0), x)


def attention(qkv, heads):
    b, n, d = qkv.shape[0], qkv.shape[1], qkv.shape[2] // 3
    q, k, v = qkv.reshape(b, n, 3, heads, d // heads).permute(2, 0, 3, 1, 4)
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, d)


INF = math.inf
MASKED = single([[1.0, -INF, 0.5], [-INF, -INF, 2.0]])
ZERO_ROW = single(np.zeros((1, 4)))

# name, function, shapes of the cases, domains of the inputs (the last holds for all that follow; normal if missing)
OPS = [
    ("+", lambda a, b: a + b, TWO),
    ("+(itself)", lambda a: a + a, ONE),
    ("+=", lambda a, b: a + b, TWO),
    ("-", lambda a, b: a - b, TWO),
    ("*", lambda a, b: a * b, TWO),
    ("*(itself)", lambda a: a * a, ONE),
    ("/", lambda a, b: a / b, TWO, "normal", "positive"),
    ("-(prefix)", lambda a: -a, ONE),
    ("+(number)", lambda a: a + 1.5, ONE),
    ("+(number first)", lambda a: 1.5 + a, ONE),
    ("-(number)", lambda a: a - 1.5, ONE),
    ("-(number first)", lambda a: 1.5 - a, ONE),
    ("*(number)", lambda a: a * 1.5, ONE),
    ("*(number first)", lambda a: 1.5 * a, ONE),
    ("/(number)", lambda a: a / 1.5, ONE),
    ("/(number first)", lambda a: 1.5 / a, ONE, "positive"),
    ("maximum", torch.maximum, TWO, "apart", "between"),
    ("minimum", torch.minimum, TWO, "apart", "between"),
    ("maximum", torch.maximum, [([3], [3])], single([1.0, 2.0, -1.0]), single([1.0, 1.0, -1.0])),
    ("select(condition)", lambda a, b: torch.where(pattern(b.shape), a, b), TWO),
    ("custom", lambda a, b: a * b * b, TWO),
    ("reciprocal", torch.reciprocal, ONE, "positive"),
    ("squared", torch.square, ONE),
    ("sqrt", torch.sqrt, ONE, "positive"),
    ("rsqrt", torch.rsqrt, ONE, "positive"),
    ("exp", torch.exp, ONE),
    ("log", torch.log, ONE, "positive"),
    ("log1p", torch.log1p, ONE, "positive"),
    ("sin", torch.sin, ONE, "wide"),
    ("cos", torch.cos, ONE, "wide"),
    ("abs", torch.abs, ONE, "apart"),
    ("abs", torch.abs, [([3],)], single([0.0, -0.0, 1.0])),
    ("pow(2.5)", lambda a: a.pow(2.5), ONE, "positive"),
    ("pow(-1)", lambda a: a.pow(-1), ONE, "positive"),
    ("pow(3) of any sign", lambda a: a.pow(3), ONE),
    ("pow(1)", lambda a: a.pow(1), ONE),
    ("pow(0)", lambda a: a.pow(0), ONE),
    ("pow(0)", lambda a: a.pow(0), [([3],)], single([0.0, 1.0, -2.0])),
    ("clamped", lambda a: a.clamp(-0.6, 0.8), ONE, "apart"),
    ("relu", torch.relu, ONE, "apart"),
    ("relu", torch.relu, [([3],)], single([0.0, -0.0, 1.0])),
    ("gelu", F.gelu, ONE, "wide"),
    ("silu", F.silu, ONE, "wide"),
    ("tanh", torch.tanh, ONE, "wide"),
    ("sigmoid", torch.sigmoid, ONE, "wide"),
    ("softplus", F.softplus, ONE, "wide"),
    ("softplus(beta)", lambda a: F.softplus(a, beta=3, threshold=1e9), ONE, "wide"),
    ("erf", torch.erf, ONE),
    ("contiguous", lambda a: a.contiguous(), ONE),
    ("reshaped", lambda a: a.reshape(2, -1), [([4],), ([2, 6],), ([3, 2, 2],)]),
    ("reshaped(-1)", lambda a: a.reshape(-1, 2), [([4],), ([2, 6],), ([3, 2, 2],)]),
    ("flattened", lambda a: a.flatten(), [([4],), ([2, 6],), ([3, 1, 2, 2],)]),
    ("flattened(middle)", lambda a: a.flatten(1, -2), [([2, 3, 5, 1],), ([1, 1, 4, 2],)]),
    ("permuted", lambda a: a.permute(1, 2, 0), [([2, 3, 4],), ([1, 5, 1],)]),
    ("transposed", lambda a: a.transpose(-2, -1), [([2, 3],), ([1, 5],), ([2, 3, 4],)]),
    ("transposed(axes)", lambda a: a.transpose(0, -1), [([2, 3, 4],), ([5, 1, 2],)]),
    ("slice", lambda a: a[1:3], [([5, 4],), ([4, 3, 2],)]),
    ("slice(last)", lambda a: a[..., 1:4], [([3, 4],), ([2, 1, 5],)]),
    ("slice(empty)", lambda a: a[..., 2:2], [([3, 4],)]),
    ("select(axis)", lambda a: a[1], [([3],), ([3, 4],), ([2, 3, 1],)]),
    ("squeezed", lambda a: a.squeeze(-1), [([1],), ([3, 1],), ([2, 3, 1],)]),
    ("expandedAxis", lambda a: a.unsqueeze(0), ONE),
    ("expandedAxis(last)", lambda a: a.unsqueeze(-1), ONE),
    ("broadcast", last_broadcast, [([],), ([1],), ([3],), ([4, 1],)]),
    ("split", lambda a: a.chunk(2)[1], [([4],), ([2, 3],), ([6, 1, 2],)]),
    ("split(all parts)", lambda a: a.chunk(2)[0] * a.chunk(2)[1], [([4],), ([2, 3],), ([6, 1, 2],)]),
    ("sum", torch.sum, ONE),
    ("sum(first)", lambda a: a.sum(0), ONE[1:]),
    ("sum(last)", lambda a: a.sum(-1, keepdim=True), ONE[1:] + [([0, 3],), ([2, 0],)]),
    ("sum(middle)", lambda a: a.sum(1), [([2, 3, 4],), ([1, 5, 1],), ([2, 0, 3],)]),
    ("sum(axes)", lambda a: a.sum((0, -1)), [([2, 3, 4],), ([1, 5, 1],)]),
    ("sum(axes) kept", lambda a: a.sum((-1, 1), keepdim=True), [([2, 3, 4],), ([1, 5, 1],)]),
    ("mean", torch.mean, ONE),
    ("mean(axis)", lambda a: a.mean(0, keepdim=True), ONE[1:]),
    ("mean(axes)", lambda a: a.mean((0, 2)), [([2, 3, 4],), ([1, 5, 1],)]),
    ("variance", lambda a: a.var(-1, unbiased=False), ONE[1:]),
    ("variance(unbiased)", lambda a: a.var(0, keepdim=True), [([7],), ([3, 5],), ([2, 1, 3],)]),
    ("amax", lambda a: a.amax(-1), ONE[1:], "apart"),
    ("amin", lambda a: a.amin(-1), ONE[1:], "apart"),
    ("logSumExp", lambda a: a.logsumexp(-1), MATRICES),
    ("logSumExp", lambda a: a.logsumexp(-1), [([2, 3],)], MASKED),
    ("matmul", torch.matmul, [([1, 1], [1, 1]), ([2, 3], [3, 5]), ([1, 4], [4, 1]), ([4, 2, 3], [4, 3, 2]), ([2, 0], [0, 3])]),
    ("matmul(broadcast)", torch.matmul, [([2, 3], [4, 3, 2]), ([4, 2, 3], [3, 2]), ([2, 1, 2, 3], [3, 3, 1])]),
    ("matmul(transposed)", lambda a, b: a.mT @ b.mT, [([3, 2], [5, 3]), ([2, 3, 1], [2, 4, 3])]),
    ("matmul(itself)", lambda a: a @ a, [([3, 3],), ([1, 1],), ([2, 4, 4],)]),
    ("linear", F.linear, [([2, 3], [5, 3], [5]), ([3], [2, 3], [2]), ([2, 1, 4], [1, 4], [1]), ([2, 7, 3], [5, 3], [5])]),
    ("linear(no bias)", F.linear, [([2, 3], [5, 3]), ([3], [2, 3]), ([2, 1, 4], [1, 4])]),
    ("selfAttention", lambda a: attention(a, 1), [([1, 1, 3],), ([2, 3, 12],), ([1, 5, 18],)]),
    (
        "selfAttention(heads)",
        lambda a: attention(a, 3 if a.shape[2] % 9 == 0 else 2),
        [([1, 1, 6],), ([2, 3, 12],), ([1, 5, 18],), ([2, 17, 36],)],
    ),
    ("softmax", lambda a: a.softmax(-1), MATRICES, "wide"),
    ("softmax", lambda a: a.softmax(-1), [([2, 3],)], MASKED),
    ("softmax(scale)", lambda a: (2.5 * a).softmax(-1), MATRICES),
    ("logSoftmax", lambda a: a.log_softmax(-1), MATRICES, "wide"),
    ("logSoftmax", lambda a: a.log_softmax(-1), [([2, 3],)], MASKED),
    ("l2Normalized", lambda a: F.normalize(a, dim=-1), MATRICES),
    ("l2Normalized", lambda a: F.normalize(a, dim=-1), [([1, 4],)], ZERO_ROW),
    (
        "layerNormalized",
        lambda x, w, b: F.layer_norm(x, w.shape, w, b, 0.1),
        [([3, 5], [5], [5]), ([7], [7], [7]), ([2, 1, 4], [4], [4]), ([2, 33], [33], [33]), ([4, 1], [1], [1])],
    ),
    ("concat", lambda *a: torch.cat(a), [([2], [1], [0]), ([2, 3], [1, 3])]),
    ("concat(last)", lambda *a: torch.cat(a, -1), [([2, 3], [2, 1]), ([2, 1, 3], [2, 1, 2], [2, 1, 1])]),
    ("stack", lambda *a: torch.stack(a), [([2], [2]), ([2, 3], [2, 3], [2, 3]), ([], [])]),
    ("stack(last)", lambda *a: torch.stack(a, -1), [([2], [2]), ([2, 3], [2, 3])]),
    ("padded", lambda a: torch.cat([torch.zeros(2, *a.shape[1:]), a, torch.zeros(1, *a.shape[1:])]), ONE[1:]),
    ("padded(last)", lambda a: F.pad(a, (0, 2)), ONE[1:]),
    ("gathered", lambda a: a[places(len(a) + 2, len(a))], ONE[1:]),
    ("gathered(nothing)", lambda a: a[places(0, 1)], [([4],), ([3, 2],)]),
    ("scattered", lambda a: torch.zeros(4, *a.shape[1:]).index_add(0, places(len(a), 3), a), ONE[1:]),
    ("picked", pick, [([3],), ([4, 1],), ([3, 5],), ([2, 1, 3],)]),
    ("placed", place, ONE),
    ("fillingDiagonal", fill_diagonal, [([1, 1],), ([4, 4],), ([2, 3, 3],)]),
]


def entropy(p):
    return -torch.special.xlogy(p, p).sum(-1)


def labels(n, classes):
    return places(n, classes)


LOSSES = [
    ("crossEntropy", lambda z: F.cross_entropy(z, labels(*z.shape)), [([1, 2],), ([5, 3],), ([7, 10],), ([4, 1],)], "wide"),
    (
        "crossEntropyRows",
        lambda p, z: F.cross_entropy(z / 0.07, p.abs(), reduction="none"),
        [([1, 2], [1, 2]), ([5, 3], [5, 3])],
        "positive", "normal",
    ),
    ("entropyRows", entropy, [([1, 2],), ([5, 3],)], "positive"),
]


def write_cases(file, table):
    numbers = {}
    with Vectors(file) as out:
        for name, function, cases, *kinds in table:
            kinds = kinds or ["normal"]
            for shapes in cases:
                number = numbers[name] = numbers.get(name, -1) + 1
                rng = generator(file, name, number)
                x = [
                    draw(kinds[min(i, len(kinds) - 1)], s, rng).clone().requires_grad_() for i, s in enumerate(shapes)
                ]
                y = function(*x)
                seed = single(rng.standard_normal(tuple(y.shape)))
                grads = torch.autograd.grad(y, x, seed, allow_unused=True)
                out.case(f"{name.replace('/', ':')}/{number}", x, y, seed, grads)


def write_positions():
    """Bicubic resampling of a grid of position embeddings as DINOv2 does it: the scale is given, with an offset of 0.1."""
    with Vectors("positions.h5") as out:
        for side, rows, columns in [(3, 5, 4), (4, 7, 7), (2, 3, 1), (5, 2, 3), (1, 2, 2), (7, 8, 6)]:
            rng = generator("positions", side, rows, columns)
            grid = single(rng.standard_normal((side * side, 3))).requires_grad_()
            y = F.interpolate(
                grid.reshape(1, side, side, 3).permute(0, 3, 1, 2), mode="bicubic", align_corners=False,
                scale_factor=((rows + 0.1) / side, (columns + 0.1) / side),
            ).permute(0, 2, 3, 1).reshape(-1, 3)
            assert len(y) == rows * columns
            seed = single(rng.standard_normal(tuple(y.shape)))
            gradient = torch.autograd.grad(y, grid, seed)
            out.case(f"{side} to {rows} {columns}/0", [grid], y, seed, gradient)


STEPS = 20


def rate(step):
    return 0.05 * (1 + step % 3)


def write_optimizers():
    """A weight (decayed) and a bias (not decayed) over 20 steps of given gradients and changing rates."""
    makers = {
        "adamw": lambda g: torch.optim.AdamW(g, betas=(0.9, 0.999), eps=1e-8),
        "adamw-fast": lambda g: torch.optim.AdamW(g, betas=(0.8, 0.95), eps=1e-3),
        "sgd": lambda g: torch.optim.SGD(g, lr=1, momentum=0),
        "sgd-momentum": lambda g: torch.optim.SGD(g, lr=1, momentum=0.9),
        "sgd-nesterov": lambda g: torch.optim.SGD(g, lr=1, momentum=0.9, nesterov=True),
    }
    with Vectors("optimizers.h5") as out:
        for name, maker in makers.items():
            for clip in [0, 1]:
                rng = generator("optimizers", name, clip)
                weight, bias = (single(rng.standard_normal(s)).requires_grad_() for s in [(4, 3), (5,)])
                optimizer = maker([
                    {"params": [weight], "weight_decay": 0.3}, {"params": [bias], "weight_decay": 0.0},
                ])
                at = f"{name}-clipped" if clip else name
                out.put(f"{at}/weight", weight)
                out.put(f"{at}/bias", bias)
                history = {"weight": [], "bias": [], "weight gradient": [], "bias gradient": []}
                for step in range(STEPS):
                    weight.grad, bias.grad = (single(rng.standard_normal(tuple(p.shape))) for p in (weight, bias))
                    history["weight gradient"].append(weight.grad.clone())
                    history["bias gradient"].append(bias.grad.clone())
                    if clip:
                        torch.nn.utils.clip_grad_norm_([weight, bias], 2.0)
                    for group in optimizer.param_groups:
                        group["lr"] = rate(step)
                    optimizer.step()
                    history["weight"].append(weight.detach().clone())
                    history["bias"].append(bias.detach().clone())
                for key, values in history.items():
                    out.put(f"{at}/after/{key}" if "gradient" not in key else f"{at}/{key}", torch.stack(values))


class Block(torch.nn.Module):
    """A pre-norm block with LayerScale, under the names of DINOv2's checkpoints."""

    class Attention(torch.nn.Module):
        def __init__(self, width, heads):
            super().__init__()
            self.heads = heads
            self.qkv = torch.nn.Linear(width, 3 * width)
            self.proj = torch.nn.Linear(width, width)

        def forward(self, x):
            return self.proj(attention(self.qkv(x), self.heads))

    class MLP(torch.nn.Module):
        def __init__(self, width, hidden):
            super().__init__()
            self.fc1 = torch.nn.Linear(width, hidden)
            self.fc2 = torch.nn.Linear(hidden, width)

        def forward(self, x):
            return self.fc2(F.gelu(self.fc1(x)))

    class Scale(torch.nn.Module):
        def __init__(self, width):
            super().__init__()
            self.gamma = torch.nn.Parameter(torch.zeros(width))

        def forward(self, x):
            return x * self.gamma

    def __init__(self, width, heads):
        super().__init__()
        self.norm1 = torch.nn.LayerNorm(width, eps=1e-6)
        self.attn = Block.Attention(width, heads)
        self.ls1 = Block.Scale(width)
        self.norm2 = torch.nn.LayerNorm(width, eps=1e-6)
        self.mlp = Block.MLP(width, 4 * width)
        self.ls2 = Block.Scale(width)

    def forward(self, x):
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class PatchEmbed(torch.nn.Module):
    def __init__(self, channels, width, patch):
        super().__init__()
        self.proj = torch.nn.Conv2d(channels, width, patch, stride=patch)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


class ViT(torch.nn.Module):
    """Class token, registers, mask token, interpolated positions; a linear head on class token and mean of the patches."""

    def __init__(self, side=3, patch=4, width=12, depth=2, heads=3, registers=2, classes=5):
        super().__init__()
        self.side, self.patch, self.registers = side, patch, registers
        self.cls_token = torch.nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = torch.nn.Parameter(torch.zeros(1, 1 + side * side, width))
        self.register_tokens = torch.nn.Parameter(torch.zeros(1, registers, width))
        self.mask_token = torch.nn.Parameter(torch.zeros(1, width))
        self.patch_embed = PatchEmbed(3, width, patch)
        self.blocks = torch.nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = torch.nn.LayerNorm(width, eps=1e-6)
        self.head = torch.nn.Linear(2 * width, classes)

    def positions(self, rows, columns):
        if rows == self.side and columns == self.side:
            return self.pos_embed
        d = self.pos_embed.shape[-1]
        grid = self.pos_embed[:, 1:].reshape(1, self.side, self.side, d).permute(0, 3, 1, 2)
        scale = ((rows + 0.1) / self.side, (columns + 0.1) / self.side)
        grid = F.interpolate(grid, mode="bicubic", align_corners=False, scale_factor=scale)
        return torch.cat([self.pos_embed[:, :1], grid.permute(0, 2, 3, 1).reshape(1, -1, d)], 1)

    def forward(self, images, mask=None):
        x = self.patch_embed(images)
        if mask is not None:
            x = torch.where(mask.unsqueeze(-1), self.mask_token, x)
        b = len(x)
        x = torch.cat([self.cls_token.expand(b, -1, -1), x], 1)
        x = x + self.positions(images.shape[2] // self.patch, images.shape[3] // self.patch)
        x = torch.cat([x[:, :1], self.register_tokens.expand(b, -1, -1), x[:, 1:]], 1)
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        return self.head(torch.cat([x[:, 0], x[:, 1 + self.registers:].mean(1)], 1))


def is_decayed(name):
    """Weights are decayed; biases, gains, tokens and positions are not."""
    return name.endswith(".weight") and "norm" not in name


def write_vit():
    rng = generator("vit")
    model = ViT()
    with torch.no_grad():
        for name, p in model.named_parameters():
            base = 1.0 if "norm" in name and name.endswith("weight") else 0.5 if "gamma" in name else 0.0
            p.copy_(single(base + 0.2 * rng.standard_normal(tuple(p.shape))))
    initial = {name: p.detach().clone() for name, p in model.named_parameters()}
    with Vectors("vit.h5") as out:
        for name, p in initial.items():
            out.put(f"parameters/{name}", p)
        for case, rows, columns, masked in [("learnt size", 3, 3, False), ("other size", 5, 4, False), ("masked", 3, 3, True)]:
            images = single(rng.standard_normal((4, 3, 4 * rows, 4 * columns)))
            mask = torch.from_numpy(rng.uniform(size=(4, rows * columns)) < 0.4) if masked else None
            logits = model(images, mask)
            loss = F.cross_entropy(logits, labels(4, 5))
            named = dict(model.named_parameters())
            grads = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
            out.put(f"{case}/images", images)
            if masked:
                out.put(f"{case}/mask", mask.double())
            out.put(f"{case}/logits", logits)
            out.put(f"{case}/loss", loss)
            for (name, p), g in zip(named.items(), grads):
                out.put(f"{case}/gradients/{name}", torch.zeros_like(p) if g is None else g)
            if case != "learnt size":
                continue
            # Ten steps of AdamW on this batch, from the parameters above.
            decayed = [p for name, p in named.items() if is_decayed(name)]
            kept = [p for name, p in named.items() if not is_decayed(name)]
            optimizer = torch.optim.AdamW(
                [{"params": decayed, "weight_decay": 0.1}, {"params": kept, "weight_decay": 0.0}], lr=2e-3, eps=1e-6)
            losses = []
            for _ in range(10):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(images), labels(4, 5))
                loss.backward()
                for p in model.parameters():  # a parameter without a gradient is not left out
                    p.grad = torch.zeros_like(p) if p.grad is None else p.grad
                optimizer.step()
                losses.append(loss.detach())
            out.put("training/losses", torch.stack(losses))
            for name, p in model.named_parameters():
                out.put(f"training/parameters/{name}", p)
            with torch.no_grad():
                for name, p in model.named_parameters():
                    p.copy_(initial[name])


def write_distance_field():
    """A network of signed distances, its gradient with respect to points, and the parameters' gradient of a loss of that."""
    inputs, width, frequencies = 3, 24, 1
    encoded = inputs * (1 + 2 * frequencies)
    sizes = [(width, encoded), (width - encoded, width), (width, width), (3, width)]  # layer 2 joins the encoded point again
    rng = generator("distance field")
    parameters = {}
    for i, (rows, columns) in enumerate(sizes):
        name = "last" if i == len(sizes) - 1 else f"hidden.{i}"
        parameters[f"{name}.weight"] = single(rng.standard_normal((rows, columns)) / math.sqrt(columns)).requires_grad_()
        parameters[f"{name}.bias"] = single(0.2 * rng.standard_normal(rows)).requires_grad_()
    points = single(rng.uniform(-1, 1, (6, inputs))).requires_grad_()

    e = torch.cat([points, points.sin(), points.cos()], -1)
    h = e
    for i in range(3):
        if i == 2:
            h = torch.cat([h, e], -1) / math.sqrt(2)
        h = F.softplus(F.linear(h, parameters[f"hidden.{i}.weight"], parameters[f"hidden.{i}.bias"]), beta=10, threshold=1e9)
    y = F.linear(h, parameters["last.weight"], parameters["last.bias"])
    gradient = torch.autograd.grad(y[:, 0].sum(), points, create_graph=True)[0]
    loss = ((gradient.norm(dim=-1) - 1) ** 2).mean() + y[:, 0].abs().mean() + (y[:, 1:] ** 2).mean()
    grads = torch.autograd.grad(loss, list(parameters.values()))
    with Vectors("distance_field.h5") as out:
        for (name, p), g in zip(parameters.items(), grads):
            out.put(f"parameters/{name}", p)
            out.put(f"gradients/{name}", g)
        out.put("points", points)
        out.put("distance", y[:, 0])
        out.put("features", y[:, 1:])
        out.put("gradient", gradient)
        out.put("loss", loss)


if __name__ == "__main__":
    write_cases("ops.h5", OPS)
    write_cases("losses.h5", LOSSES)
    write_positions()
    write_optimizers()
    write_vit()
    write_distance_field()
