"""Writes the vectors of PyTorch for the MLP of a transformer block.

    python3 Tests/Support/vectors/make_feed_forward_vectors.py

See make_vectors.py for the format of a case; a case here is one line of OPS and a row of OpTable+FeedForward.swift.
"""

import torch.nn.functional as F

from make_vectors import write_cases

OPS = [
    (
        "feedForward",
        lambda x, w1, b1, w2, b2: F.linear(F.gelu(F.linear(x, w1, b1)), w2, b2),
        [
            ([2, 3], [5, 3], [5], [4, 5], [4]),
            ([3], [2, 3], [2], [1, 2], [1]),
            ([2, 1, 4], [1, 4], [1], [4, 1], [4]),
            ([2, 7, 3], [17, 3], [17], [5, 17], [5]),
        ],
    ),
]

if __name__ == "__main__":
    write_cases("feed_forward.h5", OPS)
