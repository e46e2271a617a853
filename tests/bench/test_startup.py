"""The startup timing: what it does with an app that does not come up, and what it prints. The app itself is not run."""

from pathlib import Path

import pytest

from inspector.bench import startup
from inspector.errors import InspectorError

SILENT = "import time; time.sleep(60)"
DYING = "import sys; sys.exit('inspector: port 80 is taken; choose another.')"


@pytest.mark.parametrize(("script", "said"), [(DYING, "port 80 is taken"), (SILENT, "no page within 0.5 s")])
def test_an_app_that_serves_nothing_is_given_up(
    script: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = tmp_path / "app.py"
    app.write_text(script)
    monkeypatch.setattr(startup, "APP", app)
    monkeypatch.setattr(startup, "PATIENCE", 60 if script == DYING else 0.5)
    with pytest.raises(InspectorError, match=said):
        startup.measure(1)


def test_medians_and_aims(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = iter([[("page ready", 9.0), ("saliency", 1.0)], [("page ready", 7.0), ("saliency", 4.0)]])
    monkeypatch.setattr(startup, "_one_start", lambda: next(runs))
    told = []
    result = startup.measure(2, told.append)
    assert result["seconds"]["page ready"] == {"median": 8.0, "min": 7.0, "max": 9.0, "runs": [9.0, 7.0]}
    assert result["seconds"]["saliency"]["median"] == 2.5
    assert len(told) == 4
    header, _, ready, saliency = startup.table(result).splitlines()
    assert header.split() == ["seconds", "to", "median", "min", "max", "aim"]
    assert ready.split() == ["page", "ready", "8.000", "7.000", "9.000", "15.000"]
    assert saliency.split() == ["saliency", "2.500", "1.000", "4.000", "5.000"]


def test_the_second_question_is_another_one() -> None:
    """Results are kept under their request, so the same question would be answered from memory."""
    for question in startup.QUESTIONS.values():
        assert any(name in startup.AGAIN and question[name] not in (None, startup.AGAIN[name]) for name in question)
