"""Pictures: the page's components for pictures in and out, and the source of a run."""

import base64
import binascii
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import gradio as gr
import numpy as np

from inspector.errors import ImageError
from inspector.results import Masks
from inspector.settings import settings
from inspector.views.images import read_image

Source = str | None


def upload(**options: Any) -> gr.Image:
    """An image input that hands over the file as it came: `views.images` decodes it, under our limits and words."""
    component = gr.Image(type="filepath", image_mode=None, **options)
    # Not a subclass: for those gradio writes a .pyi file beside the module.
    component.preprocess = _as_it_came  # type: ignore[method-assign]
    return component


def _as_it_came(payload: Any) -> Source:
    """A path, or a data URL as it is: what is wrong with it is said where a run can say so."""
    if payload is None:
        return None
    return payload.url if payload.url and payload.url.startswith("data:") else payload.path


def show(image: np.ndarray) -> str:
    """uint8 RGB as a file for an image output: quicker than gradio's own, and sharp at the borders of cells."""
    return save(image, gr.utils.get_upload_folder(), "jpg")


# Without chroma subsampling, which would smear one cell's colour into the next.
_CODECS = {
    "png": [cv2.IMWRITE_PNG_COMPRESSION, 1],
    "jpg": [cv2.IMWRITE_JPEG_QUALITY, 93, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444],
}


def save(image: np.ndarray, folder: str | Path, kind: str = "png") -> str:
    """uint8 RGB as a file named by its content; returns its path. kind: "png", exact, or "jpg", small.

    Gradio's own writer takes 50 ms for 512 px and lets two visitors write one file at once.
    """
    _, data = cv2.imencode(f".{kind}", image[..., ::-1], _CODECS[kind])
    path = Path(folder) / hashlib.sha256(data.tobytes()).hexdigest() / f"picture.{kind}"
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "wb") as file:
        file.write(data.tobytes())
    os.replace(name, path)
    return str(path)


def data_url(image: np.ndarray) -> str:
    """uint8 RGB as a JPEG data URL, for the small preview of a step."""
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()


def resolve(source: Source, scene: float | None) -> tuple[np.ndarray, Masks]:
    """The image of a run, and its masks where it is the drawn scene of that number.

    source: path of an uploaded file, or a data URL; without one the scene itself is the image.
    Raises ImageError when there is neither, or when the file cannot be used; ChoiceError for a scene below 0.
    """
    from inspector.ui import scenes

    drawn = scenes.get(scene) if scene is not None else None
    if source is None:
        if drawn is None:
            raise ImageError("There is no image: choose a drawn scene or upload a picture.")
        return drawn.image, drawn.masks
    image = read_image(_from_data_url(source) if source.startswith("data:") else source)
    return image, drawn.masks if drawn is not None and np.array_equal(image, drawn.image) else {}


def uploaded(make: Callable[..., Any]) -> Callable[..., Any]:
    """`make` for the page, where an empty upload is an error even if the number of a scene still stands below."""

    def checked(image: Source, scene: float | None, *values: Any) -> Any:
        if image is None:
            raise ImageError("There is no image: choose a drawn scene or upload a picture.")
        return make(image, scene, *values)

    return checked


def _from_data_url(url: str) -> bytes:
    if len(url) > settings().limits.max_bytes * 4 // 3 + 200:
        raise ImageError("The picture in the address is too large; upload it as a file.")
    try:
        return base64.b64decode(url.partition(",")[2], validate=True)
    except binascii.Error:
        raise ImageError("The picture in the address is damaged; upload it as a file.") from None
