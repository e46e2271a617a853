"""Guard: an InspectorError in a handler becomes a message in plain words, and nothing that was shown is lost."""

import functools
from collections.abc import Callable
from html import escape
from typing import Any

import gradio as gr

from inspector.errors import InspectorError


def guard(handler: Callable[..., Any]) -> Callable[..., Any]:
    """The handler; where it raises InspectorError, its sentence as a warning and every output left alone."""

    @functools.wraps(handler)
    def guarded(*values: Any) -> Any:
        try:
            return handler(*values)
        except InspectorError as error:
            warn(error)
            return gr.skip()

    return guarded


def warn(error: InspectorError) -> None:
    """Show an error's sentence on the page; what the visitor wrote in it stays text."""
    gr.Warning(escape(str(error), quote=False), duration=8)
