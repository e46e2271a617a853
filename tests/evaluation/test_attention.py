"""The evaluation of attention: means over words, baselines and splits by hand, then the whole on a random model."""

import json
import math
from typing import Any

import numpy as np
import pytest

from inspector import world
from inspector.evaluation import attention, attention_arms, attention_samples
from inspector.evaluation.attention_samples import Sample
from inspector.models.protocols import PromptToken
from inspector.pipelines import attention as pipeline
from inspector.results import Progress
from tests.toys import ToyDiffusion


def half(left: bool) -> np.ndarray:
    """bool (4, 4): the left or the right half."""
    return np.broadcast_to((np.arange(4) < 2) == left, (4, 4)).copy()


def sample(scene: int, word: str, mask: np.ndarray, map_: np.ndarray) -> Sample:
    """One layer, "good" at timestep 0 and constant at timestep 1."""
    return Sample(scene, word, mask, {"flat": np.ones((2, 4, 4)), "good": np.stack([map_, np.ones((4, 4))])})


def samples() -> list[Sample]:
    """Sea is found in scenes 0 and 1, sky is inverted in scene 1."""
    left, right = half(True), half(False)
    return [
        sample(0, "sea", left, left + 0.1),
        sample(1, "sea", left, left + 0.1),
        sample(1, "sky", right, left + 0.1),
    ]


def test_words_weigh_the_same_however_common() -> None:
    assert attention_samples.over_words(["a", "a", "b"], np.array([1.0, 0.0, 0.1])) == pytest.approx(0.3)


def test_ap_of_every_cell_and_the_best_one() -> None:
    values = np.stack([attention_samples.sample_ap(item) for item in samples()])
    assert values.shape == (3, 2, 2)
    assert values[:, 0] == pytest.approx(0.5)
    assert values[0, 1].tolist() == [1.0, 0.5]
    assert values[2, 1, 0] == pytest.approx(0.5)  # only hits after all misses: 8 of 16
    assert attention_samples.best_cell(samples(), values) == (1, 0)


def test_scores_with_baselines_by_hand() -> None:
    found = attention_samples.scores_at(samples(), "good", 0)
    assert (found["scenes"], found["samples"]) == (2, 3)
    assert found["mean_ap"]["mean"] == pytest.approx((1 + 0.5) / 2)
    assert found["chance"]["mean"] == pytest.approx(0.5)
    assert found["ratio"] == pytest.approx(1.5)
    # Scene 1: the sky's map is the sea's, so the other word's map finds the sea and misses the sky.
    assert found["other_word"]["mean"] == pytest.approx((1 + 0.5) / 2)
    assert found["other_word"]["count"] == found["own_word"]["count"] == 2
    assert found["words"]["sea"]["samples"] == 2
    assert found["words"]["sea"]["ap"] == {"mean": 1.0, "std": 0.0, "ci95": 0.0, "count": 2}
    assert found["below_chance"] == []


def test_words_below_chance_are_named() -> None:
    mask = np.zeros((4, 4), bool)
    mask[0, :2] = True
    found = attention_samples.scores_at(
        [sample(0, "boat", mask, ~mask + 0.0), sample(1, "car", mask, mask + 0.0)], "good", 0
    )
    assert found["words"]["boat"]["ap"]["mean"] == pytest.approx(2 / 16)
    assert found["below_chance"] == []  # at chance: 2 of 16
    apart = np.arange(16.0).reshape(4, 4)
    mask = apart == 0
    found = attention_samples.scores_at([sample(0, "boat", mask | (apart == 1), apart)], "good", 0)
    assert found["words"]["boat"]["ap"]["mean"] == pytest.approx((1 / 15 + 2 / 16) / 2)
    assert found["below_chance"] == []  # .096 against .125: within the margin
    wide = apart < 8
    found = attention_samples.scores_at([sample(0, "boat", wide, apart)], "good", 0)
    assert found["below_chance"] == ["boat"]


