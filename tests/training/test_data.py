"""The store of drawn scenes: what its captions name."""

import json

import numpy as np
import pytest

from inspector import world
from inspector.training.data import SceneStore


@pytest.fixture
def store(tmp_path):
    """Eight training scenes of 64 px."""
    scenes = [world.scene(seed, 64) for seed in range(8)]
    np.save(tmp_path / "images.npy", np.stack([scene.image for scene in scenes]))
    (tmp_path / "facts.jsonl").write_text("".join(json.dumps(scene.facts) + "\n" for scene in scenes))
    return SceneStore(tmp_path)


def named(caption: world.Caption) -> set[str]:
    return {word for *_, word in caption.spans}


def test_a_full_caption_names_every_visible_word_and_others_at_most_four(store):
    rng = np.random.default_rng(0)
    for row in range(len(store)):
        assert named(store.caption(row, rng, full=1.0)) == set(store.words[row])
        for _ in range(10):
            assert 1 <= len(named(store.caption(row, rng))) <= 4


def test_a_balanced_caption_names_rare_words_more_often(store):
    row = max(range(len(store)), key=lambda row: len(store.words[row]))
    rare = min(store.words[row], key=lambda word: store.frequency[word])
    rng = np.random.default_rng(0)
    short = np.mean([rare in named(store.caption(row, rng, balance=1.0)) for _ in range(300)])
    plain = np.mean([rare in named(store.caption(row, rng, balance=0.0)) for _ in range(300)])
    assert short > 0
    assert plain > 0
    assert len(named(store.caption(row, rng, balance=1.0))) <= 2
    common = max(store.words[row], key=lambda word: store.frequency[word])
    assert short > np.mean([common in named(store.caption(row, rng, balance=1.0)) for _ in range(300)])
