"""`attention --source`: an edited prompt beside its source and beside the same run that keeps nothing."""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from inspector.cli.options import Fields, given

if TYPE_CHECKING:
    from inspector.results import AttentionRequest, AttentionResult, Edit
    from inspector.views.figure import Sheet

FIELDS: Fields = {
    "source": (str, "the prompt whose layout the generated picture keeps, prompt-to-prompt (default: none)"),
    "cross_kept": (float, "share of the steps in which cross-attention is the source's (default: 0.8)"),
    "self_kept": (float, "share of the steps in which coarse self-attention is the source's (default: 0.4)"),
    "weights": (str, 'how much words of the prompt weigh, such as "horse: 2, grass: .5" (default: none)'),
}


def edit(args: argparse.Namespace, prompt: str) -> "Edit | None":
    """What the options ask for. Raises InputError, also for shares of no source."""
    from inspector.errors import ChoiceError
    from inspector.results import Edit, edit_of

    asked = given(args, FIELDS)
    if asked and not {"source", "weights"} & set(asked):
        raise ChoiceError("--cross-kept and --self-kept say how much of --source is kept; add it, or leave them out.")
    usual = {"source": "", "cross_kept": Edit.cross_kept, "self_kept": Edit.self_kept, "weights": ""}
    return edit_of(prompt, **{**usual, **asked})


def requests(request: "AttentionRequest") -> dict[str, "AttentionRequest"]:
    """Run -> its request: the source's own, the edited one, and the edited one with nothing kept."""
    from inspector.views import edits as view

    assert request.edit is not None
    nothing = replace(request.edit, cross_kept=0, self_kept=0)
    made = replace(request, prompt=request.edit.source, edit=None), request, replace(request, edit=nothing)
    return dict(zip(view.RUNS, made, strict=True))


def words(request: "AttentionRequest", token: str | None) -> dict[str, str]:
    """Run -> the word that is looked at. Raises PromptError."""
    from inspector.views import edits as view

    assert request.edit is not None
    old, new = view.words_of(request.edit, request.prompt, token)
    return {view.SOURCE: old, view.KEPT: new, view.WITHOUT: new}


def rows(results: dict[str, "AttentionResult"], looked_at: dict[str, str]) -> Iterator[dict[str, Any]]:
    """A row per run and arm: how alike the word's mean map and the picture are to the source's, as correlations."""
    from inspector.evaluation.attention_arms import correlation
    from inspector.views import attention
    from inspector.views.edits import SOURCE

    source = results[SOURCE]
    for run, result in results.items():
        for arm in result.arms:
            own, other = (
                one.select(arm, "mean", "mean", looked_at[name]) for name, one in ((run, result), (SOURCE, source))
            )
            pictures = [one.images[arm].mean(-1) for one in (result, source)]
            told = {"run": run, "arm": arm, "word": attention.name(result, looked_at[run])}
            yield told | {"map like the source's": correlation(own, other), "picture like it": correlation(*pictures)}


def figure(results: dict[str, "AttentionResult"], looked_at: dict[str, str], scale: int) -> "Sheet":
    """Source, kept and not, with what they differ by."""
    from inspector.views import attention
    from inspector.views.edits import sheet
    from inspector.views.look import Look

    return sheet(results, looked_at, Look(), attention.SIDE * scale)
