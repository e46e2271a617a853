"""Models that transformers loads and that were trained on masks, one adapter a family: `protocols.Segmenter`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from inspector.models.catalog import ModelSpec
from inspector.models.files import segmenter_type
from inspector.models.protocols import Segmenter
from inspector.models.segmenters.clipseg import open_clipseg
from inspector.models.segmenters.mask_former import open_mask_former
from inspector.models.segmenters.sam import open_sam

FAMILIES: Mapping[str, Callable[..., Any]] = {  # model_type in config.json -> its opener
    "clipseg": open_clipseg,
    "maskformer": open_mask_former,
    "mask2former": open_mask_former,
    "sam": open_sam,
}


def open_segmenter_folder(
    folder: Path, spec: ModelSpec, device: torch.device, dtype: torch.dtype, revision: str
) -> Segmenter:
    """The adapter of a folder, from safetensors alone.

    Raises ModelFilesError when files or weights are missing, damaged or do not fit, UnsupportedModelError when it is of
    another family.
    """
    return FAMILIES[segmenter_type(folder)](folder, spec, device, dtype, revision)
