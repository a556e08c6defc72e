"""Makes the numbers in Tests/EvaluationsTests/VectorTests.swift and Tests/TensorTests/ResizeTests.swift.

Needs numpy, scikit-learn and PyTorch. Inputs follow formulas that the tests repeat, so that only results are copied.
"""
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, average_precision_score, jaccard_score
from sklearn.neighbors import KNeighborsClassifier


def features(first, count, width):
    """x[i, d] = (((first + i)^2 * 31 + (first + i) * (d + 3) * 17 + d * 29) mod 101) / 101 - 1/2"""
    i = np.arange(first, first + count)[:, None]
    d = np.arange(width)[None, :]
    return ((i * i * 31 + i * (d + 3) * 17 + d * 29) % 101) / 101 - 0.5


def labels(first, count, classes):
    """(7 i^2 + 3 i) mod 53 mod classes"""
    i = np.arange(first, first + count)
    return (i * i * 7 + i * 3) % 53 % classes


def cosine(a, b):
    a = a / np.linalg.norm(a, axis=1, keepdims=True)
    b = b / np.linalg.norm(b, axis=1, keepdims=True)
    return a @ b.T


def show(name, values, digits=9):
    print(name, "[" + ", ".join(f"{v:.{digits}g}" if isinstance(v, float) else str(v) for v in values) + "]")


train, test = features(0, 60, 6), features(60, 30, 6)
known = labels(0, 60, 4)
for k in [5, 11]:
    model = KNeighborsClassifier(k, metric="cosine", algorithm="brute", weights=lambda d: np.exp((1 - d) / 0.07))
    show(f"knn k={k}", [int(c) for c in model.fit(train, known).predict(test)])
    print("  smallest gap of votes", np.diff(np.sort(model.predict_proba(test), 1)[:, -2:]).min(),
          "of neighbours", np.diff(np.sort(cosine(test, train), 1)[:, -k - 1:-k + 1]).min())

identity = labels(60, 30, 12)
s = cosine(test, test)
precisions, first = [], []
for q in range(30):
    gallery = np.arange(30) != q
    relevant = identity[gallery] == identity[q]
    if relevant.any():
        precisions.append(float(average_precision_score(relevant, s[q][gallery])))
        first.append(bool(relevant[np.argmax(s[q][gallery])]))
show("retrieval ap", precisions)
print("  map", np.mean(precisions), "r1", np.mean(first), "left out", 30 - len(precisions))

truth = labels(0, 200, 5)
predicted = np.where(np.arange(200) % 3 == 0, labels(50, 200, 6), truth)
show("iou of 0...5", [float(v) for v in jaccard_score(truth, predicted, labels=range(6), average=None)])
print("  mean", jaccard_score(truth, predicted, average="macro"), "accuracy", accuracy_score(truth, predicted))

x, y = features(0, 60, 3), labels(0, 60, 3)
x = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-6)
model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10000).fit(x, y)
show("logistic regression p of samples 0, 1, 2", [float(v) for v in model.predict_proba(x)[:3].reshape(-1)])

grid = torch.tensor([[[[0.0, 1.0], [4.0, 9.0], [-2.0, 3.0]]]], dtype=torch.float64, requires_grad=True)
for rows, columns in [(5, 3), (2, 5), (1, 1)]:
    grid.grad = None
    y = torch.nn.functional.interpolate(grid, (rows, columns), mode="bilinear", align_corners=False)
    (y * torch.arange(1.0, y.numel() + 1).reshape(y.shape)).sum().backward()
    show(f"resize to {rows} x {columns}", [float(v) for v in y.detach().flatten()])
    show("  gradient for weights 1, 2, ...", [float(v) for v in grid.grad.flatten()])
