"""The attention tab's atlas: a word's maps, and what else a page can ask of a recorded run without another one.

Its axis `view` says what is asked: a word's attention, the same without the start token or of a single head, which
word wins each place, where a region looks by self-attention, and words that are not in the prompt.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from inspector.results import (
    CROSS,
    GENERATION,
    NOISE_ONCE,
    OWN,
    SCORE_THRESHOLD,
    SPREAD_OF_SEEDS,
    AttentionResult,
    blocks,
    chosen_layers,
    fit_mask,
    masked_words,
    resize_maps,
    seed_arm,
)
from inspector.views import attention, verdict
from inspector.views.atlas import Atlas, Axis, Block, Later
from inspector.views.atlas_facts import measured, with_record
from inspector.views.attention import END, START
from inspector.views.color import hex_color, palette
from inspector.views.overlay import enlarge, fit

PANELS = 4  # that a page has at most
WORD, WITHOUT_START, HEAD, AGAINST, SELF, PROBE = "word", "without start", "head", "against", "self", "probe"
VIEWS = {
    WORD: "attention to a word",
    WITHOUT_START: "without the start token",
    HEAD: "a single head",
    AGAINST: "word against word",
    SELF: "self-attention",
    PROBE: "a probe word",
}
MIXED = "weighted"
Tokens = Mapping[str, tuple[int, ...]]


def of_attention(result: AttentionResult, first: str = "") -> Atlas:
    """Axes word, step, layer (means first), arm, view, and where they were kept head and probe.

    Words of several tokens are their tokens' mean.
    first: the word, phrase or span shown first; it is added where it is no word of its own. "" is the main word.
    Raises PromptError for one that the prompt does not have.
    """
    words = list(dict.fromkeys([*attention.words(result), *([first] if first else [])]))
    tokens = {word: attention.positions(result, word) for word in (*words, attention.start(result), END)}
    told = [attention.name(result, word) if word == first else word for word in tokens]
    longest = max(result.arms, key=lambda arm: len(result.steps[arm]))
    ticks = {
        arm: [f"{index} of {len(steps)}, t = {timestep}" for index, timestep in enumerate(steps, 1)]
        for arm, steps in result.steps.items()
    }
    at = words.index(first or attention.main_word(result)) if words else 0
    steps = tuple(str(index) for index in range(1, len(ticks[longest]) + 1))
    layers = {value: shown for shown, value in attention.layer_choices(result)}
    if len(result.resolutions) > 1:
        layers[MIXED] = "weighted mean"
    views = tuple(_views(result))
    axes = [
        Axis("word", tuple(tokens), tuple(told), "chips", at),
        Axis("step", steps, tuple(ticks[longest]), "slider", len(steps) - 1),
        Axis("layer", tuple(layers), tuple(layers.values()), "list"),
        Axis("arm", result.arms, result.arms, "list"),
        Axis("view", views, tuple(_named(result, view) for view in views), "list"),
    ]
    if HEAD in views:
        heads = range(1, 1 + max(maps.shape[1] for own in result.head_maps.values() for maps in own.values()))
        axes.append(Axis("head", tuple(map(str, heads)), tuple(f"head {head}" for head in heads), "slider"))
    if PROBE in views:
        axes.append(Axis("probe", result.request.probes, result.request.probes, "chips"))
    masks = {name: fit_mask(mask) for name, mask in result.request.masks.items() if mask.any()}
    facts = _facts(result, tokens, ticks, masks, tuple(layers.values()))
    maps = tuple(_blocks(result, [layer for layer in layers if layer != MIXED], tokens))
    return Atlas("attention", tuple(axes), maps, _pictures(result), (), masks, facts=with_record(result, facts))


def other_noises(result: AttentionResult) -> list[str]:
    """The arms of single noises after the request's own."""
    request = result.request
    return [arm for number in range(1, request.seeds) if (arm := seed_arm(request.seed + number)) in result.arms]


