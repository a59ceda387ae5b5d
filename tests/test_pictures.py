"""Pictures from files: read as a browser shows them, or refused by name."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from agent.errors import UsageError
from agent.pictures import MOST_PIXELS, open_picture


def half(mode: str = "RGB") -> Image.Image:
    """Red on the left, blue on the right, 8 x 4."""
    picture = Image.new("RGB", (8, 4), "red")
    picture.paste("blue", (4, 0, 8, 4))
    return picture.convert(mode)


@pytest.mark.parametrize("file", ["a.png", "a.gif", "a.webp", "a.bmp"])
def test_formats(tmp_path: Path, file: str) -> None:
    """Each format is read as RGB."""
    half().save(tmp_path / file, lossless=True)
    picture = open_picture(tmp_path / file)
    assert (picture.mode, picture.size) == ("RGB", (8, 4))
    assert (picture.getpixel((0, 0)), picture.getpixel((7, 3))) == ((255, 0, 0), (0, 0, 255))


@pytest.mark.parametrize("file", ["a.png", "a.jpg", "a.webp"])
@pytest.mark.parametrize(("orientation", "top"), [(6, "red"), (8, "blue"), (3, "blue")])
def test_turned_by_exif(tmp_path: Path, file: str, orientation: int, top: str) -> None:
    """A picture that a camera wrote lying is turned upright, as browsers do."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    half().resize((80, 40)).save(tmp_path / file, exif=exif)
    picture = open_picture(tmp_path / file)
    assert picture.size == ((40, 80) if orientation > 4 else (80, 40))
    red, _, blue = picture.getpixel((2, 2))
    assert ("red" if red > blue else "blue") == top


def test_broken_exif_is_ignored(tmp_path: Path) -> None:
    """Where EXIF cannot be read, the picture is shown as it lies."""
    half().save(tmp_path / "a.png", exif=b"Exif\0\0nonsense")
    assert open_picture(tmp_path / "a.png").size == (8, 4)


def test_sixteen_bits(tmp_path: Path) -> None:
    """Of 16 bits of grey the upper eight are seen; nothing is clipped to white."""
    levels = np.array([[0, 0x8000, 0xFFFF]], dtype=np.uint16)
    Image.fromarray(levels).save(tmp_path / "a.png")
    assert np.asarray(open_picture(tmp_path / "a.png"))[0, :, 0].tolist() == [0, 0x80, 0xFF]


def test_cmyk(tmp_path: Path) -> None:
    """Four inks become RGB: no cyan, all magenta and yellow is red."""
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "a.jpg")
    red, green, blue = open_picture(tmp_path / "a.jpg").getpixel((8, 8))
    assert (red > 250, green < 5, blue < 5) == (True, True, True)


@pytest.mark.parametrize("file", ["a.png", "a.gif", "a.webp"])
def test_of_an_animation_the_first_frame(tmp_path: Path, file: str) -> None:
    """Animations (APNG too) are read as their first frame."""
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "green", "blue")]
    frames[0].save(tmp_path / file, save_all=True, append_images=frames[1:], lossless=True)
    assert open_picture(tmp_path / file).getpixel((4, 4)) == (255, 0, 0)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA"])
def test_one_pixel(tmp_path: Path, mode: str) -> None:
    """A single pixel of any mode is a picture."""
    Image.new(mode, (1, 1)).save(tmp_path / "a.png")
    assert open_picture(tmp_path / "a.png").size == (1, 1)


def header(width: int, height: int) -> bytes:
    """A PNG that says how large it is and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        sum_ = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", sum_)

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"\0" * 99))


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((8000, 6000), "8000x6000 pixels are too many, at most 40 million are read; make it "
         "smaller first"),
        ((10_000, 10_000), "10000x10000 pixels are too many, at most 40 million are read; make "
         "it smaller first"),
        ((40_000, 2), "40000x2 pixels are too long, at most 30000 are read; cut it first"),
    ],
)  # fmt: skip
def test_large_pictures(tmp_path: Path, size: tuple[int, int], message: str) -> None:
    """Sizes are checked before anything is decoded, without a warning of Pillow's."""
    path = tmp_path / "a.png"
    path.write_bytes(header(*size))
    with pytest.raises(UsageError) as caught:
        open_picture(path)
    assert str(caught.value) == f"{path}: {message}"


def test_bombs(tmp_path: Path) -> None:
    """What Pillow itself takes for a bomb is refused with its reason."""
    path = tmp_path / "a.png"
    path.write_bytes(header(60_000, 60_000))
    with pytest.raises(UsageError, match=r"a\.png: too large to be read as a picture: "):
        open_picture(path)
    assert MOST_PIXELS < 60_000**2


def test_other_formats_are_not_read(tmp_path: Path) -> None:
    """What no browser shows is refused, though Pillow has a decoder for it."""
    for name in ("a.tiff", "a.ppm", "a.tga"):
        half().save(tmp_path / name)
        with pytest.raises(UsageError) as caught:
            open_picture(tmp_path / name)
        assert str(caught.value) == (
            f"{tmp_path / name}: is no picture that can be read (PNG, JPEG, WebP, GIF, BMP)"
        )
