"""What the families share: weights from safetensors, all or none, and pictures as the model's settings want them."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from inspector.models.files import SEGMENTER_PIXELS, read_json
from inspector.models.opening import open_part

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, where a folder tells none


def open_weights(kind: Any, folder: Path, device: torch.device, dtype: torch.dtype) -> Any:
    """transformers' model of class `kind`, frozen. Raises ModelFilesError as `open_part`."""
    return open_part(kind, folder, dtype).to(device).eval().requires_grad_(False)


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
