"""Animation: what a viewer shows, step after step, as a GIF, a WebM or an MP4 film, and its caption."""

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
from inspector.views.atlas import Atlas
from inspector.views.atlases import atlas_of
from inspector.views.export import Result, caption_of, dumps, provenance
from inspector.views.figure import GROUND
from inspector.views.layout import CELL, Layout
from inspector.views.look import Look
from inspector.views.raster import draw
from inspector.views.shown import results_of, sheet

# What OpenCV's wheel writes everywhere and browsers play. Its encoders of H.264 want a device that few machines have,
# and Chromium does not play the older MPEG-4 (mp4v); so an MP4 holds VP9, for which a program outside of a browser,
# such as PowerPoint, needs the system's VP9 decoder. A GIF needs none.
_CODECS = {"webm": "VP80", "mp4": "vp09"}
KINDS = ("gif", *_CODECS)
STILL = "A film plays along the steps, and this result has none; take a figure instead."
SECONDS = 0.25  # a frame, as the viewer plays
PIXELS = 100_000_000  # of all frames
SAMPLED = 20_000  # pixels of a frame that say which colours a GIF has
REST = 6  # frames that the last one stays


def animation(
    result: Result,
    look: Look,
    state: Mapping[str, Any],
    kind: str,
    scale: int = 1,
    atlas: Atlas | None = None,
    held: Sequence[Result | None] = (),
) -> bytes:
    """A file of `kind`, of `KINDS`, with a frame for each step; the others as of `shown.sheet`.

    A GIF's comment says where it came from. Raises ChoiceError for another kind, for a result without steps, and for a
    film of more than `PIXELS`.
    """
    check_choice("kind", kind, KINDS)
    count, atlas = _count(result, *results_of(state, held)), atlas or atlas_of(result, None)
    layout = Layout(sheet(result, look, _at(state, result, 1), scale, atlas, held), CELL * scale)
    pixels = layout.width * layout.height * count
    if pixels > PIXELS:
        raise ChoiceError(
            f"The film would have {pixels / 1e6:.0f} million pixels; at most {PIXELS / 1e6:.0f} million are drawn. "
            "Choose a smaller scale, or fewer panels."
        )
    steps = (_at(state, result, step) for step in range(1, count + 1))
    frames = _padded([draw(sheet(result, look, at, scale, atlas, held), CELL * scale) for at in steps])
    frames += [frames[-1]] * REST
    return _gif(frames, dumps(provenance(result), ascii=True)) if kind == "gif" else _film(frames, kind)


def caption(result: Result, look: Look, state: Mapping[str, Any], held: Sequence[Result | None] = ()) -> str:
    """One paragraph that says what a film shows, as `export.caption_of` says it of a figure.

    Raises ChoiceError for a result without steps.
    """
    others = results_of(state, held)
    count = _count(result, *others)
    shown = sheet(result, look, _at(state, result, count), held=held)
    told = caption_of(result, look, shown, others)
    paired = " Results with other numbers of steps are shown step by step, and rest at their last." if others else ""
    return f"{told} A film of {count} steps, from noise to picture, each {SECONDS:g} s; the last one stays.{paired}"


def kind_of(path: Path) -> str:
    """The kind of film that a file's name asks for. Raises ChoiceError for an ending that is not in `KINDS`."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in KINDS:
        raise ChoiceError(f"{path.name!r} does not say which kind of film it is; end it in .gif, .webm or .mp4.")
    return kind


def _count(*results: Result) -> int:
    """How many steps a film of some results has. Raises ChoiceError where it would not move."""
    steps = [len(own) for result in results if isinstance(result, AttentionResult) for own in result.steps.values()]
    count = max(steps, default=1)
    if count < 2:
        raise ChoiceError(STILL)
    return count


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
    first, *others = map(_indexed, frames)
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


def _indexed(frame: np.ndarray) -> Image.Image:
    """The frame in 256 colours of its own, dithered, which Pillow does only with a palette that it is given."""
    pixels = frame.reshape(-1, 3)
    some = np.ascontiguousarray(pixels[:: max(1, len(pixels) // SAMPLED)])[None]  # k-means takes its time
    palette = Image.fromarray(some).quantize(256, kmeans=1)
    return Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)


def _film(frames: Sequence[np.ndarray], kind: str) -> bytes:
    """Written by OpenCV, which writes files alone."""
    handle, name = tempfile.mkstemp(suffix=f".{kind}")
    os.close(handle)
    try:
        height, width = frames[0].shape[:2]
        film = cv2.VideoWriter(name, cv2.VideoWriter.fourcc(*_CODECS[kind]), 1 / SECONDS, (width, height))
        if not film.isOpened():
            raise ChoiceError(f"This machine's OpenCV writes no {kind.upper()}; choose GIF.")
        for frame in frames:
            film.write(np.ascontiguousarray(frame[..., ::-1]))
        film.release()
        return Path(name).read_bytes()
    finally:
        os.unlink(name)
