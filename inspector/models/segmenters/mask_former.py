"""MaskFormer and Mask2Former as `protocols.Segmenter`: masks among the labels of their data set.

Cheng et al., NeurIPS 2021 and CVPR 2022. A class that is asked for is what labels mean the same; the others take their
share of the probability. A label means what its own words do, which commas part, and their synonyms in a published
vocabulary that has it.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import Mask2FormerForUniversalSegmentation, MaskFormerForInstanceSegmentation

from inspector.models.catalog import ModelSpec
from inspector.models.files import segmenter_type
from inspector.models.protocols import Segmented
from inspector.models.segmenters.opening import Pixels, open_weights
from inspector.results import ClassNames
from inspector.vocabularies import VOCABULARIES, vocabulary
from inspector.words import matching

KINDS = {"maskformer": MaskFormerForInstanceSegmentation, "mask2former": Mask2FormerForUniversalSegmentation}
MULTIPLE = 32  # of the sides: the coarsest stride
SIDE, LONGEST = 640, 2560  # shorter and longer side in pixels where the settings tell none


class MaskFormerAdapter:
    """Queries, each a mask and a probability of every label and of none."""

    wordless, queries = False, True

    def __init__(self, spec: ModelSpec, model: Any, pixels: Pixels, revision: str) -> None:
        self.spec, self.revision, self.model = spec, revision, model
        self.device, self.dtype = model.device, model.dtype
        self._pixels = pixels
        told = {int(index): name for index, name in model.config.id2label.items()}
        self.labels = with_synonyms([told[index] for index in sorted(told)])

    @torch.no_grad()
    def segment(self, image: np.ndarray, classes: ClassNames, template: str) -> Segmented:
        """A class's probability is the sum of those of the labels that mean it; the template is of no use here."""
        columns = [
            [index for index, label in enumerate(self.labels) if matching(synonyms, label)] for synonyms in classes
        ]
        pixels = self._pixels(image, self._size(image), self.device, self.dtype)
        found = self.model(pixel_values=pixels)
        logits = found.class_queries_logits[0].float()
        named, something = logits[:, :-1].softmax(-1), 1 - logits.softmax(-1)[:, -1]
        masks = found.masks_queries_logits[0].float().sigmoid().cpu().numpy()
        asked = torch.stack([named[:, column].sum(-1) for column in columns], -1)
        return Segmented(masks, asked.cpu().numpy(), something.cpu().numpy())

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


def with_synonyms(labels: Sequence[str]) -> ClassNames:
    """Each label's words, and those that mean the same in the vocabulary that has the most of the labels.

    A synonym that is another label's own word stays with that one.
    """
    own = [tuple(word.strip() for word in re.split("[,;]", label) if word.strip()) for label in labels]
    known = [vocabulary(name) for name in VOCABULARIES]
    best = max(known, key=lambda groups: sum(any(matching(words, group) for group in groups) for words in own))
    every = [word for words in own for word in words]
    found = []
    for words in own:
        more = [word for group in best if matching(words, group[:1]) for word in group if not matching([word], every)]
        found.append(tuple(dict.fromkeys((*words, *more))))
    return tuple(found)


def open_folder(
    folder: Path, spec: ModelSpec, device: torch.device, dtype: torch.dtype, revision: str
) -> MaskFormerAdapter:
    """Raises ModelFilesError as `open_weights`."""
    model = open_weights(KINDS[segmenter_type(folder)], folder, device, dtype)
    return MaskFormerAdapter(spec, model, Pixels(folder), revision)
