"""Writes the vectors of PyTorch for 3 x 3 convolutions of many channels.

    python3 Tests/Support/vectors/make_winograd_vectors.py

See make_vectors.py for the format of a case; a case here is one line of OPS and a row of OpTable+Winograd.swift.
"""

import torch.nn.functional as F

from make_vectors import write_cases

WIDE = [([1, 16, 5, 4], [17, 16, 3, 3], [17]), ([3, 17, 3, 3], [16, 17, 3, 3], [16])]

OPS = [
    ("conv2d(many channels)", lambda x, w, b: F.conv2d(x, w, b, padding=1), WIDE),
    ("conv2d(many channels, valid)", F.conv2d, WIDE),
    ("conv2d(many channels, wide border)", lambda x, w, b: F.conv2d(x, w, b, padding=(2, 0)), WIDE),
]


if __name__ == "__main__":
    write_cases("winograd.h5", OPS)
