"""Writes pillow.json: the SHA-256 of what Pillow makes of one image with every operation of RandAugment, and of crops that are resized.

Needs Pillow, numpy and torchvision; made with 9.4.0, 1.24.2 and 0.14.1 (Debian 12: apt-get install python3-torchvision).
"""

import base64
import hashlib
import json

import numpy as np
from PIL import Image, ImageEnhance, ImageOps
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F

WIDTH, HEIGHT = 37, 29
FILL = (124, 116, 104)
FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}


def image():
    """Waves, a step and noise, different in each channel, none over the whole range."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    noise = np.random.RandomState(0)
    planes = []
    for low, high, fx, fy in [(12, 240, 0.21, 0.13), (40, 180, 0.05, 0.33), (0, 255, 0.4, 0.02)]:
        wave = 0.5 + 0.3 * np.sin(fx * x + fy * y) + 0.15 * (x > y) + noise.normal(0, 0.06, x.shape)
        planes.append(np.clip(low + (high - low) * wave, low, high))
    return Image.fromarray(np.stack(planes, -1).astype(np.uint8), "RGB")


def sha256(picture):
    return hashlib.sha256(np.asarray(picture, np.uint8).tobytes()).hexdigest()


SOURCE = image()
cases = []


def case(name, picture, argument=0.0, interpolation="bilinear"):
    cases.append(
        {"name": name, "argument": argument, "interpolation": interpolation, "sha256": sha256(picture)}
    )


case("AutoContrast", ImageOps.autocontrast(SOURCE))
case("Equalize", ImageOps.equalize(SOURCE))
case("Invert", ImageOps.invert(SOURCE))
for bits in (4, 3, 1, 0):
    case("PosterizeIncreasing", ImageOps.posterize(SOURCE, bits), bits)
for threshold in (256, 129, 26, 0):
    case("SolarizeIncreasing", ImageOps.solarize(SOURCE, threshold), threshold)
for add in (0, 51, 110):
    table = [min(255, level + add) if level < 128 else level for level in range(256)]
    case("SolarizeAdd", SOURCE.point(table * 3), add)
enhancements = {
    "ColorIncreasing": ImageEnhance.Color,
    "ContrastIncreasing": ImageEnhance.Contrast,
    "BrightnessIncreasing": ImageEnhance.Brightness,
    "SharpnessIncreasing": ImageEnhance.Sharpness,
}
for name, enhancement in enhancements.items():
    for factor in (0.1, 0.1733, 0.55, 1.0, 1.81, 1.9):
        case(name, enhancement(SOURCE).enhance(factor), factor)

for interpolation, resample in FILTERS.items():
    for degrees in (-30.0, -7.3, 0.0, 26.13, 27.0):
        turned = SOURCE.rotate(degrees, resample, fillcolor=FILL)
        case("Rotate", turned, degrees, interpolation)

    def moved(matrix):
        return SOURCE.transform(SOURCE.size, Image.AFFINE, matrix, resample, fillcolor=FILL)

    for factor in (-0.3, 0.0, 0.27):
        case("ShearX", moved((1, factor, 0, 0, 1, 0)), factor, interpolation)
        case("ShearY", moved((1, 0, 0, factor, 1, 0)), factor, interpolation)
    for share in (-0.45, 0.0, 0.1234, 0.4):
        case("TranslateXRel", moved((1, 0, share * WIDTH, 0, 1, 0)), share, interpolation)
        case("TranslateYRel", moved((1, 0, 0, 0, 1, share * HEIGHT)), share, interpolation)

crops = []
modes = {"bilinear": InterpolationMode.BILINEAR, "bicubic": InterpolationMode.BICUBIC}
for interpolation, mode in modes.items():
    for top, left, height, width, size in [
        (0, 0, 29, 37, 24),
        (3, 5, 9, 12, 32),
        (20, 0, 9, 7, 9),
        (1, 30, 28, 7, 16),
        (11, 13, 1, 1, 4),
    ]:
        window = {"top": top, "left": left, "height": height, "width": width}
        picture = F.resized_crop(SOURCE, top, left, height, width, [size, size], mode)
        crops.append(
            {"window": window, "size": size, "interpolation": interpolation, "sha256": sha256(picture)}
        )

resized = [
    {
        "size": size,
        "interpolation": interpolation,
        "sha256": sha256(F.center_crop(F.resize(SOURCE, size, mode), [size])),
    }
    for interpolation, mode in modes.items()
    for size in (17, 48)
]

# timm mixes while collating: in float32, rounded half to even.
mixes = []
for share in (0.1, 0.5, 0.8374):
    one = np.asarray(SOURCE).astype(np.float32)
    other = one[::-1, ::-1]
    blended = np.rint(one * np.float32(share) + other * np.float32(1 - share))
    mixes.append({"share": share, "sha256": sha256(blended.astype(np.uint8))})

golden = {
    "width": WIDTH,
    "height": HEIGHT,
    "fill": FILL,
    "source": base64.b64encode(np.asarray(SOURCE).tobytes()).decode(),
    "operations": cases,
    "crops": crops,
    "resized": resized,
    "mixes": mixes,
}
with open("pillow.json", "w") as file:
    json.dump(golden, file, indent=1)
    file.write("\n")
