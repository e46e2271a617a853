"""Train a segmentation head on frozen models: which masks there are, and what they are called.

Every row has the same steps, rate, batch and pictures. Features that do not depend on what is trained are computed once
and read from disk; a captioner, and classes as the context, change what the UNet sees, so that the UNet runs, and its
gradient with it. Five classes are held out: no text of theirs is seen, and their pixels are void, neither something nor
nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from inspector import world
from inspector.analysis.vocabulary import embed_classes
from inspector.evaluation.segments import GRID, Segments
from inspector.evaluation.texts import TEMPLATE, single
from inspector.models.heads.build import LAYERS, build_head
from inspector.models.heads.specs import UNSEEN, HeadSpec
from inspector.pipelines.diffusion_reading import class_tokens
from inspector.pipelines.mask_heads import dense_logits, surroundings
from inspector.training.head_data import Frozen
from inspector.training.loop import Run, Schedule
from inspector.training.mask_losses import Targets, proposal_loss

SEEN = tuple(word for word in world.CLASSES if word not in UNSEEN)
SCHEDULE = Schedule(steps=250, learning_rate=2e-3, warmup=20, batch=8, average=0.98, weight_decay=0.05)
SCENES = 800
FEWEST = 3  # classes in a context, where not all are asked for


@dataclass
class Lesson:
    """One row's training: the head, what it reads, and the classes it learns."""

    spec: HeadSpec
    head: Any  # of models.heads.build
    frozen: Frozen
    text: torch.Tensor  # (seen class, embed), unit
    tokens: torch.Tensor | None = None  # (seen class, width), for a row that asks

    def loss(self, rows: np.ndarray) -> torch.Tensor:
        """Mean loss of pictures `rows` over every layer of the decoder."""
        targets = [targets_of(self.frozen.pictures.segments(row)) for row in rows]
        return LOSSES[self.spec.family](self, rows, targets)


def targets_of(segments: Segments) -> Targets:
    """Segments of the seen classes; cells of the others are void."""
    ids = torch.from_numpy(segments.ids.astype(np.int64))
    seen = [index for index, number in enumerate(segments.classes) if world.CLASSES[number - 1] not in UNSEEN]
    seen = [index for index in seen if (ids == index).any()]
    masks = torch.stack([ids == index for index in seen]) if seen else torch.zeros(0, *ids.shape, dtype=torch.bool)
    valid = masks.any(0) if seen else torch.zeros(ids.shape, dtype=torch.bool)
    classes = [SEEN.index(world.CLASSES[segments.classes[index] - 1]) for index in seen]
    return Targets(masks.float(), torch.tensor(classes, dtype=torch.long), valid.float())


def on_grid(masks: torch.Tensor) -> torch.Tensor:
    """Mask logits (n, query, h, w) at the targets' grid."""
    return F.interpolate(masks, size=(GRID, GRID), mode="bilinear", align_corners=False)


def odise_loss(lesson: Lesson, rows: np.ndarray, targets: list[Targets]) -> torch.Tensor:
    """Masks and classes of every layer of the decoder."""
    inputs = lesson.frozen.inputs(lesson.spec, rows, lesson.head)
    proposals = lesson.head(inputs.features, inputs.size)
    pairs = zip(proposals.masks, proposals.embeddings, strict=True)
    losses = [
        proposal_loss(on_grid(masks), lesson.head.classifier(embeddings, lesson.text), targets)
        for masks, embeddings in pairs
    ]
    return torch.stack(losses).sum() / (LAYERS + 1)


def maskclip_loss(lesson: Lesson, rows: np.ndarray, targets: list[Targets]) -> torch.Tensor:
    """Masks of every layer, and whether each is something."""
    inputs = lesson.frozen.inputs(lesson.spec, rows, lesson.head)
    proposals = lesson.head(inputs.features, inputs.size)
    agnostic = [Targets(item.masks, torch.zeros_like(item.classes), item.valid) for item in targets]
    pairs = zip(proposals.masks, proposals.embeddings, strict=True)
    losses = [
        proposal_loss(on_grid(masks), lesson.head.objectness(embeddings), agnostic) for masks, embeddings in pairs
    ]
    return torch.stack(losses).sum() / (LAYERS + 1)


