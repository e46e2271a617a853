"""Decoding: an opened picture of any mode, depth and colour space as upright sRGB pixels, as a viewer shows it.

What was done that a person would want to know is said in notes.
"""

import io
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image, ImageCms

from inspector.errors import ImageError

Notes = list[str]
DEPTHS = (8, 10, 12, 14, 16)  # bits that a camera or a scanner gives
ORIENTATION = 274  # of EXIF
# EXIF's numbers: what turns the pixels upright.
_TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}
_SRGB = ImageCms.createProfile("sRGB")
_NOISE = 2  # of 255: less than this a colour profile changed nothing
_GAMMA = 1 / 2.2  # of PNG's gAMA: what a display expects


def pixels(opened: Image.Image, data: bytes, side: int, notes: Notes) -> np.ndarray:
    """uint8 RGB (h, w, 3), contiguous, of the picture that is at hand, at least `side` the longer where it was.

    data: the whole file, which deep colour needs.

    Raises ImageError where not one value is a number; what the libraries raise at damaged files passes through.
    """
    frame = _frame(opened, notes)
    deep_colour = _is_deep(frame)  # known until the picture is loaded
    stored = frame.getexif().get(ORIENTATION, 1)
    frame.load()
    left = frame.getexif().get(ORIENTATION, 1)  # some decoders turn it themselves while they load
    if frame.mode.startswith("I") or frame.mode == "F":
        image, turned = Image.fromarray(_eight_bits(np.asarray(frame), notes)), left
    elif deep_colour and (wide := _deep_colour(data)) is not None:
        image, turned = Image.fromarray(_eight_bits(wide, notes)), stored
    else:
        image, turned = frame, left
    opaque = _on_white(_in_srgb(_reduced(image, side), opened.info, notes), notes)
    upright = _TURNS.get(turned, lambda a: a)(np.asarray(opaque))
    return np.ascontiguousarray(upright)


def _reduced(image: Image.Image, side: int) -> Image.Image:
    """The picture by means of whole blocks, before every further step holds as much again."""
    factor = max(image.size) // (2 * side)
    if factor < 2:
        return image
    if image.mode in ("1", "P", "PA"):
        image = _plain(image)
    return image.reduce(factor)


def _frame(opened: Image.Image, notes: Notes) -> Image.Image:
    """The first frame of an animation, page of a document; of a photograph with other pictures in it the main one.

    A PNG may hold a picture apart for programs that know no animations, which nobody sees who has a browser.
    """
    count = getattr(opened, "n_frames", 1)
    if count > 1 and opened.format not in ("MPO", "HEIF"):
        apart = int(bool(opened.info.get("default_image")))
        opened.seek(apart)
        kind = "page" if opened.format == "TIFF" else "frame"
        notes.append(f"{kind} 1 of {count - apart}")
    return opened


def _is_deep(image: Image.Image) -> bool:
    """Whether a colour picture has 16 bits a channel, of which Pillow keeps the upper 8."""
    return any(";16" in str(tile[3]) for tile in getattr(image, "tile", ()))


def _deep_colour(data: bytes) -> np.ndarray | None:
    """uint16 (h, w, 3 or 4) RGB or RGBA as it is stored, None where OpenCV reads the file otherwise."""
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None or found.dtype != np.uint16 or found.ndim != 3:
        return None
    order = [2, 1, 0, 3][: found.shape[2]]
    return found[..., order] if found.shape[2] in (3, 4) else None


def _eight_bits(values: np.ndarray, notes: Notes) -> np.ndarray:
    """Deep values as uint8: by the depth that they fill, else by their own range.

    Fractions are of 1, of 255 where they are more than 1; what is neither, below 0 or above any depth, is stretched.
    """
    colours = values[..., :3] if values.ndim == 3 else values
    finite = np.isfinite(colours) if colours.dtype.kind == "f" else None
    known = colours if finite is None else colours[finite]
    if not known.size:
        raise ImageError("The picture holds no numbers, only not-a-number or infinity; save it again.")
    low, high = float(known.min()), float(known.max())
    whole = values.dtype.kind != "f"
    tops = [float(2**bits - 1) for bits in DEPTHS] if whole else [1.0, 255.0]
    top = next((top for top in tops if low >= 0 and high <= top), None)
    if top is None:
        notes.append(f"values from {low:g} to {high:g}, shown from black to white")
        scaled = (values.astype(np.float32) - low) * (255 / ((high - low) or 1.0))
    else:
        if whole and top < 2**16 - 1:
            notes.append(f"{round(np.log2(top + 1))} of its bits are used, and shown from black to white")
        scaled = values.astype(np.float32) * (255 / top)
    if finite is not None and not finite.all():
        notes.append("what is no number is black")
    eight = np.clip(np.nan_to_num(scaled, nan=0, posinf=0, neginf=0), 0, 255).round().astype(np.uint8)
    if values.ndim == 3 and values.shape[2] == 4:  # opacity has its own scale
        eight[..., 3] = values[..., 3] // 257
    return eight


def _in_srgb(image: Image.Image, info: dict, notes: Notes) -> Image.Image:
    """The picture as RGB or RGBA in the colours that a display expects."""
    if image.mode == "LAB":
        transform = ImageCms.buildTransform(ImageCms.createProfile("LAB"), _SRGB, "LAB", "RGB")
        return ImageCms.applyTransform(image, transform) or _plain(image)
    plain = _plain(image)
    if profile := info.get("icc_profile"):
        return _by_profile(image if image.mode in ("L", "CMYK") else plain, plain, profile, notes)
    gamma = info.get("gamma")
    if gamma and "srgb" not in info and 0.01 < gamma < 10 and abs(gamma / _GAMMA - 1) > 0.05:
        notes.append(f"its gamma of {gamma:.3g} is applied")
        table = [round(255 * (value / 255) ** (_GAMMA / gamma)) for value in range(256)]
        bands = plain.split()
        return Image.merge(plain.mode, [band.point(table) for band in bands[:3]] + list(bands[3:]))
    return plain


def _plain(image: Image.Image) -> Image.Image:
    """RGB or RGBA, whatever the mode."""
    if image.mode in ("La", "RGBa"):
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _by_profile(image: Image.Image, plain: Image.Image, profile: bytes, notes: Notes) -> Image.Image:
    """The picture's colours by its profile; as they are where that is damaged or of another kind of picture."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        found = ImageCms.profileToProfile(image, source, _SRGB, outputMode=plain.mode if image is plain else "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        notes.append("its colour profile cannot be used and is left out")
        return plain
    if found is None:
        return plain
    small = [np.asarray(item.resize((64, 64)).convert("RGB"), np.int16) for item in (found, plain)]
    if np.abs(small[0] - small[1]).max() <= _NOISE:
        return plain
    notes.append("its colour profile is applied")
    return found


def _on_white(image: Image.Image, notes: Notes) -> Image.Image:
    if image.mode != "RGBA":
        return image
    if np.asarray(image.getchannel("A")).min() < 255:
        notes.append("what is transparent lies on white")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def smaller(opened: Image.Image, side: int, most: int) -> None:
    """Let a JPEG of more than `most` pixels be decoded at a half, a quarter or an eighth, but not below `side`."""
    width, height = opened.size
    if width * height > most and opened.format in ("JPEG", "MPO"):
        scale = side / max(width, height)
        opened.draft(None, (max(1, round(width * scale)), max(1, round(height * scale))))
