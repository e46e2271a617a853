"""The evaluation of prompt-to-prompt: what is edited, what is compared, by hand, and README's table of it."""

import numpy as np
import pytest
import torch

from inspector import world
from inspector.errors import ChoiceError
from inspector.evaluation import edits, edits_readme, readme
from inspector.models.catalog import PAIRS
from inspector.models.checksums import fingerprint
from inspector.settings import ASSETS
from inspector.world.classes import PLURALS

FOUND = {"mean": 0.5, "std": 0.0314, "ci95": 0.05, "count": 4}
ROW = {
    "kind": "swap",
    "measure": "map",
    "kept": FOUND,
    "without": FOUND,
    "gain": FOUND,
    "beside": {"other seed": FOUND},
}


def test_each_caption_has_a_word_swapped_coloured_and_weighed():
    groups = list(edits.cases(8, 500_000))
    assert len(groups) == 8
    assert groups == list(edits.cases(8, 500_000))
    for swap, refine, weigh in groups:
        assert swap.source == refine.source == weigh.source == weigh.prompt
        start, stop = swap.old
        old, new = swap.source[start:stop], swap.prompt[slice(*swap.new)]
        assert swap.prompt == swap.source[:start] + new + swap.source[stop:] != swap.source
        assert (old in PLURALS.values()) == (new in PLURALS.values()) or "sheep" in (old, new)
        colour = refine.prompt[start:].split()[0]
        assert colour in world.COLOURS
        assert refine.prompt == f"{swap.source[:start]}{colour} {swap.source[start:]}"
        assert refine.prompt[slice(*refine.new)] == old
        assert refine.asked == refine.others[0].replace("a ", f"a {colour} ")
        assert weigh.weights == f"@{start}:{stop}: 2"
        assert len(weigh.others) == len(world.CLASSES) - 1


def test_means_over_captions_and_a_students_interval_over_seeds():
    scores = [
        {
            "map, kept": np.array([0.8, 0.9]),
            "map, without": np.array([0.5, 0.5]),
            "map, other seed": np.array([0, 0.2]),
        },
        {
            "map, kept": np.array([0.6, 0.9]),
            "map, without": np.array([0.5, 0.3]),
            "map, other seed": np.array([0, np.nan]),
        },
    ]
    row = edits.row("swap", "map", scores)
    assert row["kept"]["mean"] == pytest.approx(0.8)  # of .7 and .9
    assert row["kept"]["std"] == pytest.approx(0.2 / 2**0.5)
    assert row["kept"]["ci95"] == pytest.approx(12.706 * 0.1, abs=1e-3)  # Student's with one degree of freedom
    assert row["gain"]["mean"] == pytest.approx((0.2 + 0.5) / 2)
    assert row["beside"]["other seed"]["mean"] == pytest.approx(0.1)
    assert edits.spread(edits.over_seeds(np.array([0.5]))) == "–"


def test_what_clip_says_is_a_probability_against_the_others():
    """Cosines of 1 with the first text and 0 with the second, at a scale of log 3: 3 to 1."""
    from tests.toy_clip import ToyClip

    clip = ToyClip()
    case = edits.Case("swap", "", "", (0, 0), (0, 0), "one", ("other",))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edits, "embed_images", lambda clip, images: np.array([[1.0, 0.0], [0.0, 1.0]]))
        patch.setattr(edits, "embed_words", lambda clip, words, template: torch.eye(2)[: len(words)])
        patch.setattr(clip, "logit_scale", np.log(3))
        assert edits.said(clip, np.zeros((2, 8, 8, 3), np.uint8), case).tolist() == pytest.approx([0.75, 0.25])


def test_counts_that_measure_nothing_are_refused():
    with pytest.raises(ChoiceError, match="seeds is 1; use a whole number from 2"):
        edits.evaluate(1, 500_000, seeds=1)


def test_the_table_is_made_of_the_numbers(tmp_path, monkeypatch):
    page = tmp_path / "README.md"
    page.write_text(f"before\n{edits_readme.START}\nold\n{edits_readme.STOP}\nafter\n")
    monkeypatch.setattr(edits_readme, "README", page)
    monkeypatch.setattr(edits_readme, "MEASURED", tmp_path / "measured")
    result = {"count": 3, "seeds": 4, "steps": 20, "rows": [ROW]}
    edits_readme.write(result, "plain")
    assert edits_readme.read() == {"plain": result}
    shown = "0.500 (sd 0.031) ± 0.050"
    assert page.read_text().splitlines() == [
        "before", edits_readme.START,
        "On the plain pair: 3 captions, 4 seeds each, 20 steps; mean over captions, with standard deviation (sd) and "
        "half of the 95% interval over seeds:", "",
        "| edit | measure | kept | without | gain | beside |", "|---|---|---|---|---|---|",
        f"| swap | map | {shown} | {shown} | {shown} | other seed {shown} |",
        edits_readme.STOP, "after",
    ]  # fmt: skip


def test_readme_shows_what_was_measured_on_the_shipped_weights():
    measured = edits_readme.read()
    assert set(measured) == set(PAIRS)
    for pair, result in measured.items():
        assert readme.pair_of(result["models"]) == pair
        for name, revision in result["models"].items():
            assert revision == fingerprint(ASSETS / "models" / name), "measure again: evaluate edits --readme"
    block = edits_readme.README.read_text("utf-8").partition(edits_readme.START)[2].partition(edits_readme.STOP)[0]
    assert block.strip() == edits_readme.render(measured).strip()
