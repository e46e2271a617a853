"""Horse, cow, sheep, dog and bird in profile, facing right; told apart by outline, not by colour alone."""

import numpy as np

from inspector.world.canvas import Pen, shade
from inspector.world.classes import COLOURS, Colour
from inspector.world.dice import Dice
from inspector.world.shapes import Points, ellipse, limb, moved, smooth, turn

DARK = (40, 34, 38)


def _scaled(points: Points, unit: float = 100) -> np.ndarray:
    return np.asarray(points, float) / unit


HORSE_BODY = smooth(_scaled([
    (-46, 62), (-42, 71), (-30, 76), (-10, 71), (6, 75), (15, 84), (23, 95), (31, 98), (37, 92), (47, 79), (49, 73),
    (44, 70), (37, 74), (30, 76), (26, 66), (25, 54), (18, 45), (0, 43), (-18, 45), (-34, 45), (-45, 52),
]))  # fmt: skip
HORSE_MANE = smooth(_scaled([(2, 74), (10, 86), (19, 98), (28, 101), (24, 92), (19, 82), (13, 74)]))
HORSE_TAIL = smooth(_scaled([(-41, 71), (-50, 72), (-56, 58), (-58, 38), (-55, 25), (-50, 34), (-48, 48), (-44, 60)]))
COW_BODY = smooth(_scaled([
    (-62, 72), (-58, 84), (-40, 86), (-10, 84), (20, 87), (32, 89), (41, 95), (50, 96), (56, 86), (63, 72), (62, 64),
    (53, 62), (45, 68), (38, 62), (36, 48), (26, 38), (0, 34), (-30, 36), (-48, 40), (-60, 50),
]))  # fmt: skip
COW_MUZZLE = smooth(_scaled([(57, 76), (64, 74), (66, 66), (61, 60), (53, 61), (52, 68)]))
DOG_BODY = smooth(_scaled([
    (-42, 54), (-36, 62), (-10, 61), (6, 65), (15, 74), (19, 89), (29, 98), (41, 95), (47, 88), (60, 83), (65, 77),
    (60, 71), (47, 68), (38, 63), (35, 48), (26, 34), (8, 32), (-10, 38), (-24, 37), (-38, 33), (-45, 44),
]))  # fmt: skip
BIRD_BODY = smooth(_scaled([
    (-66, 52), (-40, 58), (-22, 68), (-4, 80), (10, 94), (26, 98), (37, 90), (38, 78), (34, 62), (24, 44), (6, 32),
    (-14, 32), (-30, 40), (-52, 46),
]))  # fmt: skip


def _leg(x: float, top: float, width: float, bend: float, lean: float, foot: float = 0.075) -> np.ndarray:
    """A leg from hip to hoof; `bend` moves the knee, `lean` the foot, in heights."""
    knee = top * 0.48
    return limb(
        (x, top, width), (x + bend * 0.6, (top + knee) / 2, width * 0.8), (x + bend, knee, width * 0.52),
        (x + lean, 0.06, width * 0.42), (x + lean + 0.01, 0, foot),
    )  # fmt: skip


def _legs(
    pen: Pen, dice: Dice, hips: tuple[float, ...], top: float, width: float, colour: Colour, hoof: Colour
) -> None:
    """Four legs: the far pair darker and drawn first; a walking pose picked by the dice."""
    stride = dice.uniform(0.0, 0.11)
    leans = (stride, -stride, -stride * 0.8, stride * 0.9)
    for index, (hip, lean) in enumerate(zip(hips, leans, strict=True)):
        far = index < 2
        bend = lean * 0.25 - (0.02 if hip < 0 else -0.015)
        pen.poly(_leg(hip, top, width, bend, lean), shade(colour, -0.3 if far else -0.04))
        foot = [
            (hip + lean - 0.042, 0),
            (hip + lean + 0.062, 0),
            (hip + lean + 0.03, 0.055),
            (hip + lean - 0.03, 0.055),
        ]
        pen.poly(foot, shade(hoof, -0.25 if far else 0))


