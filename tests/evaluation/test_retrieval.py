"""Retrieval by numbers that can be worked out by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from inspector import world
from inspector.evaluation import retrieval

FIRST = world.EVALUATION_SEEDS.start


def test_retrieval_counts_both_directions_and_equal_captions():
    similarity = np.array([[0.9, 0.1, 0.2], [0.8, 0.3, 0.1], [0.0, 0.2, 0.7]])
    # Image 1 finds caption 0, caption 1 finds image 1; the others find their own both ways.
    assert retrieval.hits(similarity, ["a", "b", "c"]).tolist() == [1, 0.5, 1]
    assert retrieval.hits(similarity, ["a", "a", "c"]).tolist() == [1, 1, 1]
    # Caption 0 finds image 1, whose caption is another; image 0 finds caption 0.
    assert retrieval.hits(np.array([[0.5, 0.1], [0.6, 0.7]]), ["a", "b"]).tolist() == [0.5, 1]


def test_retrieval_groups_leave_out_what_fills_none():
    """Five orthogonal pictures, the last two with swapped captions: in groups of two the fifth is not asked."""
    images = np.eye(5)
    texts = np.eye(5)[[0, 1, 2, 4, 3]]
    captions = list("abcde")
    assert retrieval.grouped_hits(images, texts, captions, group=2).tolist() == [1, 1, 1, 0]
    assert retrieval.grouped_hits(images, texts, captions, group=5).tolist() == [1, 1, 1, 0, 0]
    assert retrieval.grouped_hits(images, texts, captions, group=64).tolist() == [1, 1, 1, 0, 0]


def test_the_fullest_caption_names_more_than_the_scenes_own():
    scenes = [world.scene(FIRST + row, 64) for row in range(12)]
    full = [retrieval.full_caption(scene) for scene in scenes]
    assert full == [retrieval.full_caption(scene) for scene in scenes]
    assert all(word in scene.masks for scene, caption in zip(scenes, full, strict=True) for *_, word in caption.spans)
    own = sum(len(scene.spans) for scene in scenes)
    assert sum(len(caption.spans) for caption in full) > 1.3 * own


def test_knowing_words_and_colours():
    """Two pictures with a car and one without: "a red car" fits one, "a car" two, "the sky" all three."""
    scenes = [_drawn(car="red", sky=None), _drawn(car="blue", sky=None), _drawn(sky=None)]
    captions = [
        world.Caption("a red car", ((6, 9, "car"),)),
        world.Caption("a car", ((2, 5, "car"),)),
        world.Caption("the sky", ((4, 7, "sky"),)),
    ]
    assert retrieval.informed_hits(scenes, captions) == pytest.approx([1, 1 / 2, 1 / 3])


def _drawn(**colours):
    """As much of a scene as `informed_hits` asks for."""
    facts = {"instances": [{"word": word, "colour": colour} for word, colour in colours.items()]}
    return SimpleNamespace(facts=facts, masks=colours)
