"""Segments that heads learn: parts win, stuff is one, things are several, held-out classes are void."""

from pathlib import Path

import numpy as np
import pytest
import torch

from inspector import world
from inspector.evaluation.segments import THINGS, segments_of
from inspector.models import load_clip, load_diffusion
from inspector.models.heads.specs import HEADS, UNSEEN
from inspector.pipelines.mask_heads import inputs_of_picture
from inspector.training.head_data import Frozen, Pictures
from inspector.training.mask_heads import SEEN, targets_of


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
