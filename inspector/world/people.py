"""A person, standing or walking; the colour is the shirt's or the dress's."""

from inspector.world.canvas import Pen, shade
from inspector.world.classes import Colour
from inspector.world.dice import Dice
from inspector.world.shapes import ellipse, limb, rounded, smooth

SKINS = ((242, 204, 172), (224, 172, 132), (188, 130, 92), (132, 86, 60), (94, 62, 46))
HAIRS = ((44, 34, 34), (92, 60, 40), (206, 160, 84), (150, 80, 50), (170, 168, 166))
TROUSERS = ((54, 66, 104), (60, 60, 68), (122, 96, 70), (150, 150, 156), (88, 50, 60))


def person(pen: Pen, colour: Colour, name: str, variant: int, dice: Dice) -> None:
    """Arms down (0), one arm raised (1), or in a dress (2)."""
    skin, hair, cloth = dice.pick(SKINS), dice.pick(HAIRS), dice.pick(TROUSERS)
    stride = dice.uniform(0.02, 0.12)
    shoes = (58, 44, 44)
    for side in (-1, 1):
        foot = 0.065 * side + stride * side
        tone = shade(cloth if variant != 2 else skin, -0.2 if side < 0 else 0)
        pen.poly(
            limb((0.062 * side, 0.45, 0.13), (0.065 * side + stride * side * 0.55, 0.24, 0.105), (foot, 0.03, 0.085)),
            tone,
        )
        pen.poly(rounded(foot - 0.055, 0, foot + 0.085, 0.055, 0.027), shoes)
    _arm(pen, -1, variant, skin, shade(colour, -0.26), dice)
    if variant == 2:
        pen.poly(
            smooth([(-0.12, 0.78), (0.12, 0.78), (0.13, 0.6), (0.24, 0.26), (0, 0.23), (-0.24, 0.26), (-0.13, 0.6)], 3),
            colour,
        )
        pen.poly(limb((-0.125, 0.6, 0.035), (0.125, 0.6, 0.035)), shade(colour, -0.3))
    else:
        torso = smooth(
            [
                (-0.155, 0.76),
                (0, 0.8),
                (0.155, 0.76),
                (0.145, 0.6),
                (0.135, 0.42),
                (0, 0.4),
                (-0.135, 0.42),
                (-0.145, 0.6),
            ],
            3,
        )
        pen.poly(torso, colour)
        pen.inside(torso, [limb((0.13, 0.3, 0.1), (0.15, 0.9, 0.06))], shade(colour, -0.2))
    _arm(pen, 1, variant, skin, shade(colour, -0.12), dice)
    pen.poly(limb((0, 0.74, 0.075), (0, 0.84, 0.07)), shade(skin, -0.14))
    _head(pen, skin, hair, variant, dice)


def _arm(pen: Pen, side: int, variant: int, skin: Colour, sleeve: Colour, dice: Dice) -> None:
    if variant == 1 and side > 0:
        elbow, hand = (0.25, 0.78), (0.27, 0.96)
    else:
        swing = dice.uniform(0.0, 0.06)
        elbow, hand = (0.19 * side, 0.6), (0.2 * side + swing, 0.44)
    pen.poly(limb((*elbow, 0.062), (*hand, 0.052)), skin)
    pen.poly(ellipse(*hand, 0.036, count=12), skin)
    pen.poly(limb((0.115 * side, 0.74, 0.085), (*elbow, 0.07)), sleeve)


def _head(pen: Pen, skin: Colour, hair: Colour, variant: int, dice: Dice) -> None:
    long = variant == 2 or dice.chance(0.3)
    if long:
        pen.poly(rounded(-0.115, 0.78, 0.115, 0.99, 0.09), shade(hair, -0.15))
    pen.poly(ellipse(0, 0.89, 0.098, 0.105), skin)
    pen.poly(
        smooth(
            [
                (-0.104, 0.89),
                (-0.1, 0.97),
                (-0.02, 1.015),
                (0.08, 0.985),
                (0.106, 0.9),
                (0.075, 0.94),
                (0.0, 0.955),
                (-0.075, 0.945),
            ]
        ),
        hair,
    )
    pen.polys([ellipse(x, 0.89, 0.012, 0.015, count=8) for x in (-0.035, 0.05)], (44, 34, 38))
    pen.poly(limb((-0.02, 0.842, 0.01), (0.035, 0.842, 0.01)), (170, 84, 80))
    if dice.chance(0.25):
        hat = dice.pick(((206, 170, 110), (70, 80, 110), (190, 60, 60)))
        pen.poly(rounded(-0.17, 0.945, 0.17, 0.975, 0.014), hat)
        pen.poly(smooth([(-0.1, 0.96), (-0.09, 1.03), (0.09, 1.03), (0.1, 0.96)]), shade(hat, 0.1))
