"""Scenes: the same everywhere, exact masks, what counts as visible, every class often enough, quick."""

import os
import subprocess
import sys
from collections import Counter

import cv2
import numpy as np
import pytest

from inspector import world
from inspector.errors import ChoiceError
from inspector.world import Scene, scene
from inspector.world.canvas import Layer
from inspector.world.facts import visible_ids
from inspector.world.plan import plan
from tests.pace import yardsticks

WHOLES = ("car", "bus", "house", "building")
FINGERPRINT = (1, "14e810ac24fad37847203a1ef99980e9f1cc46d01be561b21f1295fb906693dd")
OFFERS = {"windows": set(WHOLES), "door": {"house", "building"}, "wheel": {"car", "bus"}}


def test_the_same_seed_gives_the_same_scene() -> None:
    first, second, other = scene(12, 96), scene(12, 96), scene(13, 96)
    assert np.array_equal(first.image, second.image)
    assert np.array_equal(first.labels, second.labels)
    assert (first.caption, first.spans, first.facts) == (second.caption, second.spans, second.facts)
    assert not np.array_equal(first.image, other.image)


def test_an_older_processor_draws_the_same_world() -> None:
    """Another process, in which OpenCV and the linear algebra may not use the newer instructions."""
    command = [sys.executable, "-c", "from inspector import world; print(world.fingerprint())"]
    older = {"OPENCV_CPU_DISABLE": "AVX512-SKX,AVX2,FMA3,AVX,FP16", "OPENBLAS_CORETYPE": "Nehalem"}
    told = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **older}).stdout
    assert told.strip() == world.fingerprint()


def test_a_changed_world_has_a_new_version() -> None:
    """Weights were trained on this world: whoever changes it raises VERSION, trains again and writes the new pair."""
    assert (world.VERSION, world.fingerprint()) == FINGERPRINT


def test_training_and_evaluation_seeds_are_apart() -> None:
    assert range(500_000) == world.TRAINING_SEEDS
    assert range(500_000, 1_000_000) == world.EVALUATION_SEEDS


@pytest.mark.parametrize(
    ("seed", "size"), [(-1, 256), (1.5, 256), ("1", 256), (True, 256), (1, 63), (1, 513), (1, 128.0)]
)
def test_a_bad_seed_or_size_is_refused(seed: int, size: int) -> None:
    with pytest.raises(ChoiceError, match="use a whole number"):
        scene(seed, size)


@pytest.mark.parametrize("size", [64, 100, 512])
def test_any_size(size: int) -> None:
    drawn = scene(3, size)
    assert drawn.image.shape == (size, size, 3)
    assert drawn.image.dtype == drawn.labels.dtype == np.uint8
    assert all(mask.shape == (size, size) and mask.dtype == bool for mask in drawn.masks.values())


def test_labels_and_masks_agree(scenes: list[Scene]) -> None:
    for drawn in scenes:
        assert drawn.labels.min() >= 1, "every pixel belongs to something"
        for word, mask in drawn.masks.items():
            allowed = [world.CLASS_IDS[word]]
            if word in WHOLES:  # a part wins over its whole
                allowed += [world.CLASS_IDS[part] for part in world.PARTS]
            assert np.isin(drawn.labels[mask], allowed).all(), (drawn.seed, word)
            joined = np.any([instance.mask for instance in drawn.instances if instance.word == word], 0)
            assert np.array_equal(mask, joined)
        for word in world.STUFF[:4]:  # nothing hides small pieces of these from their masks
            if word in drawn.masks and word != "cloud":
                assert np.array_equal(drawn.masks[word], drawn.labels == world.CLASS_IDS[word])


def test_wholes_do_not_overlap_and_parts_lie_inside(scenes: list[Scene]) -> None:
    for drawn in scenes:
        cover = np.zeros(drawn.labels.shape, int)
        for instance in drawn.instances:
            whole = instance.attributes["whole"]
            if whole is None:
                cover += instance.mask
            else:
                assert (drawn.instances[whole].mask | ~instance.mask).all()
                assert drawn.instances[whole].word in OFFERS[instance.word]
        assert cover.max() == 1


def test_facts_measure_the_masks(scenes: list[Scene]) -> None:
    for drawn in scenes:
        assert {item["word"] for item in drawn.facts["instances"]} == set(drawn.masks)
        for word, mask, item in drawn.instances:
            y, x = np.nonzero(mask)
            assert item["area"] == pytest.approx(mask.mean(), abs=1e-4)
            assert item["centre"] == pytest.approx([(x.mean() + 0.5) / 64, (y.mean() + 0.5) / 64], abs=1e-3)
            least = 0.0025 if word in world.PARTS else 0.004 if word == "sun" or word not in world.STUFF else 0.008
            assert mask.mean() >= least
            assert item["position"] != "left" or item["centre"][0] < 0.4
            assert item["position"] != "right" or item["centre"][0] > 0.6
            assert item["size"] != "large" or item["area"] > 0.15
            assert item["size"] != "small" or item["area"] < 0.04


