"""Progress on standard error: rewritten on a terminal, now and then elsewhere, never on standard output."""

import sys

import pytest

from inspector.cli import progress
from inspector.results import Progress


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
    assert progress.follow(iter([Progress(0, 1, "Loading"), "the result"])) == "the result"
    assert "Loading 0/1" in capsys.readouterr().err
