"""Uploads: every kind of file, by files made here."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inspector.errors import ImageError
from inspector.settings import settings
from inspector.views.images import read_image, shrink


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def flat(mode: str, color: object, size: tuple[int, int] = (40, 20)) -> Image.Image:
    return Image.new(mode, size, color)


def png_header(width: int, height: int) -> bytes:
    """The first chunks of a PNG of that size, with hardly any data behind them."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_a_plain_picture_comes_back_as_it_is(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 40, 3), np.uint8)
    path = tmp_path / "picture.png"
    Image.fromarray(pixels).save(path)
    assert (read_image(path) == pixels).all()
    assert (read_image(str(path)) == pixels).all()
    assert (read_image(path.read_bytes()) == pixels).all()


@pytest.mark.parametrize(
    ("image", "kind", "expected"),
    [
        (flat("L", 77), "PNG", (77, 77, 77)),
        (flat("1", 1), "PNG", (255, 255, 255)),
        (flat("RGBA", (255, 0, 0, 0)), "PNG", (255, 255, 255)),
        (flat("RGBA", (255, 0, 0, 128)), "PNG", (255, 127, 127)),
        (flat("LA", (0, 0)), "PNG", (255, 255, 255)),
        (flat("P", 0), "GIF", (0, 0, 0)),
        (flat("CMYK", (0, 0, 0, 255)), "TIFF", (0, 0, 0)),
        (flat("CMYK", (0, 0, 0, 0)), "JPEG", (255, 255, 255)),
        (flat("I;16", 65535), "PNG", (255, 255, 255)),
        (flat("I;16", 32896), "PNG", (128, 128, 128)),
        (flat("F", 0.5), "TIFF", (128, 128, 128)),
        (flat("F", 200.0), "TIFF", (200, 200, 200)),
    ],
)
def test_every_mode_becomes_rgb(image: Image.Image, kind: str, expected: tuple[int, int, int]) -> None:
    pixels = read_image(encoded(image, kind))
    assert pixels.shape == (20, 40, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels[5, 5].astype(int) - expected).max() <= 1


def test_a_transparent_palette_lies_on_white() -> None:
    image = flat("P", 0)
    image.putpalette([10, 20, 30])
    assert (read_image(encoded(image, transparency=0))[0, 0] == 255).all()


def test_an_animation_gives_its_first_frame() -> None:
    frames = [flat("RGB", "red"), flat("RGB", "blue")]
    pixels = read_image(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert tuple(pixels[0, 0]) == (255, 0, 0)


def test_a_picture_on_its_side_is_turned_upright() -> None:
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:, :20] = 255
    exif = Image.Exif()
    exif[274] = 6  # turned a quarter to the right when shown
    turned = read_image(encoded(Image.fromarray(pixels), "PNG", exif=exif))
    assert turned.shape == (40, 20, 3)
    assert turned[0, 0, 0] == 255
    assert turned[-1, 0, 0] == 0


def test_large_pictures_are_scaled_down_and_keep_their_aspect() -> None:
    side = settings().limits.work_side
    assert read_image(encoded(flat("RGB", "red", (2 * side, side)))).shape == (side // 2, side, 3)
    small = np.zeros((30, 20, 3), np.uint8)
    assert shrink(small, 30) is small
    assert shrink(small, 15).shape == (15, 10, 3)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is empty"),
        (b"just words", "not a picture"),
        (b"%PDF-1.4", "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
        (encoded(flat("RGB", "red"))[:60], "damaged or cut off"),
        (encoded(Image.effect_noise((400, 400), 90), "JPEG")[:4000], "damaged or cut off"),
        (encoded(flat("RGB", "red", (1, 1))), "1x1 pixels; each side needs at least 16"),
        (encoded(flat("RGB", "red", (600, 20))), "16 times the other"),
        (png_header(5000, 5000), "5000x5000 pixels; at most 16,000,000"),
        (png_header(20_000, 20_000), "more than 16,000,000 pixels; scale it down"),
    ],
)
def test_bad_files_get_one_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(ImageError, match=sentence) as caught:
        read_image(data)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_heavy_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "heavy.png"
    with path.open("wb") as file:
        file.truncate(settings().limits.max_bytes + 1)
    with pytest.raises(ImageError, match=r"20 MB; at most 20 MB"):
        read_image(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"'gone.png': there is no such file"):
        read_image(tmp_path / "gone.png")
    with pytest.raises(ImageError, match=r"Cannot read"):
        read_image(tmp_path)
