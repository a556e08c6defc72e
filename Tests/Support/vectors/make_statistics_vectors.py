"""Writes statistics.json: what scipy says about small samples. Run with scipy 1.17: python3 make_statistics_vectors.py"""
import json, pathlib
import numpy as np
from scipy import special, stats

rng = np.random.default_rng(20)


def differences(n, mean):
    # Multiples of 1/2000, as accuracies on 2000 images are: ties and zeros occur.
    return (np.round(rng.normal(mean, 0.01, n) * 2000) / 2000).tolist()


def sign_flip(d, threshold, alternative="greater"):
    x = np.round(np.array(d) - threshold, 12)
    found = stats.permutation_test(
        (x,), lambda a, axis: a.mean(axis=axis), permutation_type="samples", vectorized=True, n_resamples=np.inf,
        alternative=alternative)
    return float(found.pvalue)


out = {}
out["sign_flip"] = [
    {"d": d, "threshold": threshold, "p": sign_flip(d, threshold)}
    for n, mean in [(5, 0.01), (5, 0.004), (6, 0.0), (8, 0.008), (8, -0.005), (10, 0.004), (10, 0.012)]
    for threshold in (0.0, 0.005) for d in [differences(n, mean)]]
out["paired_t"] = []
for n, mean in [(2, 0.01), (5, 0.01), (8, 0.003), (10, -0.01), (20, 0.002)]:
    d = rng.normal(mean, 0.01, n).tolist()
    test = stats.ttest_1samp(d, 0.002, alternative="greater")
    low, high = stats.ttest_1samp(d, 0).confidence_interval(0.95)
    out["paired_t"].append({"d": d, "threshold": 0.002, "p": float(test.pvalue), "low": float(low), "high": float(high)})
out["page"] = []
for m, k in [(3, 3), (5, 3), (5, 4), (8, 3), (8, 5), (10, 4)]:
    rows = (rng.normal(size=(m, k)) + 0.4 * np.arange(k)).tolist()
    up = stats.page_trend_test(rows, method="exact")
    down = stats.page_trend_test(np.array(rows)[:, ::-1], method="exact")
    out["page"].append({"rows": rows, "l": float(up.statistic), "p": float(up.pvalue), "opposite": float(down.pvalue)})
out["spearman"] = []
for n, ties in [(4, False), (5, True), (6, False), (7, True), (8, False)]:
    x = rng.normal(size=n)
    y = 0.7 * x + rng.normal(size=n)
    if ties:
        x, y = np.round(x), np.round(y)
    exact = stats.permutation_test(
        (x,), lambda a: stats.spearmanr(a, y).statistic, permutation_type="pairings", vectorized=False,
        n_resamples=np.inf, alternative="greater")
    out["spearman"].append({"x": x.tolist(), "y": y.tolist(), "rho": float(exact.statistic), "p": float(exact.pvalue)})
x = rng.normal(size=30)
y = 0.3 * x + rng.normal(size=30)
big = stats.spearmanr(x, y, alternative="greater")
out["spearman"].append({"x": x.tolist(), "y": y.tolist(), "rho": float(big.statistic), "p": float(big.pvalue)})
out["incomplete_beta"] = [
    {"x": x, "a": a, "b": b, "value": float(special.betainc(a, b, x))}
    for a in (0.5, 1.0, 2.5, 9.5, 50.0) for b in (0.5, 1.0, 3.0, 40.0) for x in (0.001, 0.2, 0.5, 0.77, 0.999)]
out["student"] = [
    {"freedom": f, "probability": p, "value": float(stats.t.ppf(p, f))}
    for f in (1, 2, 4, 7, 9, 19, 100) for p in (0.001, 0.05, 0.5, 0.9, 0.975, 0.9995)]
out["normal"] = [{"probability": p, "value": float(stats.norm.ppf(p))} for p in (1e-10, 0.001, 0.05, 0.5, 0.8, 0.975, 0.99999)]
out["benjamini_hochberg"] = []
for n in (1, 2, 5, 12):
    p = rng.uniform(0, 0.3, n).round(3)
    out["benjamini_hochberg"].append({"p": p.tolist(), "q": stats.false_discovery_control(p).tolist()})
out["bca"] = []
for n in (20, 20):
    d = (rng.exponential(0.01, n) - 0.004).tolist()
    ci = stats.bootstrap((d,), np.mean, n_resamples=200_000, method="BCa", rng=rng, vectorized=True).confidence_interval
    out["bca"].append({"d": d, "low": float(ci.low), "high": float(ci.high)})
path = pathlib.Path(__file__).with_name("statistics.json")
path.write_text(json.dumps(out, indent=1) + "\n")
