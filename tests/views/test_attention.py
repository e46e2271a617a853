"""The attention views on a result whose numbers are known."""

import numpy as np
import pytest

from inspector.errors import PromptError
from inspector.views import attention
from inspector.views.look import Look
from tests.views import samples

HORSE = "horse"


def test_names_are_short() -> None:
    assert [attention.short(layer) for layer in samples.LAYERS] == ["down 0.0", "mid", "up 1.0", "up 2.1"]
    assert attention.short("resolution 16") == "mean of 16×16"
    assert attention.layer_choices(samples.attention())[:3] == [
        ("mean of all layers", "mean"),
        ("mean of 8×8", "8"),
        ("mean of 4×4", "4"),
    ]


def test_the_shared_scale_is_that_of_all_arms() -> None:
    result = samples.attention()
    grids = attention.maps(result, 2, samples.LAYERS[3], HORSE)
    # Layer 4 of 4, token 2: 0.42, plus 0.002 at the last of three steps; the first cell is twice as high.
    assert grids["generation"].min() == pytest.approx(0.422, abs=1e-3)
    assert grids["noise once"].max() == pytest.approx(0.84, abs=1e-3)
    own, shared = attention.spans(grids, Look()), attention.spans(grids, Look(scale="shared"))
    assert own["generation"] != own["noise once"]
    assert shared["generation"] == shared["noise once"] == (own["noise once"][0], own["generation"][1])


def test_an_arm_with_fewer_steps_shows_its_last() -> None:
    result = samples.attention()
    assert attention.at_step(result, "generation", 1) == 1
    assert attention.at_step(result, "noise once", 1) == 0


def test_words_are_those_of_the_prompt_each_once() -> None:
    result = samples.attention()
    assert attention.words(result) == ["a", "horse"]
    assert attention.main_word(result) == "horse"
    with pytest.raises(PromptError, match=r"'zebra' is not in the prompt"):
        attention.sheet(result, Look(), token="zebra")


def test_the_sheet_is_figure_three() -> None:
    sheet = attention.sheet(samples.attention(), Look())
    assert [row.label for row in sheet.rows] == ["generation", "means", "noise once", "means"]
    assert [panel.title for panel in sheet.rows[0].panels] == ["t = 100", "up 1.0  4×4", "up 2.1  8×8"]
    assert [panel.title for panel in sheet.rows[1].panels if not panel.empty] == ["mean 4×4", "mean 8×8", "mean all"]
    assert [panel.key for panel in sheet.rows[1].panels if not panel.empty] == ["4", "8", "mean"]
    bar = sheet.rows[0].panels[2].bar
    assert bar is not None
    assert (bar.low, bar.high) == pytest.approx((0.422, 0.844), abs=1e-3)
    mean = sheet.rows[1].panels[3].bar
    assert mean is not None
    assert mean.low == pytest.approx((0.322 + 0.422) / 2, abs=1e-3)


def test_one_arm_alone_is_drawn_too() -> None:
    result = samples.attention()
    alone = samples.attention(
        maps={"noise once": result.maps["noise once"]},
        steps={"noise once": (100,)},
        images={"noise once": samples.image(64, 64)},
    )
    assert len(attention.sheet(alone, Look()).rows) == 2
    assert list(attention.views(alone, Look(), 5, "mean", HORSE, 64)) == ["noise once"]


def test_readings_rank_the_tokens_and_leave_out_the_sink() -> None:
    rows = attention.readings(samples.attention(), "generation", 0, samples.LAYERS[3], 63, 63)
    assert [name for name, _ in rows] == ["end token", "horse", "a"]
    assert [value for _, value in rows] == pytest.approx([0.43, 0.42, 0.41], abs=1e-3)
    assert attention.readings(samples.attention(), "generation", 0, "mean", 0, 0, start=True)[-1][0] == "start token"


def test_scores_are_of_the_step_and_word() -> None:
    result = samples.attention()
    assert attention.scores(result, 2, HORSE).rows == (("generation", "up 2.1", "0.900"),)
    assert not attention.scores(result, 1, HORSE)
    assert not attention.scores(result, 2, "a")


def test_views_cover_every_arm_at_its_size() -> None:
    shown = attention.views(samples.attention(), Look(), 2, 8, HORSE, side=128)
    assert {arm: item[0].shape for arm, item in shown.items()} == dict.fromkeys(shown, (128, 128, 3))
    assert isinstance(shown["generation"][0], np.ndarray)
