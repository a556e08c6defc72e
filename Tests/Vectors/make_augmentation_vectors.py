"""Makes augmentations.h5: crops of 8-bit images resized by Pillow (bilinear with antialias), as torchvision uses it.

    python3 Tests/Vectors/make_augmentation_vectors.py        (pillow, numpy, h5py)

Each case has an image [H, W, C], a box (left, top, width, height), the side of the result and whether it is mirrored. Pillow
rounds to 8 bits after each of its two passes; the same resize of a float image, plane by plane, is stored beside it.
"""

import pathlib

import h5py
import numpy as np
from PIL import Image

CASES = [  # (height, width, channels, left, top, box width, box height, side, mirrored)
    (32, 32, 3, 0, 0, 32, 32, 32, False),  # nothing to do
    (32, 32, 3, 0, 0, 32, 32, 32, True),
    (32, 32, 3, 0, 0, 32, 32, 16, False),  # shrink by 2
    (32, 32, 3, 3, 5, 23, 27, 16, True),  # odd shrink
    (32, 32, 3, 9, 1, 7, 11, 32, False),  # enlarge
    (32, 32, 3, 9, 1, 7, 11, 17, True),
    (29, 41, 3, 4, 2, 35, 26, 13, False),  # neither square nor even
    (29, 41, 1, 1, 0, 40, 29, 7, True),  # grey, shrink by more than 4
    (8, 8, 3, 5, 6, 1, 1, 4, False),  # one pixel
    (8, 8, 1, 2, 1, 2, 5, 9, True),
    (64, 48, 3, 0, 0, 48, 64, 5, False),  # shrink by more than 9
]


def main():
    generator = np.random.default_rng(7)
    path = pathlib.Path(__file__).with_name("augmentations.h5")
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        for number, (h, w, c, left, top, bw, bh, side, mirrored) in enumerate(CASES):
            image = generator.integers(0, 256, (h, w, c), dtype=np.uint8)
            part = image[top : top + bh, left : left + bw]
            planes = [
                np.asarray(Image.fromarray(part[:, :, k].astype(np.float32)).resize((side, side), Image.Resampling.BILINEAR))
                for k in range(c)
            ]
            exact = np.stack(planes)
            bytes_ = np.asarray(
                Image.fromarray(part if c == 3 else part[:, :, 0]).resize((side, side), Image.Resampling.BILINEAR)
            )
            rounded = bytes_.transpose(2, 0, 1) if c == 3 else bytes_[None]
            if mirrored:
                exact, rounded = exact[:, :, ::-1], rounded[:, :, ::-1]
            assert np.abs(exact - rounded).max() <= 1.001, np.abs(exact - rounded).max()
            group = file.create_group(f"case.{number}")
            for name, value in [
                ("image", image),
                ("box", np.array([left, top, bw, bh, side, mirrored], np.int64)),
                ("exact", exact.astype("<f4")),
                ("rounded", np.ascontiguousarray(rounded)),
            ]:
                group.create_dataset(name, data=value, track_times=False)
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
