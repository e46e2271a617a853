"""Guard: whatever goes wrong in a handler becomes one sentence, and nothing that was shown is lost."""

import errno
import functools
import logging
from collections.abc import Callable
from html import escape
from typing import Any

import gradio as gr

from inspector.errors import InspectorError

LOG = logging.getLogger(__name__)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def explained(error: Exception) -> InspectorError:
    """An error as one with a sentence for the visitor; what nobody foresaw is written to the server's log.

    For the outermost handlers alone: there is nobody after them who could say it.
    """
    if isinstance(error, InspectorError):
        return error
    if isinstance(error, OSError) and error.errno in _FULL:
        LOG.error("The disk is full: %s", error)
        return InspectorError("The server's disk is full; try again later, or tell who runs it.")
    LOG.error("A fault of the program", exc_info=error)
    return InspectorError(
        f"The program has a fault that nobody foresaw ({type(error).__name__}), which was written to the server's log; "
        "other values may work."
    )


def guard(handler: Callable[..., Any]) -> Callable[..., Any]:
    """The handler; where it fails, its sentence as a warning and every output left alone."""

    @functools.wraps(handler)
    def guarded(*values: Any) -> Any:
        try:
            return handler(*values)
        except Exception as error:  # noqa: BLE001  # nobody would hear of it
            warn(explained(error))
            return gr.skip()

    return guarded


def warn(error: InspectorError) -> None:
    """Show an error's sentence on the page; what the visitor wrote in it stays text."""
    gr.Warning(escape(str(error), quote=False), duration=8)
