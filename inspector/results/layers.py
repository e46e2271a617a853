"""Layers: which layers a choice means, and with which weights: one, a block's, a resolution's, all, or a mixture."""

import math
import re
from collections.abc import Mapping, Sequence

from inspector.errors import ChoiceError
from inspector.results.checks import check_choice
from inspector.results.quoting import quoted

Layer = str | int | None
MEAN = "mean"
_RESOLUTION = re.compile(r"resolution (\d+)")
_PART = re.compile(r"\s*(\d{1,4})\s*:\s*(\d{0,6}\.?\d{0,6})\s*")


def chosen_layers(sizes: Mapping[str, tuple[int, int]], layer: Layer) -> dict[str, float]:
    """Layer -> its weight in a choice; weights sum to 1.

    sizes: layer -> (h, w) of its grid, all there are. layer: None or "mean" for all alike; a name; a block such as
    "up_blocks" or "up_blocks.2" for its layers alike; an integer or "resolution N" for those of that height; weights by
    height, such as "32: 0.1, 16: 0.6, 8: 0.3", each resolution's mean as much as its weight says.
    Raises ChoiceError for anything else, with what there is.
    """
    if layer is None or layer == MEAN:
        return _alike(list(sizes))
    if isinstance(layer, str) and ":" in layer:
        return _mixed(sizes, parse_mixture(layer))
    if isinstance(layer, str) and (found := _RESOLUTION.fullmatch(layer)):
        layer = int(found[1])
    if isinstance(layer, int):
        check_choice("resolution", layer, resolutions(sizes))
        return _alike([name for name, (height, _) in sizes.items() if height == layer])
    inside = [name for name in sizes if isinstance(layer, str) and name.startswith(f"{layer}.")]
    if inside:
        return _alike(inside)
    check_choice("layer", layer, tuple(sizes))
    return {layer: 1.0}


def blocks(names: Sequence[str]) -> tuple[str, ...]:
    """The blocks that several of the layers lie in, of several that there are: "up_blocks", then "up_blocks.1", ..."""
    found = []
    for depth in (1, 2):
        inside: dict[str, int] = {}
        for name in names:
            block = ".".join(name.split(".")[:depth])
            inside[block] = inside.get(block, 0) + 1
        found += [block for block, count in inside.items() if 1 < count < len(names)]
    return tuple(found)


def resolutions(sizes: Mapping[str, tuple[int, int]]) -> tuple[int, ...]:
    """Heights of the grids, largest first."""
    return tuple(sorted({height for height, _ in sizes.values()}, reverse=True))


def parse_mixture(text: str) -> dict[int, float]:
    """Height -> weight, of a text such as "32: 0.1, 16: 0.6". Raises ChoiceError for anything else."""
    found: dict[int, float] = {}
    for part in text.split(","):
        told = _PART.fullmatch(part)
        if not told or told[2] in ("", ".") or int(told[1]) in found:
            raise ChoiceError(
                f'The weights of the layers are {quoted(text)}; give each resolution once, such as "32: 0.1, 16: 0.6".'
            )
        found[int(told[1])] = float(told[2])
    if math.fsum(found.values()) <= 0:
        raise ChoiceError(f"The weights of the layers are {quoted(text)}; at least one must be above 0.")
    return found


def _alike(names: Sequence[str]) -> dict[str, float]:
    return dict.fromkeys(names, 1 / len(names))


def _mixed(sizes: Mapping[str, tuple[int, int]], weights: Mapping[int, float]) -> dict[str, float]:
    for height in weights:
        check_choice("resolution", height, resolutions(sizes))
    total = math.fsum(weights.values())
    found: dict[str, float] = {}
    for height, weight in weights.items():
        own = [name for name, (other, _) in sizes.items() if other == height]
        found |= dict.fromkeys(own, weight / total / len(own)) if weight else {}
    return found
