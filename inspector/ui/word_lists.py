"""Word lists: classes from a list, whole or as many of its words as CLIP takes the picture to show."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from inspector.errors import ChoiceError
from inspector.pipelines.word_lists import LISTS, SCENES, words_of
from inspector.results import NamingRequest, Progress, check_text
from inspector.settings import settings
from inspector.ui import parts, runs
from inspector.ui.controls import QUIET, own_defaults, whole
from inspector.ui.guard import explained
from inspector.ui.pictures import resolve
from inspector.ui.turns import Caller, in_turn

OWN = own_defaults(NamingRequest)
MOST = 32  # names that the slider goes to


@dataclass(frozen=True)
class WordLists:
    """The controls. named: CLIP chooses; taken: all of the list; told: what came of it."""

    chosen: gr.Dropdown
    most: gr.Slider
    margin: gr.Slider
    named: gr.Button
    taken: gr.Button
    told: gr.HTML


def build() -> WordLists:
    """A list to choose, and two ways to take classes from it."""
    with gr.Accordion("Classes from a word list", open=False, elem_classes="word-lists"):
        chosen = gr.Dropdown(
            [(title, name) for name, title in LISTS.items()],
            value=SCENES,
            label="Word list",
            info="Those of data sets are for full-size models; the embedded ones know the drawn scenes' words.",
        )
        with gr.Row(elem_classes="pair"):
            named = gr.Button("Those CLIP sees here", size="sm", min_width=120)
            taken = gr.Button("All of it", size="sm", min_width=120)
        most = gr.Slider(1, MOST, OWN.most, step=1, label="At most", info=f"Names. Our choice: {OWN.most}.")
        margin = gr.Slider(
            0,
            10,
            OWN.margin,
            step=0.25,
            label="Margin",
            info="How much less than the best word's a word's logit may be.",
        )
        told = gr.HTML()
    return WordLists(chosen, most, margin, named, taken, told)


def connect(lists: WordLists, source: Sequence[Any], clip: gr.Dropdown, classes: Sequence[gr.Textbox]) -> None:
    """Let the two buttons write the classes of tabs. source: picture and number of the scene."""
    outputs = [*classes, lists.told]
    lists.taken.click(all_of, lists.chosen, outputs, **QUIET)
    asked = [*source, clip, lists.chosen, lists.most, lists.margin]
    lists.named.click(seen_here, asked, outputs, **runs.GPU)


def all_of(name: Any) -> tuple[Any, ...]:
    """Classes, classes and what is to be told, of a whole list; one that is too long is refused."""
    try:
        check_text("word list", name)
        words, most = words_of(name), settings().limits.max_classes
        if len(words) > most:
            raise ChoiceError(
                f"{LISTS[name]} are more than the {most} that are asked at once; let CLIP choose those it sees."
            )
        text = parts.classes(words)
    except Exception as error:  # noqa: BLE001  # nobody would hear of it
        return gr.skip(), gr.skip(), parts.problem(str(explained(error)))
    return text, text, parts.hint(f"{len(words)} classes; press Run.")


def seen_here(
    image: Any, scene: Any, clip: Any, name: Any, most: Any, margin: Any, asked: gr.Request
) -> Iterator[tuple[Any, ...]]:
    """As `all_of`, of the words that CLIP takes the picture to show, in its turn, with what was done meanwhile."""
    try:
        check_text("word list", name)
        request = NamingRequest(resolve(image, scene)["image"], words_of(name), whole(most), margin, clip=clip)
        caller = Caller.of(asked)
        (pipeline,) = runs.load_pipelines(["naming"])

        def work(_: Any) -> Iterator[Any]:
            return runs.drive(lambda: pipeline.stream(request), caller.check)

        for item in in_turn("naming", 1.0, caller, work):
            if isinstance(item, Progress):
                yield gr.skip(), gr.skip(), parts.hint(item.message)
            else:
                text = parts.classes(tuple(name.synonyms for name in item))
                told = ", ".join(f"{name.synonyms[0]} −{name.behind:.2f}" for name in item[1:])
                first = f"Best: {item[0].synonyms[0]}" + (f"; behind it {told}" if told else "; none is close to it")
                yield text, text, parts.hint(f"{first}. Press Run.")
    except Exception as error:  # noqa: BLE001  # nobody would hear of it
        yield gr.skip(), gr.skip(), parts.problem(str(explained(error)))