def first_arms(result: AttentionResult) -> list[str]:
    """The arms that are seen first, as many as there may be panels; more noises of one arm come last."""
    noises = other_noises(result)
    return [*(arm for arm in result.arms if arm not in noises), *noises][:PANELS]


def _views(result: AttentionResult) -> Iterator[str]:
    """What can be asked of a result."""
    yield from (WORD, WITHOUT_START)
    if result.head_maps:
        yield HEAD
    yield AGAINST
    if result.self_attention:
        yield SELF
    if result.probe_maps:
        yield PROBE


def _pictures(result: AttentionResult) -> dict[str, np.ndarray]:
    """Each arm's picture, and the one predicted at each of its steps, as large."""
    pictures = dict(result.images)
    for arm, previews in result.previews.items():
        size = fit(result.images[arm].shape, max(previews.shape[1:3]))
        pictures |= {f"{arm}/{index}": enlarge(preview, size) for index, preview in enumerate(previews, 1)}
    return pictures


def _facts(
    result: AttentionResult,
    tokens: Tokens,
    ticks: Mapping[str, list[str]],
    masks: Mapping[str, np.ndarray],
    layers: tuple[str, ...],
) -> dict[str, Any]:
    steps = max(len(steps) for steps in ticks.values())
    noises = [NOISE_ONCE, *other_noises(result)] if NOISE_ONCE in result.arms else []
    several = len(noises) > 1 and len(result.steps[NOISE_ONCE]) > 1
    names = masked_words(result.request.prompt, masks)
    return {
        "title": "Cross-attention",
        "names": {
            "word": "Word", "step": "Step", "layer": "Layer", "arm": "Arm", "view": "Asked", "head": "Head",
            "probe": "Probe",
        },
        "columns": "step" if steps > 1 else "layer",
        "rows": "arm" if several else "layer" if steps > 1 else "",
        "panels": [{"arm": arm} for arm in first_arms(result)],
        "linked": ["word", "step", "layer", "view", "head", "probe"],
        "usual": {"view": WORD},
        "brief": {"layer": [name.partition("  (")[0].removeprefix("mean of ") for name in layers]},
        "ranked": "word",
        "unranked": [attention.start(result)],
        "curve": "step",
        "ticks": {"step": ticks},
        "ticksBy": "arm",
        "timesteps": {arm: [int(timestep) for timestep in own] for arm, own in result.steps.items()},
        "compared": {"generation": GENERATION, "noises": noises, "spread": SPREAD_OF_SEEDS},
        "verdict": verdict.stored(result.request.model),
        "previews": any(len(previews) for previews in result.previews.values()),
        "matches": {
            "axis": "word",
            "names": {word: name for word, name in names.items() if word in tokens},
            "threshold": SCORE_THRESHOLD,
        },
        "keys": {"arrows": "step", "updown": "word", "brackets": "layer"},
        "questions": _questions(result, tokens),
    }  # fmt: skip


def _named(result: AttentionResult, view: str) -> str:
    """A view in words; in joint attention what stands first is no start token."""
    return VIEWS[view].replace(START, attention.start(result))


def _questions(result: AttentionResult, tokens: Tokens) -> dict[str, Any]:
    """What a page needs to answer them: the words that compete, and which layers a choice of several stands for."""
    words = [word for word in tokens if word not in (attention.start(result), END)]
    groups = ("mean", *map(str, result.resolutions), *blocks(result.layers))
    members = {group: list(chosen_layers(result.sizes, attention.parse_layer(group))) for group in groups}
    return {
        "words": words,
        "first": [word for word in words if len(word) > 2] or words,
        "colors": [hex_color(color) for color in palette(len(words))],
        "members": members,
        "mixture": {str(height): 1 for height in result.resolutions},
        "probes": bool(result.queries),
    }


