"""What a proposal is told: the segment it is matched with, by the losses of Mask2Former (Cheng et al., CVPR 2022).

Matching and losses weigh classes 2, binary cross-entropy 5 and dice 5, and proposals without a segment 0.1 as
"nothing", as there; masks are compared on the whole of a small grid instead of at drawn points.
"""

from dataclasses import dataclass

import torch
from scipy.optimize import linear_sum_assignment
from torch.nn import functional as F

CLASS, BCE, DICE, NOTHING = 2.0, 5.0, 5.0, 0.1


@dataclass(frozen=True)
class Targets:
    """Segments of one picture. masks: float (segment, h, w) of 0 and 1. classes: index of each among those asked.

    valid: float (h, w), 0 where nothing is known.
    """

    masks: torch.Tensor
    classes: torch.Tensor
    valid: torch.Tensor


def match(masks: torch.Tensor, logits: torch.Tensor, targets: Targets) -> tuple[torch.Tensor, torch.Tensor]:
    """(proposals, segments), paired at the least cost; masks: logits (query, h, w), logits: (query, class + 1)."""
    with torch.no_grad():
        flat, wanted, valid = masks.flatten(1), targets.masks.flatten(1), targets.valid.flatten()
        count = valid.sum().clamp(min=1)
        positive, negative = F.softplus(-flat) * valid, F.softplus(flat) * valid
        bce = (positive @ wanted.T + negative @ (1 - wanted).T) / count
        inside = flat.sigmoid() * valid
        overlap = 2 * inside @ wanted.T + 1
        dice = 1 - overlap / (inside.sum(1)[:, None] + (wanted * valid).sum(1) + 1)
        named = -logits.softmax(-1)[:, targets.classes]
        cost = CLASS * named + BCE * bce + DICE * dice
        rows, columns = linear_sum_assignment(cost.cpu().numpy())
    return torch.as_tensor(rows), torch.as_tensor(columns)


def mask_loss(masks: torch.Tensor, targets: Targets, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Mean over the pairs of 5 BCE + 5 dice; masks: logits (query, h, w)."""
    flat, wanted, valid = masks[rows].flatten(1), targets.masks[columns].flatten(1), targets.valid.flatten()
    bce = (F.binary_cross_entropy_with_logits(flat, wanted, reduction="none") * valid).sum(1) / valid.sum().clamp(min=1)
    inside = flat.sigmoid() * valid
    dice = 1 - (2 * (inside * wanted).sum(1) + 1) / (inside.sum(1) + (wanted * valid).sum(1) + 1)
    return (BCE * bce + DICE * dice).mean()


def class_loss(logits: torch.Tensor, targets: Targets, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """2 x cross-entropy of (query, class + 1), proposals without a segment weighed 0.1 as the last class."""
    nothing = logits.shape[-1] - 1
    wanted = torch.full((len(logits),), nothing, device=logits.device)
    wanted[rows] = targets.classes[columns].to(logits.device)
    weight = torch.ones(nothing + 1, device=logits.device)
    weight[nothing] = NOTHING
    return CLASS * F.cross_entropy(logits, wanted, weight)


def proposal_loss(masks: torch.Tensor, logits: torch.Tensor, targets: list[Targets]) -> torch.Tensor:
    """Mean over pictures of both losses; masks: logits (n, query, h, w), logits: (n, query, class + 1)."""
    total = masks.new_zeros(())
    for mask, logit, target in zip(masks, logits, targets, strict=True):
        rows, columns = match(mask, logit, target)
        total = total + mask_loss(mask, target, rows, columns) + class_loss(logit, target, rows, columns)
    return total / len(targets)
