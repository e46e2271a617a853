"""Uploads: every kind of file, by files made here."""

import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from inspector.errors import ImageError
from inspector.settings import settings
from inspector.views.images import read_image, read_picture, shrink


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
        (flat("LAB", (255, 128, 128)), "TIFF", (255, 255, 255)),
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
        (png_header(8000, 8000), "8000x8000 pixels; at most 50,000,000 pixels are decoded at once"),
        (png_header(20_000, 20_000), "at most 50,000,000 pixels are decoded at once"),
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
    with pytest.raises(ImageError, match=r"more than 40 MB, which is the limit"):
        read_image(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"'gone.png': there is no such file"):
        read_image(tmp_path / "gone.png")
    with pytest.raises(ImageError, match=r"Cannot read"):
        read_image(tmp_path)


def test_a_device_without_an_end_is_read_to_the_limit() -> None:
    with pytest.raises(ImageError, match="more than 40 MB"):
        read_image("/dev/zero")


HALVES = np.zeros((24, 48, 3), np.uint8)
HALVES[:, :24] = (200, 40, 10)  # left red, right black
HALVES[:8] = (10, 60, 220)  # the top blue
FORMATS = [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp"), ("TIFF", "tif"), ("AVIF", "avif"), ("HEIF", "heic")]
TURNED = {  # EXIF's numbers: what the camera stored of what it saw
    1: HALVES, 2: HALVES[:, ::-1], 3: HALVES[::-1, ::-1], 4: HALVES[::-1], 5: HALVES.swapaxes(0, 1),
    6: np.rot90(HALVES), 7: HALVES[::-1, ::-1].swapaxes(0, 1), 8: np.rot90(HALVES, -1),
}  # fmt: skip


@pytest.mark.parametrize("kind", [kind for kind, _ in FORMATS])
@pytest.mark.parametrize("orientation", TURNED)
def test_a_picture_stands_upright_in_every_format(kind: str, orientation: int) -> None:
    pillow_heif.register_heif_opener()
    exif = Image.Exif()
    exif[274] = orientation
    stored = Image.fromarray(np.ascontiguousarray(TURNED[orientation]))
    options: dict[str, object] = {} if kind in ("TIFF", "PNG") else {"quality": 95}
    if kind == "HEIF":  # which turns by its own mark, as telephones write it
        stored.info["exif"] = exif.tobytes()
    else:
        options["exif"] = exif
    found = read_image(encoded(stored, kind, **options))
    assert found.shape == HALVES.shape
    assert np.abs(found.astype(int) - HALVES).mean() < 12


def ramp(top: float, kind: type) -> np.ndarray:
    """Grey from 0 to `top`, left to right."""
    return np.tile(np.linspace(0, top, 64), (32, 1)).astype(kind)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("colour", [False, True])
def test_deep_values_are_shown_by_the_depth_that_they_fill(bits: int, colour: bool) -> None:
    values = ramp(2**bits - 1, np.uint16)
    stored = np.dstack([values, values // 2, values // 4]) if colour else values
    found = read_picture(cv2.imencode(".png", stored[..., ::-1] if colour else stored)[1].tobytes())
    assert np.abs(found.image[0, :, 0] - np.linspace(0, 255, 64)).max() <= 1
    if colour:
        assert np.abs(found.image[0, :, 1] - np.linspace(0, 127, 64)).max() <= 2
    assert found.notes == (() if bits == 16 else (f"{bits} of its bits are used, and shown from black to white",))


@pytest.mark.parametrize(
    ("values", "last", "note"),
    [
        (ramp(1, np.float32), 255, ""),
        (ramp(255, np.float32), 255, ""),
        (ramp(0.5, np.float32), 128, ""),
        (ramp(2550, np.float32), 255, "values from 0 to 2550, shown from black to white"),
        (ramp(2, np.float32) - 1, 255, "values from -1 to 1, shown from black to white"),
        (ramp(200, np.int32), 200, "8 of its bits are used"),
        (ramp(10_000_000, np.int32), 255, "values from 0 to 1e+07, shown from black to white"),
    ],
)
def test_fractions_and_wide_values_are_shown_as_a_viewer_does(values: np.ndarray, last: int, note: str) -> None:
    found = read_picture(encoded(Image.fromarray(values), "TIFF"))
    assert abs(int(found.image[0, -1, 0]) - last) <= 1
    assert found.image[0, 0, 0] == 0
    assert note in found.told
    assert bool(note) == bool(found.notes)


def test_what_is_no_number_is_black_and_nothing_but_that_is_refused() -> None:
    values = ramp(1, np.float32)
    values[:, :5], values[:, 5:9] = np.nan, np.inf
    found = read_picture(encoded(Image.fromarray(values), "TIFF"))
    assert (found.image[:, :9] == 0).all()
    assert "what is no number is black" in found.notes
    with pytest.raises(ImageError, match="holds no numbers"):
        read_picture(encoded(Image.fromarray(np.full((32, 32), np.nan, np.float32)), "TIFF"))


def test_sixteen_bits_with_opacity_lie_on_white() -> None:
    stored = np.zeros((20, 20, 4), np.uint16)
    stored[..., 2], stored[..., 3] = 4095, 65535  # red of 12 bits
    stored[:10, :, 3] = 0
    found = read_picture(cv2.imencode(".png", stored)[1].tobytes())
    assert tuple(found.image[15, 5]) == (255, 0, 0)
    assert tuple(found.image[5, 5]) == (255, 255, 255)
    assert "what is transparent lies on white" in found.notes


def swapped_profile() -> bytes:
    """A profile whose red is blue: sRGB's with two of its colorants exchanged."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    place = {}
    for number in range(struct.unpack(">I", profile[128:132])[0]):
        at = 132 + 12 * number
        place[bytes(profile[at : at + 4])] = at + 4
    red, blue = place[b"rXYZ"], place[b"bXYZ"]
    profile[red : red + 8], profile[blue : blue + 8] = profile[blue : blue + 8], profile[red : red + 8]
    return bytes(profile)


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGB"), ("PNG", "RGBA"), ("JPEG", "RGB"), ("TIFF", "RGB"), ("WEBP", "RGB")]
)
def test_a_colour_profile_is_applied(kind: str, mode: str) -> None:
    image = flat("RGB", (250, 10, 20)).convert(mode)
    found = read_picture(encoded(image, kind, icc_profile=swapped_profile()))
    assert np.abs(found.image[5, 5].astype(int) - (20, 10, 250)).max() < 14
    assert "its colour profile is applied" in found.notes


def test_a_profile_that_changes_nothing_or_is_damaged_is_left_out() -> None:
    image = flat("RGB", (250, 10, 20))
    plain = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert read_picture(encoded(image, icc_profile=plain)).notes == ()
    damaged = read_picture(encoded(image, icc_profile=b"no profile"))
    assert tuple(damaged.image[0, 0]) == (250, 10, 20)
    assert damaged.told == "Of the picture: its colour profile cannot be used and is left out."


def test_frames_and_pages_say_which_is_read(tmp_path: Path) -> None:
    frames = [flat("RGB", "red"), flat("RGB", "blue"), flat("RGB", "green")]
    for kind, note in (
        ("GIF", "frame 1 of 3"),
        ("WEBP", "frame 1 of 3"),
        ("PNG", "frame 1 of 3"),
        ("TIFF", "page 1 of 3"),
    ):
        options = {"lossless": True} if kind == "WEBP" else {}
        found = read_picture(encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options))
        assert found.notes == (note,), kind
        assert tuple(found.image[0, 0]) == (255, 0, 0)
    apart = encoded(frames[0], "PNG", save_all=True, append_images=frames[1:], default_image=True)
    found = read_picture(apart)
    assert tuple(found.image[0, 0]) == (0, 0, 255)  # what a browser shows
    assert found.notes == ("frame 1 of 2",)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "HEIF"])
def test_a_telephone_s_photograph_is_read(kind: str) -> None:
    pillow_heif.register_heif_opener()
    large = Image.fromarray(HALVES).resize((5712, 4284), Image.Resampling.NEAREST)
    found = read_picture(encoded(large, kind))
    assert found.image.shape == (768, 1024, 3)
    expected = cv2.resize(HALVES, (1024, 768), interpolation=cv2.INTER_NEAREST)
    assert np.median(np.abs(found.image.astype(int) - expected)) <= 2
    assert found.notes == ("made smaller, from 5712 to 1024 pixels on its longer side",)
