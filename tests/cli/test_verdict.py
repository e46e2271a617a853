"""`evaluate attention --verdict`: what is handed over, what is kept, what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from inspector.cli import main
from inspector.evaluation import readme, verdict, verdict_readme
from tests.cli.test_bad_input import refused

VERDICT = ["evaluate", "attention", "--verdict"]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What evaluate is called with; it measures nothing."""
    calls: list[Any] = []

    def evaluate(count: int, seed: int, progress: Any, **options: Any) -> dict[str, Any]:
        calls.append((count, seed, options))
        return {"model": options["diffusion"], "count": count}

    monkeypatch.setattr(verdict, "evaluate", evaluate)
    monkeypatch.setattr(verdict, "table", lambda result: f"table of {result['model']}")
    monkeypatch.setattr(verdict_readme, "check", lambda: None)
    monkeypatch.setattr(verdict_readme, "write", calls.append)
    monkeypatch.setattr(readme, "write", lambda *_: pytest.fail("the other table was renewed"))
    return calls


def test_options_are_handed_over(asked: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "numbers.json"
    given = ["--count", "8", "--seed", "7", "--seeds", "3", "--t", "1, 301", "--generated", "4", "--json", str(file)]
    assert main([*VERDICT, *given]) == 0
    options = {"seeds": 3, "timesteps": [1, 301], "generated": 4, "diffusion": "scenes-diffusion"}
    assert asked == [(8, 500_007, options)]
    assert capsys.readouterr().out == "table of scenes-diffusion\n"
    assert json.loads(file.read_text()) == {"model": "scenes-diffusion", "count": 8}


def test_what_is_not_asked_is_left_to_the_verdict(asked: list[Any]) -> None:
    assert main([*VERDICT, "--readme"]) == 0
    assert asked == [
        (64, 500_000, {"diffusion": "scenes-diffusion"}),
        {"model": "scenes-diffusion", "count": 64},
    ]


def test_what_is_kept_is_shown_without_measuring(
    asked: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(verdict_readme, "read", lambda: [{"model": "one"}, {"model": "other"}])
    monkeypatch.setattr(verdict_readme, "renew", lambda: asked.append("renewed"))
    assert main([*VERDICT, "--stored"]) == 0
    assert capsys.readouterr().out.split("\n\n\n") == ["table of one", "table of other\n"]
    assert asked == []
    assert main([*VERDICT, "--stored", "--readme"]) == 0
    assert asked == ["renewed"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["evaluate", "clusters", "--verdict"], "--verdict goes with the subject attention"),
        (["evaluate", "attention", "--seeds", "3"], "--verdict; add it"),
        (["evaluate", "attention", "--stored"], "--verdict; add it"),
        ([*VERDICT, "--t", "1,x"], "whole numbers"),
        ([*VERDICT, "--t", "1.5"], "whole numbers"),
    ],
)
def test_what_cannot_be_is_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said in refused(arguments, capsys)
