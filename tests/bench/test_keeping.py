"""What keeping costs: which runs are compared with which, and README as measured."""

import json
import time
from pathlib import Path

import pytest
import torch

from inspector.bench import keeping
from inspector.pipelines.keeping import MEASURED


def test_ways_take_turns_and_are_compared_with_the_run_that_they_add_to(monkeypatch: pytest.MonkeyPatch) -> None:
    took = {way: 10.0 + number for number, way in enumerate(keeping.WAYS)}
    ran: list[str] = []

    def run(request: keeping.AttentionRequest) -> None:
        fields = ("heads", "queries", "self_attention", "kept_steps", "probes")
        asked = {name: getattr(request, name) for name in fields}
        ran.append(next(way for way, more in keeping.WAYS.items() if asked == _asked(more)))

    monkeypatch.setattr(keeping.attention, "run", run)
    monkeypatch.setattr(keeping, "kept_of", lambda result, part: 5)
    monkeypatch.setattr(keeping, "worked", lambda run, device: (run(), took[ran[-1]])[1])
    result = keeping.measure(2)
    ways = list(keeping.WAYS)
    assert ran == ways + ways + [*ways[1:], ways[0]]
    rows = result["ways"]
    assert rows["single heads"]["of maps alone"]["runs"] == [1.1, 1.1]
    assert rows["probe words"]["of maps alone"]["median"] == round(took["probe words"] / took["queries"], 3)
    assert all(row["kept"] == 5 for row in rows.values())
    assert rows["queries of every step"]["told"] > 2 * rows["queries"]["told"] > 0


def _asked(more: dict) -> dict:
    usual = {"heads": False, "queries": "probes" in more, "self_attention": False, "kept_steps": "last", "probes": ()}
    return usual | dict(more)


def test_work_is_counted_and_waiting_is_not() -> None:
    assert keeping.worked(lambda: time.sleep(0.3), torch.device("cpu")) < 0.2
    begun = time.process_time()

    def busy() -> None:
        while time.process_time() < begun + 0.2:
            pass

    assert keeping.worked(busy, torch.device("cpu")) >= 0.1


def test_what_was_measured_kept_what_was_told() -> None:
    for way, row in json.loads(MEASURED.read_text("utf-8"))["ways"].items():
        assert row["told"] == row["kept"] > 0, way


def test_readme_has_what_was_measured() -> None:
    text = Path(keeping.README).read_text("utf-8")
    (between,) = (part.split(keeping.STOP)[0] for part in text.split(keeping.START)[1:])
    assert between.strip() == keeping.render(json.loads(MEASURED.read_text("utf-8"))).strip()
