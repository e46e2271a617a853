"""Segments that heads learn: parts win, stuff is one, things are several, held-out classes are void."""

from pathlib import Path

import numpy as np
import pytest
import torch

from inspector import world
from inspector.evaluation.segments import THINGS, segments_of
from inspector.models import load_clip, load_diffusion
from inspector.models.heads.build import build_head
from inspector.models.heads.specs import HEADS, UNSEEN
from inspector.pipelines.diffusion_reading import class_tokens
from inspector.pipelines.mask_heads import inputs_of_picture, surroundings
from inspector.training.head_data import Frozen, Pictures
from inspector.training.mask_heads import FEWEST, SEEN, among, classes_asked, targets_of
from inspector.training.mask_losses import Targets


@pytest.fixture(scope="module")
def scene() -> world.Scene:
    """A street with windows, a door and several things."""
    return world.scene(3)


def test_segments_are_what_labels_say() -> None:
    for drawn in map(world.scene, range(24)):
        segments = segments_of(drawn, drawn.size)
        known = segments.ids >= 0
        assert np.array_equal(np.array(segments.classes)[segments.ids[known]], drawn.labels[known])
        # What is left out is of something too hidden to be told of, such as a door behind a car.
        assert (~known & (drawn.labels > 0)).mean() < 0.01


def test_stuff_is_one_segment_and_each_thing_its_own() -> None:
    for seed in range(20):
        drawn = world.scene(seed)
        classes = segments_of(drawn, drawn.size).classes
        words = [world.CLASS_IDS[word] for word, _, _ in drawn.instances]
        for number in set(words):
            wanted = words.count(number) if number in THINGS else 1
            assert classes.count(number) == wanted


def test_a_cell_is_what_most_of_it_is(scene: world.Scene) -> None:
    fine, coarse = segments_of(scene, scene.size), segments_of(scene, 64)
    block = fine.ids[:4, :4]
    values, counts = np.unique(block, return_counts=True)
    assert coarse.ids[0, 0] == values[counts.argmax()]


def test_held_out_classes_are_void() -> None:
    drawn = next(scene for scene in map(world.scene, range(100)) if set(scene.masks) & set(UNSEEN))
    segments = segments_of(drawn)
    targets = targets_of(segments)
    held = np.isin(
        segments.ids, [i for i, number in enumerate(segments.classes) if world.CLASSES[number - 1] in UNSEEN]
    )
    assert held.any()
    assert not targets.valid.numpy()[held].any()
    assert {SEEN[index] for index in targets.classes.tolist()}.isdisjoint(UNSEEN)
    assert torch.equal(targets.masks.sum(0), targets.valid)


def test_classes_that_are_asked_for_differ_and_half_of_them_are_there() -> None:
    masks = torch.zeros(4, 2, 2)
    targets = [Targets(masks, torch.tensor(shown), torch.ones(2, 2)) for shown in ([3, 5, 3, 0], [1, 2, 4, 9])]
    counts = set()
    for first in range(200):
        asked = classes_asked(np.array([first, 700]), targets)
        assert len({len(chosen) for chosen in asked}) == 1  # one context for the batch, of one length
        for chosen, item in zip(asked, targets, strict=True):
            kinds = set(item.classes.tolist())
            assert len(set(chosen.tolist())) == len(chosen)
            assert len(kinds & set(chosen.tolist())) >= min(len(kinds), len(chosen) / 2)
        counts.add(len(asked[0]))
        again = classes_asked(np.array([first, 700]), targets)
        assert all(torch.equal(one, two) for one, two in zip(asked, again, strict=True))
    assert min(counts) == FEWEST
    assert max(counts) == len(SEEN)
    assert len(counts) > 5


def test_labels_among_the_asked_classes_leave_the_others_void() -> None:
    labels = torch.tensor([[7, 2], [-1, 4]])
    assert among(labels, torch.tensor([4, 7])).tolist() == [[1, -1], [-1, 0]]


def test_a_head_that_asks_is_given_what_a_picture_gives(tmp_path: Path) -> None:
    pictures = Pictures(tmp_path, 12, 2)
    frozen = Frozen(pictures, load_diffusion("scenes-diffusion-plain"), load_clip("scenes-clip-plain"))
    spec = HEADS["vpd"]
    head = build_head(spec, surroundings(spec, frozen.clip, frozen.diffusion))
    tokens = class_tokens(frozen.diffusion, (("car",), ("sky",)), "a photo of {}.", frozen.diffusion.encode_prompts)
    kept = frozen.inputs(spec, np.array([1]), head, tokens)
    live = inputs_of_picture(spec, head, pictures.images[1], frozen.clip, frozen.diffusion, tokens=tokens)
    assert kept.features.keys() == live.features.keys()
    for tap, values in live.features.items():
        assert torch.allclose(kept.features[tap], values, atol=0.01 * float(values.abs().max()))  # half precision
    assert [tuple(item.shape) for item in live.attention] == [(1, 2, 16, 16), (1, 2, 8, 8)]
    assert all(torch.allclose(*pair, atol=0.01) for pair in zip(kept.attention, live.attention, strict=True))
    sum(item.square().sum() for item in kept.attention).backward()
    assert head.adapter.gamma.grad.abs().sum() > 0


@pytest.mark.parametrize("name", ["odise-no-captioner", "odise-caption", "san"])
def test_what_is_kept_is_what_a_picture_gives(name: str, tmp_path: Path) -> None:
    pictures = Pictures(tmp_path, 12, 2)
    frozen = Frozen(pictures, load_diffusion("scenes-diffusion-plain"), load_clip("scenes-clip-plain"))
    spec = HEADS[name]
    kept = frozen.inputs(spec, np.array([1]))
    diffusion = frozen.diffusion if "diffusion" in spec.kinds else None
    live = inputs_of_picture(spec, None, pictures.images[1], frozen.clip, diffusion, pictures.captions[1])
    assert kept.features.keys() == live.features.keys()
    for tap, values in live.features.items():
        assert torch.allclose(kept.features[tap], values, atol=2e-3 * float(values.abs().max()))  # half precision
    again = Frozen(Pictures(tmp_path, 12, 2), frozen.diffusion, frozen.clip).inputs(spec, np.array([1]))
    assert all(torch.equal(again.features[tap], values) for tap, values in kept.features.items())
