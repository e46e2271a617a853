"""From a seed to a layout: which things stand where, how large, in which colour; nothing is drawn yet."""

from dataclasses import dataclass

from inspector.world.backdrop import Backdrop, plan_backdrop
from inspector.world.classes import KINDS
from inspector.world.dice import Dice

VARIANTS = {"car": 3, "bus": 2, "boat": 3, "horse": 2, "cow": 2, "sheep": 2, "dog": 2, "bird": 4, "person": 3,
            "house": 2, "building": 3, "tree": 3, "palm": 1, "flower": 3}  # fmt: skip
# Weights that bring every thing into about as many scenes; a companion that needs much room finds it less often.
MAINS = {"car": 1, "bus": 0.9, "boat": 1, "horse": 1.1, "dog": 1.25, "cow": 1, "sheep": 1.1, "bird": 1.1, "person": 1.1,
         "house": 0.85, "building": 0.85, "tree": 1, "palm": 1.1, "flower": 1.4}  # fmt: skip
COMPANIONS = {"car": 1, "bus": 0.8, "boat": 1.6, "horse": 1.1, "dog": 1.4, "cow": 1, "sheep": 1.2, "bird": 1.2,
              "person": 1.2, "house": 1, "building": 1, "tree": 1.5, "palm": 1.4, "flower": 1.3}  # fmt: skip


@dataclass(frozen=True)
class Placement:
    """One thing: feet at (x, y) and height as fractions of the picture; facing 1 is right, -1 left."""

    word: str
    colour: str
    variant: int
    x: float
    y: float
    height: float
    facing: int
    flying: bool
    seed: int

    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        half = self.height * KINDS[self.word].aspect / 2
        return self.x - half, self.y - self.height, self.x + half, self.y


@dataclass(frozen=True)
class Plan:
    seed: int
    framing: str
    backdrop: Backdrop
    things: tuple[Placement, ...]  # far to near


def plan(seed: int) -> Plan:
    """The layout of scene `seed`: about 40% close, 35% medium and 25% wide framings."""
    dice = Dice(seed)
    framing = dice.weighted({"close": 40, "medium": 35, "wide": 25})
    word = dice.weighted(MAINS if framing != "wide" else {**MAINS, "flower": 0.2})
    look = _look(dice, word, None)
    grounds = KINDS[word].grounds
    if _flies(word, look[1]):
        grounds = (*grounds, "sea", "sea")
    backdrop = plan_backdrop(dice, framing, grounds)
    main, camera = _main(dice, framing, word, look, backdrop)
    things = [main]
    wanted = {"close": (0, 2), "medium": (0, 3), "wide": (3, 6)}[framing]
    twins = dice.chance(0.3)
    for _ in range(dice.whole(*wanted)):
        other = word if twins and dice.chance(0.75) else dice.weighted(COMPANIONS)
        extra = _companion(dice, framing, other, backdrop, camera, things, main if other == word else None)
        if extra:
            things.append(extra)
    return Plan(seed, framing, backdrop, tuple(sorted(things, key=lambda thing: thing.y)))


def _look(dice: Dice, word: str, like: Placement | None) -> tuple[str, int]:
    """Colour and variant; a companion of the same kind often shares the colour."""
    colour = like.colour if like and dice.chance(0.6) else dice.pick(KINDS[word].colours)
    return colour, dice.whole(0, VARIANTS[word] - 1)


def _flies(word: str, variant: int) -> bool:
    return word == "bird" and variant >= 2


def _main(dice: Dice, framing: str, word: str, look: tuple[str, int], backdrop: Backdrop) -> tuple[Placement, float]:
    """The main thing and the camera's height in metres, which it fixes."""
    kind = KINDS[word]
    colour, variant = look
    low, high = {"close": (0.16, 0.5), "medium": (0.07, 0.2), "wide": (0.03, 0.09)}[framing]
    if word in ("bird", "palm", "flower", "person"):
        low, high = low * 0.75, high * 0.7
    height = min((dice.uniform(low, high) / kind.fill) ** 0.5, 1.12, 1.15 / kind.aspect)
    half = height * kind.aspect / 2
    x = dice.uniform(0.5, 0.5) + dice.uniform(-1, 1) * max(0.08, 0.46 - half * 0.9)
    horizon = backdrop.horizon
    if _flies(word, variant):
        y = dice.uniform(min(height + 0.02, 0.9), max(0.95, height))
        return _placed(dice, word, colour, variant, x, y, height, True), 1.4
    bottom = {"close": dice.uniform(0.86, 1.04), "medium": dice.uniform(0.74, 0.97), "wide": dice.uniform(0.66, 0.92)}[
        framing
    ]
    y = max(bottom, min(height + 0.02, 1.02), horizon + 0.12)
    for _ in range(12):
        if backdrop.ground_at(x, min(y, 0.995)) in kind.grounds:
            break
        x, y = dice.uniform(0.25, 0.75), max(dice.uniform(horizon + 0.15, 1.0), min(height * 0.8, 0.98))
    camera = kind.metres * max(y - horizon, 0.1) / height
    return _placed(dice, word, colour, variant, x, y, height, False), camera


def _placed(
    dice: Dice, word: str, colour: str, variant: int, x: float, y: float, height: float, flying: bool
) -> Placement:
    facing = 1 if word == "building" and dice.chance(0.5) else dice.pick((1, -1))
    return Placement(word, colour, variant, x, y, height, facing, flying, dice.whole(0, 2**31))


def _companion(dice: Dice, framing: str, word: str, backdrop: Backdrop, camera: float, others: list[Placement],
               like: Placement | None) -> Placement | None:  # fmt: skip
    """One more thing at a depth that agrees with its size, where it hides little; None when there is no room."""
    kind = KINDS[word]
    colour, variant = _look(dice, word, like)
    low, high = {"close": (0.025, 0.1), "medium": (0.022, 0.1), "wide": (0.018, 0.07)}[framing]
    if word == "flower" or word == "bird":
        low, high = 0.012, 0.06
    for _ in range(14):
        height = min((dice.uniform(low, high) / kind.fill) ** 0.5, 0.85)
        x = dice.uniform(0.08, 0.92)
        if _flies(word, variant):
            y = dice.uniform(height + 0.02, max(height + 0.05, min(0.8, max(backdrop.horizon, 0.4))))
        else:
            y = backdrop.horizon + height * dice.uniform(0.75, 1.3) * camera / kind.metres
            if not backdrop.horizon + 0.02 < y < 1.04 or y - height < -0.12:
                continue
            if backdrop.ground_at(x, min(y, 0.995)) not in kind.grounds:
                continue
        thing = _placed(dice, word, colour, variant, x, y, height, _flies(word, variant))
        if all(_room(thing, other) for other in others):
            return thing
    return None


def _room(first: Placement, second: Placement) -> bool:
    """True when the nearer of two hides less than a third of the farther, and they do not stand in one place."""
    a, b = first.box(), second.box()
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return True
    hidden = a if first.y < second.y else b
    share = width * height / ((hidden[2] - hidden[0]) * (hidden[3] - hidden[1]))
    return share < 0.34 and (abs(first.y - second.y) > 0.025 or share < 0.05)
