"""Writes the vectors of SciPy for assignments and connected parts of grids: one small HDF5 file beside this script.

    python3 Tests/Support/vectors/make_combinatorial_vectors.py

It needs scipy, numpy and h5py. Costs are drawn without ties, so that the best assignment is the only one.
"""

import pathlib

import h5py
import numpy as np
from scipy.ndimage import generate_binary_structure, label
from scipy.optimize import linear_sum_assignment

HERE = pathlib.Path(__file__).parent


def put(file, path, array):
    array = np.asarray(array, dtype=np.float32)
    group, _, name = path.rpartition("/")
    file.require_group(group).create_dataset(name, data=array, track_times=False, compression="gzip" if array.size > 99 else None)


if __name__ == "__main__":
    rng = np.random.default_rng(7)
    with h5py.File(HERE / "combinatorial.h5", "w") as file:
        for n, m in [(1, 1), (2, 3), (5, 5), (9, 4), (4, 9), (30, 30), (25, 40), (40, 25), (1, 12), (12, 1)]:
            cost = np.float32(rng.permutation(n * m).reshape(n, m) * 0.37 - n + rng.uniform(0, 0.1, (n, m)))
            rows, columns = linear_sum_assignment(cost.astype(np.float64))
            for name, array in [("cost", cost), ("rows", rows), ("columns", columns)]:
                put(file, f"assignment/{n}x{m}/{name}", array)
        for shape, density in [
            ((9,), 0.6), ((1, 1), 1), ((7, 9), 0.5), ((16, 16), 0.55), ((20, 21), 0.4), ((4, 5, 6), 0.3), ((8, 8, 8), 0.25),
        ]:
            cells = (rng.uniform(size=shape) < density) * rng.integers(1, 4, shape)
            name = "x".join(map(str, shape))
            put(file, f"components/{name}/cells", cells)
            for kind, rank in [("faces", 1), ("corners", len(shape))]:
                put(file, f"components/{name}/{kind}", label(cells, generate_binary_structure(len(shape), rank))[0])
