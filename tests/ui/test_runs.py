"""Runs: one thread, stopped within a step, errors in words, known results at once."""

import errno
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest

from inspector.errors import BusyError, ChoiceError, InspectorError
from inspector.results import Progress, SegmentationRequest
from inspector.ui import runs, scenes, source, turns
from inspector.ui.listeners import LISTENERS
from inspector.ui.pictures import UPLOADS
from inspector.ui.share import Share
from inspector.ui.tab import Example, Tab, Together
from inspector.ui.turns import WISHES, Caller
from tests.ui.pretend import Saliency, saliency_request
from tests.views import samples


def wait_for(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 60
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
    run = runs.compute("saliency", saliency_request())
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


VISITOR = SimpleNamespace(session_hash="ann", headers={}, client=SimpleNamespace(host="10.0.0.1"))


@pytest.fixture(autouse=True)
def listening() -> Iterator[None]:
    """The visitor reads what is answered."""
    with LISTENERS.listening("ann"):
        yield


def in_turn(shown: Tab, make: Callable[..., Any], todo: Any = None) -> list[dict[Any, Any]]:
    """What the page's handler yields in its turn."""
    todo = todo or {"how": "carry", "state": {}, "nonce": WISHES.ask("ann", "saliency")}
    return list(runs.on_turn(with_make(shown, make))(VISITOR, todo))


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
    waiting = runs.on_page(tab)(VISITOR)
    assert set(waiting) == {tab.status, tab.todo}
    assert not pretend.requests
    assert runs.on_page(tab)(VISITOR)[tab.todo] != waiting[tab.todo]  # the same question twice is asked twice
    in_turn(shown, asked())
    at_once = runs.on_page(tab)(VISITOR)
    assert at_once[tab.viewer]["how"] == "carry"
    assert tab.todo not in at_once


def test_nothing_to_do_does_nothing(shown: Tab, pretend: Saliency) -> None:
    for todo in (None, 5, "fresh"):
        assert list(runs.on_turn(with_make(shown, asked()))(VISITOR, todo)) == []
    assert not pretend.requests


@pytest.mark.parametrize("by", ["at once", "in its turn"])
def test_bad_input_is_a_sentence_and_nothing_is_lost(by: str, shown: Tab, pretend: Saliency) -> None:
    bad = asked(classes="<b>, <b>")
    (step,) = [runs.on_page(with_make(shown, bad))(VISITOR)] if by == "at once" else in_turn(shown, bad)
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
    filled = runs.on_example(shown, shared, example)(VISITOR)
    assert filled[shown.controls["classes"]] == "a, b"
    assert filled[shared.scene] is None
    assert Path(filled[shared.picture]).is_file()
    last = in_turn(shown, asked(classes="a, b"), filled[shown.todo])[-1]
    assert (last[shown.viewer]["how"], last[shown.viewer]["state"]) == ("fresh", {"show": "mask"})
    known = runs.on_example(shown, shared, replace(example, request=asked(classes="a, b")))(VISITOR)
    assert known[shown.viewer]["how"] == "fresh"


def test_all_at_once_says_so_in_the_controls(shown: Tab) -> None:
    values = None, scenes.STREET, "car, sky"
    together = Together(
        shown.run, lambda request: replace(request, classes=(*request.classes, ("sun",))), {"wipe": True}
    )
    step = runs.on_together(shown, together)(VISITOR, *values)
    assert step[shown.controls["classes"]] == "car, sky, sun"
    last = list(runs.on_turn(shown)(VISITOR, step[shown.todo], None, scenes.STREET, "car, sky, sun"))[-1][shown.viewer]
    assert (last["how"], last["state"]) == ("fresh", {"wipe": True})
    assert "held" not in last  # which leaves what the page holds


def test_what_stands_beside_is_computed_first_and_shown_with_it(shown: Tab, pretend: Saliency) -> None:
    values = None, scenes.STREET, "car, sky"
    request = shown.subject.make(*values)
    held = [replace(request, template=f"{name} {{}}.") for name in "ab"]
    todo = runs.asking(shown, request, VISITOR, "link", {"wipe": True}, held)[shown.todo]
    assert len(todo["held"]) == 2
    last = list(runs.on_turn(shown)(VISITOR, todo, *values))[-1][shown.viewer]
    assert [request.template for request in pretend.requests] == ["a {}.", "b {}.", "a photo of {}."]
    assert [one["asked"]["template"] for one in last["held"]] == ["a {}.", "b {}."]
    assert last["state"] == {"wipe": True}
    known = runs.asking(shown, request, VISITOR, "link", held=held)
    assert [one["key"] for one in known[shown.viewer]["held"]] == [one["key"] for one in last["held"]]
    assert "held" not in runs.on_page(shown)(VISITOR, *values)[shown.viewer]  # which leaves what the page holds


def test_what_no_address_tells_cannot_be_asked_for_beside(shown: Tab) -> None:
    other = replace(saliency_request(), image=np.zeros((32, 32, 3), np.uint8), masks={})
    with pytest.raises(ChoiceError, match="run them one by one, and hold each"):
        runs.asking(shown, saliency_request(masks={}), VISITOR, held=[other])


@pytest.mark.parametrize("held", [5, "x", {}, ["?" * 9000], ["image=gone"]])
def test_what_the_browser_says_of_it_is_not_trusted(held: Any, shown: Tab) -> None:
    last = in_turn(shown, asked(masks={}), {"how": "fresh", "nonce": WISHES.ask("ann", "saliency"), "held": held})[-1]
    if isinstance(held, list):
        assert last[shown.viewer]["failed"]
    else:
        assert "held" not in last[shown.viewer]


def test_a_class_that_was_written_over_runs_again_as_it_was_asked(shown: Tab) -> None:
    with gr.Blocks(analytics_enabled=False):
        shared = source.build(scenes.STREET)
    UPLOADS.put(samples.saliency().request.image)
    known = samples.saliency(request=saliency_request(masks={}))
    key = runs.RESULTS.put(known)
    edit = runs.on_edit(shown, shared, shown.subject.edit)
    filled = edit(VISITOR, {"key": key, "word": "car", "text": "bus/coach"})
    assert filled[shown.controls["classes"]] == "bus/coach, building/house"
    assert filled[shown.todo]["how"] == "carry"
    for told in (
        None,
        5,
        {},
        {"key": key},
        {"key": key, "word": "cat", "text": "dog"},
        {"key": "gone", "word": "a", "text": "b"},
        {"key": runs.RESULTS.put(samples.saliency()), "word": "car", "text": "bus"},  # its masks no control can say
    ):
        assert edit(VISITOR, told)[shown.viewer]["failed"]
    another = {"key": runs.RESULTS.put(samples.attention()), "word": "horse", "text": "dog"}
    assert "of another tab" in edit(VISITOR, another)[shown.status]


def test_a_visitor_pays_for_runs_and_not_for_known_results(pretend: Saliency, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SHARE", Share(allowed=1e-9))
    assert list(runs.compute("saliency", saliency_request(), Caller("b")))[-1]
    with pytest.raises(InspectorError, match="You used your"):
        list(runs.compute("saliency", saliency_request(template="{}"), Caller("b")))
    assert len(list(runs.compute("saliency", saliency_request(), Caller("b")))) == 1
    assert list(runs.compute("saliency", saliency_request(template="{}"), Caller("c")))[-1]


def test_a_script_gets_the_sentence_as_an_error(pretend: Saliency) -> None:
    with pytest.raises(gr.Error, match="could not be fetched"):
        list(runs.answer("saliency", lambda: saliency_request(model="other"), None))


def test_a_script_gets_figure_numbers_and_files(pretend: Saliency) -> None:
    *progress, (figure, numbers, files) = runs.answer("saliency", saliency_request, None)
    assert progress[0] == (None, {"step": 0, "total": 3, "message": "Step 0"}, None)
    assert [file.rsplit("/", 1)[1] for file in files] == ["figure.png", "maps.npz", "result.json", "caption.txt"]
    assert figure == files[0]
    assert numbers["saliency"]["maxima"] == {"car": 1.0, "building": 1.0}


def on_turn(shown: Tab, number: int) -> list[dict[Any, Any]]:
    tab = with_make(shown, asked())
    return list(runs.on_turn(tab)(VISITOR, {"how": "carry", "state": {}, "nonce": number}))


def test_a_run_that_was_stopped_before_its_turn_computes_nothing(shown: Tab, pretend: Saliency) -> None:
    number = WISHES.ask("ann", "saliency")
    said = runs.on_stop(shown)(VISITOR)
    assert said[shown.viewer]["failed"]
    (step,) = on_turn(shown, number)
    assert "Stopped. The earlier result is unchanged." in step[shown.status]
    assert not pretend.requests
    assert set(runs.on_stop(shown)(VISITOR)) == {shown.status}  # with nothing to stop, nothing failed


def test_a_question_is_no_longer_asked_once_it_is_answered(shown: Tab) -> None:
    in_turn(shown, asked())
    in_turn(shown, asked(classes="<b>, <b>"))
    assert not WISHES.last("ann", "saliency")


def test_stop_ends_a_run_within_a_step_and_its_last_word_is_that(shown: Tab, pretend: Saliency) -> None:
    pretend.gate = threading.Event()  # a step that takes long
    number = WISHES.ask("ann", "saliency")
    said: list[Any] = []
    running = threading.Thread(target=lambda: said.extend(on_turn(shown, number)))
    running.start()
    wait_for(lambda: bool(pretend.threads))
    runs.on_stop(shown)(VISITOR)
    running.join(5)
    assert not running.is_alive()  # though the step goes on
    assert "Stopped." in said[-1][shown.status]
    assert runs.idle()
    pretend.gate.set()
    wait_for(lambda: bool(pretend.closed))


def test_a_new_question_ends_the_last_one_which_says_nothing_more(shown: Tab, pretend: Saliency) -> None:
    pretend.gate = threading.Event()
    first = WISHES.ask("ann", "saliency")
    said: list[Any] = []
    running = threading.Thread(target=lambda: said.extend(on_turn(shown, first)))
    running.start()
    wait_for(lambda: bool(pretend.threads))
    second = runs.on_page(with_make(shown, asked(template="{}")))(VISITOR)
    running.join(5)
    assert not running.is_alive()
    assert not any("Stopped" in step[shown.status] for step in said)
    assert WISHES.holds("ann", second[shown.todo]["nonce"])
    runs.on_stop(shown)(VISITOR)
    assert not WISHES.holds("ann", second[shown.todo]["nonce"])
    pretend.gate.set()


def test_a_refusal_is_in_the_status_line_and_the_run_under_way_goes_on(shown: Tab) -> None:
    number = WISHES.ask("ann", "saliency")
    seen: list[Any] = []

    def refuse(*given: Any) -> BusyError:
        seen.append(given)
        return BusyError("You have 3 runs under way; try again in about 7 s.")

    step = runs.on_page(replace(with_make(shown, asked()), refusal=refuse))(VISITOR)
    assert "You have 3 runs under way; try again in about 7 s." in step[shown.status]
    assert step[shown.viewer]["failed"]
    assert shown.todo not in step
    assert seen == [("address 10.0.0.1", ("ann", number))]  # which does not count: the new one takes its place
    assert WISHES.holds("ann", number)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [(OSError(errno.ENOSPC, "No space left on device"), "disk is full"), (ZeroDivisionError("x"), "ZeroDivisionError")],
)
def test_whatever_goes_wrong_is_said_in_the_status_line(shown: Tab, error: Exception, sentence: str) -> None:
    def broken(*_: Any) -> Any:
        raise error

    for step in (runs.on_page(with_make(shown, broken))(VISITOR), *in_turn(shown, broken)):
        assert sentence in step[shown.status]
        assert step[shown.viewer]["failed"]
    with pytest.raises(gr.Error, match=sentence):
        list(runs.answer("saliency", broken, None))


def test_a_script_that_nobody_listens_for_is_ended(pretend: Saliency, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.ui.listeners.PATIENCE", 0.0)
    asked = SimpleNamespace(session_hash="nobody", headers={}, client=None)
    with pytest.raises(gr.Error, match="Nobody listened"):
        list(runs.answer("saliency", saliency_request, asked))
    assert runs.idle()


def test_beside_a_segmenter_or_an_imported_head_no_embedded_model_would_do() -> None:
    image = np.zeros((32, 32, 3), np.uint8)
    given = {"clip": "laion-vit-b-16", "diffusion": "scenes-diffusion"}
    plain = SegmentationRequest(image, "car", **given)
    assert runs.models_of(plain) == given
    assert runs.embedded(plain) == {"clip": "scenes-clip", "diffusion": "scenes-diffusion"}
    by_itself = replace(plain, method="segmenter", segmenter="sam-vit-base")
    assert runs.models_of(by_itself) == runs.embedded(by_itself) == given | {"segmenter": "sam-vit-base"}
    imported = replace(plain, method="san", head="local:mine")
    assert runs.models_of(imported) == runs.embedded(imported) == given
