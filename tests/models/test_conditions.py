"""Conditions: what a model is told of several images, joined, taken apart and repeated, by hand."""

import torch

from inspector.models.conditions import Conditions, join

FIRST = Conditions(torch.arange(6.0).view(1, 3, 2), torch.tensor([[7.0]]))
SECOND = Conditions(torch.arange(12.0).view(2, 3, 2), torch.tensor([[8.0], [9.0]]), guidance=3.5)


def test_joined_in_order_and_taken_apart() -> None:
    both = join([FIRST, SECOND])
    assert len(both) == 3
    assert both.pooled is not None
    assert both.pooled.flatten().tolist() == [7, 8, 9]
    assert both.guidance == 3.5
    last = both[2:]
    assert torch.equal(last.states, SECOND.states[1:])
    assert last.pooled is not None
    assert last.pooled.tolist() == [[9.0]]


def test_repeated_and_given_other_states() -> None:
    told = FIRST.guided(2.0).expand(4)
    assert (len(told), told.guidance) == (4, 2.0)
    other = FIRST.with_states(torch.zeros(2, 5, 2))
    assert other.states.shape == (2, 5, 2)
    assert other.pooled is not None
    assert other.pooled.tolist() == [[7.0], [7.0]]


def test_what_stands_beside_the_latents_goes_with_each_image() -> None:
    one = Conditions(FIRST.states, beside=torch.ones(1, 5, 2, 2))
    two = Conditions(FIRST.states, beside=torch.zeros(1, 5, 2, 2))
    both = join([one, two]).beside
    assert both is not None
    assert both[:, 0, 0, 0].tolist() == [1, 0]
    repeated = one.expand(3)[1:].beside
    assert repeated is not None
    assert repeated.shape == (2, 5, 2, 2)


def test_a_family_without_pooled_vectors_has_none_after_all_of_it() -> None:
    plain = Conditions(torch.zeros(1, 3, 2))
    assert join([plain, plain.expand(2)]).pooled is None
    assert plain[:1].pooled is None
