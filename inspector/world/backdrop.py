"""What lies behind and under the things: sky, light, mountain and grounds, chosen by the dice."""

from dataclasses import dataclass

import numpy as np

from inspector.world.canvas import mix
from inspector.world.classes import Colour
from inspector.world.dice import Dice
from inspector.world.shapes import ridge

# name -> (top, bottom)
SKIES: dict[str, tuple[Colour, Colour]] = {
    "blue": ((70, 136, 212), (184, 220, 242)),
    "orange": ((222, 126, 84), (254, 214, 150)),
    "grey": ((138, 148, 162), (206, 212, 216)),
    "pink": ((170, 136, 196), (252, 202, 196)),
    "dark": ((30, 36, 82), (92, 98, 148)),
}
# name -> gain per channel, in 256ths
LIGHTS: dict[str, tuple[int, int, int]] = {
    "day": (256, 256, 256),
    "morning": (248, 253, 261),
    "evening": (264, 248, 226),
    "overcast": (244, 246, 248),
    "night": (186, 196, 230),
}
SKY_LIGHTS = {"blue": ("day", "day", "morning"), "orange": ("evening",), "grey": ("overcast",),
              "pink": ("evening", "morning"), "dark": ("night",)}  # fmt: skip
GROUND_TONES: dict[str, dict[str, Colour]] = {
    "grass": {"green": (104, 164, 78), "dark green": (70, 130, 74), "yellow": (184, 178, 86)},
    "road": {"grey": (124, 126, 134), "dark grey": (92, 94, 104), "black": (70, 72, 82)},
    "sand": {"yellow": (236, 208, 142), "brown": (208, 174, 124), "orange": (228, 168, 108)},
    "sea": {"blue": (52, 118, 186), "green": (56, 150, 156), "grey": (104, 132, 152), "dark blue": (36, 78, 140)},
    "snow": {"white": (242, 245, 250), "bluish white": (228, 236, 246)},
}
FAR = {"grass": 1.0, "sand": 1.0, "sea": 2.6, "snow": 0.7}  # what lies behind the near ground
MOUNTAIN_TONES: dict[str, Colour] = {
    "grey": (124, 130, 146), "blue": (92, 118, 164), "brown": (142, 112, 92), "green": (84, 128, 92),
    "purple": (126, 108, 158),
}  # fmt: skip


@dataclass(frozen=True)
class Region:
    """A stretch of one ground: below the line `top`, above `bottom` if there is one, or a path to the horizon.

    top, bottom: (x, y) points, x rising.  path: (x at the horizon, left, right at the lower edge).
    """

    word: str
    colour: str
    tone: Colour
    top: np.ndarray
    bottom: np.ndarray | None = None
    path: tuple[float, float, float] | None = None

    def holds(self, x: float, y: float) -> bool:
        if self.path:
            depth = (y - self.top[0, 1]) / (1.02 - self.top[0, 1])
            vanish, left, right = self.path
            return depth > 0 and vanish + (left - vanish) * depth <= x <= vanish + (right - vanish) * depth
        if y < np.interp(x, self.top[:, 0], self.top[:, 1]):
            return False
        return self.bottom is None or y < float(np.interp(x, self.bottom[:, 0], self.bottom[:, 1]))


@dataclass(frozen=True)
class Backdrop:
    """horizon: its height as a fraction from the top; negative when the ground fills the picture."""

    horizon: float
    sky: str
    light: str
    sun: tuple[float, float, float] | None
    clouds: tuple[tuple[float, float, float], ...]
    mountain: tuple[str, np.ndarray] | None
    regions: tuple[Region, ...]

    @property
    def air(self) -> Colour:
        """The colour that distance fades to."""
        return mix(SKIES[self.sky][1], (214, 220, 224), 0.35)

    def ground_at(self, x: float, y: float) -> str:
        for region in reversed(self.regions):
            if region.holds(x, y):
                return region.word
        return self.regions[0].word


def plan_backdrop(dice: Dice, framing: str, grounds: tuple[str, ...]) -> Backdrop:
    """A backdrop on which a thing that stands on `grounds` (its choices) finds a place."""
    open_sky = dice.chance({"close": 0.42, "medium": 0.56, "wide": 0.74}[framing])
    walled = not open_sky and dice.chance(0.2)
    if open_sky:
        low, high = {"close": (0.2, 0.66), "medium": (0.22, 0.52), "wide": (0.24, 0.46)}[framing]
        horizon = dice.uniform(low, high)
    else:
        horizon = dice.uniform(0.3, 0.5) if walled else dice.uniform(-0.5, -0.12)
    sky = dice.weighted({"blue": 5, "orange": 1.5, "grey": 2, "pink": 1.2, "dark": 0.8})
    light = dice.pick(SKY_LIGHTS[sky])
    mountain = _mountain(dice, horizon, walled) if walled or (open_sky and dice.chance(0.36)) else None
    sun = None
    if open_sky and sky not in ("grey", "dark") and horizon > 0.26 and dice.chance(0.52):
        radius = dice.uniform(0.05, 0.1)
        sun = (dice.uniform(0.1, 0.9), dice.uniform(radius + 0.02, max(horizon - 0.6 * radius, radius + 0.03)), radius)
        if mountain is not None:
            sun = (sun[0], radius + 0.02, radius)
    clouds = _clouds(dice, horizon) if open_sky and horizon > 0.22 and dice.chance(0.6) else ()
    return Backdrop(horizon, sky, light, sun, clouds, mountain, _regions(dice, horizon, grounds))


