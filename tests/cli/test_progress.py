"""Progress on standard error: rewritten on a terminal, now and then elsewhere, never on standard output."""

import sys
from dataclasses import replace

import pytest

from inspector.cli import progress
from inspector.results import Progress
from tests.views import samples


def test_a_line_says_how_far_and_how_long() -> None:
    assert progress.progress_line(Progress(3, 20, "Denoising")) == "Denoising 3/20"
    assert progress.progress_line(Progress(3, 20, "Denoising", 12.4)) == "Denoising 3/20, 12 s left"


def test_a_terminal_gets_one_line_that_is_wiped_at_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress.Reporter() as report:
        report(Progress(1, 2, "a long message"))
        report(Progress(2, 2, "short"))
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "\n" not in shown.err
    _, first, second, wiped, rest = shown.err.split("\r")
    assert first == "a long message 1/2"
    assert second == "short 2/2".ljust(len(first))
    assert wiped.strip() == rest == ""
    assert len(wiped) >= len("short 2/2")


def test_elsewhere_a_quick_run_says_nothing_and_a_long_one_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    with progress.Reporter() as report:
        for step in range(1, 31):
            clock[0] = float(step)
            report(Progress(step, 30, "Denoising"))
    assert capsys.readouterr().err == "Denoising 10/30\nDenoising 20/30\nDenoising 30/30\n"


def test_follow_returns_the_result_and_shows_the_progress(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    result = samples.clusters()
    assert progress.follow(iter([Progress(0, 1, "Loading"), result])) is result
    shown = capsys.readouterr().err
    assert "Loading 0/1" in shown
    assert "inspector:" not in shown


def test_what_a_result_warns_of_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    result = samples.clusters(provenance=replace(samples.PROVENANCE, warning="It never saw a llama."))
    assert progress.follow(iter([result])) is result
    assert capsys.readouterr() == ("", "inspector: It never saw a llama.\n")
