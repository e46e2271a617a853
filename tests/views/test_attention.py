"""The attention views on a result whose numbers are known."""

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
    last = {"generation": 2, "noise once": 0}
    grids = {arm: result.select(arm, step, samples.LAYERS[3], HORSE) for arm, step in last.items()}
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
    assert [row.label for row in sheet.rows] == ["generation", "noise once"]
    maps = ["up 1.0  4×4", "up 2.1  8×8", "mean 4×4", "mean 8×8", "mean all"]
    assert [panel.title for panel in sheet.rows[0].panels] == ["step 3 of 3, t = 100", *maps]
    assert [panel.title for panel in sheet.rows[1].panels] == ["t = 100", *maps]
    bar = sheet.rows[0].panels[2].bar
    assert bar is not None
    assert (bar.low, bar.high) == pytest.approx((0.422, 0.844), abs=1e-3)
    mean = sheet.rows[0].panels[5].bar
    assert mean is not None
    assert mean.low == pytest.approx((0.322 + 0.422) / 2, abs=1e-3)


def test_results_of_several_models_are_stacked_by_name() -> None:
    results = [samples.attention(), samples.attention()]
    object.__setattr__(results[1].request, "model", "other")
    sheet = attention.stacked(results, Look())
    own = results[0].request.model
    assert [row.label for row in sheet.rows] == [
        f"{own}: generation", f"{own}: noise once", "other: generation", "other: noise once"
    ]  # fmt: skip
    assert sheet.note.count("Cross-attention of") == 2
    assert attention.stacked(results[:1], Look()).rows[0].label == "generation"


def test_one_arm_alone_is_drawn_too() -> None:
    result = samples.attention()
    alone = samples.attention(
        maps={"noise once": result.maps["noise once"]},
        steps={"noise once": (100,)},
        images={"noise once": samples.image(64, 64)},
        metrics=(),
    )
    assert len(attention.sheet(alone, Look()).rows) == 1


def test_scores_are_of_the_step_and_word() -> None:
    result = samples.attention()
    assert attention.scores(result, 2, HORSE).rows == (("generation", "up 2.1", "0.900"),)
    assert not attention.scores(result, 1, HORSE)
    assert not attention.scores(result, 2, "a")
