"""Attention: cross-attention of a word over arms, steps and layers, and the paper's Figure 3."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from inspector.errors import ChoiceError
from inspector.results import (
    AGAIN,
    GENERATION,
    INVERSION,
    AttentionResult,
    Edit,
    Layer,
    blocks,
    resize_maps,
    span_tokens,
)
from inspector.results.spelling import names, said
from inspector.results.spelling import spans as spelling_spans
from inspector.results.tokens import REST_TEXT
from inspector.views.figure import Bar, Panel, Row, Sheet
from inspector.views.look import Look
from inspector.views.overlay import enlarge, fit, heat, picture
from inspector.views.table import Table, table
from inspector.words import same_word

HEADING = "Cross-attention"
SIDE = 192  # pixels of a picture's longer side in the figure, which has many
MEAN = "mean of all layers"
START, END = "start token", "end token"
REST = "picture and padding"  # what joint attention has in the start token's place


def short(layer: str) -> str:
    """A module name as a reader says it: "up 3.2" for up_blocks.3.attentions.2..., "mid" for the middle."""
    found = re.match(r"(up|down)_blocks\.(\d+)\.attentions\.(\d+)", layer)
    if found:
        return f"{found[1]} {found[2]}.{found[3]}"
    if layer.startswith("resolution "):
        return "mean of {0}×{0}".format(layer.split()[1])
    return "mid" if layer.startswith("mid_block") else "mean of all" if layer == "mean" else layer


def layer_choices(result: AttentionResult) -> list[tuple[str, str]]:
    """(shown, value) of everything the layer control offers: the mean, means per size and per block, each layer."""
    sizes = [(f"mean of {_size(result, size)}", str(size)) for size in result.resolutions]
    single = [(f"{short(name)}  ({_grid(result, name)})", name) for name in result.layers]
    return [(MEAN, "mean"), *sizes, *((block_name(name), name) for name in blocks(result.layers)), *single]


def block_name(block: str) -> str:
    """The mean over the layers of a block, as a reader says it."""
    side, _, number = block.partition("_blocks")
    if number:
        return f"mean of {side} {number[1:]}"
    return f"mean of {side} blocks" if side in ("up", "down") else f"mean of {block}"


def _size(result: AttentionResult, height: int) -> str:
    """The width and height of the layers that are so high."""
    by_name = next(iter(result.maps.values()))
    return next(_grid(result, name) for name in by_name if by_name[name].shape[-2] == height)


def parse_layer(value: str) -> Layer:
    """The control's value as `AttentionResult.select` wants it."""
    return int(value) if value.isdigit() else value


def _grid(result: AttentionResult, layer: str) -> str:
    height, width = next(iter(result.maps.values()))[layer].shape[-2:]
    return f"{width}×{height}"


def at_step(result: AttentionResult, arm: str, step: int) -> int:
    """The step, or the arm's last one where it has fewer."""
    return min(step, len(result.steps[arm]) - 1)


def words(result: AttentionResult) -> list[str]:
    """The words of the prompt that have tokens, in order: each once, one that stands more often also by number."""
    prompt = result.request.prompt
    return [name for name in names(prompt) if span_tokens(result.tokens, spelling_spans(prompt, name))]


def name(result: AttentionResult, token: str | int) -> str:
    """A word as it is; a span of characters and a token by their text, or by what the token does."""
    if isinstance(token, str):
        return said(result.request.prompt, token)
    found = result.tokens[token]
    if found.stop > found.start:
        return found.text
    return start(result) if token == 0 else END


def start(result: AttentionResult) -> str:
    """What the first token is: START, or REST in joint attention."""
    return REST if result.tokens[0].text == REST_TEXT else START


def positions(result: AttentionResult, word: str) -> tuple[int, ...]:
    """Positions on the token axis of a word, or of START, REST or END. Raises PromptError for one that is not there."""
    special = {start(result): (0,), END: (len(result.tokens) - 1,)}
    return special.get(word) or result.token_indices(word)


def spans(grids: dict[str, np.ndarray], look: Look) -> dict[str, tuple[float, float]]:
    """arm -> values at the ends of the colours; on the shared scale all arms have the same."""
    own = {arm: (float(grid.min()), float(grid.max())) for arm, grid in grids.items()}
    if look.scale == "own":
        return own
    both = min(low for low, _ in own.values()), max(high for _, high in own.values())
    return dict.fromkeys(own, both)


