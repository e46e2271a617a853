"""CLIPSeg as `protocols.Segmenter`: a mask for each phrase (Lüddecke and Ecker, CVPR 2022)."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import CLIPSegForImageSegmentation

from inspector.errors import PromptError
from inspector.models.catalog import ModelSpec
from inspector.models.protocols import Segmented
from inspector.models.segmenters.opening import Pixels, open_weights
from inspector.models.tokenizer import open_fast_tokenizer, plain
from inspector.results import ClassNames
from inspector.results.quoting import quoted

SIDE = 352  # of the square that it is trained on, in pixels, where its settings tell none
AT_ONCE = 8  # phrases decoded at once


class ClipSegAdapter:
    """The picture is read once, bent to a square as the model's own settings do, and decoded for each phrase."""

    labels: ClassNames = ()
    wordless, queries = False, False

    def __init__(self, spec: ModelSpec, model: Any, tokenizer: Any, pixels: Pixels, revision: str) -> None:
        self.spec, self.revision, self.model = spec, revision, model
        self.device, self.dtype = model.device, model.dtype
        self._tokenizer, self._pixels = tokenizer, pixels
        self._room = int(model.config.text_config.max_position_embeddings)
        size = pixels.size if isinstance(pixels.size, dict) else {}
        self._size = (int(size.get("height", SIDE)), int(size.get("width", SIDE)))

    @torch.no_grad()
    def segment(self, image: np.ndarray, classes: ClassNames, template: str) -> Segmented:
        """One mask a class, the largest of its synonyms' at each place; a mask is surely called what was asked for."""
        texts = [template.replace("{}", word) for synonyms in classes for word in synonyms]
        pixels = self._pixels(image, self._size, self.device, self.dtype)
        maps = []
        for start in range(0, len(texts), AT_ONCE):
            ids = self._ids(texts[start : start + AT_ONCE])
            found = self.model(pixel_values=pixels.expand(len(ids), -1, -1, -1), input_ids=ids).logits
            maps.append(found.reshape(len(ids), *found.shape[-2:]).sigmoid().float())
        parts = torch.cat(maps).split([len(synonyms) for synonyms in classes])
        masks = torch.stack([part.amax(0) for part in parts]).cpu().numpy()
        return Segmented(masks, np.eye(len(classes), dtype=np.float32), np.ones(len(classes), np.float32))

    def _ids(self, texts: list[str]) -> torch.Tensor:
        """Padded to the model's length, (n, tokens)."""
        read = self._tokenizer([plain(text) for text in texts], verbose=False)["input_ids"]
        for text, ids in zip(texts, read, strict=True):
            if len(ids) > self._room:
                raise PromptError(
                    f"{self.spec.name} reads {self._room} tokens and {quoted(text)} has more; shorten it."
                )
        end = self._tokenizer.eos_token_id
        padded = [list(ids) + [end] * (self._room - len(ids)) for ids in read]
        return torch.tensor(padded, device=self.device)


def open_folder(
    folder: Path, spec: ModelSpec, device: torch.device, dtype: torch.dtype, revision: str
) -> ClipSegAdapter:
    """Raises ModelFilesError as `open_weights`."""
    model = open_weights(CLIPSegForImageSegmentation, folder, device, dtype)
    return ClipSegAdapter(spec, model, open_fast_tokenizer(folder), Pixels(folder), revision)
