"""Makes pixels.h5: 8-bit images changed by Pillow, for the augmentations that give its bytes.

    python3 Tests/Vectors/make_pixel_vectors.py        (pillow, numpy, h5py, scipy)

One image each of three sizes (21 x 29 RGB, 16 x 16 RGB, 24 x 20 grey); a dataset is <image>/<operation>.
"""

import math
import pathlib

import h5py
import numpy as np
from PIL import Image, ImageEnhance, ImageOps

RESAMPLING = {"box": Image.Resampling.BOX, "bilinear": Image.Resampling.BILINEAR,
              "bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}
SIZES = [(16, 16), (33, 40), (11, 13), (5, 5)]  # never wider and lower at once: Pillow 13 changed the order of its passes there


def picture(height, width, channels):
    """Smooth colours with edges and noise, so that every rounding shows."""
    generator = np.random.default_rng(height)
    y, x = np.mgrid[0:height, 0:width]
    planes = [127 + 90 * np.sin(x / (3 + k)) * np.cos(y / (4 + k)) + 60 * ((x + y * (k + 1)) % 11 < 4) for k in range(channels)]
    image = np.stack(planes, -1) + generator.normal(0, 12, (height, width, channels))
    return np.clip(image * 0.8 + 10, 0, 255).astype(np.uint8)


def lab(image):
    rgb = image / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    m = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
    t = linear @ m.T / np.array([0.95047, 1, 1.08883])
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


def affine(width, height, angle, translate, scale, shear):
    """The inverse matrix of torchvision's affine about the middle, angles clockwise."""
    r, sx, sy = math.radians(angle), math.radians(shear[0]), math.radians(shear[1])
    forward = np.array([[math.cos(r), -math.sin(r)], [math.sin(r), math.cos(r)]])
    forward = forward @ np.array([[1, 0], [-math.tan(sy), 1]]) @ np.array([[1, -math.tan(sx)], [0, 1]]) * scale
    inverse = np.linalg.inv(forward)
    centre = np.array([width / 2, height / 2])
    shift = inverse @ (-centre - np.array(translate)) + centre
    return [inverse[0, 0], inverse[0, 1], shift[0], inverse[1, 0], inverse[1, 1], shift[1]]


def perspective(source, target):
    """Coefficients that take places of the output (target) to the input (source)."""
    rows, values = [], []
    for (x, y), (u, v) in zip(target, source):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return np.linalg.solve(np.array(rows, float), np.array(values, float)).tolist()


def main():
    path = pathlib.Path(__file__).with_name("pixels.h5")
    with h5py.File(path, "w", libver=("v110", "v110")) as file:

        def put(name, array):
            file.create_dataset(name, data=array, track_times=False)

        for name, size in [("photo", (21, 29, 3)), ("square", (16, 16, 3)), ("grey", (24, 20, 1))]:
            pixels = picture(*size)
            image = Image.fromarray(pixels[..., 0] if size[2] == 1 else pixels)
            width, height = image.size

            def keep(operation, result):
                array = np.asarray(result)
                put(f"{name}/{operation}", array.reshape(*array.shape[:2], -1))

            keep("image", image)
            for filter, code in RESAMPLING.items():
                for h, w in SIZES:
                    keep(f"resize {filter} {h} {w}", image.resize((w, h), code))
            for bits in [1, 3, 4, 7, 8]:
                keep(f"posterize {bits}", ImageOps.posterize(image, bits))
            for threshold in [0, 100, 128, 255, 256]:
                keep(f"solarize {threshold}", ImageOps.solarize(image, threshold))
            keep("equalize", ImageOps.equalize(image))
            keep("autocontrast", ImageOps.autocontrast(image))
            keep("invert", ImageOps.invert(image))
            keep("flip", ImageOps.mirror(image))
            if size[2] == 3:
                keep("grey", image.convert("L").convert("RGB"))
            for factor in [0, 0.1, 0.6, 1, 1.4, 1.9]:
                keep(f"brightness {factor}", ImageEnhance.Brightness(image).enhance(factor))
                keep(f"contrast {factor}", ImageEnhance.Contrast(image).enhance(factor))
                keep(f"sharpness {factor}", ImageEnhance.Sharpness(image).enhance(factor))
                if size[2] == 3:
                    keep(f"color {factor}", ImageEnhance.Color(image).enhance(factor))
            for angle in [-30, 7.5, 45, 90, 180, 200]:
                keep(f"rotate {angle}", image.rotate(angle, Image.Resampling.BILINEAR))
            for k, options in enumerate([(20, (3, -2), 1.2, (0, 0)), (-10, (0, 0), 0.8, (12, 0)), (5, (1, 4), 1, (8, -6))]):
                matrix = affine(width, height, *options)
                keep(f"affine {k}", image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR))
            corners = [(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)]
            moved = [(3, 2), (width - 5, 1), (width - 2, height - 6), (1, height - 3)]
            matrix = perspective(corners, moved)
            for sampling, code in [("bilinear", Image.Resampling.BILINEAR), ("nearest", Image.Resampling.NEAREST)]:
                keep(f"perspective {sampling}", image.transform(image.size, Image.Transform.PERSPECTIVE, matrix, code))
            # torchvision's evaluation: shorter side to 20, middle 16.
            short = min(width, height)
            w, h = (20, int(20 * height / short)) if width <= height else (int(20 * width / short), 20)
            resized = image.resize((w, h), Image.Resampling.BICUBIC) if (w, h) != image.size else image
            left, top = int(round((w - 16) / 2.0)), int(round((h - 16) / 2.0))
            keep("evaluated", resized.crop((left, top, left + 16, top + 16)))
            if size[2] == 3:
                put(f"{name}/lab", lab(pixels).astype(np.float32))


main()
