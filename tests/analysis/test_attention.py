"""Algebra on hand-made attention maps of two layers, 2x2 and 1x1, and three tokens."""

import math
from dataclasses import replace

import numpy as np
import pytest

from inspector.analysis import attention
from inspector.results import AttentionRequest, AttentionResult, Provenance, Token, fit_mask, masked_words

TOKENS = (Token(0, "<start>", 0, 0), Token(1, "hors", 0, 4), Token(2, "e", 4, 5), Token(3, "<end>", 0, 0))
ARM = "generation"


def result(masks: dict[str, np.ndarray] | None = None) -> AttentionResult:
    """Two steps. "fine": token "hors" is at the top left in step 0, and right of it in step 1; "coarse" is flat."""
    fine = np.zeros((2, 4, 2, 2), np.float16)
    fine[:, 0] = 0.5
    fine[0, 1, 0, 0] = fine[1, 1, 0, 1] = 0.25
    fine[:, 2] = 0.125
    coarse = np.full((2, 4, 1, 1), 0.125, np.float16)
    return AttentionResult(
        request=AttentionRequest("horse", masks=masks or {}),
        maps={ARM: {"fine": fine, "again": fine, "coarse": coarse}},
        steps={ARM: (501, 1)},
        tokens=TOKENS,
        images={ARM: np.zeros((20, 20, 3), np.uint8)},
        previews={ARM: np.zeros((0, 1, 1, 3), np.uint8)},
        truncated="",
        metrics=(),
        provenance=Provenance({}, "cpu", "float32", {}, 0.0),
    )


def test_averages_by_resolution_and_over_all_layers() -> None:
    groups = attention.average_layers(
        {"a": np.array([[4.0, 0.0], [0.0, 0.0]]), "b": np.zeros((2, 2)), "c": np.array([[3.0]])}
    )
    assert list(groups) == ["a", "b", "c", "resolution 2", "resolution 1", "mean"]
    assert groups["resolution 2"].tolist() == [[2, 0], [0, 0]]
    assert groups["resolution 1"].tolist() == [[3]]
    assert groups["mean"] == pytest.approx(np.array([[7, 3], [3, 3]]) / 3)  # every layer counts once


def test_averages_equal_the_results_own() -> None:
    given = result()
    groups = attention.average_layers(given.maps[ARM])
    for label, maps in groups.items():
        assert np.allclose(given.select(arm=ARM, layer=label), maps)
    assert np.allclose(given.select(arm=ARM, layer=2), groups["resolution 2"])


def test_a_word_is_the_mean_of_its_tokens() -> None:
    given = result()
    maps = attention.word_map(given.maps[ARM]["fine"], attention.prompt_positions(given, "Horse"))
    assert maps[0].tolist() == [[(0.25 + 0.125) / 2, 0.0625], [0.0625, 0.0625]]
    assert attention.prompt_positions(given, "cow") == ()


def top_left() -> np.ndarray:
    mask = np.zeros((2, 2), bool)
    mask[0, 0] = True
    return mask


def test_scores_of_every_cell_by_hand() -> None:
    rows = attention.score(result({"horse": top_left(), "cow": top_left(), "Horse": np.zeros((2, 2), bool)}))
    assert len(rows) == 2 * (3 + 2 + 1)
    cells = {(row["layer"], row["step"]): row for row in rows}
    assert cells["fine", 0]["ap"] == 1.0
    assert cells["fine", 0]["iou"] == 1.0  # .0625 is a third of .1875
    assert cells["fine", 1]["ap"] == pytest.approx(0.25)
    assert cells["coarse", 0]["ap"] == pytest.approx(0.25) == cells["coarse", 0]["chance"]
    assert cells["fine", 1] == {
        "arm": ARM,
        "step": 1,
        "timestep": 1,
        "layer": "fine",
        "word": "horse",
        "ap": pytest.approx(0.25),
        "iou": 0.0,
        "iou_best": pytest.approx(0.25),
        "entropy": pytest.approx((0.5 * math.log(2) + 0.5 * math.log(6)) / math.log(4)),
        "chance": 0.25,
    }


def test_large_masks_are_scored_small_and_keep_their_shape() -> None:
    mask = np.zeros((512, 1024), bool)
    mask[:256] = True
    small = fit_mask(mask)
    assert small.shape == (64, 128)
    assert small[:32].all()
    assert not small[32:].any()
    assert fit_mask(small) is small


def test_each_occurrence_and_each_number_of_a_word_has_its_masks_scores() -> None:
    assert masked_words("a Sheep, more sheep and horses", ("sheep", "horse", "grass")) == {
        "Sheep": "sheep",
        "Sheep#1": "sheep",
        "Sheep#2": "sheep",
        "horses": "horse",
    }
    assert masked_words("a Car and a traffic light", ("cars", "car", "traffic light")) == {
        "Car": "car",
        "traffic light": "traffic light",
    }


def test_occurrences_are_scored_by_themselves() -> None:
    twice = (TOKENS[0], Token(1, "horse", 0, 5), Token(2, "Horse", 6, 11), TOKENS[3])
    given = replace(result(), request=AttentionRequest("horse Horse", masks={"horse": top_left()}), tokens=twice)
    cells = {row["word"]: row["ap"] for row in attention.score(given) if (row["layer"], row["step"]) == ("fine", 0)}
    assert cells == {"horse": 1.0, "horse#1": 1.0, "horse#2": pytest.approx(0.25)}  # the second one's map is flat
