"""The class lists: as many classes as the data sets have, each at its place, and their relations to each other."""

import pytest

from inspector.errors import ChoiceError, ClassesError
from inspector.vocabularies import FOLDER, VOCABULARIES, read_classes, vocabulary


def names(which: str) -> list[str]:
    return [group[0] for group in vocabulary(which)]


@pytest.mark.parametrize("name", VOCABULARIES)
def test_a_list_has_as_many_classes_as_its_name_says_and_each_once(name):
    assert len(set(names(name))) == len(names(name)) == int(name.split("-")[1])
    assert (FOLDER / f"{name}.txt").read_text("utf-8").startswith("# ")  # where it comes from


def test_every_list_is_in_the_table():
    assert {file.stem for file in FOLDER.iterdir()} == set(VOCABULARIES)


@pytest.mark.parametrize(
    ("name", "place", "word"),
    [  # of the published numbering: VOC from 1, Context's prepared masks from 0, ADE from 1, COCO from 0
        ("voc-20", 15 - 1, "person"),
        ("context-59", 49, "dining table"),
        ("context-459", 427 - 1, "tv monitor"),
        ("ade-150", 127 - 1, "animal"),
        ("coco-133", 80, "banner"),
        ("coco-133", 119, "sky"),
        ("coco-171", 170, "wood"),
    ],
)
def test_classes_stand_where_the_data_set_numbers_them(name, place, word):
    assert names(name)[place] == word


def test_the_smaller_lists_lie_in_the_larger_ones():
    assert set(names("voc-20")) <= set(names("context-59"))
    assert set(names("context-59")) - set(names("context-459")) == {"dining table"}  # "table" there
    assert names("coco-133")[:80] == names("coco-171")[:80]


def test_commas_separate_synonyms_and_remarks_are_none(tmp_path):
    file = tmp_path / "classes.txt"
    file.write_text("# mine\nsofa,  couch ,\n\n  tv   monitor\n", "utf-8")
    assert read_classes(file) == (("sofa", "couch"), ("tv monitor",))


@pytest.mark.parametrize(("text", "told"), [("# nothing\n", "lists no class"), ("a\nb\na, c\n", "'a' twice")])
def test_a_list_that_cannot_be_used_says_why(tmp_path, text, told):
    file = tmp_path / "classes.txt"
    file.write_text(text, "utf-8")
    with pytest.raises(ClassesError, match=told):
        read_classes(file)


def test_an_unknown_name_and_a_missing_file_are_told():
    with pytest.raises(ChoiceError, match=r"voc-20, context-59"):
        vocabulary("voc")
    with pytest.raises(ClassesError, match="No such file"):
        read_classes(FOLDER / "nothing.txt")
