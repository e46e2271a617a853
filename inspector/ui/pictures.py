"""Pictures: the page's components for pictures in and out, and the source of a run."""

import base64
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
from inspector.ui import doors, places
from inspector.ui.session import sealed
from inspector.views.images import Picture, read_picture

Source = str | None


class Uploads:
    """Pictures that visitors gave, bounded, under a hash of their pixels: what an address says of them.

    All methods may be called from any thread.
    """

    def __init__(self, size: int = 300_000_000) -> None:
        """size: bytes kept at most; what was used longest ago goes first."""
        self._size = size
        self._kept: OrderedDict[str, np.ndarray] = OrderedDict()
        self._notes: dict[str, tuple[str, ...]] = {}
        self._lock = threading.Lock()

    def put(self, image: np.ndarray, notes: tuple[str, ...] = ()) -> str:
        """Keep a picture uint8 (h, w, 3), return its hash. notes: on how it was read from its file, if it just was."""
        key = picture_hash(image)
        with self._lock:
            self._kept[key] = image
            self._kept.move_to_end(key)
            if notes:
                self._notes[key] = notes
            while len(self._kept) > 1 and sum(item.nbytes for item in self._kept.values()) > self._size:
                gone, _ = self._kept.popitem(last=False)
                self._notes.pop(gone, None)
        return key

    def notes(self, image: np.ndarray) -> tuple[str, ...]:
        """How a picture was read from its file, in words; () where there is nothing to say, or it is gone."""
        with self._lock:
            return self._notes.get(picture_hash(image), ())

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
_DECODING = threading.BoundedSemaphore(2)  # a large photograph takes seconds, and hundreds of megabytes meanwhile


def picture_hash(image: np.ndarray) -> str:
    """32 hexadecimal digits of a SHA-256 over a picture's shape and pixels."""
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()[:32]


def upload(**options: Any) -> gr.Image:
    """An image input that hands over the file as it came: `views.images` decodes it, under our limits and words."""
    return doors.takes_files(gr.Image(type="filepath", image_mode=None, **options))


def place_of(image: np.ndarray) -> str:
    """Name of the folder that a picture is saved in, which only this process can make of its pixels."""
    return sealed(f"picture {picture_hash(image)}")


def save(image: np.ndarray, folder: str | Path) -> str:
    """uint8 RGB as a PNG under a name that is the same for the same picture; returns its path.

    Gradio's own writer takes 50 ms for 512 px and lets two visitors write one file at once.
    """
    path = Path(folder) / place_of(image) / "picture.png"
    if path.exists():
        places.touch(path)
        return str(path)
    _, data = cv2.imencode(".png", image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "wb") as file:
        file.write(data.tobytes())
    os.replace(name, path)
    return str(path)


def data_url(image: np.ndarray, lossless: bool = False) -> str:
    """uint8 RGB as a data URL: a JPEG, for the small preview of a step, or a PNG."""
    kind, options = (".png", []) if lossless else (".jpg", [cv2.IMWRITE_JPEG_QUALITY, 85])
    _, data = cv2.imencode(kind, image[..., ::-1], options)
    return f"data:image/{'png' if lossless else 'jpeg'};base64,{base64.b64encode(data.tobytes()).decode()}"


def resolve(source: Source, scene: Any) -> dict[str, Any]:
    """The fields image, masks and scene of a request; the last two only where the image is the scene of that number.

    source: path of an uploaded file; without one the scene itself is the image.
    Raises ImageError when there is neither, or when the file cannot be used; ChoiceError for what is no scene's number.
    """
    from inspector.ui import scenes

    drawn = scenes.get(scene) if scene is not None else None
    data = None
    if source is not None:
        try:
            data = doors.read(source, settings().limits.max_bytes)
        except ImageError:
            if drawn is None:
                raise  # otherwise its picture was swept away meanwhile
    if data is None:
        if drawn is None:
            raise ImageError("There is no image: choose a drawn scene or upload a picture.")
        return {"image": drawn.image, "masks": drawn.masks, "scene": int(scene)}
    with _DECODING:
        read = read_picture(data)
    image = read.image
    # A number that was typed a moment ago wins over the picture of the scene before it, which is still there.
    if drawn is not None and (np.array_equal(image, drawn.image) or scenes.is_drawn(image)):
        return {"image": drawn.image, "masks": drawn.masks, "scene": int(scene)}
    UPLOADS.put(image, read.notes)
    return {"image": image, "masks": {}}


def taken(path: str) -> tuple[str, Picture]:
    """(path of a PNG to show, the picture as it will be analysed) of an upload that just came. Raises ImageError."""
    with _DECODING:
        read = read_picture(doors.read(path, settings().limits.max_bytes))
    UPLOADS.put(read.image, read.notes)
    return save(read.image, gr.utils.get_upload_folder()), read
