"""Train scenes-sam, a small Segment Anything, on drawn scenes and their exact masks.

Losses are the paper's (Kirillov et al., ICCV 2023, appendix A): focal and dice, 20 to 1, of the best of three masks for
one point and of the single mask for a box or several points, and the squared error of the IoU that the model expects.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from inspector.models.segmenters.opening import MEAN, STD
from inspector.models.segmenters.small_sam import build_sam, open_sam, save_sam
from inspector.training.cards import write_card, written_run
from inspector.training.loop import Run, Schedule, half
from inspector.training.prompts import POINTS, Asked, Questions, batches

NAME = "scenes-sam"
PRESETS: dict[str, dict] = {
    "cpu": {
        "workers": 1,
        "schedule": Schedule(steps=6_000, learning_rate=1e-3, batch=4, average=0.995, probe_every=500),
    },
    "gpu": {
        "workers": 15,
        "schedule": Schedule(
            steps=12_000, learning_rate=1e-3, batch=32, average=0.999, probe_every=1_000, slice_minutes=8
        ),
    },
}
FOCAL, DICE = 20.0, 1.0
GAMMA, ALPHA = 2.0, 0.5  # of the focal loss (Lin et al. 2017, who weigh what is in a mask by 0.25; our choice)
PROBE_SEEDS = range(500_000, 500_024)


class Answer(NamedTuple):
    """Mask logits (n, k, m, h, w) and the IoU expected of each (n, k, m); m is 3 for one point, else 1."""

    logits: torch.Tensor
    expected: torch.Tensor


class Asking(nn.Module):
    """The model asked by points and by boxes of pictures that it encodes once."""

    def __init__(self, sam: Any) -> None:
        super().__init__()
        self.sam = sam

    def forward(
        self, pixels: torch.Tensor, points: torch.Tensor, labels: torch.Tensor, boxes: torch.Tensor
    ) -> tuple[Answer, Answer]:
        embedding = self.sam.vision_encoder(pixels).last_hidden_state
        single = points.shape[2] == 1
        by_point = self.sam(
            image_embeddings=embedding, input_points=points, input_labels=labels, multimask_output=single
        )
        by_box = self.sam(image_embeddings=embedding, input_boxes=boxes, multimask_output=False)
        return Answer(by_point.pred_masks, by_point.iou_scores), Answer(by_box.pred_masks, by_box.iou_scores)


def train(preset: str = "cpu", resume: bool = False, runs: Path = Path("runs"), out: Path | None = None) -> bool:
    """Train the segmenter and write it to `out`/scenes-sam; True when the last step is done."""
    options = PRESETS[preset]
    schedule: Schedule = options["schedule"]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    asking = Asking(build_sam()).to(device)
    run = Run("segmenter", asking.sam, schedule, Path(runs) / "segmenter", resume)
    written = (out or Path(runs) / "models") / NAME
    step, seconds = written_run(written, "sam")
    if resume and run.step == 0 and step:
        run.adopt(open_sam(written).state_dict(), step, seconds)
    lessons = batches(run.step, schedule.steps, schedule.batch, options["workers"])
    held_out = Asked(*next(iter(DataLoader(Questions(plain=True), len(PROBE_SEEDS), sampler=PROBE_SEEDS))))

    def loss(step: int, rng: np.random.Generator) -> tuple[torch.Tensor, Mapping[str, float]]:
        asking.train()
        count = int(rng.choice([1, 1, 1, *range(2, POINTS + 1)]))
        asked = next(lessons)
        given = [normal(asked).to(device), asked.points[:, :, :count].to(device)]
        given += [asked.labels[:, :, :count].to(device), asked.boxes.to(device)]
        with half(device):
            answers = asking(*given)
        by_point = answer_loss(answers[0], asked.point_masks.to(device))
        by_box = answer_loss(answers[1], asked.box_masks.to(device))
        numbers = {"point_iou" if count == 1 else "points_iou": by_point[1], "box_iou": by_box[1]}
        return by_point[0] + by_box[0], numbers

    def probe() -> Mapping[str, float]:
        by_point, by_box = asking(
            normal(held_out).to(device), held_out.points[:, :, :1].to(device), held_out.labels[:, :, :1].to(device),
            held_out.boxes.to(device),
        )  # fmt: skip
        point = ious(by_point.logits, held_out.point_masks.to(device))
        surest = point.gather(-1, by_point.expected.argmax(-1, keepdim=True)).mean()
        box = ious(by_box.logits, held_out.box_masks.to(device)).mean()
        return {"point_iou": surest.item(), "best_of_three": point.amax(-1).mean().item(), "box_iou": box.item()}

    done = run.train(loss, probe)
    with run.averaged():
        save_sam(asking.sam, written)
    write_card(written, "sam", preset, run, asking.sam)
    return done


def normal(asked: Asked) -> torch.Tensor:
    """Pixels as the model wants them, (n, 3, side, side); 0 beyond the picture, as its own preparation pads it."""
    mean, std = (torch.tensor(item).view(1, 3, 1, 1) for item in (MEAN, STD))
    pixels = (asked.pixels.permute(0, 3, 1, 2).float() / 255 - mean) / std
    return pixels * asked.inside[:, None]


def answer_loss(answer: Answer, masks: torch.Tensor) -> tuple[torch.Tensor, float]:
    """Loss of the best of an answer's masks, with that of the IoU expected of all; and the mean IoU of those best."""
    logits, wanted = answer.logits.float(), masks[:, :, None]
    of_masks = FOCAL * focal(logits, wanted) + DICE * dice(logits, wanted)  # (n, k, m)
    reached = ious(logits, masks)
    error = (answer.expected.float() - reached).square().mean()
    best = of_masks.argmin(-1, keepdim=True)
    return of_masks.gather(-1, best).mean() + error, float(reached.gather(-1, best).mean())


def focal(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Mean focal loss over (..., h, w); wanted: shares in [0, 1], broadcast."""
    wanted = wanted.expand_as(logits)
    plain = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    missed = (logits.sigmoid() - wanted).abs()
    weight = ALPHA * wanted + (1 - ALPHA) * (1 - wanted)
    return (weight * missed**GAMMA * plain).mean((-2, -1))


def dice(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """One minus the dice overlap of (..., h, w); wanted: shares in [0, 1], broadcast."""
    given = logits.sigmoid()
    both = (given * wanted).sum((-2, -1))
    return 1 - (2 * both + 1) / (given.sum((-2, -1)) + wanted.sum((-2, -1)) + 1)


@torch.no_grad()
def ious(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """IoU (n, k, m) of masks cut at 0 with masks (n, k, h, w) cut at half."""
    given, wanted = logits > 0, masks[:, :, None] > 0.5
    both, either = (given & wanted).sum((-2, -1)), (given | wanted).sum((-2, -1))
    return both / either.clamp(min=1)
