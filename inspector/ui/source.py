"""Source: the picture that all tabs share, drawn, uploaded or from the camera."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from inspector.errors import InputError
from inspector.ui import doors, parts, scenes, word_lists
from inspector.ui.controls import QUIET
from inspector.ui.guard import explained
from inspector.ui.pictures import taken, upload
from inspector.ui.word_lists import WordLists

NONE = "No picture: choose a drawn scene, or upload one."


@dataclass(frozen=True)
class Source:
    """picture: path of the file; scene: number of the drawn scene it is, None for an own picture."""

    picture: gr.Image
    scene: gr.Number
    about: gr.HTML
    words: gr.Button
    saved: gr.UploadButton
    lists: WordLists

    @property
    def inputs(self) -> list[Any]:
        """What a run needs of it."""
        return [self.picture, self.scene]


def build(seed: int) -> Source:
    """The picture, the gallery of drawn scenes, the number of a scene, and a way to open a saved result."""
    picture = upload(
        value=scenes.file(seed),
        label="Picture",
        sources=["upload"],
        height=200,
        elem_classes="source",
        alt_text="The picture that is analysed",
        buttons=["fullscreen"],
        placeholder="Drop a picture here, or click to upload",
    )
    with gr.Accordion("Another picture: file, camera, clipboard", open=False) as place:
        # Gradio empties an Image as soon as one of its sources is chosen, so the picture that Run will use has one
        # source, and what comes from any of several is put there once it has come.
        another = upload(
            label="Another picture",
            show_label=False,
            sources=["upload", "webcam", "clipboard"],
            height=290,  # gradio's camera takes 240 of it, whatever there is
            elem_classes="another",
            buttons=[],
            placeholder="Drop a picture here, or click to upload",
        )
    about = gr.HTML(told(seed))
    gallery = gr.Gallery(
        value=list(scenes.gallery()),
        label="Drawn scenes",
        show_label=False,
        columns=4,
        allow_preview=False,
        object_fit="cover",
        elem_classes="scenes",
        buttons=[],
        interactive=False,
    )
    scene = gr.Number(
        value=seed,
        label="Drawn scene number",
        precision=0,
        minimum=0,
        info="Any whole number draws one, with exact masks. From 500000 on, no model was trained on it.",
    )
    with gr.Row(elem_classes="pair"):
        words = gr.Button("Ask for its words", size="sm", min_width=120)
        saved = doors.takes_files(
            gr.UploadButton("Open saved data", size="sm", file_types=[".npz", ".json"], type="filepath", min_width=120)
        )
    lists = word_lists.build()
    outputs = [picture, scene, about]

    def draw(number: float | None) -> Any:
        if number is None:
            return gr.skip()
        try:
            return scenes.file(number), int(number), told(number)
        except Exception as error:  # noqa: BLE001  # nobody would hear of it
            return gr.skip(), gr.skip(), parts.problem(str(explained(error)))

    def choose(event: gr.SelectData) -> Any:
        known = isinstance(event.index, int) and 0 <= event.index < len(scenes.GALLERY)
        return draw(scenes.GALLERY[event.index]) if known else gr.skip()

    def received(path: str) -> tuple[Any, Any, Any]:
        try:
            shown, read = taken(path)
        except Exception as error:  # noqa: BLE001  # nobody would hear of it
            return None, None, parts.problem(str(explained(error)))
        return shown, None, told(None, read.told)

    def take(path: str | None) -> Any:
        if path is None:
            return None, None, parts.hint(NONE)
        new = received(path)
        if new[0] is not None and Path(new[0]).parent.name == Path(path).parent.name:
            return gr.skip()  # what the page itself put there, of which a browser may tell while it is taken away
        return new

    def put(path: str | None) -> Any:
        if path is None:
            return gr.skip()
        new = received(path)
        if new[0] is None:
            return gr.skip(), gr.skip(), new[2], None, gr.skip()
        return *new, None, gr.Accordion(open=False)

    # What is shown is what was read of the file, whatever a browser makes of it; an own picture is no scene.
    picture.input(take, picture, [picture, scene, about], trigger_mode="always_last", **QUIET)
    picture.clear(lambda: (None, parts.hint(NONE)), None, [scene, about], **QUIET)
    another.input(put, another, [*outputs, another, place], trigger_mode="always_last", **QUIET)
    gallery.select(choose, None, outputs, **QUIET)
    gr.on([scene.submit, scene.blur], draw, scene, outputs, **QUIET)
    return Source(picture, scene, about, words, saved, lists)


def told(number: float | None, notes: str = "") -> str:
    """What a drawn scene shows, in words; how an own picture differs, with a sentence on how it was read."""
    if number is None:
        own = "Your own picture: nothing is known of it, so maps get no numbers until you draw a mask."
        return parts.hint(f"{own} {notes}".strip())
    drawn = scenes.get(number)
    return parts.hint(f"“{drawn.caption}”, drawn, with exact masks of: {', '.join(sorted(drawn.masks))}.")


def words_of(number: float | None, *now: str) -> tuple[str, ...]:
    """Classes, classes and prompt that name what a drawn scene shows; as they are for an own picture."""
    try:
        drawn = scenes.get(number) if number is not None else None
    except InputError:
        drawn = None
    if drawn is None:
        return now
    classes = ", ".join(sorted(drawn.masks))
    return classes, classes, drawn.caption
