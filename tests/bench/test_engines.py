"""The timing of engines: what it works out of its numbers, by hand, and README as it was measured."""

import json

import pytest

from inspector.bench import engines
from inspector.settings import ASSETS


def way(engine: str, workers: int, start: float, rate: float) -> dict:
    return {
        "engine": engine,
        "workers": workers,
        "start": dict.fromkeys(("median", "min", "max"), start),
        "rate": dict.fromkeys(("median", "min", "max"), rate),
    }


# One worker takes 0.36 s a picture, two 0.2: 1.8 times as fast, an efficiency of .9.
WAYS = [way("plain", 1, 2, 0.3), way("ray", 1, 10, 0.36), way("ray", 2, 12, 0.2)]
RESULT = {"repeats": 1, "pictures": 48, "model": "toy", "device": "CPU", "row_bytes": 2000, "ways": WAYS}


def test_the_target_is_worked_out_of_what_was_measured():
    found = engines.target(RESULT)
    assert found["efficiency"] == pytest.approx(0.9)
    seconds = 12 + 100_000 * 0.36 / (8 * 0.9)
    assert found["hours"] == pytest.approx(seconds / 3600, abs=1e-3)
    assert found["journal_gb"] == pytest.approx(0.2)


def test_start_and_rate_of_a_run(tmp_path, monkeypatch):
    """The first picture at 5 s, the other 47 a second each."""
    moments = iter([0.0, *(5.0 + number for number in range(48))])
    monkeypatch.setattr(engines.time, "perf_counter", lambda: next(moments))

    def engine(_, entries, __, ___, report):
        for _ in entries:
            report(None)

    monkeypatch.setattr(engines, "ENGINES", {"plain": engine})
    task = engines.Task("segmentation", engines.drawn(tmp_path / "set"), {})
    assert len(task.dataset.entries) == 48
    assert engines._timed(task, tmp_path / "journal", "plain", 1) == (5.0, 1.0)


def test_keeping_renews_readme_and_nothing_else(tmp_path, monkeypatch):
    page = tmp_path / "README.md"
    page.write_text(f"before\n{engines.START}\nold\n{engines.STOP}\nafter\n")
    monkeypatch.setattr(engines, "README", page)
    monkeypatch.setattr(engines, "MEASURED", tmp_path / "engines.json")
    result = RESULT | {"target": engines.target(RESULT)}
    engines.keep(result)
    assert page.read_text() == f"before\n{engines.START}\n{engines.render(result)}{engines.STOP}\nafter\n"
    assert json.loads((tmp_path / "engines.json").read_text()) == result


def test_readme_tells_what_was_measured():
    result = json.loads(engines.MEASURED.read_text("utf-8"))
    text = engines.README.read_text("utf-8")
    assert text.partition(engines.START)[2].partition(engines.STOP)[0] == f"\n{engines.render(result)}"
    assert (ASSETS / "models" / result["model"]).is_dir()
