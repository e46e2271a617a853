"""The table of heads by numbers a person can check: means over seeds, differences seed by seed, ranking."""

from typing import Any

import pytest

from inspector.errors import ChoiceError
from inspector.evaluation import heads_readme
from inspector.evaluation.heads import CLAIMS, PUBLISHED, summary, table
from inspector.evaluation.heads_readme import render
from inspector.models.heads.specs import HEADS
from inspector.training.heads import recipe


def row(name: str, seed: int, miou: float, **more: Any) -> dict[str, Any]:
    """One measured row."""
    return {
        "row": name, "seed": seed, "pair": "plain", "recipe": "x", "parameters": 460_000, "training_seconds": 100.0,
        "picture_seconds": 0.5, "miou": miou, "seen": miou, "unseen": miou / 2, "pq": 0.3,
        "by": {"head alone": {"miou": miou / 3}}, **more,
    }  # fmt: skip


ROWS = [
    row("odise", 0, 0.5), row("odise", 1, 0.6), row("odise", 2, 0.7),
    row("odise-no-captioner", 0, 0.45), row("odise-no-captioner", 1, 0.5), row("odise-no-captioner", 2, 0.65),
    row("odise-no-unet", 0, 0.5), row("odise-no-unet", 1, 0.45), row("san", 0, 0.9),
]  # fmt: skip


def claim(result: dict[str, Any], said: str) -> dict[str, Any]:
    """One of the claims."""
    return next(item for item in result["claims"] if item["claim"] == said)


def test_a_row_is_the_mean_and_spread_of_its_seeds() -> None:
    odise = summary(ROWS)["rows"][0]
    assert (odise["row"], odise["seeds"]) == ("odise", 3)
    assert odise["miou"]["mean"] == pytest.approx(0.6)
    assert odise["miou"]["std"] == pytest.approx(0.1)
    assert odise["unseen"]["mean"] == pytest.approx(0.3)
    assert summary(ROWS)["rows"][-1]["miou"]["std"] is None  # one seed has no spread


def test_a_claim_is_judged_seed_by_seed() -> None:
    result = summary(ROWS)
    captioner = claim(result, "the implicit captioner helps")
    assert captioner["mean"] == pytest.approx((0.05 + 0.1 + 0.05) / 3)
    assert (captioner["least"], captioner["most"]) == pytest.approx((0.05, 0.1))
    assert captioner["holds"] is True
    unet = claim(result, "the UNet's features help")  # -.05 and +.05
    assert unet["seeds"] == 2
    assert unet["holds"] is None


def test_one_seed_settles_nothing() -> None:
    assert claim(summary(ROWS), "SAN is better than ODISE")["holds"] is None


def test_what_all_seeds_deny_does_not_hold() -> None:
    turned = [row("odise", seed, 0.4) for seed in (0, 1)] + [row("odise-no-captioner", seed, 0.5) for seed in (0, 1)]
    assert claim(summary(turned), "the implicit captioner helps")["holds"] is False


def test_the_ranking_stands_beside_the_published_one() -> None:
    ranking = summary(ROWS)["ranking"]
    assert ranking["here"] == ["san", "odise", "odise-no-captioner", "odise-no-unet"]
    assert ranking["published"] == ["san", "odise", "odise-no-captioner", "odise-no-unet"]


def test_claims_and_published_rows_are_rows() -> None:
    assert {name for _, better, other in CLAIMS for name in (better, other)} | set(PUBLISHED) <= set(HEADS)
    assert {name for name, spec in HEADS.items() if spec.published} == set(PUBLISHED)


def test_the_table_says_what_was_measured() -> None:
    for text in (table(summary(ROWS)), render(ROWS)):
        assert "0.600 ± 0.100" in text
        assert "0.46 M" in text
        assert "29.9" in text
        assert "holds here" in text


def test_readme_is_what_was_measured() -> None:
    text = heads_readme.README.read_text(encoding="utf-8")
    block = text.partition(heads_readme.START)[2].partition(heads_readme.STOP)[0]
    assert block.strip() == render(heads_readme.read()).strip()


def test_rows_that_are_kept_are_of_the_shipped_models() -> None:
    for kept in heads_readme.read():
        assert recipe(HEADS[kept["row"]], kept["pair"]) == kept["recipe"], "measure again: train heads --table"


def test_no_rows_are_refused_with_the_command_that_makes_them() -> None:
    with pytest.raises(ChoiceError, match="train heads --table"):
        summary([])
