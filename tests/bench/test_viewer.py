"""The viewer's timing: one short run of the real thing where there is a browser, and what it prints."""

import shutil

import pytest

from inspector.bench import viewer


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium is installed")
def test_one_opening_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer, "ROUNDS", 3)
    monkeypatch.setattr(viewer, "STEPS", 4)
    monkeypatch.setattr(viewer.screen, "of_the_app", list)
    told = []
    result = viewer.measure(1, told.append)
    assert result["size"] == [512, 512]
    assert set(result["milliseconds"]) == set(viewer.AIMS)
    assert all(row["median"] > 0 for row in result["milliseconds"].values())
    assert len(told) == 1
    words = len(viewer.PROMPT.split()) + 2
    cells = sum(grid * grid for grid in viewer.GRIDS) * 2 + 64 * 64  # each layer alone and as its size's mean, and all
    assert result["atlas_bytes"] > 4 * words * cells


def test_the_large_result_is_as_large_as_was_promised() -> None:
    result = viewer.large_result()
    assert [maps.shape for maps in result.maps["generation"].values()] == [(50, 13, n, n) for n in (64, 32, 16, 8)]
    assert len(result.steps["generation"]) == 50


def test_milliseconds_and_aims() -> None:
    rows = {what: {"median": 1.0, "max": 2.0, "runs": [1.0, 2.0]} for what in viewer.AIMS}
    result = {
        "repeats": 2,
        "atlas_bytes": 4_100_000,
        "size": [512, 512],
        "aims": viewer.AIMS,
        "milliseconds": rows,
        "screen": [],
    }
    head, header, _, ready, *_ = viewer.table(result).splitlines()
    assert head == "An atlas of 4.1 MB, 50 steps, on a canvas of 512x512:"
    assert header.split() == ["milliseconds", "of", "median", "max", "aim"]
    assert ready.split() == ["ready", "1.000", "2.000", "1500.000"]
