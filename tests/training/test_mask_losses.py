"""The losses of proposals: who is matched with what, and what void and nothing cost."""

import math

import pytest
import torch

from inspector.training.mask_losses import Targets, class_loss, mask_loss, match, proposal_loss

LEFT = torch.tensor([[1.0, 1.0, 0.0, 0.0]] * 2)
SURE = 20.0


def targets(valid=None):
    """Two segments, left of class 1 and right of class 0."""
    known = torch.ones(2, 4) if valid is None else valid
    return Targets(torch.stack([LEFT, 1 - LEFT]), torch.tensor([1, 0]), known)


def logits_of(*masks):
    """Logits that are sure of 0 and 1."""
    return torch.stack([SURE * (2 * mask - 1) for mask in masks])


def test_proposals_are_matched_by_mask():
    rows, columns = match(logits_of(1 - LEFT, torch.zeros(2, 4), LEFT), torch.zeros(3, 3), targets())
    assert dict(zip(rows.tolist(), columns.tolist(), strict=True)) == {0: 1, 2: 0}


def test_the_class_decides_between_equal_masks():
    logits = torch.tensor([[0.0, 9.0, 0.0], [9.0, 0.0, 0.0]])
    both = Targets(torch.stack([LEFT, LEFT]), torch.tensor([0, 1]), torch.ones(2, 4))
    rows, columns = match(logits_of(LEFT, LEFT), logits, both)
    assert dict(zip(rows.tolist(), columns.tolist(), strict=True)) == {0: 1, 1: 0}


def test_void_costs_nothing():
    valid = torch.tensor([[1.0, 1.0, 1.0, 0.0]] * 2)
    wrong_on_void = (1 - LEFT) * valid
    pair = torch.tensor([0, 1]), torch.tensor([0, 1])
    assert mask_loss(logits_of(LEFT, wrong_on_void), targets(valid), *pair) == pytest.approx(0, abs=1e-5)
    assert mask_loss(logits_of(LEFT, wrong_on_void), targets(), *pair) > 1


def test_an_even_guess_costs_log_two_and_half_a_dice():
    loss = mask_loss(torch.zeros(1, 2, 4), targets(), torch.tensor([0]), torch.tensor([0]))
    dice = 1 - (2 * 2 + 1) / (4 + 4 + 1)
    assert float(loss) == pytest.approx(5 * math.log(2) + 5 * dice)


def test_nothing_weighs_a_tenth():
    logits = torch.zeros(2, 3)
    found = class_loss(logits, targets(), torch.tensor([0]), torch.tensor([1]))
    assert float(found) == pytest.approx(2 * math.log(3))
    sure = torch.tensor([[9.0, 0, 0], [9.0, 0, 0]])  # right for the first, wrong for the second, which is nothing
    share = 0.1 / 1.1
    assert float(class_loss(sure, targets(), torch.tensor([0]), torch.tensor([1]))) == pytest.approx(
        2 * share * 9, rel=0.01
    )


def test_a_right_proposal_costs_less_than_a_wrong_one():
    names = torch.tensor([[[0.0, 9, 0], [9.0, 0, 0]]])
    right = proposal_loss(logits_of(LEFT, 1 - LEFT)[None], names, [targets()])
    wrong = proposal_loss(logits_of(1 - LEFT, torch.zeros(2, 4))[None], names, [targets()])
    assert right < 0.1 < wrong
