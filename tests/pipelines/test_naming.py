"""Names for a picture from a word list, by the embedded CLIP, which knows the drawn scenes."""

import numpy as np
import pytest

from inspector import world
from inspector.errors import ChoiceError, InputError
from inspector.pipelines import naming
from inspector.pipelines.word_lists import LISTS, SCENES, words_of
from inspector.results import NamingRequest
from inspector.vocabularies import VOCABULARIES, vocabulary

CLIP = "scenes-clip-plain"


def named(seed: int, **more: object) -> tuple[naming.Name, ...]:
    """The names of a drawn scene from the list of all its words."""
    return naming.run(NamingRequest(world.scene(seed).image, words_of(SCENES), clip=CLIP, **more))  # type: ignore[arg-type]


def test_most_names_are_in_the_picture_and_most_of_the_picture_is_named() -> None:
    hits, said, there = 0, 0, 0
    for seed in range(504307, 504313):
        names = {name.synonyms[0] for name in named(seed, most=12)}
        true = {word for word, mask in world.scene(seed).masks.items() if mask.mean() > 0.002}
        hits, said, there = hits + len(names & true), said + len(names), there + len(true)
    assert hits / said > 0.7
    assert hits / there > 0.7


def test_names_come_best_first_within_margin_and_number() -> None:
    every = named(504307, most=26, margin=100)
    assert [name.synonyms for name in named(504307, most=3, margin=100)] == [name.synonyms for name in every[:3]]
    behind = [name.behind for name in every]
    assert behind[0] == 0
    assert behind == sorted(behind)
    margin = (behind[3] + behind[4]) / 2
    assert len(named(504307, most=26, margin=margin)) == 4


def test_a_word_of_two_classes_is_given_to_one_and_every_class_keeps_its_name() -> None:
    for name in VOCABULARIES:
        words = words_of(name)
        flat = [word for synonyms in words for word in synonyms]
        assert len(flat) == len(set(flat))
        assert [synonyms[0] for synonyms in words] == [synonyms[0] for synonyms in vocabulary(name)]
    assert sum(map(len, words_of("ade-150"))) < sum(map(len, vocabulary("ade-150")))


def test_the_lists_are_those_of_data_sets_and_of_the_drawn_scenes() -> None:
    assert list(LISTS) == [SCENES, *VOCABULARIES]
    assert words_of("voc-20") == vocabulary("voc-20")
    assert ("sea", "ocean") in words_of(SCENES)
    assert [synonyms[0] for synonyms in words_of(SCENES)] == list(world.CLASSES)
    with pytest.raises(ChoiceError, match="no word list 'coco'; use one of scenes, voc-20"):
        words_of("coco")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"words": ()}, "A list of 0 words"),
        ({"words": tuple((f"w{n}",) for n in range(1001))}, "1 to 1000"),
        ({"most": 0}, "most"),
        ({"margin": -1}, "margin"),
        ({"margin": float("nan")}, "margin"),
        ({"template": "a photo"}, "{}"),
        ({"image": np.zeros((4, 4, 3), np.uint8)}, "4x4"),
    ],
)
def test_what_cannot_be_asked_is_refused(changes: dict[str, object], said: str) -> None:
    usual: dict[str, object] = {"image": world.scene(1).image, "words": (("car",),)}
    with pytest.raises(InputError, match=said):
        NamingRequest(**{**usual, **changes})  # type: ignore[arg-type]