def _over(
    result: AttentionResult, arm: str, grid: np.ndarray, span: tuple[float, float], look: Look, side: int
) -> np.ndarray:
    image = result.images[arm]
    size = fit(image.shape, side)
    values = enlarge(grid, size, look.smooth)
    return heat(picture(image, size), values, *span, look.colormap, look.opacity, look.fade)


def decoder_layers(result: AttentionResult) -> tuple[str, ...]:
    """The layers of the output blocks, which Figure 3 shows; all layers where a model names them otherwise."""
    return tuple(name for name in result.layers if name.startswith("up_blocks")) or result.layers


def _mean_per_size(result: AttentionResult, arm: str, step: int, token: str | int) -> dict[str, np.ndarray]:
    """ "16×16" -> mean map of the output blocks' layers of that size, and "all" -> mean of all of them."""
    groups: dict[str, list[np.ndarray]] = {}
    for layer in decoder_layers(result):
        groups.setdefault(_grid(result, layer), []).append(result.select(arm, step, layer, token))
    means = {name: np.mean(grids, axis=0) for name, grids in groups.items()}
    largest = max((grid.shape for grid in means.values()), key=lambda shape: shape[0])
    every = [resize_maps(grid, largest) for grids in groups.values() for grid in grids]
    return means | {"all": np.mean(every, axis=0)}


def sheet(
    result: AttentionResult, look: Look, step: int = -1, token: str | int | None = None, side: int = SIDE
) -> Sheet:
    """The paper's Figure 3: a row per arm, of its picture, the output blocks' layers and their means per size.

    step: index into the generation's steps, -1 is its last. token: a word, by default `main_word`.
    On the shared scale each column has one scale for all arms.
    """
    token = main_word(result) if token is None else token
    step = step % max(len(steps) for steps in result.steps.values())
    columns: dict[str, dict[str, np.ndarray]] = {}
    means: dict[str, dict[str, np.ndarray]] = {}
    for arm in result.arms:
        index = at_step(result, arm, step)
        columns[arm] = {name: result.select(arm, index, name, token) for name in decoder_layers(result)}
        means[arm] = _mean_per_size(result, arm, index, token)
    rows = []
    for arm in result.arms:
        image = result.images[arm]
        first = Panel(picture(image, fit(image.shape, side)), when(result, arm, step))
        layers = [_cell(result, arm, columns, name, look, side) for name in columns[arm]]
        rows.append(Row([first, *layers, *(_cell(result, arm, means, name, look, side) for name in means[arm])], arm))
    return Sheet(rows, note=_note(result, step, token, look))


def stacked(
    results: Sequence[AttentionResult],
    look: Look,
    step: int = -1,
    token: str | int | None = None,
    side: int = SIDE,
) -> Sheet:
    """`sheet` of each result below the one before; of several, each row says of which model it is."""
    sheets = [sheet(result, look, step, token, side) for result in results]
    if len(sheets) == 1:
        return sheets[0]
    rows = [
        replace(row, label=f"{result.request.model}: {row.label}")
        for result, one in zip(results, sheets, strict=True)
        for row in one.rows
    ]
    return Sheet(rows, note=" ".join(one.note for one in sheets))


def when(result: AttentionResult, arm: str, step: int) -> str:
    """An arm's step in words: "step 3 of 20, t = 850", or its t where it has one step."""
    steps, index = result.steps[arm], at_step(result, arm, step)
    return f"step {index + 1} of {len(steps)}, t = {steps[index]}" if len(steps) > 1 else f"t = {steps[index]}"


def _cell(
    result: AttentionResult, arm: str, grids: dict[str, dict[str, np.ndarray]], name: str, look: Look, side: int
) -> Panel:
    span = spans({other: grids[other][name] for other in result.arms}, look)[arm]
    over = _over(result, arm, grids[arm][name], span, look, side)
    title = f"{short(name)}  {_grid(result, name)}" if name in result.layers else f"mean {name}"
    return Panel(over, title, Bar(*span, look.colormap))


