"""The viewer's component: it hands a result to the page once, as an atlas; what follows happens in the browser."""

import base64
import itertools
import threading
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import gradio as gr

from inspector.errors import InspectorError
from inspector.ui import places, prompting
from inspector.ui.session import RESULTS
from inspector.views.atlas import Atlas, pack, write
from inspector.views.atlases import atlas_of, part
from inspector.views.look import Look

MOST_BLOCKS = 200  # that one question asks for: the largest models have 70 layers
_COMPUTING = threading.Lock()  # maps are computed for one visitor at a time
_WAITING = threading.BoundedSemaphore(8)  # each holds one of the threads that answer everybody
_nonces = itertools.count(1)  # a browser notices a value only where it differs from the last
# A constant template: Gradio draws it once, and what the viewer puts into it stays.
_TEMPLATE = "<div class='viewer'></div>"
_MOUNT = """
const shell = DenseViewer.shell;
shell.mount("NAME", element.querySelector(".viewer"), props.value, server);
watch("value", () => shell.take("NAME", props.value));
"""


def viewer(tab: str) -> gr.HTML:
    """The component of a tab. Its value is what `showing` returns.

    gr.HTML itself, not a subclass: for those gradio writes a .pyi file beside the module.
    """
    return gr.HTML(
        None,
        html_template=_TEMPLATE,
        js_on_load=_MOUNT.replace("NAME", tab),
        apply_default_css=False,
        server_functions=[more, renew, segment],
        elem_classes="frame",
    )


def showing(
    key: str,
    link: Mapping[str, str],
    how: str = "carry",
    state: Mapping[str, Any] | None = None,
    asked: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The component's value for the result of a key.

    link: the parameters that lead to it, {} where none do. asked: everything it answers, name -> text, by which results
    are told apart. how: "link" where the address asked for it and says how to
    show it; "fresh" to begin as the result does; "carry" to keep how the last one was shown. state: what a fresh viewer
    begins with.
    Raises InputError for a result that is gone.
    """
    atlas = gr.FileData(path=str(atlas_file(key))).model_dump()
    return {
        "atlas": atlas,
        "key": key,
        "link": dict(link),
        "asked": dict(asked or {}),
        "how": how,
        "segmenters": prompting.segmenters(),
        "state": dict(state or {}),
        "nonce": next(_nonces),
    }


def failing() -> dict[str, Any]:
    """The component's value where there is nothing to wait for; what the page already shows stays."""
    return {"failed": True, "nonce": next(_nonces)}


def atlas_file(key: str) -> Path:
    """The atlas of a result where the page may fetch it, written once and again if it was cleared away."""
    path = Path(gr.utils.get_upload_folder()) / "atlases" / key / "result.atlas"
    result = RESULTS.get(key)
    if not path.exists():
        return write(atlas_of(result), path)
    places.touch(path)  # what is used is not swept away as old
    return path


@lru_cache(maxsize=2)
def _whole(key: str) -> Atlas:
    """The atlas of a result with all blocks, whose maps are computed when they are written."""
    return atlas_of(RESULTS.get(key), None)


def renew(key: Any) -> bool:
    """Write the atlas of a key again where it was swept away; False where its result is gone too."""
    try:
        return isinstance(key, str) and atlas_file(key).exists()
    except InspectorError:
        return False


def more(asked: Any) -> str:
    """The maps of blocks that an atlas only announced, in base64; "" where there are none, "busy" if too many ask.

    asked: {key, at}, a list of places: what several layers are needed for is one question.
    """
    told = asked if isinstance(asked, dict) else {}
    key, wanted = told.get("key"), told.get("at")
    if not isinstance(key, str) or not isinstance(wanted, list) or not 0 < len(wanted) <= MOST_BLOCKS:
        return ""
    if not all(isinstance(place, dict) for place in wanted):
        return ""
    if not _WAITING.acquire(blocking=False):
        return "busy"
    try:
        RESULTS.get(key)
        with _COMPUTING:
            return base64.b64encode(pack(part(_whole(key), wanted))).decode()
    except InspectorError:
        return ""
    finally:
        _WAITING.release()


def segment(asked: Any, who: gr.Request) -> dict[str, Any]:
    """The mask of a point or a box in a picture that a viewer shows, as `prompting.answer` tells it.

    asked: {key, picture} and what `prompting.answer` reads.
    """
    return prompting.answer(asked, lambda key: (RESULTS.get(key), _whole(key).pictures), who)


def look_of(state: Any) -> Look:
    """How a viewer shows things, from what it remembers of itself; the defaults for what is not so."""
    told = state if isinstance(state, dict) else {}
    look = Look()
    for name in ("colormap", "opacity", "scale", "smooth", "threshold", "fade"):
        try:
            look = Look(**{**look.__dict__, name: type(getattr(look, name))(told[name])})
        except (KeyError, TypeError, ValueError, InspectorError):
            continue
    return look


def choice_of(state: Any) -> dict[str, str]:
    """axis -> value of the panel that a viewer has active, from what it remembers of itself; {} where it says none."""
    told = state if isinstance(state, dict) else {}
    panels, active = told.get("panels"), told.get("active")
    if not isinstance(panels, list) or not isinstance(active, int) or not 0 <= active < len(panels):
        return {}
    panel = panels[active]
    return {str(axis): str(value) for axis, value in panel.items()} if isinstance(panel, dict) else {}
