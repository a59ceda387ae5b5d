"""Reads pictures that people name on the command line, and says how large any may be."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from agent.errors import UsageError

MOST_PIXELS = 40_000_000
"""A phone's largest photograph; what is larger is refused before it is decoded."""
_LONGEST_PX = 30_000  # no browser paints anything longer
# What browsers show; other decoders are never asked. Imported, because Pillow would load all of
# its forty plugins, which takes as long as loading lite, to find one that it has not seen yet.
_FORMATS = tuple(
    plugin.format
    for plugin in (
        PngImagePlugin.PngImageFile,
        JpegImagePlugin.JpegImageFile,
        WebPImagePlugin.WebPImageFile,
        GifImagePlugin.GifImageFile,
        BmpImagePlugin.BmpImageFile,
    )
)
_ORIENTATION = 0x0112  # EXIF: how a camera was held
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def open_picture(path: str | Path) -> Image.Image:
    """The picture in a file, decoded, RGB, upright; of an animation the first frame.

    Raises UsageError where it is none or too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of broken EXIF, and of sizes that are checked here
            with Image.open(path, formats=_FORMATS) as picture:
                _check_size(path, picture.size)
                return _upright(_on_white(picture), _orientation(picture))
    except UnidentifiedImageError as error:
        raise UsageError(
            f"{path}: is no picture that can be read (PNG, JPEG, WebP, GIF, BMP)"
        ) from error
    except Image.DecompressionBombError as error:
        raise UsageError(f"{path}: too large to be read as a picture: {error}") from error
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read as a picture: {error.strerror or error}"
        ) from error
    except (SyntaxError, ValueError) as error:  # what Pillow's decoders raise on broken files
        raise UsageError(f"{path}: the picture is damaged: {error}") from error


def _check_size(path: str | Path, size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MOST_PIXELS:
        raise UsageError(
            f"{path}: {width}x{height} pixels are too many, at most "
            f"{MOST_PIXELS // 1_000_000} million are read; make it smaller first"
        )
    if max(size) > _LONGEST_PX:
        raise UsageError(
            f"{path}: {width}x{height} pixels are too long, at most {_LONGEST_PX} are read; "
            "cut it first"
        )


def _on_white(picture: Image.Image) -> Image.Image:
    picture.load()
    if picture.mode.startswith("I"):  # 16 bits, of which the upper eight are seen
        levels = np.asarray(picture, dtype=np.int64) >> 8
        return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)).convert("RGB")
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture).convert("RGB")
    return picture.convert("RGB")


def _orientation(picture: Image.Image) -> int:
    """How the picture has to be turned, 1 where that is not said or cannot be read."""
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except (SyntaxError, ValueError, TypeError, OSError):  # broken EXIF: shown as it lies
        return 1


def _upright(picture: Image.Image, orientation: int) -> Image.Image:
    turn = _UPRIGHT.get(orientation)
    return picture if turn is None else picture.transpose(turn)
