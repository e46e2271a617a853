"""A seed becomes a picture with exact masks, instances, a description and a caption."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import cv2
import numpy as np

from inspector.errors import ChoiceError
from inspector.world import animals, light, people, plants, structures, stuff, vehicles
from inspector.world.canvas import Canvas, Layer, Pen
from inspector.world.captions import Span, write_caption
from inspector.world.classes import CLASS_IDS, COLOURS, KINDS, VERSION, Colour
from inspector.world.dice import Dice
from inspector.world.facts import describe, visible_ids
from inspector.world.plan import Placement, Plan, plan

MIN_SIZE, MAX_SIZE = 64, 512
_PAINT, _CAPTION = 1, 2  # second key of the dice, so that the streams are independent

DRAW: dict[str, Callable[[Pen, Colour, str, int, Dice], None]] = {
    "car": vehicles.car, "bus": vehicles.bus, "boat": vehicles.boat, "horse": animals.horse, "dog": animals.dog,
    "cow": animals.cow, "sheep": animals.sheep, "bird": animals.bird, "person": people.person,
    "house": structures.house, "building": structures.building, "tree": plants.tree, "palm": plants.palm,
    "flower": plants.flower,
}  # fmt: skip


@dataclass(frozen=True)
class Instance:
    """One visible thing, part set or stretch of stuff.

    mask: bool (h, w); a whole includes its parts.  attributes: the entry of `Scene.facts["instances"]`.
    """

    word: str
    mask: np.ndarray
    attributes: dict[str, Any]

    def __iter__(self) -> Any:
        return iter((self.word, self.mask, self.attributes))


@dataclass(frozen=True, eq=False)
class Scene:
    """A drawn picture and all that is known about it.

    image: uint8 (h, w, 3) RGB.  caption, spans: words of the caption as (start, stop, class word).
    labels: uint8 (h, w), 0 is nothing, i is CLASSES[i - 1], a part wins over its whole.
    facts: JSON-able description of what is visible; captions can be written from it alone.
    """

    seed: int
    size: int
    image: np.ndarray
    caption: str
    spans: tuple[Span, ...]
    labels: np.ndarray
    facts: dict[str, Any]
    _ids: np.ndarray = field(repr=False)
    _members: tuple[tuple[int, ...], ...] = field(repr=False)

    @cached_property
    def instances(self) -> tuple[Instance, ...]:
        """What is visible, far to near; in step with `facts["instances"]`."""
        found = []
        for item, members in zip(self.facts["instances"], self._members, strict=True):
            table = np.zeros(256, np.uint8)
            table[list(members)] = 1
            found.append(Instance(item["word"], cv2.LUT(self._ids, table).view(bool), item))
        return tuple(found)

    @cached_property
    def masks(self) -> dict[str, np.ndarray]:
        """bool (h, w) for every visible word: the union of its visible instances."""
        masks: dict[str, np.ndarray] = {}
        for instance in self.instances:
            known = masks.get(instance.word)
            masks[instance.word] = instance.mask if known is None else known | instance.mask
        return masks


def scene(seed: int, size: int = 256) -> Scene:
    """Scene number `seed`, drawn `size` pixels wide and high; the layout does not depend on the size.

    Raises ChoiceError unless seed is a whole number from 0 and size one from 64 to 512.
    """
    for name, value, low, high in (("seed", seed, 0, 2**63 - 1), ("size", size, MIN_SIZE, MAX_SIZE)):
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not low <= value <= high:
            limit = f"from {low} to {high}" if name == "size" else "that is 0 or more"
            raise ChoiceError(f"The scene's {name} is {value!r}; use a whole number {limit}.")
    layout = plan(int(seed))
    canvas = Canvas(int(size))
    stuff.paint(canvas, layout.backdrop, Dice(int(seed), _PAINT))
    shares = {}
    for thing in layout.things:
        ident, share = _draw(canvas, thing, layout)
        shares[ident] = share
    ids = np.ascontiguousarray(canvas.ids[1::2, 1::2])
    image = cv2.resize(canvas.image, (size, size), interpolation=cv2.INTER_AREA)
    words = cv2.LUT(ids, _word_table(canvas.layers))
    shadows = _shadows(layout, int(size))
    image = light.finish(image, words, shadows, layout.backdrop.light, layout.backdrop.horizon, layout.seed % 4096)
    members = visible_ids(ids, canvas.layers, shares)
    facts = describe(layout, ids, canvas.layers, members, dict(zip(shares, layout.things, strict=True)))
    caption = write_caption(facts, np.random.default_rng([int(seed), _CAPTION]))
    return Scene(int(seed), int(size), image, caption.text, caption.spans, words, facts, ids, tuple(members.values()))


def _word_table(layers: dict[int, Layer]) -> np.ndarray:
    table = np.zeros(256, np.uint8)
    for ident, layer in layers.items():
        table[ident] = CLASS_IDS[layer.word]
    return table


def _draw(canvas: Canvas, thing: Placement, layout: Plan) -> tuple[int, int]:
    """Draw one thing; its id, and how many pixels it would show uncropped and unhidden."""
    dice = Dice(thing.seed)
    tone = dice.whole(-12, 10)
    red, green, blue = (min(252, max(6, value + tone + dice.whole(-3, 3))) for value in COLOURS[thing.colour])
    depth = (thing.y - layout.backdrop.horizon) / (1.02 - layout.backdrop.horizon)
    haze = 0.0 if thing.flying else max(0.0, 0.26 - 0.5 * depth)
    first = canvas.new_id(thing.word)
    pen = Pen(canvas, thing.x, thing.y, thing.height, thing.facing, first, layout.backdrop.air, haze)
    before = len(canvas.layers)
    DRAW[thing.word](pen, (red, green, blue), thing.colour, thing.variant, dice)
    if layout.backdrop.ground_at(thing.x, min(thing.y, 0.99)) == "sea" and thing.word == "boat":
        _wash(canvas, thing, layout)
    last = first + len(canvas.layers) - before
    left, top, right, bottom = thing.box()
    kept = max(0.0, min(right, 1) - max(left, 0)) * max(0.0, min(bottom, 1) - max(top, 0))
    inside = kept / ((right - left) * (bottom - top))
    x0, x1 = (int(min(max(v, 0), 1) * canvas.side) for v in (left - 0.1, right + 0.1))
    y0, y1 = (int(min(max(v, 0), 1) * canvas.side) for v in (top - 0.1, bottom + 0.02))
    window = canvas.ids[y0:y1:2, x0:x1:2]
    drawn = int(np.count_nonzero((window >= first) & (window <= last)))
    return first, int(drawn / max(inside, 0.05))


def _wash(canvas: Canvas, thing: Placement, layout: Plan) -> None:
    """Water in front of a floating hull."""
    tone = next(region.tone for region in layout.backdrop.regions if region.word == "sea")
    half, step = thing.height * KINDS["boat"].aspect * 0.42, thing.height * 0.035
    wave = [(thing.x + half * (2 * i / 8 - 1), thing.y - step * (1.5 if i % 2 else 0.7)) for i in range(9)]
    outline = [*wave, (thing.x + half * 0.8, thing.y + step), (thing.x - half * 0.8, thing.y + step)]
    canvas.fill([canvas.corners(outline)], tone, CLASS_IDS["sea"])
    crest = [*wave, *[(x, y + step * 0.5) for x, y in wave[::-1]]]
    canvas.fill([canvas.corners(crest)], tuple(min(255, value + 60) for value in tone), None)  # type: ignore[arg-type]


def _shadows(layout: Plan, size: int) -> np.ndarray:
    """Soft-edged blots under things on the ground, before softening: 0/1 uint8 (size, size)."""
    blots = np.zeros((size, size), np.uint8)
    for thing in layout.things:
        if thing.flying:
            continue
        width = thing.height * KINDS[thing.word].aspect * (0.5 if thing.word in ("palm", "flower") else 1)
        centre = (int((thing.x + 0.04 * thing.height) * size * 16), int((thing.y - 0.002) * size * 16))
        axes = (int(width * 0.52 * size * 16), int(min(width * 0.1, thing.height * 0.09) * size * 16))
        angles = np.arange(24) * 15
        outline = np.stack([np.round(np.cos(np.deg2rad(angles)), 9), np.round(np.sin(np.deg2rad(angles)), 9)], -1)
        cv2.fillPoly(blots, [np.rint(outline * axes + centre).astype(np.int32)], 1, cv2.LINE_8, 4)
    return blots


@cache
def fingerprint() -> str:
    """A hash of a few scenes (picture, labels, description, caption); it changes when the world does."""
    digest = hashlib.sha256(str(VERSION).encode())
    for seed in (1, 2, 3, 500_000, 500_001, 500_002, 777_777, 999_999):
        sample = scene(seed, 128)
        digest.update(sample.image.tobytes())
        digest.update(sample.labels.tobytes())
        digest.update(json.dumps([sample.facts, sample.caption, sample.spans], sort_keys=True).encode())
    return digest.hexdigest()