def test_bootstrap_is_over_scenes_not_samples() -> None:
    values = np.array([0.0, 1.0] * 8)
    alone = attention_samples.bootstrap(["a"] * 16, list(range(16)), values)
    assert alone["mean"] == 0.5
    assert alone["ci95"] == pytest.approx(1.96 * 0.5 / math.sqrt(16), rel=0.1)
    doubled = attention_samples.bootstrap(["a"] * 16, [0] * 8 + [1] * 8, np.repeat([0.0, 1.0], 8))
    assert doubled["ci95"] == pytest.approx(1.96 * 0.5 / math.sqrt(2), rel=0.1)
    assert attention_samples.bootstrap(["a"], [0], np.array([math.nan])) == {"mean": None, "ci95": None, "count": 0}


def test_samples_take_the_tokens_of_the_captions_spans() -> None:
    """Maps hold the token's own number, so a word's map is the mean of its positions."""
    scene = next(found for found in map(world.scene, range(500_000, 500_050), [64] * 50) if len(found.spans) > 1)
    start, stop, word = scene.spans[0]
    tokens = [PromptToken(0, "<start>", 0, 0)]
    tokens += [PromptToken(1, "first", start, start + 1), PromptToken(2, "second", start + 1, stop)]
    maps = {"layer": np.broadcast_to(np.arange(3.0)[None, :, None, None], (1, 3, 8, 8))}
    found = list(attention_samples.scene_samples(scene, 7, maps, tokens))
    assert [(item.scene, item.word) for item in found] == [(7, word)]
    assert (found[0].maps["mean"] == 1.5).all()
    assert np.array_equal(found[0].mask, scene.masks[word])


def test_correlation_by_hand() -> None:
    map_ = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert attention_arms.correlation(map_, 5 * map_ + 1) == pytest.approx(1)
    assert attention_arms.correlation(map_, -map_) == pytest.approx(-1)
    assert attention_arms.correlation(map_, np.array([[1.0, -1.0], [-1.0, 1.0]])) == pytest.approx(0)
    assert math.isnan(attention_arms.correlation(map_, np.ones((2, 2))))


@pytest.fixture(scope="module")
def evaluated() -> tuple[dict[str, Any], list[Progress]]:
    toy, items = ToyDiffusion(), []
    with pytest.MonkeyPatch.context() as patch:
        for module in (attention, pipeline):
            patch.setattr(module, "load_diffusion", lambda name, report=None: toy)
        patch.setattr(attention_arms, "STEPS", 2)
        return attention.evaluate(6, 500_000, items.append, timesteps=(100, 500), generated=2), items


def test_the_whole_on_a_random_model(evaluated: tuple[dict[str, Any], list[Progress]]) -> None:
    result, items = evaluated
    assert json.loads(json.dumps(result)) == result
    assert result["best"]["timestep"] in (100, 500)
    assert (result["first_half"]["scenes"], result["held_out"]["scenes"], result["all"]["scenes"]) == (3, 3, 6)
    assert len(result["cells"]) == 2 * 21
    best = max(result["cells"], key=lambda cell: cell["ap"])
    at = next(
        cell for cell in result["cells"] if all(cell[key] == result["best"][key] for key in ("layer", "timestep"))
    )
    assert at["ap"] == pytest.approx(result["all"]["mean_ap"]["mean"])
    assert best["ap"] >= at["ap"]
    assert (items[-1].step, items[-1].total) == (2, 2)


def test_the_arms_agree_with_themselves_only_as_far_as_they_do(
    evaluated: tuple[dict[str, Any], list[Progress]],
) -> None:
    rows = evaluated[0]["arms"]
    assert {row["timestep"] for row in rows} == {1, 100, 300, 500}
    for row in rows:
        assert -1 <= row["correlation_matched"]["mean"] <= 1
        assert 0 < row["entropy_noise"]["mean"] <= 1
    last = next(row for row in rows if row["timestep"] == 1)
    assert last["correlation_last"] == last["correlation_matched"]


def test_the_table_shows_every_part(evaluated: tuple[dict[str, Any], list[Progress]]) -> None:
    text = attention.table(evaluated[0])
    for part in ("mean AP", "held out", "centre prior", "resolution 16", "t=500", "correlation last", "floors met"):
        assert part in text
    assert max(map(len, text.splitlines())) < 250


def test_the_same_scenes_give_the_same_numbers() -> None:
    toy = ToyDiffusion()
    first, second = (
        [attention_samples.sample_ap(item) for item in attention_samples.record_samples(toy, 2, 500_010, [300])]
        for _ in range(2)
    )
    assert np.array_equal(first, second)