def _note(result: AttentionResult, step: int, token: str | int, look: Look) -> str:
    scale = "each map has its own scale" if look.scale == "own" else "each column has one scale for all arms"
    at = "; ".join(f"{arm} at {when(result, arm, step)}" for arm in result.arms)
    return (
        f"Cross-attention of “{name(result, token)}” in “{result.request.prompt}”: {at}; {basis(result)}; "
        f"layers of the output blocks and their means; {scale}."
    )


def basis(result: AttentionResult) -> str:
    """What made the maps: model, steps, guidance, noise, seed."""
    request = result.request
    size = f", {request.size} pixels" if request.size else ""
    done = how(result)
    return f"{request.model}{size}, {done}{', ' if done else ''}seed {request.seed}; mean of all heads"


def how(result: AttentionResult) -> str:
    """What was done to get the maps, in words, and nothing that was not."""
    request, done = result.request, []
    if request.image is None:
        done.append(f"{request.steps} steps of {request.scheduler}, {_guidance(result)}")
    if request.edit is not None:
        done.append(kept(request.edit))
    noised = [arm for arm in result.arms if arm not in (GENERATION, INVERSION, AGAIN)]
    if noised:
        times = ", ".join(map(str, result.steps[noised[0]]))
        several = f", {request.seeds} noises" if request.seeds > 1 else ""
        done.append(f"noise added once at t = {times}{several}")
    if INVERSION in result.arms:
        error = f", reconstructed to {result.reconstruction['psnr']:.1f} dB" if result.reconstruction else ""
        done.append(f"inverted in {len(result.steps[INVERSION])} steps of ddim{error}")
    if AGAIN in result.arms:
        done.append(f"denoised again from t = {result.steps[AGAIN][0]}, {_guidance(result)}")
    return "; ".join(done)


def kept(edit: Edit) -> str:
    """What is kept of which prompt, and which words weigh, in words."""
    weights = f", weights {edit.weights}" if edit.weights else ""
    return (
        f"cross-attention of “{edit.source}” kept for {edit.cross_kept:.0%} of the steps and self-attention for "
        f"{edit.self_kept:.0%}{weights}"
    )


def reconstructed(result: AttentionResult) -> str:
    """How well inversion leads back, in a sentence; "" without that arm."""
    found = result.reconstruction
    if not found:
        return ""
    return (
        f"Inversion, denoised again without guidance, comes back to within {found['psnr']:.1f} dB of the picture; its "
        f"latents are off by {found['rms']:.1%} of their own deviation."
    )


def _guidance(result: AttentionResult) -> str:
    scale = result.request.guidance_scale
    return f"guidance {scale:g}" if scale > 1 else "no guidance"


def main_word(result: AttentionResult) -> str:
    """The word shown first: one that has a mask, else the first of more than two letters, else the first."""
    found = words(result)
    known = [word for word in found if any(same_word(word, name) for name in result.request.masks)]
    long = [word for word in found if len(word) > 2]
    chosen: Sequence[str] = known or long or found
    if not chosen:
        raise ChoiceError('The prompt has no word to show; write one, such as "a horse on the grass".')
    return chosen[0]


def scores(result: AttentionResult, step: int, token: str | int) -> Table:
    """What was measured of a word at one step: a row per arm and layer, best AP first; empty without a mask."""
    rows = [
        {**row, "layer": short(str(row["layer"]))}
        for row in result.metrics
        if same_word(str(row["word"]), str(token)) and row["step"] == at_step(result, str(row["arm"]), step)
    ]
    rows.sort(key=lambda row: -row["ap"])
    return table(rows, skip=("word", "step"))


def arrays(result: AttentionResult) -> dict[str, np.ndarray]:
    """What `maps.npz` holds beside the result's own arrays: timesteps per arm, and the tokens' texts."""
    found = {f"timesteps/{arm}": np.array(steps) for arm, steps in result.steps.items()}
    return found | {"token_texts": np.array([token.text for token in result.tokens])}


def numbers(result: AttentionResult) -> dict[str, Any]:
    """What `result.json` holds beside the request."""
    return {
        "tokens": [{"index": token.index, "text": token.text} for token in result.tokens],
        "truncated": result.truncated,
        "timesteps": {arm: list(steps) for arm, steps in result.steps.items()},
        "layers": list(result.layers),
        "metrics": list(result.metrics),
    }
