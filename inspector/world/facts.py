"""What can be seen of a scene, in words and numbers: the description that captions are written from."""

from typing import Any

import numpy as np

from inspector.world.canvas import Layer
from inspector.world.classes import CLASSES, KINDS, PARTS, STUFF, VERSION
from inspector.world.plan import Placement, Plan

SEEN = 0.004  # share of the picture from which a thing counts as visible
SEEN_STUFF = 0.008
SEEN_PART = 0.0025
SEEN_SHARE = 0.25  # of the thing itself
HINT = 0.0004  # from here on an instance spoils the count, though it is too small to be named
LARGE, SMALL = 0.17, 0.035

Members = dict[int, tuple[int, ...]]


def visible_ids(ids: np.ndarray, layers: dict[int, Layer], shares: dict[int, int]) -> Members:
    """Ids of the visible instances, far to near, each with the ids that make it up (a whole and its parts)."""
    counts = np.bincount(ids.ravel(), minlength=256)
    parts: dict[int, list[int]] = {}
    for ident, layer in layers.items():
        if layer.whole is not None:
            parts.setdefault(layer.whole, []).append(ident)
    members: Members = {}
    for ident, layer in layers.items():
        if layer.whole is not None:
            continue
        group = (ident, *parts.get(ident, ()))
        area = int(counts[list(group)].sum())
        least = SEEN_STUFF if layer.word in STUFF and layer.word != "sun" else SEEN
        if area < least * ids.size or area < SEEN_SHARE * shares.get(ident, 0):
            continue
        members[ident] = group
        for part in group[1:]:
            if counts[part] >= SEEN_PART * ids.size:
                members[part] = (part,)
    return members


def describe(layout: Plan, ids: np.ndarray, layers: dict[int, Layer], members: Members,
             things: dict[int, Placement]) -> dict[str, Any]:  # fmt: skip
    """The JSON-able facts of a scene.

    instances: word, area (share of the picture), centre (x, y as fractions), position ("left", "middle",
    "right" or None), size ("small", "large" or None, things only), colour (or None), on (the ground it
    stands on, or None), front_of (index of an instance behind it, or None), whole (index, parts only).
    counts: how many instances of a word there are, for the words where that is beyond doubt.
    """
    places = _moments(ids)
    order = {ident: index for index, ident in enumerate(members)}
    items: list[dict[str, Any]] = []
    for ident, group in members.items():
        layer = layers[ident]
        area, x, y = _centre(places, group)
        thing = things.get(ident)
        items.append({
            "word": layer.word,
            "area": round(area / ids.size, 4),
            "centre": [round(x / len(ids), 3), round(y / len(ids), 3)],
            "position": _position(layer.word, x / len(ids), y / len(ids)),
            "size": _size(area / ids.size) if thing else None,
            "colour": thing.colour if thing else _stuff_colour(layout, layer.word),
            "on": None,
            "front_of": None,
            "whole": order.get(layer.whole) if layer.whole is not None else None,
        })  # fmt: skip
    seen = {item["word"] for item in items}
    for ident, index in order.items():
        if ident in things and not things[ident].flying and things[ident].y < 1.0:
            ground = layout.backdrop.ground_at(things[ident].x, things[ident].y)
            items[index]["on"] = ground if ground in seen else None
        if ident in things:
            items[index]["front_of"] = _behind(ident, order, things)
    counts = _counts(ids, layers, members, places)
    return {"version": VERSION, "seed": layout.seed, "framing": layout.framing, "light": layout.backdrop.light,
            "instances": items, "counts": counts}  # fmt: skip


def _moments(ids: np.ndarray) -> np.ndarray:
    """Pixel count and sums of x and y for each id: (256, 3)."""
    flat = ids.ravel()
    side = len(ids)
    pairs = np.bincount(
        flat.astype(np.int32) * side + np.tile(np.arange(side, dtype=np.int32), side), minlength=256 * side
    )
    columns = pairs.reshape(256, side)
    rows = np.bincount(
        flat.astype(np.int32) * side + np.repeat(np.arange(side, dtype=np.int32), side), minlength=256 * side
    )
    levels = np.arange(side) * 2 + 1
    return np.stack([columns.sum(1), columns @ levels, rows.reshape(256, side) @ levels], 1)


def _centre(places: np.ndarray, group: tuple[int, ...]) -> tuple[int, float, float]:
    area, x, y = (int(value) for value in places[list(group)].sum(0))
    return area, x / (2 * area), y / (2 * area)


def _position(word: str, x: float, y: float) -> str | None:
    if word in STUFF and word not in ("cloud", "sun"):
        return None
    return "left" if x < 0.37 else "right" if x > 0.63 else "middle" if 0.43 < x < 0.57 and 0.3 < y < 0.75 else None


def _size(area: float) -> str | None:
    return "large" if area > LARGE else "small" if area < SMALL else None


def _stuff_colour(layout: Plan, word: str) -> str | None:
    if word == "sky":
        return layout.backdrop.sky
    if word == "mountain" and layout.backdrop.mountain:
        return layout.backdrop.mountain[0]
    colours = {region.colour for region in layout.backdrop.regions if region.word == word}
    return colours.pop() if len(colours) == 1 else None


def _behind(ident: int, order: dict[int, int], things: dict[int, Placement]) -> int | None:
    """The nearest visible thing behind this one that shares at least a third of its width."""
    front = things[ident].box()
    found = None
    for other, index in order.items():
        if other == ident or other not in things or things[other].y >= things[ident].y or things[other].flying:
            continue
        back = things[other].box()
        shared = min(front[2], back[2]) - max(front[0], back[0])
        touching = back[3] > front[1] and not things[ident].flying
        if touching and shared > 0.34 * min(front[2] - front[0], back[2] - back[0]):
            found = index
    return found


def _counts(ids: np.ndarray, layers: dict[int, Layer], members: Members, places: np.ndarray) -> dict[str, int]:
    totals: dict[str, int] = {}
    unsure = set()
    for ident, layer in layers.items():
        if layer.word in PARTS or (layer.word not in KINDS and layer.word != "cloud"):
            continue
        if ident in members:
            totals[layer.word] = totals.get(layer.word, 0) + 1
        elif (
            places[ident, 0] + sum(places[part, 0] for part, other in layers.items() if other.whole == ident)
            > HINT * ids.size
        ):
            unsure.add(layer.word)
    return {word: totals[word] for word in CLASSES if word in totals and word not in unsure}
