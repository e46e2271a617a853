"""Models that transformers loads and that were trained on masks, one adapter a family: `protocols.Segmenter`."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import cast

import torch

from inspector.models.catalog import ModelSpec
from inspector.models.files import segmenter_type
from inspector.models.protocols import Segmenter

# model_type in config.json -> the module of its adapter, imported when one is opened: transformers' models take long to
# import, and most runs need none of them.
FAMILIES: Mapping[str, str] = {
    "clipseg": "inspector.models.segmenters.clipseg",
    "maskformer": "inspector.models.segmenters.mask_former",
    "mask2former": "inspector.models.segmenters.mask_former",
    "sam": "inspector.models.segmenters.sam",
}


def open_segmenter_folder(
    folder: Path, spec: ModelSpec, device: torch.device, dtype: torch.dtype, revision: str
) -> Segmenter:
    """The adapter of a folder, from safetensors alone.

    Raises ModelFilesError when files or weights are missing, damaged or do not fit, UnsupportedModelError when it is of
    another family.
    """
    adapter = import_module(FAMILIES[segmenter_type(folder)])
    return cast(Segmenter, adapter.open_folder(folder, spec, device, dtype, revision))
