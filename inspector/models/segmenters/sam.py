"""Segment Anything (Kirillov et al., ICCV 2023) as `protocols.PromptableSegmenter`: a mask for points or a box, and
masks without names from a grid of points.

Points, thresholds and overlap are those of the paper's automatic masks (section 5 and appendix B), without its crops.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F
from torchvision.ops import nms
from transformers import SamModel

from inspector.models.catalog import ModelSpec
from inspector.models.protocols import PictureEmbedding, Segmented
from inspector.models.segmenters.opening import Pixels, open_weights
from inspector.results import ClassNames

AT_ONCE = 64  # points decoded at once
OFFSET = 1.0  # of the logit, between whose two cuts a mask should keep its area


@dataclass(frozen=True)
class Keeping:
    """Which masks of which points are kept.

    points: of the grid, on a side. sure: least IoU that the model expects of a mask. stable: least IoU of the mask cut
    at a logit a little higher and a little lower. overlap: IoU of boxes from which the less sure one goes.
    """

    points: int = 32
    sure: float = 0.88
    stable: float = 0.95
    overlap: float = 0.7


class SamAdapter:
    """The picture is read once at the model's size; each point gives three masks."""

    labels: ClassNames = ()
    wordless, queries = True, True

    def __init__(self, spec: ModelSpec, model: Any, pixels: Pixels, revision: str) -> None:
        self.spec, self.revision, self.model = spec, revision, model
        self.device, self.dtype = model.device, model.dtype
        self.keeping = Keeping()
        self._pixels, self._side = pixels, int(model.config.vision_config.image_size)

    @torch.no_grad()
    def segment(self, image: np.ndarray, classes: ClassNames, template: str) -> Segmented:
        """Masks of a quarter of the model's size that pass `keeping`, the surest first; classes are of no use here."""
        embedding, size = self.embed(image).values, self._scaled(image.shape[:2])
        found = [self._decode(embedding, part) for part in self._grid(size).split(AT_ONCE)]
        logits, sure = (torch.cat(items) for items in zip(*found, strict=True))
        shrunk = logits.shape[-1] / self._side
        rows, columns = (max(1, round(length * shrunk)) for length in size)
        logits = logits[:, :rows, :columns]
        kept = keep(logits, sure, self.keeping)
        return Segmented(logits[kept].sigmoid().cpu().numpy(), None, sure[kept].clamp(0, 1).cpu().numpy())

    @torch.no_grad()
    def embed(self, image: np.ndarray) -> PictureEmbedding:
        """The picture by the encoder: its longer side at the model's, the rest of the square nought."""
        size = self._scaled(image.shape[:2])
        pixels = self._pixels(image, size, self.device, self.dtype)
        padded = F.pad(pixels, (0, self._side - size[1], 0, self._side - size[0]))
        return PictureEmbedding(self.model.get_image_embeddings(padded), image.shape[:2])

    @torch.no_grad()
    def ask(
        self,
        embedding: PictureEmbedding,
        points_yx: np.ndarray | None = None,
        labels: np.ndarray | None = None,
        box_xyxy: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """As `protocols.PromptableSegmenter`; three masks of one point, as the paper advises."""
        size = self._scaled(embedding.size)
        scale = torch.tensor([size[1] / embedding.size[1], size[0] / embedding.size[0]], device=self.device)
        given, several = {}, box_xyxy is not None
        if points_yx is not None:
            places = torch.tensor(np.asarray(points_yx, np.float32), device=self.device).flip(-1) * scale
            given["input_points"] = places[None, None]  # (picture, mask, point, 2)
            inside = np.ones(len(places)) if labels is None else labels
            given["input_labels"] = torch.tensor(np.asarray(inside, np.int64), device=self.device)[None, None]
            several |= len(places) > 1
        if box_xyxy is not None:
            corners = torch.tensor(np.asarray(box_xyxy, np.float32), device=self.device).view(2, 2) * scale
            given["input_boxes"] = corners.view(1, 1, 4)
        out = self.model(image_embeddings=embedding.values, multimask_output=not several, **given)
        sure, order = out.iou_scores[0, 0].float().clamp(0, 1).sort(descending=True, stable=True)
        square = F.interpolate(out.pred_masks[0, :, order].float(), (self._side, self._side), mode="bilinear")
        masks = F.interpolate(square[..., : size[0], : size[1]], embedding.size, mode="bilinear")[0] > 0
        return masks.cpu().numpy(), sure.cpu().numpy()

    def _scaled(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Height and width of a picture (h, w) as the model is shown it."""
        scale = self._side / max(shape)
        return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))

    def _grid(self, size: tuple[int, int]) -> torch.Tensor:
        """Points (n, 2), x and y in pixels of the scaled picture, at the middles of equal cells."""
        middles = (torch.arange(self.keeping.points, device=self.device) + 0.5) / self.keeping.points
        return torch.cartesian_prod(middles * size[1], middles * size[0])

    def _decode(self, embedding: torch.Tensor, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mask logits (3 n, h, w) and the IoU expected of each."""
        places = points[None, :, None].to(self.dtype)  # (picture, mask, point, 2)
        out = self.model(image_embeddings=embedding, input_points=places, multimask_output=True)
        return out.pred_masks[0].flatten(0, 1).float(), out.iou_scores[0].flatten().float()


def keep(logits: torch.Tensor, sure: torch.Tensor, keeping: Keeping) -> torch.Tensor:
    """Indices of the masks, logits (q, h, w) with the IoU expected of each (q,), that are kept, the surest first."""
    inner, outer = ((logits > cut).sum((-2, -1)) for cut in (OFFSET, -OFFSET))
    stable = inner / outer.clamp(min=1)
    good = torch.where((sure >= keeping.sure) & (stable >= keeping.stable) & (logits > 0).flatten(1).any(1))[0]
    return good[nms(boxes(logits[good] > 0), sure[good], keeping.overlap)]


def boxes(masks: torch.Tensor) -> torch.Tensor:
    """float32 (q, 4): x0, y0, x1, y1 around bool masks (q, h, w), none of them empty."""
    columns, rows = masks.any(1).float(), masks.any(2).float()
    first = [line.argmax(1) for line in (columns, rows)]
    last = [line.shape[1] - line.flip(1).argmax(1) for line in (columns, rows)]
    return torch.stack([*first, *last], 1).float()


def open_folder(folder: Path, spec: ModelSpec, device: torch.device, dtype: torch.dtype, revision: str) -> SamAdapter:
    """Raises ModelFilesError as `open_weights`."""
    return SamAdapter(spec, open_weights(SamModel, folder, device, dtype), Pixels(folder), revision)
