"""Writes metrics.h5: what scikit-learn, scipy and numpy say about the inputs that lie beside their results.

    python3 Tests/Support/vectors/make_metric_vectors.py

Needs numpy, scipy, scikit-learn and h5py. Where no library has the measure, a short numpy version of its formula stands in.
"""

import collections
import os

import h5py
import numpy as np
from scipy import ndimage, optimize, signal, spatial, special, stats
from sklearn import cluster, linear_model, metrics

rng = np.random.default_rng(20260)
out = {}


def put(name, value):
    out[name] = np.atleast_1d(np.asarray(value, dtype=np.float64))


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def single(x):
    """Rounded to what a Float holds, so that both sides start from equal numbers."""
    return np.asarray(x, np.float32).astype(np.float64)


# Binary scores, with many ties.
truth = rng.integers(0, 2, 200)
scores = np.round(rng.normal(size=200) + truth, 1)
put("binary/truth", truth)
put("binary/scores", scores)
fpr, tpr, _ = metrics.roc_curve(truth, scores, drop_intermediate=False)
eer = optimize.brentq(lambda x: 1 - x - np.interp(x, fpr, tpr), 0, 1, xtol=1e-14)
put("binary/expected", [metrics.roc_auc_score(truth, scores), metrics.average_precision_score(truth, scores), eer,
                        fpr[np.argmax(tpr >= 0.95)]])

# Several classes: scores, a confusion.
labels = rng.integers(0, 5, 150)
logits = single(rng.normal(size=(150, 5)) + 1.2 * np.eye(5)[labels])
predicted = logits.argmax(1)
p = softmax(logits)
put("classes/labels", labels)
put("classes/logits", logits)
one = np.eye(5)[labels]
put("classes/expected", [
    metrics.roc_auc_score(labels, p, multi_class="ovr", average="macro"),
    metrics.average_precision_score(one, p, average="macro"),
    metrics.accuracy_score(labels, predicted), metrics.balanced_accuracy_score(labels, predicted),
    metrics.f1_score(labels, predicted, average="macro"), metrics.matthews_corrcoef(labels, predicted),
    metrics.cohen_kappa_score(labels, predicted), metrics.jaccard_score(labels, predicted, average="macro"),
    metrics.top_k_accuracy_score(labels, logits, k=2), metrics.log_loss(labels, p), ((p - one) ** 2).sum(1).mean()])
confidence, right = p.max(1), predicted == labels
edges = np.linspace(0, 1, 16)
which = np.clip(np.digitize(confidence, edges, right=True) - 1, 0, 14)
gaps = [(np.mean(which == b), abs(right[which == b].mean() - confidence[which == b].mean()))
        for b in range(15) if (which == b).any()]
put("classes/calibration", [sum(w * g for w, g in gaps), max(g for _, g in gaps)])
best = optimize.minimize_scalar(lambda t: metrics.log_loss(labels, softmax(logits / np.exp(t))), bounds=(-3, 3),
                                method="bounded", options={"xatol": 1e-10})
put("classes/temperature", np.exp(best.x))

# Correlations, with ties.
a = np.round(rng.normal(size=80), 1)
b = np.round(a + rng.normal(size=80), 1)
put("correlation/a", a)
put("correlation/b", b)
put("correlation/expected", [stats.pearsonr(a, b)[0], stats.spearmanr(a, b)[0], stats.kendalltau(a, b)[0]])

# Clusters.
t, c = rng.integers(0, 4, 120), rng.integers(0, 6, 120)
c[:70] = t[:70] + 1
put("agreement/truth", t)
put("agreement/clusters", c)
table = metrics.cluster.contingency_matrix(t, c)
rows, columns = optimize.linear_sum_assignment(table, maximize=True)
h, k, v = metrics.homogeneity_completeness_v_measure(t, c)
put("agreement/expected", [table[rows, columns].sum() / 120, table.max(0).sum() / 120,
                           metrics.normalized_mutual_info_score(t, c), metrics.adjusted_rand_score(t, c), h, k,
                           metrics.mutual_info_score(t, c)])
x = single(rng.normal(size=(200, 5)) + 2 * rng.normal(size=(6, 5))[rng.integers(0, 6, 200)])
start = x[:6]
lloyd = cluster.KMeans(6, init=start, n_init=1, algorithm="lloyd", tol=0).fit(x)
put("kmeans/x", x)
put("kmeans/clusters", lloyd.labels_)
put("kmeans/centers", lloyd.cluster_centers_)
put("kmeans/inertia", lloyd.inertia_)
put("kmeans/best", cluster.KMeans(6, n_init=50, random_state=0).fit(x).inertia_)