def _blocks(result: AttentionResult, layers: list[str], tokens: Tokens) -> Iterator[Block]:
    """Maps of words first, of what is chosen most; then what else can be asked."""
    rows: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in result.metrics:
        rows.setdefault((row["arm"], row["layer"].removeprefix("resolution ")), []).append(row)
    usual = [layer for layer in layers if layer not in blocks(result.layers)]
    for layer in (*usual, *blocks(result.layers)):
        for arm in result.arms:
            yield _of_words(result, arm, layer, tokens, WORD, rows.get((arm, layer), ()))
    for layer in layers:
        for arm in result.arms:
            if arm != SPREAD_OF_SEEDS:  # which is no share of a whole
                yield _of_words(result, arm, layer, tokens, WITHOUT_START)
            if arm in result.head_maps and layer in result.layers:
                yield _of_heads(result, arm, layer, tokens)
            if arm in result.probe_maps:
                yield _of_probes(result, arm, layer)
            if arm in result.self_attention and layer in result.layers:
                yield _of_self(result, arm, layer)


def _of_words(
    result: AttentionResult,
    arm: str,
    layer: str,
    tokens: Tokens,
    view: str,
    rows: Iterable[Mapping[str, Any]] = (),
) -> Block:
    steps = len(result.steps[arm])

    def words(step: int) -> np.ndarray:
        chosen = attention.parse_layer(layer)
        maps = result.select(arm, step, chosen, renormalised=view == WITHOUT_START)  # (token, h, w)
        return np.stack([maps[list(positions)].mean(0) for positions in tokens.values()])

    shape = (steps, len(tokens), *_grid(result, layer))
    scores = measured(rows, "word", steps)
    place = {"view": view, "arm": arm, "layer": layer}
    return Block(place, ("step", "word"), Later(shape, words), arm, scores=scores, later=view != WORD)


def _of_heads(result: AttentionResult, arm: str, layer: str, tokens: Tokens) -> Block:
    kept = result.head_maps[arm][layer]  # (step, head, token, h, w)

    def words(step: int) -> np.ndarray:
        maps = kept[step].astype(np.float32)
        return np.stack([maps[:, list(positions)].mean(1) for positions in tokens.values()], 1)

    shape = (kept.shape[0], kept.shape[1], len(tokens), *kept.shape[-2:])
    place = {"view": HEAD, "arm": arm, "layer": layer}
    return Block(place, ("step", "head", "word"), Later(shape, words), arm, later=True)


def _of_probes(result: AttentionResult, arm: str, layer: str) -> Block:
    kept = result.probe_maps[arm]
    weights = chosen_layers(result.sizes, attention.parse_layer(layer))
    side, first = _grid(result, layer), next(iter(kept.values()))

    def words(step: int) -> np.ndarray:
        return np.sum([weight * resize_maps(kept[name][step], side) for name, weight in weights.items()], 0)

    maps = Later((len(first), first.shape[1], *side), words)
    place, inner = _place(result, PROBE, arm, layer, len(first))
    return Block(place, (*inner, "probe"), maps if inner else words(0), arm, later=True)


def _of_self(result: AttentionResult, arm: str, layer: str) -> Block:
    own = layer.removesuffix(CROSS) + OWN
    kept = result.self_attention[arm][own]
    place, inner = _place(result, SELF, arm, layer, len(kept))
    projected = kept if inner else kept[0]
    heads = result.head_counts[own]
    return Block(place, inner, None, arm, computed="self", projected=projected, heads=heads, later=True)


def _place(
    result: AttentionResult, view: str, arm: str, layer: str, kept: int
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Where a block of so many kept steps stands, and its axis of steps: none where the last of several is kept."""
    place, steps = {"view": view, "arm": arm, "layer": layer}, len(result.steps[arm])
    return (place, ("step",)) if kept == steps else (place | {"step": str(steps)}, ())


def _grid(result: AttentionResult, layer: str) -> tuple[int, int]:
    """(h, w) of the largest layer that a choice stands for."""
    names = chosen_layers(result.sizes, attention.parse_layer(layer))
    return max((result.sizes[name] for name in names), key=lambda size: size[0])
