"""Reads pictures that people name on the command line, and says how large any may be."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, UnidentifiedImageError

from agent.errors import UsageError

MOST_PIXELS = 40_000_000
"""A phone's largest photograph; what is larger is refused before it is decoded."""


def open_picture(path: str | Path) -> Image.Image:
    """The picture in a file, decoded, RGB. Raises UsageError where it is none or too large."""
    try:
        with Image.open(path) as picture:
            width, height = picture.size
            if width * height > MOST_PIXELS:
                raise UsageError(
                    f"{path}: {width}x{height} pixels are too many, at most "
                    f"{MOST_PIXELS // 1_000_000} million are read; make it smaller first"
                )
            return _on_white(picture)
    except UnidentifiedImageError as error:
        raise UsageError(
            f"{path}: is no picture that can be read (PNG, JPEG, WebP, GIF)"
        ) from error
    except Image.DecompressionBombError as error:
        raise UsageError(f"{path}: too large to be read as a picture: {error}") from error
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read as a picture: {error.strerror or error}"
        ) from error
    except (SyntaxError, ValueError) as error:  # what Pillow's decoders raise on broken files
        raise UsageError(f"{path}: the picture is damaged: {error}") from error


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture).convert("RGB")
    return picture.convert("RGB")