# Regression.
for name, n, d in [("tall", 90, 7), ("wide", 20, 33)]:
    x = single(rng.normal(size=(n, d)) * rng.uniform(0.2, 3, d) + 1)
    y = single(x @ rng.normal(size=(d, 3)) + rng.normal(size=(n, 3)))
    put(f"ridge/{name}/x", x)
    put(f"ridge/{name}/y", y)
    for alpha in [0.1, 10]:
        model = linear_model.Ridge(alpha=alpha).fit(x, y)
        put(f"ridge/{name}/{alpha}/weight", model.coef_)
        put(f"ridge/{name}/{alpha}/bias", model.intercept_)
guess = linear_model.Ridge(alpha=10).fit(x[:10], y[:10]).predict(x[10:])
put("errors/predicted", single(guess))
put("errors/truth", y[10:])
guess = single(guess)
put("errors/expected", [metrics.mean_squared_error(y[10:], guess), metrics.mean_absolute_error(y[10:], guess),
                        metrics.r2_score(y[10:], guess)])
x = single(rng.normal(size=(160, 6)) * [1, 2, 0.5, 1, 1, 3])
y = (x @ rng.normal(size=(6, 4)) + 2 * rng.normal(size=(160, 4))).argmax(1)
put("logistic/x", x)
put("logistic/labels", y)
for strength in [0.01, 1, 100]:
    model = linear_model.LogisticRegression(C=strength, tol=1e-10, max_iter=100000).fit(x, y)
    # Biases share a free constant; probabilities are what is determined.
    put(f"logistic/{strength}/weight", model.coef_)
    put(f"logistic/{strength}/probabilities", model.predict_proba(x))

# Rankings with graded relevance, without ties.
scores = single(rng.normal(size=(12, 40)))
gains = rng.integers(0, 4, (12, 40)) * (rng.random((12, 40)) < 0.3)
gains[:, 0] += 1
put("ranking/scores", scores)
put("ranking/gains", gains)
put("ranking/ndcg10", [metrics.ndcg_score(gains[i:i + 1], scores[i:i + 1], k=10) for i in range(12)])
put("ranking/ap", [metrics.average_precision_score(gains[i] > 0, scores[i]) for i in range(12)])
put("ranking/rr", [metrics.label_ranking_average_precision_score(np.eye(40)[[i]], scores[i:i + 1]) for i in range(12)])

# Representations.
x, y = single(rng.normal(size=(60, 8)) * np.linspace(0.1, 2, 8) + 1), single(rng.normal(size=(60, 5)))
put("representation/x", x)
put("representation/y", y)
spectrum = np.linalg.eigvalsh(np.cov(x.T, bias=True))[::-1]
put("representation/spectrum", spectrum)
s = np.linalg.svd(x, compute_uv=False)
u = x / np.linalg.norm(x, axis=1, keepdims=True)
k, l = [(z - z.mean(0)) @ (z - z.mean(0)).T for z in (x, y)]
put("representation/expected", [
    np.exp(stats.entropy(spectrum)), np.exp(stats.entropy(s)), np.log(np.exp(-2 * spatial.distance.pdist(u) ** 2).mean()),
    (k * l).sum() / np.sqrt((k * k).sum() * (l * l).sum()), u.std(0).mean() * np.sqrt(8), x.var(0).mean(),
    (u @ u.T)[~np.eye(60, dtype=bool)].mean()])

# Images.
a = rng.random((2, 20, 24))
b = np.clip(a + 0.2 * rng.normal(size=a.shape), 0, 1)
a, b = single(a), single(b)
put("image/a", a)
put("image/b", b)
g = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5 ** 2))
window = np.outer(g, g) / g.sum() ** 2


def ssim(a, b):
    f = lambda z: signal.convolve2d(z, window, mode="valid")
    m, n = f(a), f(b)
    va, vb, c = f(a * a) - m * m, f(b * b) - n * n, f(a * b) - m * n
    return ((2 * m * n + 1e-4) * (2 * c + 9e-4) / ((m * m + n * n + 1e-4) * (va + vb + 9e-4))).mean()


