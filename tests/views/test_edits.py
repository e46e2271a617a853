"""The figure of an edited prompt: which words are looked at, and what differs from the source's."""

from dataclasses import replace

import numpy as np
import pytest

from inspector.errors import PromptError
from inspector.results import Edit, Token
from inspector.views import attention, edits
from inspector.views.look import Look
from tests.views import samples


@pytest.mark.parametrize(
    ("source", "prompt", "weights", "word", "found"),
    [
        ("a horse", "a red cow", "", None, ("@2:7", "@6:9")),
        ("a horse", "a red cow", "", "cow", ("@2:7", "cow")),
        ("a horse and grass", "a red horse and grass", "", None, ("@2:7", "@6:11")),
        ("a horse and grass", "a horse and grass", "grass: 2", None, ("@12:17", "grass")),
        ("a horse", "a horse", "", None, ("@2:7", "horse")),
        ("a big horse", "a horse", "", "horse", ("@6:11", "horse")),
    ],
)
def test_which_words_are_compared(source: str, prompt: str, weights: str, word: str | None, found: tuple) -> None:
    assert edits.words_of(Edit(source, weights=weights), prompt, word) == found


def test_a_new_word_has_nothing_to_compare_with() -> None:
    for word in ("red", "dog"):
        with pytest.raises(PromptError, match=f"'{word}' stands for no word of the source"):
            edits.words_of(Edit("a horse"), "a red horse", word)


def test_a_row_per_run_and_what_it_differs_by() -> None:
    source = samples.attention()
    tokens = (*source.tokens[:2], Token(2, "cow", 2, 5), source.tokens[3])
    kept = replace(source, request=replace(source.request, prompt="a cow", edit=Edit("a horse")), tokens=tokens)
    maps = {arm: {name: item * np.float16(2) for name, item in own.items()} for arm, own in source.maps.items()}
    other = {arm: np.full_like(image, 255) for arm, image in source.images.items()}
    runs = dict(zip(edits.RUNS, (source, kept, replace(kept, maps=maps, images=other)), strict=True))
    sheet = edits.sheet(runs, {"source": "horse", "attention kept": "cow", "nothing kept": "cow"}, Look())
    assert [row.label for row in sheet.rows] == list(edits.RUNS)
    assert [panel.title for panel in sheet.rows[1].panels] == [
        "“cow”", "generation", "noise once", "picture − source", "generation − source", "noise once − source",
    ]  # fmt: skip
    assert {len(row.panels) for row in sheet.rows} == {6}
    assert all((panel.image == 255).all() for panel in sheet.rows[0].panels[3:])
    same, twice = (sheet.rows[row].panels[4] for row in (1, 2))
    assert same.bar == twice.bar
    own = source.select("generation", "mean", "mean", "horse")
    assert twice.bar is not None
    assert twice.bar.high == -twice.bar.low == pytest.approx(own.max(), rel=1e-2)
    assert "kept for 80% of the steps" in sheet.note


def test_the_caption_of_any_figure_tells_what_was_kept() -> None:
    result = samples.attention()
    assert "kept" not in attention.how(result)
    result = replace(result, request=replace(result.request, edit=Edit("a cat", 0.5, 0, "horse: 2")))
    told = "cross-attention of “a cat” kept for 50% of the steps and self-attention for 0%, weights horse: 2"
    assert told in attention.how(result)
