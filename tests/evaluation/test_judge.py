"""The judge of generated images: limits, colours and rates by hand, and prompts that the world could draw."""

from types import SimpleNamespace

import numpy as np
import pytest

from inspector import world
from inspector.evaluation import judge
from inspector.evaluation.generation import Prompt, generate, prompts
from inspector.world.classes import KINDS
from tests.toys import ToyDiffusion

RED, BLUE, WHITE = (judge.COLOURS.index(name) for name in ("red", "blue", "white"))
CAR, DOG = (world.THINGS.index(name) for name in ("car", "dog"))


def test_a_limit_is_exceeded_by_five_in_a_hundred():
    negatives = np.arange(100.0)
    assert judge.limit(negatives) == 95
    assert (negatives > judge.limit(negatives)).sum() <= 5
    assert judge.limit(np.array([3.0, 1.0])) == 3
    assert np.isnan(judge.limit(np.array([])))


def test_every_palette_colour_is_its_own_name_also_in_shade_and_haze():
    palette = np.array([list(world.COLOURS.values())], np.uint8)
    assert judge.colour_names(palette)[0].tolist() == list(range(len(world.COLOURS)))
    for name in ("red", "orange", "yellow", "green", "blue", "purple"):
        paint = np.array(world.COLOURS[name], float)
        darker, paler = paint * 0.8, paint * 0.85 + 0.15 * 200
        found = judge.colour_names(np.array([[darker, paler]]).astype(np.uint8))
        assert [judge.COLOURS[index] for index in found[0]] == [name, name]


def test_shares_of_colours():
    names = np.array([[RED, RED], [BLUE, RED]])
    shares = judge.shares(names)
    assert shares[RED] == 0.75
    assert shares[BLUE] == 0.25
    assert shares.sum() == 1


def test_the_region_is_the_highest_tenth():
    grid = np.zeros((4, 4), np.float32)
    grid[0, 0] = 1
    inside = judge.region(grid, (40, 40))
    assert inside[2, 2]
    assert not inside[20:, 20:].any()
    assert 0.05 <= inside.mean() <= 0.11


def test_drawn_colours_speak_only_of_things_that_can_have_several():
    shown = [("car", "blue"), ("car", "red"), ("palm", "green"), ("sky", "blue")]
    drawn = SimpleNamespace(facts={"instances": [{"word": word, "colour": colour} for word, colour in shown]})
    (table,) = judge.drawn_colours([drawn])
    assert table[CAR, RED] == 1
    assert table[CAR, BLUE] == 1
    assert table[CAR, WHITE] == 0
    assert np.isnan(table[CAR, judge.COLOURS.index("pink")])  # no car is pink
    assert np.isnan(table[DOG]).all()
    assert np.isnan(table[world.THINGS.index("palm")]).all()  # all palms are green


class SaysSo(judge.Judge):
    """A judge that sees what it was told."""

    def __init__(self, found, coloured):
        object.__setattr__(self, "told", (np.array(found), np.array(coloured)))

    def look(self, images):
        return self.told


def test_rates_of_generated_images():
    """Two cars asked for, red and blue; the thing is seen in the first, its colour in both, a dog in the second."""
    found = np.zeros((2, len(world.CLASSES)), bool)
    found[0, world.CLASSES.index("car")] = found[1, world.CLASSES.index("dog")] = True
    coloured = np.zeros((2, len(world.THINGS), len(world.COLOURS)), bool)
    coloured[0, CAR, RED] = coloured[1, CAR, BLUE] = coloured[1, CAR, RED] = True
    asked = [Prompt("a red car on the road", "car", "red"), Prompt("a blue car on the road", "car", "blue")]
    rates = judge.generated_metrics(SaysSo(found, coloured), [], asked)
    assert rates["found"]["mean"] == 0.5
    assert rates["found"]["by_name"] == {"car": 0.5}
    # A dog that nobody asked for in one of two pictures, and 12 more words in none.
    assert rates["found"]["baselines"]["false alarms"] == pytest.approx(0.5 / 13)
    assert rates["colour_right"]["by_name"] == {"red": 1, "blue": 1}
    # Cars come in eight colours: red was seen in the one picture that asked for another, blue not.
    assert rates["colour_right"]["baselines"]["false alarms"] == pytest.approx(1 / 8)


def test_prompts_name_what_the_world_draws():
    made = prompts(28, 3)
    assert made == prompts(28, 3)
    assert made != prompts(28, 4)
    assert [prompt.thing for prompt in made] == [*world.THINGS, *world.THINGS]
    for prompt in made:
        words = prompt.text.split()
        assert words[0] == ("an" if words[1][0] in "aeiou" else "a")
        assert words[1:3] == [prompt.colour, prompt.thing]
        assert prompt.colour in KINDS[prompt.thing].colours
        assert words[-1] in KINDS[prompt.thing].grounds


def test_a_generated_image_does_not_depend_on_its_neighbours():
    model = ToyDiffusion()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("inspector.evaluation.generation.AttentionRequest.steps", 2)
        both = generate(model, ["a red car", "a dog"], seed=1)
        other = generate(model, ["a red car", "the sea"], seed=1)
    assert both.shape == (2, 128, 128, 3)
    assert both.dtype == np.uint8
    assert np.abs(both[0].astype(int) - other[0]).max() <= 1
    assert np.abs(both[1].astype(int) - other[1]).max() > 1
