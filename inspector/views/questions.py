"""Questions: what a viewer works out of a recorded run by itself, made here for figures: assets/viewer/questions.js."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from inspector.errors import InspectorError
from inspector.results import (
    GENERATION,
    MEAN,
    AttentionResult,
    Layer,
    Region,
    chosen_layers,
    look_from,
    resize_maps,
)
from inspector.views import attention
from inspector.views.atlas import Atlas, Block, Labels
from inspector.views.attention_atlas import AGAINST, MIXED, PROBE, SELF, WITHOUT_START, WORD
from inspector.views.color import palette

FINER = 4  # labels per cell along each side
Choice = Mapping[str, str]


def with_answer(atlas: Atlas, result: AttentionResult, choice: Choice, state: Mapping[str, Any]) -> Atlas:
    """The atlas with what a choice shows that no block of it holds, before all others; itself where one does.

    state: what a viewer remembers of itself: {pin, region, rivals, mixture}, which is not trusted.
    """
    view, layer = choice.get("view", WORD), _layer(result, choice.get("layer", MEAN), state)
    place = {name: choice[name] for name in ("view", "step", "layer", "arm") if name in choice}
    arm = choice.get("arm", GENERATION)
    try:
        if view == AGAINST:
            labels = _against(atlas, result, choice, layer, state)
            return replace(atlas, labels=(replace(labels, at=place), *atlas.labels))
        if view == SELF:
            grid = look_from(result, region_of(state), arm, _step(result, choice), layer)
        elif choice.get("layer") == MIXED:
            grid = _map(result, choice, layer)
            axis = "probe" if view == PROBE else "word"
            place[axis] = choice[axis]
        else:
            return atlas
    except InspectorError:  # it was not kept, or the state says what there is not
        return atlas
    return replace(atlas, blocks=(Block(place, (), grid, arm), *atlas.blocks))


def region_of(state: Mapping[str, Any]) -> Region:
    """The region that a viewer asks about: one that was drawn, else the pinned pixel, else the middle."""
    told = state.get("region")
    points = told.get("points") if isinstance(told, Mapping) else None
    try:
        if isinstance(told, Mapping) and isinstance(points, list):
            return Region(str(told.get("kind")), tuple(map(_point, points)))
        pin = state.get("pin")
        return Region("pixel", (_point(pin) if isinstance(pin, Mapping) else (0.5, 0.5),))
    except (InspectorError, KeyError, TypeError):
        return Region("pixel", ((0.5, 0.5),))


def _point(told: Mapping[str, float]) -> tuple[float, float]:
    return told["y"], told["x"]


def _layer(result: AttentionResult, layer: str, state: Mapping[str, Any]) -> Layer:
    """The choice's layer; weights of the resolutions for MIXED."""
    if layer != MIXED:
        return attention.parse_layer(layer)
    told = state.get("mixture")
    weights = dict.fromkeys(result.resolutions, 1.0)
    if isinstance(told, Mapping):
        numbers = {height: told.get(str(height)) for height in result.resolutions}
        weights |= {height: number for height, number in numbers.items() if isinstance(number, int | float)}
    return ", ".join(f"{height}: {min(max(weight, 0), 1):.4f}" for height, weight in weights.items())


def _step(result: AttentionResult, choice: Choice) -> int:
    """The choice's step in its arm, the last where it has fewer."""
    told = choice.get("step", "")
    return min(int(told) if told.isdecimal() else 10**6, len(result.steps[choice.get("arm", GENERATION)])) - 1


def _map(result: AttentionResult, choice: Choice, layer: Layer) -> np.ndarray:
    """float32 (h, w): a word's map, or a probe's."""
    arm, step, view = choice.get("arm", GENERATION), _step(result, choice), choice.get("view", WORD)
    if view != PROBE:
        maps = result.select(arm, step, layer, renormalised=view == WITHOUT_START)
        return maps[list(attention.positions(result, choice["word"]))].mean(0)
    kept, weights = result.probe_maps[arm], chosen_layers(result.sizes, layer)
    side = max((result.sizes[name] for name in weights), key=lambda size: size[0])
    number = result.request.probes.index(choice["probe"])
    at = min(step, len(next(iter(kept.values()))) - 1)
    return np.sum([weight * resize_maps(kept[name][at, number], side) for name, weight in weights.items()], 0)


def _against(atlas: Atlas, result: AttentionResult, choice: Choice, layer: Layer, state: Mapping[str, Any]) -> Labels:
    """Each place's word: the one with the most attention of those that compete."""
    questions = atlas.facts["questions"]
    words, told = questions["words"], state.get("rivals")
    own = [word for word in words if isinstance(told, list) and word in told]
    own = own if len(own) > 1 else questions["first"]
    arm = choice.get("arm", GENERATION)
    maps = result.select(arm, _step(result, choice), layer)
    grids = np.stack([maps[list(result.token_indices(word))].mean(0) for word in own])
    size = (grids.shape[1] * FINER, grids.shape[2] * FINER)
    values = np.array([words.index(word) for word in own])[resize_maps(grids, size).argmax(0)]
    return Labels({}, values, palette(len(words)), tuple(words), arm)
