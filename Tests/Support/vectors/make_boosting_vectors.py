"""Gradient-boosted trees of scikit-learn on small tables: boosting.h5. Needs numpy, scikit-learn, h5py.

Trees are limited by depth only, so that the order in which leaves are split does not matter. Bins are those of scikit-learn
1.9; earlier versions cut them at other quantiles. Leaves are large: in small nodes different splits often have the same gain,
and rounding decides.
"""

import os

import h5py
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

here = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(5)

with h5py.File(os.path.join(here, "boosting.h5"), "w") as file:
    for name, n, d, classes, bins, leaf, penalty, rounds in [
        ("pair", 300, 6, 2, 255, 20, 0.0, 30),
        ("bins", 700, 4, 2, 16, 40, 1.0, 30),
        ("three", 600, 5, 3, 255, 40, 0.5, 2),
    ]:
        x = rng.normal(size=(n, d)).astype(np.float32)
        x[:, 1] = np.round(x[:, 1] * 2) / 2  # a column of few values
        z = np.stack([x[:, 0] * x[:, 2], np.sin(2 * x[:, 1]), x[:, 3] - x[:, 0]], 1)[:, :classes]
        labels = np.argmax(z + 0.3 * rng.normal(size=z.shape), 1)
        test = rng.normal(size=(80, d)).astype(np.float32)
        model = HistGradientBoostingClassifier(
            max_iter=rounds, learning_rate=0.1, max_depth=3, max_leaf_nodes=None, max_bins=bins,
            min_samples_leaf=leaf, l2_regularization=penalty, early_stopping=False)
        model.fit(x, labels)
        scores = model.decision_function(test)
        group = file.create_group(name)
        group["x"], group["labels"], group["test"] = x, labels.astype(np.float32), test
        group["scores"] = scores.reshape(80, -1).astype(np.float32)
        group.attrs["settings"] = f"bins {bins}, leaf {leaf}, penalty {penalty}"