def horse(pen: Pen, colour: Colour, name: str, variant: int, dice: Dice) -> None:
    """Long neck and legs, mane, flowing tail."""
    hair = {"black": (24, 22, 28), "white": (206, 200, 190), "grey": (92, 94, 102)}.get(name, (62, 38, 26))
    grazing = variant == 1
    pen.poly(turn(HORSE_TAIL, dice.uniform(-14, 4), (-0.41, 0.7)), shade(hair, -0.1))
    _legs(pen, dice, (-0.28, 0.15, -0.36, 0.07), 0.5, 0.145, colour, DARK)
    body = _bowed(HORSE_BODY, grazing)
    pen.poly(body, colour)
    pen.inside(
        body,
        [ellipse(-0.1, 0.36, 0.42, 0.17), _bowed(ellipse(0.34, 0.66, 0.14, 0.09, -50), grazing)],
        shade(colour, -0.16),
    )
    pen.inside(body, [ellipse(-0.28, 0.73, 0.13, 0.04, 5)], shade(colour, 0.14))
    pen.poly(_bowed(HORSE_MANE, grazing), hair)
    pen.poly(_bowed(np.array([(0.26, 0.96), (0.285, 1.05), (0.33, 0.97)]), grazing), shade(colour, -0.1))
    pen.poly(_bowed(smooth([(0.31, 0.99), (0.37, 0.95), (0.36, 0.88), (0.33, 0.93)]), grazing), hair)
    pen.poly(_bowed(ellipse(0.455, 0.755, 0.045, 0.05, -50), grazing), shade(colour, -0.35))
    pen.poly(_bowed(ellipse(0.36, 0.895, 0.018), grazing), DARK)


def _bowed(points: np.ndarray, bow: bool) -> np.ndarray:
    """Neck and head turned down for grazing: everything ahead of the withers swings about the shoulder."""
    if not bow:
        return points
    turned = turn(points, -78, (0.16, 0.66))
    share = np.clip((points[:, :1] + points[:, 1:] * 0.6 - 0.58) / 0.16, 0, 1)
    return points * (1 - share) + turned * share


def cow(pen: Pen, colour: Colour, name: str, variant: int, dice: Dice) -> None:
    """Square heavy body on short legs, horns, pink muzzle and udder, patches."""
    spots = (238, 234, 226) if name != "white" else (70, 56, 50)
    tail = limb((-0.6, 0.8, 0.04), (-0.68, 0.66, 0.03), (-0.68, 0.42, 0.025))
    pen.poly(tail, shade(colour, -0.2))
    pen.poly(ellipse(-0.68, 0.37, 0.035, 0.075), DARK)
    _legs(pen, dice, (-0.44, 0.28, -0.53, 0.18), 0.46, 0.17, colour, DARK)
    pen.poly(ellipse(-0.36, 0.36, 0.1, 0.085), (232, 160, 156))
    pen.poly(COW_BODY, colour)
    if variant == 0:
        shapes = [
            smooth([(x + dx * s, y + dy * s) for dx, dy in ((-1, 0.1), (-0.3, 0.9), (0.8, 0.7), (1, -0.4), (0, -1))])
            for x, y, s in ((-0.36, 0.78, 0.17), (0.04, 0.56, 0.18), (-0.1, 0.9, 0.1), (0.52, 0.86, 0.07))
        ]
        pen.inside(COW_BODY, shapes, spots)
    pen.inside(COW_BODY, [ellipse(-0.12, 0.33, 0.6, 0.08)], shade(colour, -0.22))
    pen.poly(COW_MUZZLE, (226, 158, 150))
    pen.polys([ellipse(0.63, 0.68, 0.014, 0.02), ellipse(0.52, 0.82, 0.022)], DARK)
    horn = smooth([(0.44, 0.94), (0.42, 1.02), (0.46, 1.1), (0.475, 1.03), (0.5, 0.96)])
    pen.polys([horn, moved(horn, 0.075, -0.01)], (228, 216, 186))
    pen.poly(smooth([(0.43, 0.9), (0.34, 0.95), (0.28, 0.91), (0.33, 0.86), (0.42, 0.85)]), shade(colour, -0.25))


