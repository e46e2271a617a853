"""What the promptable segmenter learns from, and by which losses, checked by hand."""

import numpy as np
import pytest
import torch

from inspector import world
from inspector.models.segmenters.small_sam import build_sam
from inspector.training import prompts, segmenter
from inspector.training.prompts import Asked, Questions
from inspector.training.segmenter import Answer, Asking, answer_loss, at_side, dice, focal, ious, lessons_from


@pytest.fixture(scope="module")
def asked() -> Asked:
    return next(prompts.batches(128, 0, 1, 6, 0))


def test_points_lie_in_their_masks_as_told_and_boxes_around_them(asked: Asked) -> None:
    for points, labels, masks in zip(asked.points, asked.labels, asked.point_masks, strict=True):
        for own, told, mask in zip(points, labels, masks, strict=True):
            assert told[0] == 1
            for (x, y), label in zip(own.long(), told, strict=True):
                share = mask[int(y) // 2, int(x) // 2]
                assert share > 0 if label else share < 1
    for boxes, masks in zip(asked.boxes, asked.box_masks, strict=True):
        for box, mask in zip(boxes, masks, strict=True):
            exact = prompts.around(mask.numpy() > 0) * 2
            assert np.abs(box.numpy() - exact).max() <= prompts.MOST_JITTER + 2
    assert not asked.inside.all()  # some are crops, and padded
    assert not asked.pixels[~asked.inside].any()


def test_questions_are_the_same_each_time_and_seeds_stay_in_training() -> None:
    first, again = Questions(128)[7], Questions(128)[7]
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    plain = Questions(256, plain=True)[7]
    assert np.array_equal(plain[0], world.scene(7).image)
    assert plain[1].all()
    last = len(world.TRAINING_SEEDS)
    (wrapped,) = prompts.batches(64, last, last + 1, 1, 0)
    assert torch.equal(wrapped.pixels, Asked(*next(iter(prompts.batches(64, 0, 1, 1, 0)))).pixels)


def test_training_goes_on_where_it_was_with_small_pictures_first(monkeypatch: pytest.MonkeyPatch) -> None:
    asked_for: list[tuple[int, ...]] = []

    def note(*values: int) -> list[object]:
        asked_for.append(values)
        return []

    monkeypatch.setattr(segmenter, "batches", note)
    schedule = segmenter.PRESETS["cpu"]["schedule"]
    for step in (0, 7, 12):
        list(lessons_from(step, schedule, 10, 1))
    rest = (256, 10, schedule.steps, schedule.batch, 1)
    small = [(128, step, 10, schedule.batch, 1) for step in (0, 7)]
    assert asked_for == [small[0], rest, small[1], rest, (256, 12, *rest[2:])]


def test_losses_by_hand() -> None:
    wanted = torch.tensor([[[1.0, 0.0]]])
    logits = torch.tensor([[[0.0, 0.0]]])
    assert focal(logits, wanted).item() == pytest.approx(0.5 * 0.25 * np.log(2))  # half sure of each
    assert dice(logits, wanted).item() == pytest.approx(1 - (2 * 0.5 + 1) / (1 + 1 + 1))
    assert focal(40 * (wanted - 0.5), wanted).item() < 1e-6
    assert dice(40 * (wanted - 0.5), wanted).item() < 1e-6
    masks = torch.zeros(1, 1, 4, 4)
    masks[..., :2] = 1
    right, wrong = 20 * (masks - 0.5), -20 * (masks - 0.5)
    both = torch.stack([wrong, right, wrong], 2)
    assert ious(both, masks).tolist() == [[[0, 1, 0]]]
    loss, best = answer_loss(Answer(both, torch.tensor([[[0.0, 1.0, 0.0]]])), masks)
    assert loss.item() < 1e-3  # of three, the best counts
    assert best == 1
    surer, _ = answer_loss(Answer(both, torch.tensor([[[0.5, 1.0, 0.5]]])), masks)
    assert (surer - loss).item() == pytest.approx(2 * 0.25 / 3)


def test_small_pictures_are_answered_with_the_same_weights_and_a_gradient() -> None:
    torch.manual_seed(0)
    asking, small = Asking(build_sam()), Asking(build_sam(at_side(128)))
    given = [torch.rand(1, 3, 128, 128), torch.rand(1, 2, 1, 2) * 128, torch.ones(1, 2, 1, dtype=torch.long)]
    by_point, by_box = segmenter.reduced(asking, small, [*given, torch.tensor([[[9.0, 9, 60, 60]] * 2])])
    assert by_point.logits.shape == (1, 2, 3, 64, 64)
    assert by_box.logits.shape == (1, 2, 1, 64, 64)
    (by_point.logits.mean() + by_box.logits.mean()).backward()
    grid = asking.sam.vision_encoder.pos_embed.grad
    assert grid.abs().sum() > 0
    assert torch.allclose(grid[0, 0, 0], grid[0, 1, 1])  # four places of the large grid are one of the small
    assert all(weight.grad is None for weight in small.parameters())
    assert asking.sam.shared_image_embedding.positional_embedding.grad is None