def san_loss(lesson: Lesson, rows: np.ndarray, targets: list[Targets]) -> torch.Tensor:
    """The side network's masks, and what CLIP calls its steered class tokens."""
    clip, inputs = lesson.frozen.clip, lesson.frozen.inputs(lesson.spec, rows)
    layers = inputs.layers
    masks, biases = lesson.head(inputs.pixels, layers.tokens, layers.grid)
    embeddings = F.normalize(
        clip.steered(layers.tokens[lesson.head.enters], lesson.head.enters, biases, sees_class=False), dim=-1
    )
    text = torch.cat([lesson.text, F.normalize(lesson.head.background, dim=-1)])
    return proposal_loss(on_grid(masks), clip.logit_scale * embeddings @ text.T, targets)


def lseg_loss(lesson: Lesson, rows: np.ndarray, targets: list[Targets]) -> torch.Tensor:
    """Cross-entropy of every known cell among the seen classes."""
    inputs = lesson.frozen.inputs(lesson.spec, rows)
    logits = dense_logits(lesson.spec, lesson.head, inputs, lesson.frozen.clip, lesson.text)
    return F.cross_entropy(on_grid(logits), torch.stack([labels_of(item) for item in targets]), ignore_index=-1)


def vpd_loss(lesson: Lesson, rows: np.ndarray, targets: list[Targets]) -> torch.Tensor:
    """Cross-entropy of every known cell among the classes that are asked for of its picture; other cells are void."""
    assert lesson.tokens is not None  # the row asks
    asked = torch.stack(classes_asked(rows, targets))
    inputs = lesson.frozen.inputs(lesson.spec, rows, lesson.head, lesson.tokens[asked])
    logits = dense_logits(lesson.spec, lesson.head, inputs, lesson.frozen.clip, lesson.text[asked])
    labels = [among(labels_of(item), chosen) for item, chosen in zip(targets, asked, strict=True)]
    return F.cross_entropy(on_grid(logits), torch.stack(labels), ignore_index=-1)


def classes_asked(rows: np.ndarray, targets: list[Targets]) -> list[torch.Tensor]:
    """Which of SEEN are asked for of each picture, as many of each: all in half of the batches, else FEWEST or more.

    At least half of those are in the picture, where it shows so many. VPD asks for all at all times; a head that takes
    any names must know contexts of any length. Drawn from the numbers of the pictures.
    """
    draw = np.random.default_rng(rows)
    count = len(SEEN) if draw.random() < 0.5 else int(draw.integers(FEWEST, len(SEEN) + 1))
    found = []
    for item in targets:
        shown = draw.permutation(np.unique(item.classes.numpy()))[: -(-count // 2)]
        others = draw.permutation(np.setdiff1d(np.arange(len(SEEN)), shown))
        found.append(torch.from_numpy(np.concatenate([shown, others])[:count]))
    return found


def among(labels: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Indices of SEEN (h, w), -1 for void, as indices of the chosen (k,); what is not chosen is void too."""
    places = torch.full((len(SEEN) + 1,), -1)  # the last is void's, -1
    places[chosen] = torch.arange(len(chosen))
    return places[labels]


def labels_of(targets: Targets) -> torch.Tensor:
    """Class index of each cell (h, w), -1 where nothing is known."""
    labels = torch.full(targets.valid.shape, -1, dtype=torch.long)
    for mask, number in zip(targets.masks, targets.classes, strict=True):
        labels[mask > 0] = number
    return labels


LOSSES: Mapping[str, Callable[[Lesson, np.ndarray, list[Targets]], torch.Tensor]] = {
    "odise": odise_loss,
    "maskclip-masks": maskclip_loss,
    "san": san_loss,
    "lseg": lseg_loss,
    "vpd": vpd_loss,
}


def train_head(spec: HeadSpec, seed: int, frozen: Frozen, folder: Path, resume: bool = True) -> Run:
    """Train the head of a row from a seed, which draws its first weights and its batches; resumes what it finds."""
    around = surroundings(spec, frozen.clip, frozen.diffusion)
    torch.manual_seed(seed)
    head = build_head(spec, around)
    text = embed_classes(frozen.clip, single(SEEN), TEMPLATE)
    tokens = None
    if spec.asks:
        tokens = class_tokens(frozen.diffusion, single(SEEN), TEMPLATE, frozen.diffusion.encode_prompts)
    lesson = Lesson(spec, head, frozen, text, tokens)
    run = Run(f"{spec.name} {seed}", head, SCHEDULE, folder / f"{spec.name}-{seed}", resume)

    def loss(step: int, rng: np.random.Generator) -> tuple[torch.Tensor, Mapping[str, float]]:
        head.train()
        rows = np.random.default_rng([seed, step]).choice(len(frozen.pictures), SCHEDULE.batch, replace=False)
        return lesson.loss(np.sort(rows)), {}

    run.train(loss)
    return run
