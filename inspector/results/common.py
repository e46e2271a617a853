"""What all results share: progress, provenance, and three conversions of arrays."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import cv2
import numpy as np

from inspector.results.checks import LONGEST_NAME, check_text
from inspector.results.recorded import check_mapping, check_measured, check_names

LONGEST_WARNING = 1000  # characters
SCORE_THRESHOLD = 0.4  # of a map's maximum, for IoU
SCORE_SIDE = 128  # pixels of the longer side at which maps are scored; their grids are coarser, 64 at most


@dataclass(frozen=True)
class Progress:
    """How far a run is; `stream` yields these before its result.

    preview: uint8 (h, w, 3), of the step that was just made.
    moment: (step from 1, steps, timestep) of the denoising run that the preview is predicted at; None where it is of no
        such step.
    lasting: whether the message says something of the whole run, so that a command prints it for good.
    """

    step: int
    total: int
    message: str
    seconds_left: float | None = None
    preview: np.ndarray | None = None
    moment: tuple[int, int, int] | None = None
    lasting: bool = False


@dataclass(frozen=True)
class Provenance:
    """Where a result came from; goes into every exported file.

    warning: a sentence where the models were asked about what they never saw, so that the maps mean nothing, or "".
    told: model -> what it was told of where words are, as its catalog entry says; those that say nothing are left out.
    """

    models: Mapping[str, str]  # name -> revision
    device: str
    dtype: str
    versions: Mapping[str, str]
    seconds: float
    warning: str = ""
    told: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("models", "versions", "told"):
            check_mapping(name, getattr(self, name), 50)
            check_names(name, list(getattr(self, name).values()), 50)
        check_text("device", self.device, LONGEST_NAME)
        check_text("dtype", self.dtype, LONGEST_NAME)
        check_measured("seconds", self.seconds, 0)
        check_text("warning", self.warning, LONGEST_WARNING)


def plain(value: Any) -> Any:
    """A request or result as JSON-ready values; arrays become their shape and dtype."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, np.ndarray):
        return {"shape": list(value.shape), "dtype": str(value.dtype)}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    return value


def resize_maps(maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bilinear float32 (..., h, w) -> (..., *size), half-pixel centres; scale of values unchanged."""
    flat = np.ascontiguousarray(maps, np.float32).reshape(-1, *maps.shape[-2:])
    out = np.stack([cv2.resize(item, size[::-1], interpolation=cv2.INTER_LINEAR) for item in flat])
    return out.reshape(*maps.shape[:-2], *size)


def fit_mask(mask: np.ndarray, side: int = SCORE_SIDE) -> np.ndarray:
    """bool (h, w) with its longer side at most `side`; a pixel is inside if at least half of what it covers is."""
    scale = side / max(mask.shape)
    if scale >= 1:
        return mask
    height, width = (max(1, round(length * scale)) for length in mask.shape)
    return cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) >= 0.5
