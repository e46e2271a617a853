"""Animation: what a viewer shows, step after step, as a GIF or a WebM film."""

import io
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from inspector.errors import ChoiceError
from inspector.results import AttentionResult, check_choice
from inspector.views.export import Result, dumps, provenance
from inspector.views.figure import GROUND
from inspector.views.layout import CELL, Layout
from inspector.views.look import Look
from inspector.views.raster import draw
from inspector.views.shown import sheet

KINDS = ("gif", "webm")
SECONDS = 0.25  # a frame, as the viewer plays
PIXELS = 100_000_000  # of all frames
REST = 6  # frames that the last one stays


def animation(result: Result, look: Look, state: Mapping[str, Any], kind: str, scale: int = 1) -> bytes:
    """A file of `kind`, "gif" or "webm", with a frame for each step; look, state, scale: as of `shown.sheet`.

    A GIF's comment says where it came from. Raises ChoiceError for another kind, for a result without steps, and for a
    film of more than `PIXELS`.
    """
    check_choice("kind", kind, KINDS)
    count = max(map(len, result.steps.values())) if isinstance(result, AttentionResult) else 1
    if count < 2:
        raise ChoiceError("GIF and WebM play along the steps, and this result has none; choose PNG, PDF or SVG.")
    layout = Layout(sheet(result, look, _at(state, result, 1), scale), CELL * scale)
    pixels = layout.width * layout.height * count
    if pixels > PIXELS:
        raise ChoiceError(
            f"The film would have {pixels / 1e6:.0f} million pixels; at most {PIXELS / 1e6:.0f} million are drawn. "
            "Choose a smaller scale, or fewer panels."
        )
    steps = range(1, count + 1)
    frames = _padded([draw(sheet(result, look, _at(state, result, step), scale), CELL * scale) for step in steps])
    frames += [frames[-1]] * REST
    return _gif(frames, dumps(provenance(result), ascii=True)) if kind == "gif" else _webm(frames)


def _at(state: Mapping[str, Any], result: Any, step: int) -> dict[str, Any]:
    """The state with every panel at a step."""
    panels = state.get("panels")
    known = [panel for panel in panels if isinstance(panel, Mapping)] if isinstance(panels, list) else []
    return {
        **state,
        "panels": [{**panel, "step": str(step)} for panel in known or [{"arm": arm} for arm in result.arms]],
    }


def _padded(frames: Sequence[np.ndarray]) -> list[np.ndarray]:
    """All frames in the size of the largest, whose sides are made even for a film; white is added above and right."""
    height, width = (max(frame.shape[axis] for frame in frames) for axis in (0, 1))
    height, width = height + height % 2, width + width % 2
    found = []
    for frame in frames:
        whole = np.full((height, width, 3), GROUND, np.uint8)
        whole[height - frame.shape[0] :, : frame.shape[1]] = frame
        found.append(whole)
    return found


def _gif(frames: Sequence[np.ndarray], comment: str) -> bytes:
    first, *others = (Image.fromarray(frame).quantize(256, dither=Image.Dither.FLOYDSTEINBERG) for frame in frames)
    packed = io.BytesIO()
    first.save(
        packed,
        "GIF",
        save_all=True,
        append_images=others,
        duration=round(1000 * SECONDS),
        loop=0,
        comment=comment.encode(),
    )
    return packed.getvalue()


def _webm(frames: Sequence[np.ndarray]) -> bytes:
    """VP8, which every browser plays, written by OpenCV, which writes files alone."""
    handle, name = tempfile.mkstemp(suffix=".webm")
    os.close(handle)
    try:
        height, width = frames[0].shape[:2]
        film = cv2.VideoWriter(name, cv2.VideoWriter.fourcc(*"VP80"), 1 / SECONDS, (width, height))
        if not film.isOpened():
            raise ChoiceError("This machine's OpenCV writes no WebM; choose GIF.")
        for frame in frames:
            film.write(np.ascontiguousarray(frame[..., ::-1]))
        film.release()
        return Path(name).read_bytes()
    finally:
        os.unlink(name)