def _clouds(dice: Dice, horizon: float) -> tuple[tuple[float, float, float], ...]:
    count = dice.weighted({1: 4, 2: 3, 3: 2})
    places = []
    for index in range(count):
        x = (index + dice.uniform(0.2, 0.8)) / count
        places.append(
            (x, dice.uniform(0.08, max(0.1, horizon * 0.62)), dice.uniform(0.2, 0.38) * (1 if count < 3 else 0.8))
        )
    return tuple(places)


def _mountain(dice: Dice, horizon: float, walled: bool) -> tuple[str, np.ndarray]:
    """A colour and a jagged skyline, open, x rising."""
    peaks = dice.whole(2, 3)
    base, rise = (0.12, 0.5) if walled else (horizon, min(0.24, horizon * 0.72))
    points = [(-0.05, base - rise * dice.uniform(0.1, 0.5))]
    shift = dice.uniform(-0.08, 0.08)
    for peak in range(peaks):
        x = (peak + 0.5) / peaks + shift
        points.append((x, base - rise * dice.uniform(0.7, 1.0)))
        points.append((x + 0.5 / peaks, base - rise * dice.uniform(0.15, 0.45)))
    line = np.array(points)
    line[-1, 0] = 1.06
    if walled:
        line[:, 1] = np.minimum(line[:, 1], -0.02)
    # A wall of blue would pass for sky.
    return dice.pick([name for name in MOUNTAIN_TONES if not (walled and name == "blue")]), line


def _region(dice: Dice, word: str, top: np.ndarray, bottom: np.ndarray | None = None,
            path: tuple[float, float, float] | None = None) -> Region:  # fmt: skip
    colour = dice.pick(tuple(GROUND_TONES[word]))
    jitter, tint = dice.uniform(-9, 9), 2 if word in ("snow", "road") else 6
    red, green, blue = (
        int(min(250, max(0, value + jitter + dice.uniform(-tint, tint)))) for value in GROUND_TONES[word][colour]
    )
    return Region(word, colour.split()[-1], (red, green, blue), top, bottom, path)


def _wavy(dice: Dice, level: float, swing: float) -> np.ndarray:
    return ridge([level + dice.uniform(-swing, swing) for _ in range(5)])


def _regions(dice: Dice, horizon: float, grounds: tuple[str, ...]) -> tuple[Region, ...]:
    """One ground, two behind each other, or a road across or towards the horizon."""
    near = dice.pick(grounds)
    level = np.array([(-0.02, horizon), (1.02, horizon)])
    first = max(horizon, 0.0)
    flat = near in ("sea", "road")
    crest = level if flat or horizon < 0 else _wavy(dice, horizon, 0.018)
    layout = dice.weighted({"plain": 3.2, "split": 4, "lane": 1.1, "path": 1.1})
    if layout in ("lane", "path") and near not in ("grass", "sand", "snow", "road"):
        layout = "split"
    if layout == "plain":
        return (_region(dice, near, crest),)
    if layout == "split":
        far = dice.weighted({word: weight for word, weight in FAR.items() if word != near})
        line = _wavy(dice, first + (1 - first) * dice.uniform(0.2, 0.42), 0.03)
        back = level if far == "sea" or horizon < 0 else _wavy(dice, horizon, 0.018)
        return _region(dice, far, back), _region(dice, near, line)
    around = near if near != "road" else dice.pick(("grass", "sand", "snow", "grass"))
    base = _region(dice, around, level if horizon < 0 else _wavy(dice, horizon, 0.018))
    if layout == "path":
        vanish, centre, half = dice.uniform(0.25, 0.75), dice.uniform(0.3, 0.7), dice.uniform(0.28, 0.5)
        return base, _region(dice, "road", level, path=(vanish, centre - half, centre + half))
    high = first + (1 - first) * dice.uniform(0.32, 0.5)
    low = high + (1 - first) * dice.uniform(0.24, 0.4)
    tilt = dice.uniform(-0.03, 0.03)
    edges = [np.array([(-0.02, y - tilt), (1.02, y + tilt)]) for y in (high, low)]
    return base, _region(dice, "road", edges[0], edges[1])
