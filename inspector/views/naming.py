"""Naming: the fields of tables and requests in the words of a reader."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from inspector.results import CLIP_ES_BACKGROUND
from inspector.views.attention import short
from inspector.views.table import Table, text

SHORT = 40  # characters of a value that sets requests apart
HEADERS = {
    "p": "probability",
    "ap": "AP",
    "iou": "IoU",
    "iou_best": "best IoU",
    "miou": "mIoU",
    "ari": "ARI",
    "timestep": "t",
    "chance": "chance AP",
    "area": "area above threshold",
    "ap_over_chance": "AP over chance",
    "pointing": "maximum inside",
    "share": "share of the image",
}
UNSAID: Mapping[str, tuple[Any, ...]] = {"arms": ((),), "noise_timesteps": ((),), "seeds": (1,)}  # as usual
_METHODS = {"unet": "UNet features", "rgb": "colour only", "xy": "position only"}
_FIELDS = {
    "guidance_scale": "guidance",
    "noise_timestep": "t of the noise added once",
    "noise_timesteps": "several t of the noise",
    "seeds": "noises",
    "scheduler": "sampler",
    "heads": "single heads kept",
    "size": "side of the generated picture",
    "side": "longer side that the model sees",
    "timestep": "t of the noise",
    "restarts": "starts of k-means",
    "preset": "preset of layers",
    "clip": "CLIP",
    "diffusion": "diffusion model",
    "background": "background threshold",
}


def header(name: str) -> str:
    """A column's name: "best IoU" for iou_best; one that nobody named, without its underscores."""
    return HEADERS.get(name, name.replace("_", " "))


def named(shown: Table) -> Table:
    """A table with its columns, and the methods and layers in it, by their names."""
    rows = [[_cell(*pair) for pair in zip(shown.headers, row, strict=True)] for row in shown.rows]
    return Table(tuple(map(header, shown.headers)), tuple(map(tuple, rows)))


def _cell(column: str, cell: str) -> str:
    if column == "best at":  # "layer, t = 5"
        layer, comma, when = cell.partition(", ")
        return f"{short(layer)}{comma}{when}"
    return _METHODS.get(cell, cell) if column == "method" else cell


def said(request: Any) -> list[tuple[str, str]]:
    """(name, value) of each choice of a request, the picture first."""
    fields = {name: getattr(request, name) for name in request.__dataclass_fields__}
    image, scene, masks = (fields.pop(name) for name in ("image", "scene", "masks"))
    if image is None:
        picture = "generated from the prompt"
    else:
        own = "drawn scene" if scene is not None else "an own picture"
        picture = f"{own}{f' {scene}' if scene is not None else ''}, {image.shape[1]} × {image.shape[0]} pixels"
    found = [("picture", picture), ("true masks", ", ".join(masks))] if masks else [("picture", picture)]
    return found + [
        _choice(name, value) for name, value in fields.items() if value not in (None, "", *UNSAID.get(name, ()))
    ]


def apart(requests: Sequence[Any]) -> list[str]:
    """What sets each of several requests apart, in few words: "a dog on the grass, seed 3"; "" where nothing does."""
    told = [dict(said(request)) for request in requests]
    names = [name for name in dict.fromkeys(name for one in told for name in one) if name != "true masks"]
    differ = [name for name in names if len({one.get(name) for one in told}) > 1]
    return [", ".join(_apart(name, one[name]) for name in differ if name in one) for one in told]


def _apart(name: str, value: str) -> str:
    short_ = value if len(value) <= SHORT else f"{value[: SHORT - 1]}…"
    return short_ if name in ("prompt", "classes", "picture") else f"{name} {short_}"


def _choice(name: str, value: Any) -> tuple[str, str]:
    if name == "classes":
        return name, ", ".join("/".join(synonyms) for synonyms in value)
    if name in ("arms", "noise_timesteps"):
        return _FIELDS.get(name, name), ", ".join(map(str, value))
    if isinstance(value, tuple):
        usual = value == tuple(CLIP_ES_BACKGROUND)
        return "background words", f"the {len(value)} of CLIP-ES" if usual else ", ".join(value) or "none"
    told = f"{value:g}" if isinstance(value, float | np.floating) else text(value)
    return _FIELDS.get(name, name.replace("_", " ")), told