def sheep(pen: Pen, colour: Colour, name: str, variant: int, dice: Dice) -> None:
    """A scalloped woolly cloud on thin legs with a bare face and drooping ears."""
    face = (58, 50, 50) if variant == 0 else (216, 190, 166)
    if name == "black" and variant == 0:
        face = (30, 28, 32)
    _legs(pen, dice, (-0.3, 0.26, -0.4, 0.16), 0.36, 0.1, face, DARK)
    wool = []
    for x, y, r in (
        (-0.48, 0.5, 0.17),
        (-0.46, 0.7, 0.17),
        (-0.3, 0.84, 0.17),
        (-0.08, 0.88, 0.18),
        (0.14, 0.86, 0.17),
        (0.32, 0.74, 0.17),
        (0.38, 0.54, 0.16),
        (0.24, 0.38, 0.15),
        (0.02, 0.34, 0.16),
        (-0.2, 0.34, 0.16),
        (-0.38, 0.38, 0.15),
    ):
        wool.append(ellipse(x + dice.uniform(-0.02, 0.02), y, r, count=16))  # fmt: skip
    pen.polys(wool[6:], shade(colour, -0.16))
    pen.polys(wool[:7], colour)
    pen.poly(ellipse(-0.05, 0.62, 0.46, 0.28), colour)
    curls = [(-0.3, 0.72), (-0.08, 0.74), (0.13, 0.72), (-0.2, 0.56), (0.03, 0.56), (-0.38, 0.58), (0.24, 0.56)]
    pen.polys(
        [smooth([(x - 0.07, y), (x, y + 0.06), (x + 0.07, y), (x, y + 0.035)]) for x, y in curls], shade(colour, -0.12)
    )
    head = smooth([(0.38, 0.86), (0.52, 0.88), (0.64, 0.74), (0.68, 0.62), (0.61, 0.55), (0.5, 0.58), (0.4, 0.68)])
    pen.poly(head, face)
    pen.poly(smooth([(0.42, 0.82), (0.36, 0.72), (0.3, 0.64), (0.38, 0.64), (0.45, 0.72)]), shade(face, -0.2))
    pen.polys([ellipse(0.4 + dx, 0.9 + dy, 0.09, count=14) for dx, dy in ((0, 0), (0.09, 0.02), (0.03, 0.05))], colour)
    pen.poly(ellipse(0.54, 0.76, 0.022), (240, 238, 230) if variant == 0 else DARK)


def dog(pen: Pen, colour: Colour, name: str, variant: int, dice: Dice) -> None:
    """Big head with a snout on a short body, ears hanging or pricked, tail held high, collar, paws."""
    wag = dice.uniform(-12, 16)
    tail = limb((-0.38, 0.54, 0.1), (-0.52, 0.64, 0.09), (-0.6, 0.78, 0.07), (-0.57, 0.93, 0.03))
    pen.poly(turn(tail, wag, (-0.39, 0.54)), shade(colour, -0.14))
    _legs(pen, dice, (-0.24, 0.22, -0.34, 0.13), 0.41, 0.17, colour, shade(colour, -0.3))
    pen.poly(DOG_BODY, colour)
    pen.inside(DOG_BODY, [ellipse(0.0, 0.34, 0.36, 0.08, 3), ellipse(0.52, 0.68, 0.16, 0.05)], shade(colour, -0.18))
    if name != "white" and dice.chance(0.5):
        pen.inside(DOG_BODY, [ellipse(0.32, 0.47, 0.1, 0.17), ellipse(0.56, 0.74, 0.13, 0.06)], (240, 236, 226))
    strap = limb((0.15, 0.72, 0.05), (0.26, 0.66, 0.055), (0.385, 0.645, 0.05))
    pen.poly(strap, COLOURS[dice.pick(("red", "blue", "green"))])
    ear = shade(colour, -0.34 if name != "black" else 0.16)
    if variant == 0:
        pen.poly(smooth([(0.22, 0.97), (0.13, 0.9), (0.1, 0.74), (0.17, 0.67), (0.26, 0.76), (0.3, 0.92)]), ear)
    else:
        pen.poly([(0.18, 0.88), (0.17, 1.08), (0.31, 0.97)], ear)
        pen.poly([(0.29, 0.95), (0.34, 1.07), (0.4, 0.93)], shade(ear, -0.2))
    pen.poly(ellipse(0.64, 0.795, 0.042, 0.034), DARK)
    pen.poly(ellipse(0.41, 0.865, 0.026), DARK)
    if dice.chance(0.4):
        pen.poly(smooth([(0.5, 0.7), (0.56, 0.7), (0.56, 0.61), (0.51, 0.61)]), (230, 110, 120))


