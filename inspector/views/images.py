"""Images: an uploaded file, whatever it is, as checked RGB pixels or one sentence about why not."""

import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from inspector.errors import ImageError
from inspector.results import check_image
from inspector.settings import settings

# Named, so that no other decoder of the library ever sees an upload.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
_DECODING_ERRORS = (OSError, SyntaxError, ValueError, EOFError, OverflowError, struct.error, zlib.error)
_BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)


def read_image(source: str | Path | bytes) -> np.ndarray:
    """A picture file, or its bytes, as uint8 RGB (h, w, 3), upright, its longer side at most `limits.work_side`.

    Transparency is laid on white, grey and CMYK become RGB, 16 bits become 8, an animation gives its
    first frame. Size in bytes and pixels is judged before anything is decoded.

    Raises ImageError: no such file, empty, not an image, cut off, too small, too large.
    """
    limits = settings().limits
    data = source if isinstance(source, bytes) else _bytes(Path(source), limits.max_bytes)
    if not data:
        raise ImageError("The file is empty; choose a picture, such as a PNG or JPEG file.")
    if len(data) > limits.max_bytes:
        raise ImageError(_too_heavy(len(data), limits.max_bytes))
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            width, height = opened.size
            if width * height > limits.max_pixels:
                raise ImageError(_too_large(width, height))
            array = _rgb(opened)
    except _BOMB:
        raise ImageError(f"The image has more than {limits.max_pixels:,} pixels; scale it down.") from None
    except UnidentifiedImageError:
        raise ImageError("The file is not a picture that can be read; save it as PNG or JPEG and try again.") from None
    except _DECODING_ERRORS:
        raise ImageError("The picture is damaged or cut off; save it again as PNG or JPEG and try again.") from None
    return shrink(check_image(array), limits.work_side)


def shrink(image: np.ndarray, side: int) -> np.ndarray:
    """The image with its longer side at most `side`, by area means; unchanged if it is small enough."""
    height, width = image.shape[:2]
    if max(height, width) <= side:
        return image
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _bytes(path: Path, limit: int) -> bytes:
    try:
        size = path.stat().st_size
        if size > limit:
            raise ImageError(_too_heavy(size, limit))
        return path.read_bytes()
    except OSError as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise ImageError(f"Cannot read {path.name!r}: {reason}; check the path.") from None


def _too_heavy(size: int, limit: int) -> str:
    return f"The file has {size / 1e6:.0f} MB; at most {limit / 1e6:.0f} MB are allowed. Scale the picture down."


def _too_large(width: int, height: int) -> str:
    pixels = settings().limits.max_pixels
    return f"The image is {width}x{height} pixels; at most {pixels:,} pixels are allowed. Scale it down."


def _rgb(opened: Image.Image) -> np.ndarray:
    """Decode the first frame, turn it upright, bring every mode to uint8 RGB."""
    opened.seek(0)
    upright = ImageOps.exif_transpose(opened)
    if upright.mode.startswith("I") or upright.mode == "F":
        return _deep(upright)
    if upright.has_transparency_data:
        rgba = upright.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        upright = Image.alpha_composite(white, rgba)
    return np.array(upright.convert("RGB"))


def _deep(deep: Image.Image) -> np.ndarray:
    """Grey images of more than 8 bits: 16-bit integers over 65535, floats in [0, 1] or [0, 255]."""
    values = np.nan_to_num(np.asarray(deep, np.float32))
    unit = deep.mode == "F" and values.max(initial=0) <= 1
    top = 1.0 if unit else 255.0 if deep.mode == "F" else 65535.0
    grey = np.clip(values * (255 / top), 0, 255).round().astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)
