"""Pictures: the page's components for pictures in and out, and the source of a run."""

import base64
import binascii
import hashlib
import os
import tempfile
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

import cv2
import gradio as gr
import numpy as np

from inspector.errors import ImageError
from inspector.settings import settings
from inspector.views.images import read_image

Source = str | None


class Uploads:
    """Pictures that visitors gave, bounded, under a hash of their pixels: what an address says of them.

    All methods may be called from any thread.
    """

    def __init__(self, size: int = 300_000_000) -> None:
        """size: bytes kept at most; what was used longest ago goes first."""
        self._size = size
        self._kept: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, image: np.ndarray) -> str:
        """Keep a picture uint8 (h, w, 3), return its hash."""
        key = picture_hash(image)
        with self._lock:
            self._kept[key] = image
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and sum(item.nbytes for item in self._kept.values()) > self._size:
                self._kept.popitem(last=False)
        return key

    def get(self, key: str) -> np.ndarray:
        """The picture of a hash. Raises ImageError, which asks for it again, where it is gone or never was here."""
        with self._lock:
            if key not in self._kept:
                raise ImageError(
                    "The address speaks of an uploaded picture that is no longer kept here; upload it again."
                )
            self._kept.move_to_end(key)
            return self._kept[key]


UPLOADS = Uploads()


def picture_hash(image: np.ndarray) -> str:
    """32 hexadecimal digits of a SHA-256 over a picture's shape and pixels."""
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()[:32]


def upload(**options: Any) -> gr.Image:
    """An image input that hands over the file as it came: `views.images` decodes it, under our limits and words."""
    component = gr.Image(type="filepath", image_mode=None, **options)
    # Not a subclass: for those gradio writes a .pyi file beside the module.
    component.preprocess = _as_it_came  # type: ignore[method-assign]
    return from_here(component)


def from_here(component: Any) -> Any:
    """A component that takes files which were uploaded, and fetches none from an address that a visitor names."""
    move = component.async_move_resource_to_block_cache

    async def moved(place: Any) -> Any:
        if str(place).lower().startswith(("http:", "https:")):
            raise gr.Error("Nothing is fetched from other places; upload the file.", print_exception=False)
        return await move(place)

    component.async_move_resource_to_block_cache = moved
    return component


def _as_it_came(payload: Any) -> Source:
    """A path, or a data URL as it is: what is wrong with it is said where a run can say so."""
    if payload is None:
        return None
    return payload.url if payload.url and payload.url.startswith("data:") else payload.path


def save(image: np.ndarray, folder: str | Path) -> str:
    """uint8 RGB as a PNG named by its content; returns its path.

    Gradio's own writer takes 50 ms for 512 px and lets two visitors write one file at once.
    """
    _, data = cv2.imencode(".png", image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
    path = Path(folder) / hashlib.sha256(data.tobytes()).hexdigest() / "picture.png"
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


def resolve(source: Source, scene: float | None) -> dict[str, Any]:
    """The fields image, masks and scene of a request; the last two only where the image is the scene of that number.

    source: path of an uploaded file, or a data URL; without one the scene itself is the image.
    Raises ImageError when there is neither, or when the file cannot be used; ChoiceError for a scene below 0.
    """
    from inspector.ui import scenes

    drawn = scenes.get(scene) if scene is not None else None
    inline = source is not None and source.startswith("data:")
    if source is None or (drawn is not None and not inline and not Path(source).exists()):  # swept away meanwhile
        if drawn is None or scene is None:
            raise ImageError("There is no image: choose a drawn scene or upload a picture.")
        return {"image": drawn.image, "masks": drawn.masks, "scene": int(scene)}
    image = read_image(_from_data_url(source) if inline else source)
    # A number that was typed a moment ago wins over the picture of the scene before it, which is still there.
    if drawn is not None and scene is not None and (np.array_equal(image, drawn.image) or scenes.is_drawn(image)):
        return {"image": drawn.image, "masks": drawn.masks, "scene": int(scene)}
    UPLOADS.put(image)
    return {"image": image, "masks": {}}


def _from_data_url(url: str) -> bytes:
    if len(url) > settings().limits.max_bytes * 4 // 3 + 200:
        raise ImageError("The picture in the address is too large; upload it as a file.")
    try:
        return base64.b64decode(url.partition(",")[2], validate=True)
    except binascii.Error:
        raise ImageError("The picture in the address is damaged; upload it as a file.") from None
