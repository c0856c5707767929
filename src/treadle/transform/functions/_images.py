"""Images: bytes in, numbers of pixels out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from treadle.errors import TransformError
from treadle.graph import Pixels, check_images
from treadle.graph import nodes as n
from treadle.graph import text_nodes as t
from treadle.transform._column import Column, describe
from treadle.transform._location import user_line

_CHANNELS = {"rgb": 3, "grey": 1}
_LARGEST = 1 << 18
MAX_PIXELS = 1 << 25


def image(
    x: Column,
    size: tuple[int, int],
    *,
    color: str = "rgb",
    fit: str = "stretch",
    mean: float | Sequence[float] = 0.0,
    std: float | Sequence[float] = 1.0,
    layout: str = "hwc",
    max_pixels: int = MAX_PIXELS,
    invalid: str = "refuse",
) -> Column:
    """The pixels of an image of one size, normalized: ``(value / 255 - mean) / std``; all missing of a missing image.

    An image is decoded, turned upright (EXIF), laid on white where it is transparent and resized (bilinear over the
    area, Pillow's) where it enters; normalizing is in the graph. Of an animation the first picture counts. An output
    of it has the columns ``name[0]``, ``name[1]``, ...: a column a pixel and colour, so keep images small.

    Args:
        x: A feature of type ``bytes``: PNG, JPEG, GIF, BMP, WebP or TIFF. It cannot be used as text beside.
        size: Height and width.
        color: ``"rgb"`` or ``"grey"``.
        fit: ``"stretch"`` to the size, ``"crop"`` the largest middle part of its shape, ``"pad"`` with black.
        mean: What to subtract, one number or one a colour; 0 is black and 1 is white.
        std: What to divide by.
        layout: ``"hwc"``: the colours of a pixel side by side; ``"chw"``: all pixels of one colour, then of the next.
        max_pixels: An image of more pixels is refused before it is decoded.
        invalid: ``"refuse"``: bytes that are no image, are damaged or too large are an error that names the row;
            ``"missing"``: such an image is missing.
    """
    if not isinstance(x, Column) or not isinstance(x.node, n.Input) or x.node.type != "bytes":
        raise TransformError(
            f"An image is a feature of type bytes, and this is {describe(x)}.",
            where=user_line(),
            hint='type = "bytes" in the schema.',
        )
    height, width = _size(size)
    for name, value, known in (
        ("color", color, tuple(_CHANNELS)),
        ("fit", fit, ("stretch", "crop", "pad")),
        ("layout", layout, ("hwc", "chw")),
        ("invalid", invalid, ("refuse", "missing")),
    ):
        if value not in known:
            raise TransformError(f"{name} is one of {', '.join(known)}, not {value!r}.", where=user_line())
    if type(max_pixels) is not int or max_pixels < 1:
        raise TransformError(f"max_pixels must be a whole number of at least 1, not {max_pixels!r}.", where=user_line())
    check_images()
    channels = _CHANNELS[color]
    count = height * width * channels
    if count > _LARGEST:
        raise TransformError(f"{count} numbers an image are more than {_LARGEST}.", where=user_line())
    source = n.Input(x.node.name, "bytes", n.Kind.BYTES, x.node.required)
    step = ("image", height, width, channels, fit, max_pixels, int(invalid == "missing"))
    raw = t.Prepared(source, (step, ("pixels", count)), n.Kind.NUMBER, count)
    return Column(Pixels(raw, channels, layout == "chw", _each("mean", mean, channels), _each("std", std, channels)))


def _size(size: object) -> tuple[int, int]:
    if isinstance(size, tuple | list) and len(size) == 2 and all(type(part) is int and part > 0 for part in size):
        return size[0], size[1]
    raise TransformError(f"A size is (height, width), and this is {size!r}.", where=user_line())


def _each(name: str, value: float | Sequence[float], channels: int) -> tuple[float, ...]:
    given = [value] * channels if isinstance(value, int | float) else list(value)
    usable = len(given) == channels and all(isinstance(v, int | float) and math.isfinite(v) for v in given)
    if not usable or (name == "std" and not all(given)):
        raise TransformError(
            f"{name} is a number, or {channels} of them, and std is not 0; this is {value!r}.", where=user_line()
        )
    return tuple(map(float, given))