put("image/expected", [10 * np.log10(1 / ((a - b) ** 2).mean()), np.mean([ssim(p, q) for p, q in zip(a, b)])])

# Surfaces.
p, q = single(rng.normal(size=(70, 3))), single(rng.normal(size=(90, 3)))
put("surface/p", p)
put("surface/q", q)
there, back = spatial.cKDTree(q).query(p)[0], spatial.cKDTree(p).query(q)[0]
put("surface/expected", [there.mean(), back.mean(), (there < 0.5).mean(), (back < 0.5).mean()])

# Poses: similarity and rigid alignment of point sets (scipy's, on centred points).
pose = single(rng.normal(size=(6, 17, 3)))
turned = np.stack([spatial.transform.Rotation.random(random_state=i).apply(z) * (0.5 + 0.3 * i) + i for i, z in enumerate(pose)])
turned = single(turned + 0.1 * rng.normal(size=pose.shape))
put("pose/predicted", turned)
put("pose/truth", pose)
aligned = []
for z, t in zip(turned, pose):
    zc, tc = z - z.mean(0), t - t.mean(0)
    r, s = spatial.transform.Rotation.align_vectors(tc, zc)[0], 0
    s = (r.apply(zc) * tc).sum() / (zc ** 2).sum()
    aligned.append(np.linalg.norm(s * r.apply(zc) - tc, axis=1).mean())
put("pose/expected", aligned)

# Texts of random words, three references each.
candidates = [list(rng.integers(0, 9, rng.integers(5, 14))) for _ in range(15)]
references = [[[w if rng.random() < 0.7 else rng.integers(0, 9) for w in c[:rng.integers(4, 14)]] for _ in range(3)]
              for c in candidates]


def padded(rows, width):
    return [list(r) + [-1] * (width - len(r)) for r in rows]


put("text/candidates", padded(candidates, 14))
put("text/references", [padded(r, 14) for r in references])


def grams(words, n):
    return collections.Counter(tuple(words[i:i + n]) for i in range(len(words) - n + 1))


def bleu(order):
    logs, c, r = 0, sum(map(len, candidates)), 0
    for cand, refs in zip(candidates, references):
        r += sorted((abs(len(x) - len(cand)), len(x)) for x in refs)[0][1]
    for n in range(1, order + 1):
        hit = total = 0
        for cand, refs in zip(candidates, references):
            for g, count in grams(cand, n).items():
                hit += min(count, max(grams(x, n)[g] for x in refs))
                total += count
        logs += np.log(hit / total) / order
    return np.exp(logs + min(0, 1 - r / c))


def cider():
    n_docs, df = len(candidates), collections.Counter()
    for refs in references:
        df.update({g for x in refs for n in range(1, 5) for g in grams(x, n)})
    vec = lambda w, n: {g: k * (np.log(n_docs) - np.log(max(1, df[g]))) for g, k in grams(w, n).items()}
    norm = lambda v: np.sqrt(sum(x * x for x in v.values()))
    scores = []
    for cand, refs in zip(candidates, references):
        values = []
        for x in refs:
            for n in range(1, 5):
                a, b = vec(cand, n), vec(x, n)
                s = sum(min(w, b.get(g, 0)) * b.get(g, 0) for g, w in a.items())
                if norm(a) > 0 and norm(b) > 0:
                    s /= norm(a) * norm(b)
                values.append(s * np.exp(-(len(cand) - len(x)) ** 2 / 72))
        scores.append(10 * np.mean(values))
    return np.mean(scores)


def lcs(a, b):
    if not a or not b:
        return 0
    best = 0
    for mask in range(1 << len(a)):  # every subsequence of a
        part = [w for i, w in enumerate(a) if mask >> i & 1]
        if len(part) > best:
            it = iter(b)
            if all(w in it for w in part):
                best = len(part)
    return best


def rouge():
    values = []
    for cand, refs in zip(candidates, references):
        common = [lcs(cand, x) for x in refs]
        p = max(k / len(cand) for k in common)
        r = max(k / len(x) for k, x in zip(common, refs))
        values.append(2.44 * p * r / (r + 1.44 * p) if p > 0 and r > 0 else 0)
    return np.mean(values)


put("text/expected", [bleu(1), bleu(2), bleu(3), bleu(4), cider(), rouge()])

