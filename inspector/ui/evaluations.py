"""Evaluations: the endpoint that measures a model or a tab on drawn scenes, for scripts."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from queue import Empty, SimpleQueue
from threading import Event
from typing import Any

import gradio as gr

from inspector import world
from inspector.errors import Cancelled, ChoiceError
from inspector.results import Progress, check_choice, check_number
from inspector.settings import settings
from inspector.ui import doors
from inspector.ui.controls import whole
from inspector.ui.guard import explained
from inspector.ui.runs import told
from inspector.ui.turns import LOOK, Caller, in_turn

SUBJECTS = ("models", "saliency", "attention", "clusters", "segmentation")


def evaluate(
    subject: str = "saliency", count: float = 8, seed: float = 0, asked: gr.Request | None = None
) -> Iterator[dict[str, Any]]:
    """Measure a subject on held-out drawn scenes, beside its baselines, with the embedded models.

    subject: models, saliency, attention, clusters or segmentation. count: number of scenes. seed: the first of them,
    from 0. Returns the numbers that `python -m inspector evaluate` writes; while it runs, step, total and message.
    """
    try:
        check_choice("subject", subject, SUBJECTS)
        if settings().zero_gpu:
            raise ChoiceError("This host lends its GPU to single runs only; evaluate on a machine of your own.")
        count, seed = whole(count), whole(seed)
        check_number("count", count, 1, settings().limits.max_scenes, whole=True)
        held_out = world.EVALUATION_SEEDS
        drawn = 2 * count if subject == "models" else count  # which also looks at generated pictures
        check_number("seed", seed, 0, len(held_out) - drawn, whole=True)
        caller, first = Caller.of(asked), held_out.start + int(seed)
        for item in in_turn("evaluate", drawn, caller, lambda place: measured(subject, int(count), first, caller)):
            yield told(item) if isinstance(item, Progress) else item
    except Exception as error:  # noqa: BLE001  # gradio would answer {"error": null}
        raise doors.sentence(explained(error)) from None


def measured(subject: str, count: int, first: int, caller: Caller) -> Iterator[Progress | dict[str, Any]]:
    """Progress, then the numbers. Closing it ends the measuring at its next report, as does a caller who is gone."""
    module = import_module(f"inspector.evaluation.{subject}")
    from inspector.pipelines.common import INFERENCE_LOCK  # torch comes with it

    news: SimpleQueue[Progress | None] = SimpleQueue()
    given_up = Event()

    def report(item: Progress) -> None:
        if given_up.is_set():
            raise Cancelled("The evaluation was stopped.")
        news.put(item)

    def work() -> Any:
        with INFERENCE_LOCK:  # what is stopped computes on until its next report, and its hooks see everybody's passes
            return module.evaluate(count, first, report)

    thread = ThreadPoolExecutor(1, "evaluate")
    working = thread.submit(work)
    working.add_done_callback(lambda _: news.put(None))
    thread.shutdown(wait=False)
    try:
        while True:
            try:
                item = news.get(timeout=LOOK)
            except Empty:
                caller.check()
                continue
            if item is None:
                break
            yield item
    finally:
        given_up.set()
    yield working.result()


def endpoint() -> None:
    """Offer the evaluation to scripts, as /evaluate."""
    subject = gr.Dropdown(list(SUBJECTS), value="saliency", label="subject", visible=False)
    count = gr.Number(8, label="count", precision=0, visible=False)
    seed = gr.Number(0, label="seed", precision=0, visible=False)
    numbers = gr.JSON(label="numbers", visible=False)
    gr.Button(visible=False).click(
        evaluate, [subject, count, seed], numbers, api_name="evaluate", concurrency_id="gpu", concurrency_limit=None
    )
