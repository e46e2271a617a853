"""Runs: one thread, stopped within a step, errors in words, known results at once."""

import threading
import time
from collections.abc import Callable

import gradio as gr
import pytest

from inspector.results import Progress
from inspector.ui import runs
from tests.ui.pretend import Saliency, saliency_request


@pytest.fixture(autouse=True)
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the visitor is told."""
    told: list[str] = []
    monkeypatch.setattr(gr, "Warning", lambda message, **_: told.append(message))
    return told


def wait_for(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_every_step_runs_in_one_thread_which_is_not_ours(pretend: Saliency) -> None:
    items = list(runs.drive(lambda: pretend.stream(saliency_request())))
    assert [type(item).__name__ for item in items] == ["Progress"] * 3 + ["SaliencyResult"]
    wait_for(lambda: bool(pretend.closed))
    names = {*pretend.threads, *pretend.closed}
    assert len(names) == 1
    assert threading.current_thread().name not in names


def test_closing_ends_the_run_within_the_step_and_closes_the_stream(pretend: Saliency) -> None:
    pretend.gate = threading.Event()
    run = runs.drive(lambda: pretend.stream(saliency_request()))
    assert isinstance(next(run), Progress)
    assert not runs.idle()
    run.close()
    assert runs.idle()
    wait_for(lambda: bool(pretend.closed))
    assert len(pretend.threads) == 1
    assert pretend.closed == pretend.threads  # not by the garbage collector, wherever that runs


def test_errors_of_the_stream_arrive(pretend: Saliency) -> None:
    with pytest.raises(runs.ModelError, match="could not be fetched"):
        list(runs.drive(lambda: pretend.stream(saliency_request(model="other"))))
    assert runs.idle()


def test_a_known_result_comes_at_once(pretend: Saliency) -> None:
    first = list(runs.compute("saliency", saliency_request()))
    second = list(runs.compute("saliency", saliency_request()))
    assert second == first[-1:]
    assert len(pretend.requests) == 1


def test_the_page_shows_progress_then_the_key(pretend: Saliency) -> None:
    shown = list(runs.on_page("saliency", saliency_request)())
    assert "Step 0" in shown[0][0]
    assert 'aria-valuenow="67"' in shown[2][0]
    assert all(key == gr.skip() for _, key in shown[:-1])
    status, key = shown[-1]
    assert "0.5 s on cpu" in status
    assert runs.RESULTS.get(key).request.classes == saliency_request().classes


def test_bad_input_is_a_sentence_and_nothing_is_lost(pretend: Saliency, warnings: list[str]) -> None:
    shown = list(runs.on_page("saliency", lambda: saliency_request(classes="<b>, <b>"))())
    assert shown == [(shown[0][0], gr.skip())]
    assert "Class &#x27;&lt;b&gt;&#x27; is given twice" in shown[0][0]
    assert warnings == ["Class '&lt;b&gt;' is given twice; name each class once."]
    assert not pretend.requests


def test_a_model_that_cannot_be_had_is_replaced_by_the_embedded_one(pretend: Saliency, warnings: list[str]) -> None:
    shown = list(runs.on_page("saliency", lambda: saliency_request(model="openai-vit-b-16"))())
    assert [request.model for request in pretend.requests] == ["openai-vit-b-16", "scenes-clip"]
    assert "could not be fetched" in shown[-1][0]
    assert "Went on with scenes-clip." in shown[-1][0]
    assert runs.RESULTS.get(shown[-1][1]).request.model == "scenes-clip"
    assert len(warnings) == 1


def test_a_script_gets_the_sentence_as_an_error(pretend: Saliency) -> None:
    with pytest.raises(gr.Error, match="could not be fetched"):
        list(runs.answer("saliency", lambda: saliency_request(model="other")))


def test_a_script_gets_figure_numbers_and_files(pretend: Saliency) -> None:
    *progress, (figure, numbers, files) = runs.answer("saliency", saliency_request)
    assert progress[0] == (None, {"step": 0, "total": 3, "message": "Step 0"}, None)
    assert [file.rsplit("/", 1)[1] for file in files] == ["figure.png", "maps.npz", "result.json"]
    assert figure == files[0]
    assert numbers["saliency"]["maxima"] == {"car": 1.0, "building": 1.0}
