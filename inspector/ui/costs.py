"""Costs: what a run will keep and how much longer that makes it, told beside the controls before it runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from inspector.ui import parts
from inspector.ui.controls import QUIET
from inspector.ui.guard import explained

LATER = "How much a run would keep is told here once its model is in memory: after a run, or when this is opened again."


@dataclass(frozen=True)
class Costs:
    """Where the costs are told, and what is opened to see them."""

    told: gr.HTML
    opened: gr.Accordion


def connect(costs: Costs, make: Callable[..., Any], own: Mapping[str, Any], source: Sequence[Any]) -> None:
    """Tell the costs when they are looked at, and anew as often as a control changes.

    make: (*values of `source`, *values of `own`) -> request. source: the picture and its scene's number. A prompt or a
    picture that changes meanwhile counts when the recipe is opened again: both are outside it.
    """

    def tell(*values: Any) -> str:
        try:
            request = make(*values)
            from inspector.pipelines import attention  # with torch, which building a page does without

            told = attention.forecast_in_memory(request)
            return parts.hint(LATER if told is None else str(told))
        except Exception as error:  # noqa: BLE001  # nobody would hear of it
            return parts.problem(str(explained(error)))

    changes = [costs.opened.expand, *(control.change for name, control in own.items() if name != "prompt")]
    gr.on(changes, tell, [*source, *own.values()], costs.told, trigger_mode="always_last", **QUIET)
