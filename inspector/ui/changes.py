"""Changes: what the controls say that the shown result was not made with, so that Run can say it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from inspector.errors import InspectorError
from inspector.results import GENERATION, parse_classes, read_probes, read_timesteps
from inspector.results.checks import parse_background
from inspector.ui.controls import whole
from inspector.ui.pictures import place_of
from inspector.ui.session import RESULTS
from inspector.ui.source import Source
from inspector.ui.tab import Tab

RUN = "Run"
# What a field is called on the page; any other is of the recipe.
MODELS = ("model", "clip", "diffusion", "segmenter", "lora", "lora_scale", "embeddings")
NAMES = {"mode": "picture"} | dict.fromkeys(MODELS, "model")
OWN = ("prompt", "classes", "k", "method")
# field -> what its value means, so that a list written otherwise is the same; a generated picture has GENERATION always
MEANT: dict[str, Callable[[Any], Any]] = {
    "classes": parse_classes,
    "background": parse_classes,
    "background_words": parse_background,
    "timesteps": read_timesteps,
    "arms": lambda names: {*names, GENERATION},
    "keep": set,
    "probes": read_probes,
    "embeddings": set,
}
# The key of the result that the tab shows, once the page has taken in what came with this change.
_KEY = """async (_, ...rest) => {
  await new Promise((resolve) => setTimeout(resolve, 200));
  return [DenseViewer.shell.slots.get("NAME")?.value?.key ?? null, ...rest];
}"""


def connect(tab: Tab, source: Source) -> None:
    """Let the tab's Run say what was changed since the shown result, whenever a control, the picture or it changes."""
    controls = tab.controls
    key = gr.JSON(visible="hidden")
    asked = [control for name, control in controls.items() if name not in tab.subject.live]
    parts = [*asked, source.picture, source.scene, tab.viewer]
    gr.on(
        [part.change for part in parts],
        lambda shown, *values: button(differences(tab, shown, *values)),
        [key, source.picture, source.scene, *controls.values()],
        tab.run,
        js=_KEY.replace("NAME", tab.subject.name),
        show_progress="hidden",
        api_visibility="private",
        queue=False,
        trigger_mode="always_last",
    )


def button(changed: tuple[str, ...]) -> gr.Button:
    """Run as it stands after these changes."""
    if not changed:
        return gr.Button(RUN, elem_classes=["run"])
    return gr.Button(f"{RUN}: {' and '.join(changed)} changed", elem_classes=["run", "changed"])


def differences(tab: Tab, shown: Any, picture: Any, scene: Any, *values: Any) -> tuple[str, ...]:
    """What differs from the request of the result of key `shown`, each once; () where none is shown."""
    try:
        request = RESULTS.get(shown).request if isinstance(shown, str) else None
    except InspectorError:
        request = None
    if request is None:
        return ()
    then, now = tab.subject.fields(request), dict(zip(tab.controls, values, strict=True))
    idle = () if now.get("lora") else ("lora_scale",)  # whatever a slider says that is not there
    asked = [name for name in now if name not in (*tab.subject.live, *idle)]
    found = [_name(name) for name in asked if not _same(name, now[name], then[name])]
    if request.image is not None and "picture" not in found and not _is_of(request, picture, scene):
        found.insert(0, "picture")
    return tuple(dict.fromkeys(found))


def _name(field: str) -> str:
    return field if field in OWN else NAMES.get(field, "recipe")


def _same(field: str, now: Any, then: Any) -> bool:
    if field in MEANT:
        try:
            return bool(MEANT[field](now) == MEANT[field](then))
        except (InspectorError, TypeError, AttributeError):
            return bool(now == then)
    return bool(whole(now) == whole(then))


def _is_of(request: Any, picture: Any, scene: Any) -> bool:
    """Whether Run would use the picture that a request is of. An own picture lies under a name made of its pixels."""
    if request.scene is not None:
        return bool(whole(scene) == request.scene)
    return scene is None and isinstance(picture, str) and place_of(request.image) in Path(picture).parts
