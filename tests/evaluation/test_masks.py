"""Generated pictures against masks that nobody drew: who is asked what, and README as measured."""

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from inspector import world
from inspector.errors import ChoiceError
from inspector.evaluation import masks, masks_readme, reporting
from inspector.evaluation.judge import Judge
from inspector.evaluation.verdict_passes import Pass
from inspector.evaluation.verdict_words import Word
from inspector.models import load_clip, load_promptable
from inspector.models.checksums import fingerprint
from inspector.results import GENERATION, NOISE_ONCE
from inspector.settings import ASSETS

FIRST = world.EVALUATION_SEEDS.start


class Segmenter:
    """Gives the quarter of the picture that a point lies in, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, float]] = []

    def embed(self, image: np.ndarray) -> tuple[int, int]:
        return image.shape[:2]

    def ask(self, size: tuple[int, int], points_yx: np.ndarray) -> Any:
        y, x = points_yx[0]
        self.asked.append((float(y), float(x)))
        mask = np.zeros(size, bool)
        rows, columns = (
            slice(0, s // 2) if at < s // 2 else slice(s // 2, s) for at, s in zip((y, x), size, strict=True)
        )
        mask[rows, columns] = True
        return np.stack([mask, ~mask, ~mask]), np.array([0.9, 0.5, 0.1])


@pytest.fixture
def witness(monkeypatch: pytest.MonkeyPatch) -> masks.Witness:
    """CLIP sees the sky in the first cell and the road in the last one, of 4 x 4; only the sky is above its limit."""
    classes = len(world.CLASSES)
    grid = torch.zeros(classes, 4, 4)
    grid[world.CLASSES.index("sky"), 0, 0] = 9
    grid[world.CLASSES.index("road"), 3, 3] = 9
    monkeypatch.setattr(masks, "dense_scores", lambda clip, trunk, texts: grid)
    cosines = torch.zeros(classes)
    cosines[world.CLASSES.index("sky")] = 0.5
    monkeypatch.setattr(masks, "embed_trunk", lambda clip, trunk: cosines)
    clip: Any = SimpleNamespace(pixels=lambda image: image, trunk=lambda pixels: pixels, logit_scale=1.0)
    judge = Judge(clip, torch.eye(classes), np.full(classes, 0.1), np.zeros(1))
    return masks.Witness(judge, Segmenter())  # type: ignore[arg-type]


def test_a_word_that_clip_finds_is_asked_for_where_it_is_surest(witness: masks.Witness) -> None:
    found = witness.masks(np.zeros((64, 96, 3), np.uint8), ["sky", "road"])
    assert list(found) == ["sky"]  # the road is seen somewhere, but not above its limit
    assert found["sky"].point == (8.0, 12.0)  # the middle of the first of 4 x 4 cells
    assert witness.segmenter.asked == [(8.0, 12.0)]  # type: ignore[attr-defined]
    assert found["sky"].mask[:32, :48].all()
    assert found["sky"].mask.sum() == 32 * 48
    sure = replace(witness.judge, presence=np.full(len(world.CLASSES), -1.0))
    assert list(replace(witness, judge=sure).masks(np.zeros((64, 96, 3), np.uint8), ["road"])) == ["road"]


def test_the_masks_are_held_against_true_ones(witness: masks.Witness) -> None:
    """Of every word that a caption names, since all are above this limit: in the first cell that is not the sky's."""
    scenes = [world.scene(seed) for seed in range(FIRST, FIRST + 8)]
    sure = replace(witness, judge=replace(witness.judge, presence=np.full(len(world.CLASSES), -1.0)))
    found = masks.on_drawn(sure, scenes)
    said = [(scene, sorted({name for *_, name in scene.spans} & set(scene.masks))) for scene in scenes]
    assert found["found"] == found["named"] == sum(len(words) for _, words in said) > 8
    assert masks.on_drawn(witness, scenes)["found"] < found["found"]
    overlaps, inside = [], []
    for scene, words in said:
        height, width = scene.image.shape[:2]
        points = {"sky": (height // 8, width // 8), "road": (7 * height // 8, 7 * width // 8)}
        seen = [points.get(word, (height // 8, 3 * width // 8)) for word in words]
        given = []
        for row, _ in seen:
            given.append(np.zeros((height, width), bool))
            half = (slice(height // 2), slice(width // 2)) if row < height // 2 else np.s_[height // 2 :, width // 2 :]
            given[-1][half] = True
        true = [scene.masks[word] for word in words]
        overlaps.append(
            np.mean([(mask & own).sum() / (mask | own).sum() for mask, own in zip(given, true, strict=True)])
        )
        inside.append(np.mean([own[point] for own, point in zip(true, seen, strict=True)]))
    assert found["iou"]["mean"] == pytest.approx(np.mean(overlaps))
    assert found["inside"]["mean"] == pytest.approx(np.mean(inside))


def test_maps_are_scored_against_the_mask_of_their_own_word() -> None:
    maps = np.zeros((1, 3, 4, 4), np.float16)
    maps[0, 1, :2] = 1
    maps[0, 2, 2:] = 1
    mask = np.zeros((64, 64), bool)
    mask[:32] = True
    words = {Word(0, "sky", (1,)): mask, Word(0, "road", (2,)): mask}
    one = Pass(NOISE_ONCE, 1, 0, {"up_blocks.1": maps}, torch.empty(0))
    (right,), (wrong,) = masks._scores(one, words)
    assert right == [pytest.approx(1.0)]
    assert wrong[0] < 0.5


def test_counts_and_timesteps_that_cannot_be_are_refused() -> None:
    for more in ({"count": 1}, {"count": 2, "seeds": 0}, {"count": 2, "timesteps": (3,)}):
        with pytest.raises(ChoiceError):
            masks.evaluate(**{"seed": FIRST, **more})


@pytest.mark.slow
def test_the_embedded_models_from_end_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masks, "SCENES", 8)
    told: list[Any] = []
    found = masks.evaluate(2, FIRST, told.append, timesteps=(1, 101), seeds=1)
    assert told[-1].step == told[-1].total
    assert {(row["arm"], row["timestep"]) for row in found["curves"]} == {
        (arm, t) for arm in masks.ARMS for t in (1, 101)
    }
    assert found["chance"]["mean"] < next(row["ap"]["mean"] for row in found["curves"] if row["arm"] == GENERATION)
    assert json.loads(json.dumps(found)) == found
    assert "generation" in masks.table(found)


def test_a_witness_is_of_models_alone_and_sees_drawn_things() -> None:
    scene = next(world.scene(seed) for seed in range(FIRST, FIRST + 50) if "sky" in world.scene(seed).masks)
    clip = load_clip("scenes-clip")
    judge = masks.calibrate(clip, [world.scene(seed) for seed in range(FIRST + 60, FIRST + 76)])
    found = masks.Witness(judge, load_promptable()).masks(scene.image, list(scene.masks))
    assert found
    for one in found.values():
        assert one.mask.shape == scene.image.shape[:2]


def test_parts_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 12.0, 13.0, 14.0])
    monkeypatch.setattr(reporting.time, "monotonic", lambda: next(clock))
    told: list[Any] = []
    report = reporting.counted(told.append, "Counting", 4)
    report()
    report()
    assert [(item.step, item.total, item.message, item.seconds_left) for item in told] == [
        (1, 4, "Counting", 6.0), (2, 4, "Counting", 3.0),
    ]  # fmt: skip
    reporting.counted(None, "Counting", 4)()


def test_readme_has_what_was_measured_of_the_shipped_weights() -> None:
    text = masks_readme.README.read_text("utf-8")
    (between,) = (part.split(masks_readme.STOP)[0] for part in text.split(masks_readme.START)[1:])
    assert between.strip() == masks_readme.render().strip()
    measured = masks_readme.read()
    assert [one["models"]["diffusion"] for one in measured] == ["scenes-diffusion-plain", "scenes-diffusion"]
    for one in measured:
        for name, revision in one["revisions"].items():
            assert fingerprint(ASSETS / "models" / name) == revision, name
        assert all(row["ap"]["mean"] > one["chance"]["mean"] for row in one["curves"] if row["timestep"] < 200)
