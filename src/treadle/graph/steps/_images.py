"""A step from the bytes of an image to its pixels, by Pillow: decoded, upright, without transparency, of one size.

ONNX Runtime has no decoder, and images of different sizes are no tensor; so an image is brought to a size where it
enters, by the same code in bulk and for a request, and everything behind that is the graph's.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from treadle.errors import MissingDependencyError
from treadle.graph.steps._text import Function, present

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

    from treadle.graph.values._python import Tensor

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
_PAPER = 255


class NotAnImageError(ValueError):
    """Why bytes are refused; caught where the row is known."""


def check_images() -> None:
    """Say what to install where Pillow is not there.

    Raises:
        MissingDependencyError: It is not.
    """
    try:
        import PIL.Image  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            "Images are decoded by Pillow, which is not installed.", hint="pip install 'treadle[images]'"
        ) from error


def image(height: int, width: int, channels: int, fit: str, *limits: int) -> Function:
    """The pixels of an image as ``[height * width * channels]`` numbers from 0 to 255, row by row.

    Args:
        height: Of the result.
        width: Of the result.
        channels: 1 for grey, 3 for red, green and blue.
        fit: ``stretch`` to the size, ``crop`` the middle of it, ``pad`` with black.
        limits: ``max_pixels``: an image of more, as its header says, is refused before it is decoded; and
            ``missing``: 1 where what is refused is missing, 0 where it is an error.
    """
    check_images()
    max_pixels, missing = limits

    def pixels(data: bytes) -> Tensor | None:
        try:
            picture = _colours(_decoded(data, max_pixels), channels)
        except NotAnImageError:
            if missing:
                return None
            raise
        return np.asarray(_sized(picture, (width, height), fit), np.float64).reshape(-1)

    return present(pixels)


def _decoded(data: bytes, max_pixels: int) -> Image:
    """The picture, upright."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    bombs = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    try:
        picture = Image.open(BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise NotAnImageError(f"is no image of a known format ({', '.join(FORMATS)})") from None
    except bombs as error:
        raise NotAnImageError(f"has too many pixels: {error}") from None
    except Exception as error:  # a decoder raises whatever a damaged file makes it
        raise NotAnImageError(f"is a damaged image: {error}") from error
    across, down = picture.size
    if across * down > max_pixels:
        raise NotAnImageError(f"has {across} x {down} pixels, more than {max_pixels}")
    try:
        picture.load()
    except Exception as error:  # as above
        raise NotAnImageError(f"is a damaged {picture.format} image: {error}") from error
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # what a camera wrote beside the pixels is damaged, and they are not
        return picture


def _colours(picture: Image, channels: int) -> Image:
    """Grey or colour of 8 bits; what is transparent shows white paper, of 16 bits of grey the upper 8 are taken."""
    from PIL import Image

    if picture.mode.startswith("I;16"):
        picture = Image.fromarray((np.asarray(picture).astype(np.uint16) >> 8).astype(np.uint8))
    elif picture.mode in ("I", "F"):
        raise NotAnImageError("has pixels of 32 bits, whose black and white are not known")
    if picture.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
        upper = picture.convert("RGBA")
        paper = Image.new("RGBA", upper.size, (_PAPER, _PAPER, _PAPER, 255))
        picture = Image.alpha_composite(paper, upper)
    return picture.convert("L" if channels == 1 else "RGB")


def _sized(picture: Image, size: tuple[int, int], fit: str) -> Image:
    from PIL import Image, ImageOps

    way = Image.Resampling.BILINEAR
    if fit == "crop":
        return ImageOps.fit(picture, size, way)
    if fit == "pad":
        return ImageOps.pad(picture, size, way, color=0 if picture.mode == "L" else (0, 0, 0))
    return picture.resize(size, way)


def pixels(values: Sequence[Tensor | None], size: int) -> Tensor:
    """The last step: ``[N, size]``, NaN for a missing image."""
    matrix = np.full((len(values), size), np.nan)
    for row, value in enumerate(values):
        if value is not None:
            matrix[row] = value
    return matrix


IMAGE_STEPS: dict[str, Callable[..., Any]] = {"image": image}
