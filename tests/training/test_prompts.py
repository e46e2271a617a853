"""What the promptable segmenter learns from, and by which losses, checked by hand."""

import numpy as np
import pytest
import torch

from inspector import world
from inspector.models.segmenters.small_sam import build_sam
from inspector.training import prompts
from inspector.training.prompts import Asked, Questions
from inspector.training.segmenter import Answer, Asking, answer_loss, dice, focal, ious, normal


@pytest.fixture(scope="module")
def asked() -> Asked:
    return next(prompts.batches(0, 1, 6, 0))


def test_points_lie_in_their_masks_as_told_and_boxes_around_them(asked: Asked) -> None:
    for points, labels, masks in zip(asked.points, asked.labels, asked.point_masks, strict=True):
        for own, told, mask in zip(points, labels, masks, strict=True):
            assert told[0] == 1
            for (x, y), label in zip(own.long(), told, strict=True):
                share = mask[int(y) // prompts.CELL, int(x) // prompts.CELL]
                assert share > 0 if label else share < 1
    for boxes, masks in zip(asked.boxes, asked.box_masks, strict=True):
        for box, mask in zip(boxes, masks, strict=True):
            exact = prompts.around(mask.numpy() > 0) * prompts.CELL
            assert np.abs(box.numpy() - exact).max() <= prompts.MOST_JITTER + prompts.CELL
    assert not asked.inside.all()  # some are crops, and padded
    assert not asked.pixels[~asked.inside].any()


def test_questions_are_the_same_each_time_and_seeds_stay_in_training() -> None:
    first, again = Questions()[7], Questions()[7]
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    plain = Questions(plain=True)[7]
    assert np.array_equal(plain[0], world.scene(7).image)
    assert plain[1].all()
    last = len(world.TRAINING_SEEDS)
    (wrapped,) = prompts.batches(last, last + 1, 1, 0)
    (first_again,) = prompts.batches(0, 1, 1, 0)
    assert torch.equal(wrapped.pixels, first_again.pixels)


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


def test_a_model_answers_points_and_boxes_of_pictures_that_it_encodes_once(asked: Asked) -> None:
    torch.manual_seed(0)
    asking = Asking(build_sam())
    encoded = []
    asking.sam.vision_encoder.register_forward_hook(lambda *_: encoded.append(1))
    by_point, by_box = asking(normal(asked), asked.points[:, :, :1], asked.labels[:, :, :1], asked.boxes)
    assert encoded == [1]
    assert by_point.logits.shape == (6, prompts.EACH, 3, 64, 64)
    assert by_box.logits.shape == (6, prompts.EACH, 1, 64, 64)
    several, _ = asking(normal(asked), asked.points, asked.labels, asked.boxes)
    assert several.expected.shape == (6, prompts.EACH, 1)
    sum(answer_loss(*pair)[0] for pair in ((by_point, asked.point_masks), (by_box, asked.box_masks))).backward()
    assert asking.sam.vision_encoder.pos_embed.grad.abs().sum() > 0
    assert asking.sam.shared_image_embedding.positional_embedding.grad is None
    assert not normal(asked)[~asked.inside[:, None].expand(-1, 3, -1, -1)].any()  # beyond the picture, as it is padded