def bird(pen: Pen, colour: Colour, name: str, variant: int, dice: Dice) -> None:
    """Standing on two thin legs (variants 0, 1) or in flight with raised wings (2, 3)."""
    if variant >= 2:
        return _flying(pen, colour, name, dice)
    beak = (240, 160, 50) if name not in ("orange", "yellow") else (90, 70, 60)
    for x in (-0.06, 0.06):
        pen.poly(limb((x, 0.36, 0.035), (x - 0.01, 0.02, 0.03)), shade(beak, -0.2))
        pen.poly([(x - 0.06, 0), (x + 0.09, 0), (x, 0.05)], shade(beak, -0.2))
    pen.poly([(-0.4, 0.6), (-0.74, 0.5), (-0.72, 0.38), (-0.36, 0.44)], shade(colour, -0.34))
    pen.poly(BIRD_BODY, colour)
    breast = (250, 240, 220) if name != "white" else (222, 214, 204)
    pen.inside(BIRD_BODY, [ellipse(0.22, 0.44, 0.22, 0.26, 25)], breast)
    pen.poly(
        smooth([(-0.56, 0.46), (-0.3, 0.66), (0.0, 0.7), (0.1, 0.58), (-0.04, 0.46), (-0.3, 0.42)]),
        shade(colour, -0.26),
    )
    pen.poly(smooth([(-0.42, 0.5), (-0.2, 0.64), (0.0, 0.66), (0.05, 0.58), (-0.14, 0.52)]), shade(colour, -0.1))
    pen.poly([(0.36, 0.9), (0.58, 0.81), (0.37, 0.77)], beak)
    pen.poly(ellipse(0.25, 0.87, 0.05), (250, 250, 246))
    pen.poly(ellipse(0.26, 0.87, 0.03), DARK)
    return None


def _flying(pen: Pen, colour: Colour, name: str, dice: Dice) -> None:
    beak = (240, 160, 50) if name not in ("orange", "yellow") else (90, 70, 60)
    lift = dice.uniform(-18, 10)
    far = smooth([(0.02, 0.5), (0.1, 0.8), (0.34, 1.0), (0.36, 0.84), (0.28, 0.62), (0.2, 0.5)])
    pen.poly(turn(far, -lift * 0.5, (0.1, 0.5)), shade(colour, -0.34))
    pen.poly([(-0.3, 0.48), (-0.66, 0.56), (-0.6, 0.44), (-0.68, 0.34), (-0.3, 0.38)], shade(colour, -0.2))
    body = smooth([(-0.4, 0.44), (-0.1, 0.53), (0.2, 0.54), (0.38, 0.62), (0.52, 0.58), (0.54, 0.48), (0.42, 0.4),
                   (0.16, 0.31), (-0.14, 0.32)])  # fmt: skip
    pen.poly(body, colour)
    pen.inside(body, [ellipse(0.16, 0.3, 0.36, 0.1, 12)], (250, 240, 220) if name != "white" else (220, 214, 206))
    near = smooth([(0.22, 0.46), (0.12, 0.72), (-0.14, 0.94), (-0.46, 1.0), (-0.4, 0.9), (-0.46, 0.84), (-0.34, 0.76),
                   (-0.34, 0.66), (-0.2, 0.6), (-0.16, 0.46), (0.0, 0.42)])  # fmt: skip
    near = turn(near, lift, (0.06, 0.46))
    pen.poly(near, shade(colour, -0.14))
    pen.inside(
        near,
        [turn(smooth([(0.2, 0.48), (0.06, 0.7), (-0.16, 0.84), (-0.22, 0.7), (-0.06, 0.5)]), lift, (0.06, 0.46))],
        shade(colour, 0.1),
    )
    pen.poly([(0.52, 0.58), (0.7, 0.52), (0.53, 0.48)], beak)
    pen.poly(ellipse(0.44, 0.55, 0.028), DARK)