def test_what_is_mostly_hidden_or_tiny_is_not_visible() -> None:
    """100x100 pixels of grass (5) with a house (30), its windows (31) and two dogs (32, 33)."""
    ids = np.full((100, 100), 5, np.uint8)
    ids[:20, :20] = 30  # 400 pixels
    ids[:6, :5] = 31  # 30 of them
    ids[50:60, :10] = 32  # 100 pixels
    ids[80:83, :10] = 33  # 30 pixels: 0.3% of the picture is too little
    layers = {5: Layer("grass"), 30: Layer("house"), 31: Layer("windows", 30), 32: Layer("dog"), 33: Layer("dog")}
    whole = {30: 400, 32: 100, 33: 30}
    assert visible_ids(ids, layers, whole) == {5: (5,), 30: (30, 31), 31: (31,), 32: (32,)}
    assert 32 in visible_ids(ids, layers, {**whole, 32: 400}), "a quarter is enough"
    assert 32 not in visible_ids(ids, layers, {**whole, 32: 401}), "less is not"


def test_the_nearer_thing_hides_the_farther() -> None:
    """Where two things overlap, the pixels are those of the one whose feet are lower in the picture."""
    seen = 0
    for seed in range(300):
        things = plan(seed).things
        assert [thing.y for thing in things] == sorted(thing.y for thing in things)
        if len(things) > 1 and things[-1].word == "house":
            drawn = scene(seed, 128)
            left, top, right, bottom = (int(np.clip(edge, 0, 1) * 127) for edge in things[-1].box())
            middle = drawn.labels[(2 * bottom + top) // 3, (left + right) // 2]
            assert middle in [world.CLASS_IDS[word] for word in ("house", "windows", "door")]
            seen += 1
    assert seen > 5


def test_each_class_is_neither_rare_nor_everywhere(scenes: list[Scene]) -> None:
    shares = Counter(word for drawn in scenes for word in drawn.masks)
    for word in world.CLASSES:
        assert 0.05 <= shares[word] / len(scenes) <= 0.62, (word, shares[word])


def test_framing_varies_as_in_photographs(scenes: list[Scene]) -> None:
    largest = [
        max((item["area"] for item in drawn.facts["instances"] if item["word"] in world.THINGS), default=0)
        for drawn in scenes
    ]
    assert 0.3 < np.mean([area > 0.12 for area in largest]) < 0.65
    assert max(largest) > 0.4
    assert np.mean([area < 0.1 for area in largest]) > 0.2


def test_the_ground_does_not_give_the_thing_away(scenes: list[Scene]) -> None:
    grounds: dict[str, set[str]] = {}
    for drawn in scenes:
        for item in drawn.facts["instances"]:
            if item["on"]:
                grounds.setdefault(item["word"], set()).add(item["on"])
    assert all(len(grounds[word]) >= 3 for word in world.THINGS), grounds


def test_colours_are_in_the_pixels(scenes: list[Scene]) -> None:
    """In daylight the colour that a car, bus or house is said to have is among the commonest of its pixels."""
    right = []
    for drawn in scenes:
        if drawn.facts["light"] != "day":
            continue
        for word, mask, item in drawn.instances:
            if word in ("car", "house", "bus") and item["area"] > 0.05:
                colours = drawn.image[mask & (drawn.labels == world.CLASS_IDS[word])].astype(float)
                votes = Counter(_nearest(colour) for colour in colours)
                right.append(item["colour"] in [name for name, _ in votes.most_common(3)])
    assert len(right) > 15
    assert np.mean(right) > 0.9


def _nearest(colour: np.ndarray) -> str:
    return min(world.COLOURS, key=lambda name: float(((colour - world.COLOURS[name]) ** 2).sum()))


def test_the_layout_does_not_depend_on_the_size() -> None:
    overlaps = []
    for seed in range(40):
        large, small = scene(seed, 256), scene(seed, 128)
        for word in set(large.masks) & set(small.masks):
            scaled = cv2.resize(small.masks[word].view(np.uint8), (256, 256), interpolation=cv2.INTER_NEAREST) > 0
            joined = (scaled | large.masks[word]).sum()
            if joined > 0.05 * joined.size * 256 * 256:
                overlaps.append((scaled & large.masks[word]).sum() / joined)
        shrunk = cv2.resize(large.image, (128, 128), interpolation=cv2.INTER_AREA)
        assert np.abs(shrunk.astype(int) - small.image).mean() < 6
    assert min(overlaps) > 0.85
    assert np.mean(overlaps) > 0.96


@pytest.mark.parametrize(("size", "most"), [(256, 9), (128, 5)])
def test_scenes_are_drawn_quickly(size: int, most: float) -> None:
    """Four times what they take in yardsticks; a yardstick is a hundredth of a second on a core of 2020."""
    scene(0, size)
    assert yardsticks(lambda: [scene(seed, size) for seed in range(12)]) / 12 < most
