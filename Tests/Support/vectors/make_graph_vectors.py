"""Writes the vectors of layers over graphs and points, written out with dense matrices; see make_layer_vectors.py.

    python3 Tests/Support/vectors/make_graph_vectors.py
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

from layer_cases import joined, places, write_layer
from make_layer_vectors import Dense
from make_vectors import Vectors

# Five nodes: 3 hears itself twice over two edges from 0, 4 hears nobody.
EDGES = [(0, 1), (1, 0), (1, 2), (2, 1), (0, 3), (0, 3), (2, 3), (4, 2)]
HYPEREDGES = [[0, 1, 2], [2, 3], [1, 3, 0, 2]]  # node 4 is in none


def adjacency(weights=None):
    """Row: target, column: source."""
    a = torch.zeros(5, 5)
    for k, (source, target) in enumerate(EDGES):
        a = a.index_put((torch.tensor(target), torch.tensor(source)), weights[k] if weights is not None else torch.tensor(1.0), True)
    return a


class WithLin(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.lin = nn.Linear(inputs, outputs, bias=False)
        self.bias = nn.Parameter(torch.zeros(outputs))


class GCN(WithLin):
    def forward(self, x, weights=None):
        a = adjacency(weights) + torch.eye(5)
        d = torch.diag(a.sum(1) ** -0.5)
        return d @ a @ d @ self.lin(x) + self.bias


class GIN(nn.Module):
    def __init__(self, learns):
        super().__init__()
        self.nn = Dense([3, 4, 2], F.relu)
        if learns:
            self.eps = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return self.nn((1 + getattr(self, "eps", 0.0)) * x + adjacency() @ x)


class SAGE(nn.Module):
    def __init__(self, aggregation, normalizes=False):
        super().__init__()
        self.lin_l, self.lin_r = nn.Linear(3, 2), nn.Linear(3, 2, bias=False)
        self.aggregation, self.normalizes = aggregation, normalizes

    def forward(self, x):
        a = adjacency()
        if self.aggregation == "mean":
            heard = a / a.sum(1, keepdim=True).clamp(min=1) @ x
        elif self.aggregation == "sum":
            heard = a @ x
        else:
            heard = torch.stack([x[row > 0].amax(0) if row.any() else torch.zeros(3) for row in a])
        y = self.lin_l(heard) + self.lin_r(x)
        return F.normalize(y, dim=-1) if self.normalizes else y


class GAT(nn.Module):
    def __init__(self, inputs, heads, width, joins):
        super().__init__()
        self.lin = nn.Linear(inputs, heads * width, bias=False)
        self.att_src, self.att_dst = (nn.Parameter(torch.zeros(1, heads, width)) for _ in range(2))
        self.bias = nn.Parameter(torch.zeros(heads * width if joins else width))
        self.heads, self.width, self.joins = heads, width, joins

    def forward(self, x):
        h = self.lin(x).reshape(5, self.heads, self.width)
        count = adjacency() + torch.eye(5)  # how often j speaks to i
        e = F.leaky_relu((h * self.att_dst).sum(-1)[:, None] + (h * self.att_src).sum(-1)[None], 0.2)  # [i, j, H]
        alpha = e.exp() * count[..., None]
        alpha = alpha / alpha.sum(1, keepdim=True)
        y = torch.einsum("ijh,jhc->ihc", alpha, h)
        return (y.flatten(1) if self.joins else y.mean(1)) + self.bias


class Hypergraph(WithLin):
    def forward(self, x, weights=None):
        h = torch.zeros(5, 3)
        for e, nodes in enumerate(HYPEREDGES):
            h[nodes, e] = 1
        w = torch.ones(3) if weights is None else weights.abs() + 0.5
        dv, de = h @ w, h.sum(0)
        dv = torch.diag(torch.where(dv > 0, dv.clamp(min=1e-9) ** -0.5, 0.0))
        return dv @ h @ torch.diag(w) @ torch.diag(1 / de) @ h.T @ dv @ self.lin(x) + self.bias


def write_graphs(out):
    write_layer(out, "GCN", lambda: GCN(3, 2), [([5, 3],)])
    write_layer(out, "GCN weighted", lambda: GCN(3, 2), [([5, 3], [8])], lambda m, x, w: m(x, w.abs() + 0.2))
    write_layer(out, "GIN", lambda: GIN(True), [([5, 3],)])
    write_layer(out, "GIN plain", lambda: GIN(False), [([5, 3],)])
    for kind in ["mean", "sum", "max"]:
        write_layer(out, f"GraphSAGE {kind}", lambda: SAGE(kind), [([5, 3],)])
    write_layer(out, "GraphSAGE normalized", lambda: SAGE("mean", True), [([5, 3],)])
    write_layer(out, "GAT", lambda: GAT(3, 1, 2, True), [([5, 3],)])
    write_layer(out, "GAT heads", lambda: GAT(3, 3, 2, True), [([5, 3],)])
    write_layer(out, "GAT mean of heads", lambda: GAT(3, 2, 4, False), [([5, 3],)])
    write_layer(out, "hypergraph", lambda: Hypergraph(3, 2), [([5, 3],)])
    write_layer(out, "hypergraph weighted", lambda: Hypergraph(3, 2), [([5, 3], [3])])


class TransformNet(nn.Module):
    def __init__(self, k, w, h):
        super().__init__()
        self.k = k
        self.conv1, self.conv2, self.conv3 = nn.Conv1d(k, w[0], 1), nn.Conv1d(w[0], w[1], 1), nn.Conv1d(w[1], w[2], 1)
        self.fc1, self.fc2, self.fc3 = nn.Linear(w[2], h[0]), nn.Linear(h[0], h[1]), nn.Linear(h[1], k * k)
        for i, width in enumerate([*w, *h]):
            setattr(self, f"bn{i + 1}", nn.BatchNorm1d(width))

    def forward(self, x):  # [B, k, N]
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        x = F.relu(self.bn3(self.conv3(x))).amax(2)
        x = F.relu(self.bn5(self.fc2(F.relu(self.bn4(self.fc1(x))))))
        return self.fc3(x).reshape(-1, self.k, self.k) + torch.eye(self.k)


class PointNet(nn.Module):
    class Features(nn.Module):
        def __init__(self, channels, w, h, transforms):
            super().__init__()
            self.stn = TransformNet(3, w, h)
            self.conv1, self.conv2 = nn.Conv1d(channels, w[0], 1), nn.Conv1d(w[0], w[1], 1)
            self.conv3 = nn.Conv1d(w[1], w[2], 1)
            self.bn1, self.bn2, self.bn3 = (nn.BatchNorm1d(c) for c in w)
            if transforms:
                self.fstn = TransformNet(w[0], w, h)

        def forward(self, x):
            places = self.stn(x[:, :3]).mT @ x[:, :3]
            x = F.relu(self.bn1(self.conv1(torch.cat([places, x[:, 3:]], 1))))
            a = self.fstn(x) if hasattr(self, "fstn") else None
            x = a.mT @ x if a is not None else x
            return self.bn3(self.conv3(F.relu(self.bn2(self.conv2(x))))).amax(2), a

    def __init__(self, channels=3, w=(4, 5, 8), h=(7, 6), classes=3, transforms=False):
        super().__init__()
        self.feat = PointNet.Features(channels, w, h, transforms)
        self.fc1, self.fc2, self.fc3 = nn.Linear(w[2], h[0]), nn.Linear(h[0], h[1]), nn.Linear(h[1], classes)
        self.bn1, self.bn2 = nn.BatchNorm1d(h[0]), nn.BatchNorm1d(h[1])

    def forward(self, x):  # [B, N, channels]
        y, a = self.feat(x.mT)
        y = self.fc3(F.relu(self.bn2(self.fc2(F.relu(self.bn1(self.fc1(y)))))))
        if a is None:
            return y
        return joined(y, (a @ a.mT - torch.eye(a.shape[1])).norm(dim=(1, 2)).mean())


def evaluated(m, *x):
    return m.eval()(*x)


class Stack(nn.Module):
    def __init__(self, widths):
        super().__init__()
        self.mlp_convs = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(widths, widths[1:]))
        self.mlp_bns = nn.ModuleList(nn.BatchNorm2d(b) for b in widths[1:])

    def forward(self, x):  # [B, C, M, K]
        for conv, norm in zip(self.mlp_convs, self.mlp_bns):
            x = F.relu(norm(conv(x)))
        return x


def neighbourhoods(m, p, features=None):
    """Centres and neighbours as the test has them: 3 centres with 4 neighbours each."""
    b, n = p.shape[:2]
    centres, around = places(b * 3, n).reshape(b, 3), places(b * 12, n).reshape(b, 3, 4)
    batch = torch.arange(b)
    middle = p[batch[:, None], centres]
    group = p[batch[:, None, None], around] - middle[:, :, None]
    if features is not None:
        group = torch.cat([group, features[batch[:, None, None], around]], -1)
    return joined(middle, m(group.permute(0, 3, 1, 2)).amax(3).mT)


def whole(m, p, features):
    return m(torch.cat([p, features], -1).mT[:, :, None]).amax((2, 3))


def propagate(m, many, few, features, own=None):
    d = ((many[:, :, None] - few[:, None]) ** 2).sum(-1)
    near = d.argsort(-1)[..., :3]
    w = 1 / (d.gather(-1, near) + 1e-8)
    w = w / w.sum(-1, keepdim=True)
    x = (features[torch.arange(len(many))[:, None, None], near] * w[..., None]).sum(2)
    x = x if own is None else torch.cat([own, x], -1)
    return m(x.mT[:, :, None])[:, :, 0].mT


def write_points(out):
    norms = [f"bn{i}.running_{kind}" for i in range(1, 6) for kind in ["mean", "var"]]
    write_layer(out, "pointwise map", lambda: nn.Conv1d(3, 4, 1), [([2, 5, 3],)], lambda m, x: m(x.mT).mT)
    write_layer(
        out, "transform net", lambda: TransformNet(3, [4, 5, 6], [5, 4]), [([4, 6, 3],), ([3, 1, 3],)],
        lambda m, x: m(x.mT), norms)
    write_layer(out, "transform net frozen", lambda: TransformNet(2, [4, 5, 6], [5, 4]), [([2, 6, 2],)],
        lambda m, x: evaluated(m, x.mT))
    write_layer(out, "PointNet", PointNet, [([5, 7, 3],)])
    write_layer(out, "PointNet with features", lambda: PointNet(5, transforms=True), [([5, 7, 5],)])
    write_layer(out, "PointNet frozen", lambda: PointNet(transforms=True), [([2, 7, 3],)], evaluated)
    stack = [f"mlp_bns.{i}.running_{kind}" for i in range(2) for kind in ["mean", "var"]]
    write_layer(
        out, "pointwise stack", lambda: Stack([3, 5, 4]), [([2, 5, 3],)], lambda m, x: m(x.mT[:, :, None])[:, :, 0].mT,
        buffers=stack)
    write_layer(out, "set abstraction", lambda: Stack([3, 4, 5]), [([2, 7, 3],)], neighbourhoods, buffers=stack)
    write_layer(out, "set abstraction features", lambda: Stack([5, 4]), [([2, 7, 3], [2, 7, 2])], neighbourhoods)
    write_layer(
        out, "set abstraction frozen", lambda: Stack([5, 4]), [([2, 7, 3], [2, 7, 2])],
        lambda m, *x: neighbourhoods(m.eval(), *x))
    write_layer(out, "set abstraction whole", lambda: Stack([5, 4]), [([2, 7, 3], [2, 7, 2])], whole)
    write_layer(
        out, "feature propagation", lambda: Stack([6, 3]), [([2, 7, 3], [2, 4, 3], [2, 4, 4], [2, 7, 2])], propagate)
    write_layer(out, "feature propagation from two", lambda: Stack([4, 3]), [([1, 5, 3], [1, 2, 3], [1, 2, 4])], propagate)


if __name__ == "__main__":
    with Vectors("graphs.h5") as out:
        write_graphs(out)
        write_points(out)
