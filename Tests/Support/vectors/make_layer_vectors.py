"""Writes the vectors of PyTorch for layers, without those of graphs, points and convolutions.

    python3 Tests/Support/vectors/make_layer_vectors.py

Neither parameters nor inputs are stored: both sides compute them from a formula (`pattern`), numbered by the order of the
parameters' names, whose check sum is part of the case's name. A case holds the output, the gradients of sum(seed * output) with
respect to inputs and parameters, and buffers after the call; what has more than 160 elements is stored as 16 weighted sums.
Adding a layer is one call of write_layer here and one row in Tests/NNTests/LayerRows*.swift.
"""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from layer_cases import joined, places, write_layer
from make_vectors import Block, Vectors, attention


class Dense(nn.Module):
    def __init__(self, widths, activation):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:]))
        self.activation = activation

    def forward(self, x):
        for i, layer in enumerate(self.layers):
            x = layer(x) if i + 1 == len(self.layers) else self.activation(layer(x))
        return x


def write_basic(out):
    write_layer(out, "linear", lambda: nn.Linear(3, 4), [([2, 3],), ([3],), ([2, 1, 3],)])
    write_layer(out, "layer norm", lambda: nn.LayerNorm(5, eps=1e-6), [([2, 5],), ([1, 3, 5],)])
    write_layer(out, "mlp", lambda: Block.MLP(4, 6), [([2, 4],), ([1, 3, 4],)])
    write_layer(out, "self attention", lambda: Block.Attention(6, 2), [([2, 3, 6],), ([1, 1, 6],)])
    write_layer(out, "layer scale", lambda: Block.Scale(4), [([2, 4],)])
    write_layer(out, "transformer block", lambda: Block(6, 2), [([2, 3, 6],)])
    for name, f in [("relu", F.relu), ("gelu", F.gelu), ("leaky", lambda x: F.leaky_relu(x, 0.2)), ("silu", F.silu),
                    ("tanh", torch.tanh)]:
        write_layer(out, f"dense network {name}", lambda: Dense([3, 5, 4, 2], f), [([2, 3],), ([1, 2, 3],)])
    write_layer(out, "dense network single", lambda: Dense([3, 2], F.relu), [([2, 3],)])
    write_layer(out, "embedding", lambda: nn.Embedding(7, 3), [()], lambda m: m(places(6, 7).reshape(2, 3)))
    write_layer(out, "embedding padding", lambda: nn.Embedding(5, 2, padding_idx=2), [()], lambda m: m(places(9, 5)))


PADDING = torch.tensor([[False, False, True, False, True], [False, False, False, False, True]])