# Boxes: detections are true boxes moved a little, and some that are not there.
truths, detections = [], []
for image in range(12):
    for _ in range(rng.integers(1, 6)):
        x, y, w, h = *rng.integers(0, 60, 2), *rng.integers(8, 40, 2)
        label, crowd = rng.integers(0, 3), int(rng.random() < 0.15)
        truths.append([image, label, x, y, x + w, y + h, crowd])
        for _ in range(rng.integers(0, 3)):
            dx, dy, dw, dh = rng.integers(-5, 6, 4)
            detections.append([image, label if rng.random() < 0.8 else rng.integers(0, 3), x + dx, y + dy,
                               x + w + max(dw, 1 - w), y + h + max(dh, 1 - h), round(rng.random(), 2)])
    detections.append([image, rng.integers(0, 3), 5, 5, 25, 30, round(rng.random(), 2)])
put("boxes/truths", truths)
put("boxes/detections", detections)


def inter(a, b):
    return max(0, min(a[4], b[4]) - max(a[2], b[2])) * max(0, min(a[5], b[5]) - max(a[3], b[3]))


def area(a):
    return (a[4] - a[2]) * (a[5] - a[3])


def precision_and_recall(label, threshold):
    gt = [t for t in truths if t[1] == label and not t[6]]
    crowds = [t for t in truths if t[1] == label and t[6]]
    free, marks = list(range(len(gt))), []
    for d in sorted((d for d in detections if d[1] == label), key=lambda d: -d[6]):
        options = [(inter(d, gt[i]) / (area(d) + area(gt[i]) - inter(d, gt[i])), i) for i in free if gt[i][0] == d[0]]
        options = [o for o in options if o[0] >= threshold]
        if options:
            free.remove(max(options)[1])
            marks.append(1)
        elif not any(t[0] == d[0] and inter(d, t) / area(d) >= threshold for t in crowds):
            marks.append(0)
    hits = np.cumsum(marks)
    recall, precision = hits / len(gt), hits / np.arange(1, len(marks) + 1)
    return np.mean([max([p for p, r in zip(precision, recall) if r >= t - 1e-12], default=0)
                    for t in np.arange(101) / 100]), recall.max(initial=0)


every = [[precision_and_recall(c, t) for t in np.arange(10) * 0.05 + 0.5] for c in range(3)]
every = np.array(every)
put("boxes/expected", [every[:, :, 0].mean(), every[:, 0, 0].mean(), every[:, 5, 0].mean(), every[:, :, 1].mean()])

# Masks: J and F with a disk of scipy's dilation.
rows, columns = np.mgrid[:40, :50]
a = (rows - 18) ** 2 + (columns - 20) ** 2 < 120
b = (rows - 19) ** 2 + (columns - 23) ** 2 < 140
put("masks/a", a)
put("masks/b", b)


def contour(m):
    right, down = np.roll(m, -1, 1), np.roll(m, -1, 0)
    right[:, -1], down[-1] = m[:, -1], m[-1]
    both = np.roll(down, -1, 1)
    both[:, -1] = down[:, -1]
    return (m ^ right) | (m ^ down) | (m ^ both)


y, x = np.mgrid[-1:2, -1:2]
wide = lambda m: ndimage.binary_dilation(m, x * x + y * y <= 1)
p, r = (contour(a) & wide(contour(b))).sum() / contour(a).sum(), (contour(b) & wide(contour(a))).sum() / contour(b).sum()
put("masks/expected", [(a & b).sum() / (a | b).sum(), 2 * p * r / (p + r)])

# Novelty.
train, new = single(rng.normal(size=(200, 4)) * [1, 2, 3, 1]), single(rng.normal(size=(30, 4)) * 2)
group = rng.integers(0, 3, 200)
train[:, 0] += 3 * group
train = single(train)
means = np.stack([train[group == c].mean(0) for c in range(3)])
s = np.linalg.inv((train - means[group]).T @ (train - means[group]) / 200)
put("novelty/train", train)
put("novelty/group", group)
put("novelty/new", new)
put("novelty/mahalanobis", -np.min([[(z - m) @ s @ (z - m) for m in means] for z in new], 1))
put("novelty/energy", special.logsumexp(logits, axis=1))
put("novelty/iqm", stats.trim_mean(new[:, 0], 0.25))

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "metrics.h5")
with h5py.File(path, "w", libver="earliest", track_order=False) as file:
    for name in sorted(out):
        file.create_dataset(name, data=out[name], track_times=False)
print(path, os.path.getsize(path), "bytes,", len(out), "arrays")
