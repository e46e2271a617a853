"""Runs: one thread, stopped within a step, errors in words, known results at once."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from inspector.errors import InspectorError
from inspector.results import Progress
from inspector.ui import runs, scenes, source
from inspector.ui.share import Share
from inspector.ui.tab import Example, Tab
from tests.ui.pretend import Saliency, saliency_request


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


def asked(**changes: Any) -> Callable[..., Any]:
    """What the tab would make of its controls, which these tests leave alone."""
    return lambda *_: saliency_request(**changes)


def with_make(shown: Tab, make: Callable[..., Any]) -> Tab:
    return replace(shown, subject=replace(shown.subject, make=make))


def in_turn(shown: Tab, make: Callable[..., Any], todo: Any = None) -> list[dict[Any, Any]]:
    """What the page's handler yields in its turn."""
    return list(runs.on_turn(with_make(shown, make))(None, todo or {"how": "carry", "state": {}}))


def test_the_page_shows_progress_then_the_result(shown: Tab) -> None:
    steps = in_turn(shown, asked())
    assert "Step 0" in steps[0][shown.status]
    assert 'aria-valuenow="67"' in steps[2][shown.status]
    assert all(set(step) == {shown.status} for step in steps[:-1])
    assert "0.5 s on cpu" in steps[-1][shown.status]
    value = steps[-1][shown.viewer]
    assert runs.RESULTS.get(value["key"]).request.classes == saliency_request().classes
    assert value["how"] == "carry"
    assert "Copy as Python" in steps[-1][shown.notes]


def test_what_is_known_is_shown_without_a_turn(shown: Tab, pretend: Saliency) -> None:
    tab = with_make(shown, asked())
    waiting = runs.on_page(tab)()
    assert set(waiting) == {tab.status, tab.todo}
    assert not pretend.requests
    assert runs.on_page(tab)()[tab.todo] != waiting[tab.todo]  # the same question twice is asked twice
    in_turn(shown, asked())
    at_once = runs.on_page(tab)()
    assert at_once[tab.viewer]["how"] == "carry"
    assert tab.todo not in at_once


def test_nothing_to_do_does_nothing(shown: Tab, pretend: Saliency) -> None:
    for todo in (None, 5, "fresh"):
        assert list(runs.on_turn(with_make(shown, asked()))(None, todo)) == []
    assert not pretend.requests


@pytest.mark.parametrize("by", ["at once", "in its turn"])
def test_bad_input_is_a_sentence_and_nothing_is_lost(by: str, shown: Tab, pretend: Saliency) -> None:
    bad = asked(classes="<b>, <b>")
    (step,) = [runs.on_page(with_make(shown, bad))()] if by == "at once" else in_turn(shown, bad)
    assert set(step) == {shown.status, shown.viewer}
    assert step[shown.viewer]["failed"]
    assert "Class &#x27;&lt;b&gt;&#x27; is given twice" in step[shown.status]
    assert not pretend.requests


def test_a_model_that_cannot_be_had_is_replaced_by_the_embedded_one(shown: Tab, pretend: Saliency) -> None:
    last = in_turn(shown, asked(model="openai-vit-b-16"))[-1]
    assert [request.model for request in pretend.requests] == ["openai-vit-b-16", "scenes-clip"]
    assert "could not be fetched" in last[shown.status]
    assert "Went on with scenes-clip." in last[shown.status]
    assert runs.RESULTS.get(last[shown.viewer]["key"]).request.model == "scenes-clip"


def test_an_example_fills_the_controls_and_begins_anew(shown: Tab) -> None:
    with gr.Blocks(analytics_enabled=False):
        shared = source.build(scenes.STREET)
    example = Example(shown.run, lambda: saliency_request(classes="a, b", scene=None), {"show": "mask"})
    filled = runs.on_example(shown, shared, example)()
    assert filled[shown.controls["classes"]] == "a, b"
    assert filled[shared.scene] is None
    assert Path(filled[shared.picture]).is_file()
    last = in_turn(shown, asked(classes="a, b"), filled[shown.todo])[-1]
    assert (last[shown.viewer]["how"], last[shown.viewer]["state"]) == ("fresh", {"show": "mask"})
    known = runs.on_example(shown, shared, replace(example, request=asked(classes="a, b")))()
    assert known[shown.viewer]["how"] == "fresh"


def test_a_visitor_pays_for_runs_and_not_for_known_results(pretend: Saliency, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "SHARE", Share(allowed=1e-9))
    assert list(runs.compute("saliency", saliency_request(), "session b"))[-1]
    with pytest.raises(InspectorError, match="You used your"):
        list(runs.compute("saliency", saliency_request(template="{}"), "session b"))
    assert len(list(runs.compute("saliency", saliency_request(), "session b"))) == 1
    assert list(runs.compute("saliency", saliency_request(template="{}"), "session c"))[-1]


def test_a_script_gets_the_sentence_as_an_error(pretend: Saliency) -> None:
    with pytest.raises(gr.Error, match="could not be fetched"):
        list(runs.answer("saliency", lambda: saliency_request(model="other"), None))


def test_a_script_gets_figure_numbers_and_files(pretend: Saliency) -> None:
    *progress, (figure, numbers, files) = runs.answer("saliency", saliency_request, None)
    assert progress[0] == (None, {"step": 0, "total": 3, "message": "Step 0"}, None)
    assert [file.rsplit("/", 1)[1] for file in files] == ["figure.png", "maps.npz", "result.json", "caption.txt"]
    assert figure == files[0]
    assert numbers["saliency"]["maxima"] == {"car": 1.0, "building": 1.0}