def rotate(x, halves, rows=None, columns=None):
    """Rotations as products of complex numbers."""
    n, d = x.shape[-2:]

    def axis(p, k, base):
        return p[:, None] * base ** (-torch.arange(k) / k)

    if rows:
        p = torch.arange(n)
        angles = torch.cat([axis(p // columns, d // 4, 100.0), axis(p % columns, d // 4, 100.0)], 1)
    else:
        angles = axis(torch.arange(n), d // 2, 10000.0)
    pairs = x.reshape(*x.shape[:-1], 2, d // 2).transpose(-1, -2) if halves else x.reshape(*x.shape[:-1], d // 2, 2)
    z = torch.view_as_complex(pairs.contiguous()) * torch.polar(torch.ones_like(angles), angles)
    pairs = torch.view_as_real(z)
    return (pairs.transpose(-1, -2) if halves else pairs).reshape(x.shape)


def rotary(m, x, halves, rows=None, columns=None):
    b, n, width = x.shape
    q, k, v = F.linear(x, m.in_proj_weight, m.in_proj_bias).reshape(b, n, 3, m.num_heads, -1).permute(2, 0, 3, 1, 4)
    y = F.scaled_dot_product_attention(rotate(q, halves, rows, columns), rotate(k, halves, rows, columns), v)
    return m.out_proj(y.transpose(1, 2).reshape(b, n, width))


def t5_bias(m, n, k, buckets, limit, bidirectional):
    """Buckets of relative positions as the authors of T5 compute them."""
    relative = torch.arange(k)[None, :] - torch.arange(n)[:, None]
    found = torch.zeros_like(relative)
    if bidirectional:
        buckets //= 2
        found += (relative > 0).long() * buckets
        relative = relative.abs()
    else:
        relative = -torch.minimum(relative, torch.zeros_like(relative))
    exact = buckets // 2
    large = exact + (torch.log(relative.float().clamp(min=1) / exact) / math.log(limit / exact) * (buckets - exact)).long()
    large = torch.minimum(large, torch.full_like(large, buckets - 1))
    return m(found + torch.where(relative < exact, relative, large)).permute(2, 0, 1)


def write_attention(out):
    def mha(**options):
        return lambda: nn.MultiheadAttention(8, 2, batch_first=True, **options)

    shape = [([2, 5, 8],), ([1, 1, 8],)]
    write_layer(out, "attention", mha(), shape, lambda m, x: m(x, x, x)[0])
    write_layer(
        out, "attention causal", mha(), shape,
        lambda m, x: m(x, x, x, attn_mask=torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1))[0])
    write_layer(out, "attention padding", mha(), shape[:1], lambda m, x: m(x, x, x, key_padding_mask=PADDING)[0])
    write_layer(
        out, "attention bias", mha(), [([2, 5, 8], [2, 5, 5])],
        lambda m, x, bias: m(x, x, x, attn_mask=bias.repeat(2, 1, 1))[0])
    write_layer(out, "attention cross", mha(), [([2, 3, 8], [2, 5, 8]), ([1, 1, 8], [1, 4, 8])], lambda m, q, k: m(q, k, k)[0])
    write_layer(
        out, "attention other widths", mha(kdim=3, vdim=5), [([2, 3, 8], [2, 4, 3], [2, 4, 5])],
        lambda m, q, k, v: m(q, k, v)[0])
    write_layer(out, "attention rotary", mha(), shape, lambda m, x: rotary(m, x, False))
    write_layer(out, "attention rotary halves", mha(), shape, lambda m, x: rotary(m, x, True))
    write_layer(out, "attention rotary grid", mha(), [([1, 6, 8],)], lambda m, x: rotary(m, x, False, 2, 3))
    write_layer(
        out, "relative bias", lambda: nn.Embedding(8, 2), [()], lambda m: t5_bias(m, 30, 34, 8, 20, True))
    write_layer(
        out, "relative bias causal", lambda: nn.Embedding(7, 1), [()], lambda m: t5_bias(m, 40, 40, 7, 25, False))


def write_transformers(out):
    for order in ["post", "pre"]:
        options = dict(dropout=0.0, batch_first=True, norm_first=order == "pre", activation="relu" if order == "post" else "gelu")

        def encoder():
            return nn.TransformerEncoderLayer(6, 2, 10, **options)

        def decoder():
            return nn.TransformerDecoderLayer(6, 2, 10, **options)

        mask = torch.ones(5, 5, dtype=torch.bool).triu(1)
        write_layer(out, f"encoder block {order}", encoder, [([2, 5, 6],)], lambda m, x: m(x, src_mask=mask))
        write_layer(
            out, f"decoder block {order}", decoder, [([2, 3, 6], [2, 5, 6])],
            lambda m, x, memory: m(x, memory, tgt_mask=mask[:3, :3], memory_key_padding_mask=PADDING))
        norm = nn.LayerNorm(6) if order == "pre" else None
        write_layer(
            out, f"encoder {order}", lambda: nn.TransformerEncoder(encoder(), 2, norm, enable_nested_tensor=False),
            [([2, 5, 6],)], lambda m, x: m(x, src_key_padding_mask=PADDING))
        write_layer(
            out, f"decoder {order}", lambda: nn.TransformerDecoder(decoder(), 2, norm), [([2, 3, 6], [2, 5, 6])],
            lambda m, x, memory: m(x, memory, tgt_mask=mask[:3, :3]))


class DETR(nn.Module):
    """The decoder of DETR with its heads; positions join queries and keys of every attention."""

    class Stack(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList(nn.TransformerDecoderLayer(8, 2, 6, 0.0, batch_first=True) for _ in range(2))
            self.norm = nn.LayerNorm(8)

    def __init__(self):
        super().__init__()
        self.query_embed = nn.Embedding(4, 8)
        self.decoder = DETR.Stack()
        self.class_embed = nn.Linear(8, 3)
        self.bbox_embed = Dense([8, 8, 8, 4], F.relu)

    def states(self, memory, positions):
        query = self.query_embed.weight.expand(len(memory), -1, -1)
        x, found = torch.zeros_like(query), []
        for m in self.decoder.layers:
            x = m.norm1(x + m.self_attn(x + query, x + query, x)[0])
            x = m.norm2(x + m.multihead_attn(x + query, memory + positions, memory, key_padding_mask=PADDING)[0])
            x = m.norm3(x + m.linear2(F.relu(m.linear1(x))))
            found.append(self.decoder.norm(x))
        return torch.stack(found)

    def forward(self, memory, positions):
        states = self.states(memory, positions)
        return joined(self.class_embed(states), self.bbox_embed(states).sigmoid())


def write_detr(out):
    write_layer(out, "DETR decoder", DETR, [([2, 5, 8], [5, 8])])


def write_recurrent(out):
    def run(m, x, *states):
        given = None if not states else states[0] if isinstance(m, nn.GRU) else states
        y, state = m(x, given)
        return joined(y, *(state if isinstance(state, tuple) else [state]))

    def packed(m, x):
        lengths = [3, 1, 5]
        y, state = m(nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
        y = nn.utils.rnn.pad_packed_sequence(y, batch_first=True)[0]
        return joined(y, *(state if isinstance(state, tuple) else [state]))

    for name, make, states in [("GRU", nn.GRU, 1), ("LSTM", nn.LSTM, 2)]:
        write_layer(out, name, lambda: make(3, 4, batch_first=True), [([2, 5, 3],), ([1, 1, 3],)], run)
        two = lambda: make(3, 2, 2, bidirectional=True, batch_first=True)
        write_layer(out, f"{name} deep", two, [([2, 4, 3],)], run)
        write_layer(out, f"{name} initial", two, [([2, 3, 3],) + ([4, 2, 2],) * states], run)
        write_layer(out, f"{name} lengths", two, [([3, 5, 3],)], packed)


class Norm2d(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    def __init__(self, channels, kernel, scale=True):
        super().__init__()
        self.conv_dw = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.mlp = Block.MLP(channels, 4 * channels)
        if scale:
            self.gamma = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        y = self.mlp(self.norm(self.conv_dw(x).permute(0, 2, 3, 1)))
        return x + (y * getattr(self, "gamma", 1.0)).permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 2, 2), Norm2d(4, eps=1e-6))
        first, second = nn.Module(), nn.Module()
        first.blocks = nn.Sequential(ConvNeXtBlock(4, 3))
        second.downsample = nn.Sequential(Norm2d(4, eps=1e-6), nn.Conv2d(4, 6, 2, 2))
        second.blocks = nn.Sequential(ConvNeXtBlock(6, 3), ConvNeXtBlock(6, 3))
        self.stages = nn.ModuleList([first, second])
        self.head = nn.Module()
        self.head.norm = nn.LayerNorm(6, eps=1e-6)

    def forward(self, x):
        x = self.stages[0].blocks(self.stem(x))
        x = self.stages[1].blocks(self.stages[1].downsample(x))
        return self.head.norm(x.mean((2, 3)))


def write_convnext(out):
    write_layer(out, "ConvNeXt block", lambda: ConvNeXtBlock(4, 7), [([2, 4, 5, 3],), ([1, 4, 1, 1],)])
    write_layer(out, "ConvNeXt block bare", lambda: ConvNeXtBlock(3, 3, False), [([1, 3, 4, 4],)])
    write_layer(out, "layer norm 2d", lambda: Norm2d(3, eps=1e-6), [([2, 3, 2, 4],)])
    write_layer(
        out, "ConvNeXt downsample", lambda: nn.Sequential(Norm2d(3, eps=1e-6), nn.Conv2d(3, 4, 2, 2)), [([2, 3, 4, 6],)])
    write_layer(out, "ConvNeXt", ConvNeXt, [([2, 3, 8, 12],)])


class Gaussian(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc_mu, self.fc_var = nn.Linear(4, 3), nn.Linear(4, 3)

    def forward(self, x, other, point):
        normal = torch.distributions.Normal(self.fc_mu(x), (0.5 * self.fc_var(x)).exp())
        reference = torch.distributions.Normal(other, (0.3 * other).exp())
        standard = torch.distributions.Normal(torch.zeros(()), torch.ones(()))
        kl = torch.distributions.kl_divergence
        return joined(kl(normal, standard).sum(-1), kl(normal, reference).sum(-1), normal.log_prob(point).sum(-1))


class Quantizer(nn.Module):
    """The two quantisers of van den Oord et al. 2017; nearest codes by explicit distances."""

    def __init__(self, moving):
        super().__init__()
        self.moving = moving
        if moving:
            codes = torch.cos(torch.arange(15.0)).reshape(5, 3)
            self.register_buffer("embedding", codes)
            self.register_buffer("cluster_size", torch.ones(5))
            self.register_buffer("ema_w", codes.clone())
        else:
            self.embedding = nn.Embedding(5, 3)

    def forward(self, x):
        codes = self.embedding if self.moving else self.embedding.weight
        k = ((x.unsqueeze(-2) - codes) ** 2).sum(-1).argmin(-1)
        q = codes[k]
        loss = 0.25 * ((x - q.detach()) ** 2).mean()
        if not self.moving:
            loss = loss + ((q - x.detach()) ** 2).mean()
        if self.moving:
            hot = F.one_hot(k.flatten(), 5).double()
            self.cluster_size = 0.9 * self.cluster_size + 0.1 * hot.sum(0)
            self.ema_w = 0.9 * self.ema_w + 0.1 * hot.T @ x.detach().reshape(-1, 3)
            n = self.cluster_size.sum()
            smoothed = (self.cluster_size + 1e-5) / (n + 5e-5) * n
            self.embedding = self.ema_w / smoothed[:, None]
        share = F.one_hot(k.flatten(), 5).double().mean(0)
        perplexity = (-torch.special.xlogy(share, share).sum()).exp()
        return joined(x + (q - x).detach(), loss, perplexity)


def write_generative(out):
    write_layer(out, "gaussian head", Gaussian, [([2, 4], [2, 3], [2, 3])])
    write_layer(out, "vector quantizer", lambda: Quantizer(False), [([4, 3],), ([2, 3, 3],)])
    write_layer(
        out, "moving vector quantizer", lambda: Quantizer(True), [([4, 3],), ([2, 3, 3],)],
        buffers=["embedding", "cluster_size", "ema_w"])


class Swin(nn.Module):
    """A Swin block as attention of the whole image on itself, with everything outside of a place's window masked."""

    class Attention(nn.Module):
        def __init__(self, width, window, heads):
            super().__init__()
            self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))

    def __init__(self, width, window, heads, shift):
        super().__init__()
        self.window, self.heads, self.shift = window, heads, shift
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = Swin.Attention(width, window, heads)
        self.mlp = Block.MLP(width, 4 * width)

    def attend(self, x):
        m, (b, h, w, c) = self.window, x.shape
        rows, columns = -h % m + h, -w % m + w
        x = F.pad(x, (0, 0, 0, columns - w, 0, rows - h))
        i, j = (t.flatten() for t in torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij"))
        down, right = (self.shift if rows > m else 0), (self.shift if columns > m else 0)
        # Windows of the shifted image begin at `shift`; what wraps around is a window part of its own.
        si, sj = (i - down) % rows, (j - right) % columns
        window = si // m * 1000 + sj // m
        part = (i < down).long() * 2 + (j < right).long()
        together = (window[:, None] == window[None]) & (part[:, None] == part[None])
        di = (si % m)[:, None] - (si % m)[None] + m - 1
        dj = (sj % m)[:, None] - (sj % m)[None] + m - 1
        bias = self.attn.relative_position_bias_table[di * (2 * m - 1) + dj].permute(2, 0, 1)
        bias = torch.where(together, bias, torch.tensor(-math.inf))
        q, k, v = self.attn.qkv(x.reshape(b, -1, c)).reshape(b, -1, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias).transpose(1, 2).reshape(b, -1, c)
        return self.attn.proj(y).reshape(b, rows, columns, c)[:, :h, :w]

    def forward(self, x):
        x = x + self.attend(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Merging(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.reduction = nn.LayerNorm(12), nn.Linear(12, 6, bias=False)

    def forward(self, x):
        parts = [x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]]
        return self.reduction(self.norm(torch.cat(parts, -1)))


def window_attention(m, x):
    """One window of 2 x 2 for each sample; the table's row of places i and j is written out."""
    rows = torch.tensor([[4, 3, 1, 0], [5, 4, 2, 1], [7, 6, 4, 3], [8, 7, 5, 4]])
    b, n, c = x.shape
    q, k, v = m.qkv(x).reshape(b, n, 3, 2, c // 2).permute(2, 0, 3, 1, 4)
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=m.relative_position_bias_table[rows].permute(2, 0, 1))
    return m.proj(y.transpose(1, 2).reshape(b, n, c))


def write_swin(out):
    write_layer(out, "window attention", lambda: Swin.Attention(6, 2, 2), [([3, 4, 6],)], window_attention)
    write_layer(out, "Swin block", lambda: Swin(6, 2, 2, 0), [([2, 4, 6, 6],), ([1, 2, 2, 6],)])
    write_layer(out, "Swin block shifted", lambda: Swin(6, 4, 3, 2), [([1, 8, 4, 6],), ([1, 8, 8, 6],), ([1, 4, 4, 6],)])
    write_layer(out, "Swin block shifted odd", lambda: Swin(4, 3, 1, 1), [([1, 7, 5, 4],), ([2, 2, 4, 4],)])
    write_layer(out, "patch merging", Merging, [([2, 4, 2, 3],)])


def write_positions(out):
    """MAE's positions of a grid, and those of the Transformer."""
    def axis(position, width):
        omega = 1.0 / 10000 ** (torch.arange(width // 2) / (width / 2.0))
        angles = position.flatten()[:, None] * omega
        return torch.cat([angles.sin(), angles.cos()], 1)

    w, h = torch.meshgrid(torch.arange(4.0), torch.arange(3.0), indexing="xy")
    out.put("positions/grid 3 4 of 8", torch.cat([axis(w, 4), axis(h, 4)], 1))
    table = torch.zeros(7, 6)
    for k in range(3):
        angle = torch.arange(7.0) * math.exp(-2 * k / 6 * math.log(10000.0))
        table[:, 2 * k], table[:, 2 * k + 1] = angle.sin(), angle.cos()
    out.put("positions/sequence 7 of 6", table)


if __name__ == "__main__":
    with Vectors("layers.h5") as out:
        for write in [write_basic, write_recurrent, write_convnext, write_generative]:
            write(out)
    with Vectors("attention.h5") as out:
        for write in [write_attention, write_transformers, write_detr, write_swin]:
            write(out)
    with Vectors("layer_positions.h5") as out:
        write_positions(out)
