"""MaskFormer and Mask2Former as `protocols.Segmenter`: masks among the labels of their data set.

Cheng et al., NeurIPS 2021 and CVPR 2022. A class that is asked for is what labels mean the same; the others take their
share of the probability.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import Mask2FormerForUniversalSegmentation, MaskFormerForInstanceSegmentation

from inspector.errors import ClassesError
from inspector.models.catalog import ModelSpec
from inspector.models.files import segmenter_type
from inspector.models.protocols import Segmented
from inspector.models.segmenters.opening import Pixels, open_weights
from inspector.results import ClassNames
from inspector.results.quoting import quoted
from inspector.words import matching

KINDS = {"maskformer": MaskFormerForInstanceSegmentation, "mask2former": Mask2FormerForUniversalSegmentation}
MULTIPLE = 32  # of the sides: the coarsest stride
SIDE, LONGEST = 640, 2560  # shorter and longer side in pixels where the settings tell none
SHOWN = 12  # labels named in an error


class MaskFormerAdapter:
    """Queries, each a mask and a probability of every label and of none."""

    def __init__(self, spec: ModelSpec, model: Any, pixels: Pixels, revision: str) -> None:
        self.spec, self.revision, self.model = spec, revision, model
        self.device, self.dtype = model.device, model.dtype
        self._pixels = pixels
        told = {int(index): name for index, name in model.config.id2label.items()}
        self.labels: tuple[str, ...] = tuple(told[index] for index in sorted(told))

    @torch.no_grad()
    def segment(self, image: np.ndarray, classes: ClassNames, template: str) -> Segmented:
        """A class's probability is the sum of those of the labels that mean it; the template is of no use here."""
        columns = [self._columns(synonyms) for synonyms in classes]
        pixels = self._pixels(image, self._size(image), self.device, self.dtype)
        found = self.model(pixel_values=pixels)
        named = found.class_queries_logits[0].float().softmax(-1)[:, :-1]
        masks = found.masks_queries_logits[0].float().sigmoid().cpu().numpy()
        asked = torch.stack([named[:, column].sum(-1) for column in columns], -1)
        return Segmented(masks, asked.cpu().numpy(), np.ones(len(masks), np.float32))

    def _columns(self, synonyms: tuple[str, ...]) -> list[int]:
        """Indices of the labels that mean a class; a label may hold several words."""
        found = [
            index
            for index, label in enumerate(self.labels)
            if matching(synonyms, [word.strip() for word in re.split("[,;]", label)])
        ]
        if not found:
            more = f" and {len(self.labels) - SHOWN} more" if len(self.labels) > SHOWN else ""
            raise ClassesError(
                f"{self.spec.name} knows {len(self.labels)} labels, and {quoted(synonyms[0])} is none of them; ask for "
                f"some of {', '.join(self.labels[:SHOWN])}{more}, or use clipseg, which takes any word."
            )
        return found

    def _size(self, image: np.ndarray) -> tuple[int, int]:
        """As the settings say: a fixed size, or a shorter side and at most a longer one; multiples of the stride."""
        told = self._pixels.size
        fixed = told if isinstance(told, dict) else {"shortest_edge": told}
        if "height" in fixed:
            return int(fixed["height"]), int(fixed["width"])
        short = int(fixed.get("shortest_edge") or SIDE)
        long = int(fixed.get("longest_edge") or self._pixels.longest or LONGEST)
        height, width = image.shape[:2]
        scale = min(short / min(height, width), long / max(height, width))
        rows, columns = (max(1, round(length * scale / MULTIPLE)) * MULTIPLE for length in (height, width))
        return rows, columns


def open_folder(
    folder: Path, spec: ModelSpec, device: torch.device, dtype: torch.dtype, revision: str
) -> MaskFormerAdapter:
    """Raises ModelFilesError as `open_weights`."""
    model = open_weights(KINDS[segmenter_type(folder)], folder, device, dtype)
    return MaskFormerAdapter(spec, model, Pixels(folder), revision)
