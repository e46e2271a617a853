"""What the families share: weights from safetensors, all or none, and pictures as the model's settings want them."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from inspector.errors import ModelFilesError
from inspector.models.files import SEGMENTER_PIXELS, missing_weights, read_json
from inspector.models.placement import out_of_memory

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, where a folder tells none


def open_weights(kind: Any, folder: Path, device: torch.device, dtype: torch.dtype) -> Any:
    """transformers' model of class `kind`, its weights complete, frozen. Raises ModelFilesError."""
    try:
        model, report = kind.from_pretrained(
            folder, dtype=dtype, use_safetensors=True, local_files_only=True, output_loading_info=True
        )
    except (ValueError, RuntimeError, OSError) as error:  # shapes that differ, a setting out of range
        if out_of_memory(error):
            raise
        reason = str(error).splitlines()[0].rstrip(".")
        raise ModelFilesError(
            f"{folder} does not fit its config.json ({reason}); use the files of one model together."
        ) from error
    if report["missing_keys"]:
        raise missing_weights(folder, report["missing_keys"])
    return model.to(device).eval().requires_grad_(False)


class Pixels:
    """A picture as a model's preprocessor_config.json wants it: mean and deviation of its colours, and its size."""

    def __init__(self, folder: Path) -> None:
        settings = read_json(folder / SEGMENTER_PIXELS)
        self.size: Any = settings.get("size")
        self.longest = settings.get("max_size")
        self._mean, self._std = settings.get("image_mean", MEAN), settings.get("image_std", STD)

    def __call__(self, image: np.ndarray, size: tuple[int, int], device: torch.device, dtype: torch.dtype) -> Any:
        """uint8 (h, w, 3) -> normalised (1, 3, *size)."""
        values = torch.tensor(image, device=device).permute(2, 0, 1)[None].float()
        if size != tuple(image.shape[:2]):
            values = F.interpolate(values, size=size, mode="bilinear", antialias=True)
        mean, std = (torch.tensor(item, device=device).view(1, 3, 1, 1) for item in (self._mean, self._std))
        return ((values / 255 - mean) / std).to(dtype)
