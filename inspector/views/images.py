"""Images: a picture file, whatever it is, as checked RGB pixels, with what a person should know of how it was read.

The one decoder of page, command line and API: what the page shows is what this made of the file.
"""

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from inspector.errors import ImageError
from inspector.results import check_image
from inspector.settings import settings
from inspector.views import decoding

# Named, so that no other decoder of the library ever sees an upload.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")  # and HEIF, once a file needs it
SMALLER_ABOVE = 8_000_000  # pixels of a JPEG from which on it is decoded at a reduced scale
WHOLE = 4  # times the pixels that are decoded at once: the largest JPEG, of which an eighth may be
_DECODING_ERRORS = (OSError, SyntaxError, ValueError, EOFError, OverflowError, RuntimeError, struct.error, zlib.error)
_BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


@dataclass(frozen=True)
class Picture:
    """image: uint8 RGB (h, w, 3), upright; notes: what was done to it that one does not see, each a few words."""

    image: np.ndarray
    notes: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """The notes as a sentence, "" without any."""
        return f"Of the picture: {'; '.join(self.notes)}." if self.notes else ""


def read_image(source: str | Path | bytes) -> np.ndarray:
    """The pixels alone of `read_picture`."""
    return read_picture(source).image


def read_picture(source: str | Path | bytes) -> Picture:
    """A picture file, or its bytes, as a viewer shows it, its longer side at most `limits.work_side`.

    Turned as it says, in sRGB, of an animation the first frame, transparency on white, deep values by the depth that
    they fill. Bytes and pixels are judged before anything is decoded; large JPEGs are decoded at a reduced scale.

    Raises ImageError: no such file, empty, not an image, cut off, too small, too large.
    """
    limits = settings().limits
    data = source if isinstance(source, bytes) else _bytes(Path(source), limits.max_bytes)
    if not data:
        raise ImageError("The file is empty; choose a picture, such as a PNG or JPEG file.")
    if len(data) > limits.max_bytes:
        raise ImageError(f"The file has more than {limits.max_bytes / 1e6:.0f} MB, which is the limit; scale it down.")
    notes: decoding.Notes = []
    try:
        with Image.open(io.BytesIO(data), formats=_formats(data)) as opened:
            size = opened.size
            decoding.smaller(opened, limits.work_side, SMALLER_ABOVE)
            _check_size(opened, size)
            array = decoding.pixels(opened, data, limits.work_side, notes)
    except _BOMB:
        raise ImageError(
            f"The image has too many pixels; at most {limits.max_pixels:,} pixels are decoded at once. Scale it down."
        ) from None
    except UnidentifiedImageError:
        raise ImageError("The file is not a picture that can be read; save it as PNG or JPEG and try again.") from None
    except _DECODING_ERRORS:
        raise ImageError("The picture is damaged or cut off; save it again as PNG or JPEG and try again.") from None
    image = shrink(check_image(array), limits.work_side)
    if max(image.shape[:2]) < max(size):
        height, width = image.shape[:2]
        notes.append(f"made smaller, from {max(size)} to {max(width, height)} pixels on its longer side")
    return Picture(image, tuple(notes))


def shrink(image: np.ndarray, side: int) -> np.ndarray:
    """The image with its longer side at most `side`, by area means; unchanged if it is small enough."""
    height, width = image.shape[:2]
    if max(height, width) <= side:
        return image
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _check_size(opened: Image.Image, size: tuple[int, int]) -> None:
    """Raise ImageError where decoding takes too much memory; size: before it was reduced."""
    most = settings().limits.max_pixels
    # A progressive JPEG is held whole while it is decoded, at whatever scale.
    whole = WHOLE // 2 if opened.info.get("progressive") else WHOLE
    width, height = size
    if opened.width * opened.height > most or width * height > whole * most:
        raise ImageError(
            f"The image is {width}x{height} pixels; at most {most:,} pixels are decoded at once. Scale it down."
        )


def _formats(data: bytes) -> tuple[str, ...]:
    """Those that a file may have; Pillow learns that of telephones only once a file says that it is one."""
    if data[4:8] != b"ftyp" or not any(brand in data[8:64] for brand in _HEIF_BRANDS):
        return FORMATS
    from pillow_heif import register_heif_opener

    register_heif_opener(thumbnails=False)
    return (*FORMATS, "HEIF")


def _bytes(path: Path, limit: int) -> bytes:
    """The file's bytes, one more than the limit at most: a device has no end."""
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise ImageError(f"Cannot read {path.name!r}: {reason}; check the path.") from None
