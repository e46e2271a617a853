"""Edits: picture and a word's maps of the source, of the run that keeps its attention and of the one that does not."""

from collections.abc import Mapping

import numpy as np

from inspector.errors import PromptError
from inspector.results import AttentionResult, Edit, quoted
from inspector.results.rewording import reworded, written_over
from inspector.results.spelling import names, spans
from inspector.views import attention
from inspector.views.figure import Bar, Panel, Row, Sheet
from inspector.views.look import Look
from inspector.views.overlay import enlarge, fit, heat, picture

SOURCE, KEPT, WITHOUT = "source", "attention kept", "nothing kept"  # what the runs are called
RUNS = (SOURCE, KEPT, WITHOUT)


def words_of(edit: Edit, prompt: str, word: str | None = None) -> tuple[str, str]:
    """The word of the source that a word of the prompt stands for, and that word, as `AttentionResult.select` takes it.

    word: None takes the first that was written over, else the one after the first that is new, else the first that
    weighs, else the longest. Raises PromptError for one that stands for none.
    """
    if word is None and (pair := written_over(edit.source, prompt)):
        return pair
    pairs = [(old, new) for old, new in reworded(edit.source, prompt) if new is None or not new.sign]
    if word is None:
        added = next((place for place, (old, new) in enumerate(pairs) if old is None), len(pairs))
        after = [new for old, new in pairs[added:] if old and new]
        longest = max(names(prompt), key=len)
        word = f"@{after[0].start}:{after[0].stop}" if after else edit.factors[0][0] if edit.factors else longest
    asked = spans(prompt, word)
    for old, new in pairs:
        if old and new and any(new.start < stop and new.stop > start for start, stop in asked):
            return f"@{old.start}:{old.stop}", word
    raise PromptError(f"{quoted(word)} stands for no word of the source; choose one that was there, or took its place.")


def sheet(
    runs: Mapping[str, AttentionResult], words: Mapping[str, str], look: Look, side: int = attention.SIDE
) -> Sheet:
    """A row per run of `RUNS`: its picture, the word's map of each arm, and what they differ by from the source's.

    runs, words: run -> its result, and the word that is looked at in it. Maps are means over steps and layers, each
    column on one scale; a difference is of true values, the picture's of the mean of its colours.
    """
    arms = runs[KEPT].arms
    maps = {run: {arm: result.select(arm, "mean", "mean", words[run]) for arm in arms} for run, result in runs.items()}
    ends = {
        arm: (min(own[arm].min() for own in maps.values()), max(own[arm].max() for own in maps.values()))
        for arm in arms
    }
    apart = {run: {arm: own[arm] - maps[SOURCE][arm] for arm in arms} for run, own in maps.items() if run != SOURCE}
    most = {arm: max(float(np.abs(own[arm]).max()) for own in apart.values()) for arm in arms}
    rows = []
    for run, result in runs.items():
        shown = picture(result.images[arms[0]], fit(result.images[arms[0]].shape, side))
        panels = [Panel(shown, f"“{attention.name(result, words[run])}”")]
        for arm in arms:
            panels.append(_map(shown, maps[run][arm], ends[arm], arm, look, look.colormap))
        if run == SOURCE:  # which differs from itself by nothing: room, so that all rows have pictures of one size
            panels += [Panel(np.full_like(shown, 255))] * (1 + len(arms))
        else:
            grey = [one.images[arms[0]].astype(np.float32).mean(-1) for one in (result, runs[SOURCE])]
            panels.append(_map(shown, grey[0] - grey[1], (-255.0, 255.0), "picture − source", look, "diverging"))
            for arm in arms:
                span = (-most[arm], most[arm])
                panels.append(_map(shown, apart[run][arm], span, f"{arm} − source", look, "diverging"))
        rows.append(Row(panels, run))
    return Sheet(rows, note=_note(runs[KEPT]))


def _map(
    shown: np.ndarray, grid: np.ndarray, span: tuple[float, float], title: str, look: Look, colormap: str
) -> Panel:
    values = enlarge(grid, shown.shape[:2], look.smooth)
    return Panel(heat(shown, values, *span, colormap, look.opacity, look.fade), title, Bar(*span, colormap))


def _note(result: AttentionResult) -> str:
    return (
        f"Prompt-to-prompt to “{result.request.prompt}”: {attention.basis(result)}; maps are means over steps and "
        "layers, each column on one scale."
    )
