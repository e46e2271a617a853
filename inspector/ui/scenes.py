"""Scenes: the drawn pictures the page offers, none of which any model was trained on."""

import tempfile
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from inspector.results import check_number
from inspector.settings import settings
from inspector.ui.pictures import picture_hash, save
from inspector.views.overlay import picture
from inspector.world import Scene
from inspector.world import scene as draw_scene

# Chosen by eye among the evaluation seeds: varied, and with the words of the paper's figures.
GALLERY = (
    504_307, 501_212, 500_002, 500_022, 500_012, 502_374, 500_004, 500_031, 501_689, 500_016, 502_178, 500_806,
)  # fmt: skip
STREET = 504_307  # car, building, windows and palms: the paper's Figures 1 and 2
HORSE = 501_212  # a horse on the grass, for Figure 3's lower half
GOOD, POOR = 500_022, 502_248  # Figure 4: where clusters follow the things, and where they do not


def get(seed: Any) -> Scene:
    """The scene of a number typed on the page. Raises ChoiceError for what is none: a whole one, 0 or more."""
    number = int(seed) if isinstance(seed, float) and seed.is_integer() else seed
    check_number("scene", number, 0, settings().limits.max_seed, whole=True)
    return _drawn_scene(number)


@lru_cache(maxsize=64)
def _drawn_scene(number: int) -> Scene:
    return draw_scene(number)


_drawn: set[str] = set()  # hashes of the pictures that were handed out as scenes


def is_drawn(image: np.ndarray) -> bool:
    """Whether a picture is one that the page handed out as a drawn scene."""
    return picture_hash(image) in _drawn


@cache
def folder() -> Path:
    """Where the pictures of scenes lie while the server runs."""
    base = Path(gr.utils.get_upload_folder())
    base.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="scenes-", dir=base))


def file(seed: float) -> str:
    """Path of a scene's picture, PNG."""
    _drawn.add(picture_hash(get(seed).image))
    offered = seed in (*GALLERY, STREET, HORSE, GOOD, POOR)
    return save(get(seed).image, folder() if offered else gr.utils.get_upload_folder())


@cache
def gallery() -> tuple[tuple[str, str], ...]:
    """(path of a small picture, what to call it) of every scene of the gallery."""
    return tuple((save(picture(get(seed).image, (144, 144)), folder()), get(seed).caption) for seed in GALLERY)
