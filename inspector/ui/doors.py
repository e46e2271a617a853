"""Doors: what a visitor names or sends is opened here and nowhere else.

A visitor names a file by its path, since that is how the browser says which upload it means, and may name any other.
Gradio looks at where a file came from only if the visitor asks it to (`meta`), so it is looked at here.
"""

import base64
import binascii
import functools
import os
import secrets
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import gradio as gr

from inspector.errors import ImageError, InspectorError
from inspector.settings import settings
from inspector.ui.guard import explained

# One sentence for what is elsewhere, what is no file and what is not there, so that nobody learns which it is.
NOT_HERE = "That file was not uploaded here, or is no longer kept; upload it again."
ELSEWHERE = "Nothing is fetched from other places; upload the file."
_FLAGS = ("O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC", "O_NOCTTY", "O_BINARY")  # those that the system has
_MARK = "_takes_files"  # of a component: a visitor names a file in its value


def folder() -> Path:
    """Where uploads lie, and everything else that the page hands out; all links in its path followed."""
    return Path(os.path.realpath(gr.utils.get_upload_folder()))


def read(named: Any, limit: int) -> bytes:
    """The bytes of a file that a visitor named, at most `limit` and one more, so that too many are seen as that.

    Raises ImageError, in the same words for each reason, unless it is a regular file in this server's upload folder.
    """
    try:
        path = Path(os.path.realpath(named))
        if not path.is_relative_to(folder()):
            raise ImageError(NOT_HERE)
        handle = os.open(path, os.O_RDONLY | sum(getattr(os, flag, 0) for flag in _FLAGS))
    except (OSError, ValueError, TypeError):  # not there, no path, no text
        raise ImageError(NOT_HERE) from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):  # now that it is open no other can take its place
        os.close(handle)
        raise ImageError(NOT_HERE)
    with open(handle, "rb") as file:
        return file.read(limit + 1)


def named(sent: Any) -> str | None:
    """The path of a file in the upload folder that a component's value names, None where it names none or is gone.

    sent: None, a path, a data URL, or {path, url}, of which a data URL is written to a file. Raises ImageError.
    """
    if sent is None:
        return None
    told = sent if isinstance(sent, dict) else {"path": sent}
    path, url = told.get("path"), told.get("url")
    if path is None and isinstance(url, str):
        path = url
    if not isinstance(path, str) or not path:
        raise ImageError(f"A picture is {str(sent)[:40]}; upload one, or leave it out and name a drawn scene.")
    if path.startswith("data:"):
        return write(_decoded(path), "picture")
    if path.lower().startswith(("http:", "https:", "ftp:", "file:")):
        raise ImageError(ELSEWHERE)
    try:
        read(path, 0)
    except ImageError:
        if _is_inside(path):  # swept away; the number of a drawn scene may bring it back
            return None
        raise
    return os.path.realpath(path)


def _is_inside(path: str) -> bool:
    try:
        return Path(os.path.realpath(path)).is_relative_to(folder()) and not os.path.lexists(path)
    except (OSError, ValueError):
        return False


def fresh_folder() -> Path:
    """A new folder in the upload folder, under a name that nobody can guess."""
    place = folder() / secrets.token_hex(16)
    place.mkdir(parents=True)
    return place


def write(data: bytes, name: str) -> str:
    """Bytes as a file of the upload folder under a place that nobody can guess; returns its path."""
    file = fresh_folder() / name
    file.write_bytes(data)
    return str(file)


def _decoded(url: str) -> bytes:
    if len(url) > settings().limits.max_bytes * 4 // 3 + 200:
        raise ImageError("The picture in the address is too large; upload it as a file.")
    try:
        return base64.b64decode(url.partition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        raise ImageError("The picture in the address is damaged; upload it as a file.") from None


def takes_files(component: Any) -> Any:
    """The component, whose value may name an uploaded file; its handlers get the path."""
    setattr(component, _MARK, True)
    return component


def guard_doors(page: gr.Blocks) -> None:
    """Let every value that is sent to a page be looked at here before a handler gets it, and get it as it was sent.

    Gradio's own components would round, convert and guess, and ours would not do: a session's components are made
    anew from their class when a handler changes one.
    """
    for function in page.fns.values():
        function.preprocess = False
    page.preprocess_data = inspected(page.preprocess_data)  # type: ignore[method-assign, assignment]


def inspected(preprocess: Callable[..., Awaitable[list[Any]]]) -> Callable[..., Awaitable[list[Any]]]:
    """Gradio's `Blocks.preprocess_data`, behind our look at every value: what is wrong with one becomes a sentence.

    Values that name files are made paths of the upload folder, and no other value may name a file: gradio would fetch
    it, or tell whether it exists.
    """

    @functools.wraps(preprocess)
    async def looked_at(function: Any, inputs: list[Any], *others: Any, **options: Any) -> list[Any]:
        try:
            if len(inputs) != len(function.inputs):
                raise ImageError(f"{len(inputs)} values were sent and {len(function.inputs)} are needed.")
            clean = [_let_in(*pair) for pair in zip(function.inputs, inputs, strict=True)]
            values = await preprocess(function, clean, *others, **options)
            return [_path(*pair) for pair in zip(function.inputs, values, strict=True)]
        except gr.Error:
            raise
        except Exception as error:  # noqa: BLE001  # gradio would answer {"error": null}
            raise gr.Error(str(explained(error)), print_exception=False) from None

    return looked_at


def _let_in(component: Any, sent: Any) -> Any:
    if not getattr(component, _MARK, False):
        if _names_a_file(sent):
            raise ImageError(f"{getattr(component, 'label', None) or 'A value'} is a file; give a text or a number.")
        return sent
    path = named(sent)
    return None if path is None else {"path": path, "meta": {"_type": "gradio.FileData"}}


def _path(component: Any, value: Any) -> Any:
    return value["path"] if getattr(component, _MARK, False) and isinstance(value, dict) else value


def _names_a_file(value: Any) -> bool:
    """Whether a value, or one inside it, is what gradio takes for a file."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if "path" in item and "meta" in item:
                return True
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
    return False


def sentence(error: InspectorError) -> gr.Error:
    """An error as the answer of an endpoint."""
    return gr.Error(str(error), print_exception=False)
