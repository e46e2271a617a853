"""Word lists: the vocabularies of data sets, and the words of the drawn scenes, which the embedded models know."""

from collections.abc import Mapping

from inspector import world
from inspector.errors import ChoiceError
from inspector.results import ClassNames, quoted
from inspector.results.spelling import folded
from inspector.vocabularies import VOCABULARIES, vocabulary

SCENES = "scenes"
# Name -> title.
LISTS: Mapping[str, str] = {SCENES: f"Drawn scenes, {len(world.CLASSES)} words", **VOCABULARIES}


def words_of(name: str) -> ClassNames:
    """The words of one of LISTS with their synonyms, each given to one class, so that they can be asked together.

    A synonym of two classes, as ADE20K has some, is that of which it is the name, else the first's. Raises ChoiceError,
    which lists the names, for another list.
    """
    if name == SCENES:
        return tuple((word, *world.SYNONYMS.get(word, ())) for word in world.CLASSES)
    if name not in LISTS:
        raise ChoiceError(f"There is no word list {quoted(name)}; use one of {', '.join(LISTS)}.")
    classes = vocabulary(name)
    taken = {folded(synonyms[0]): synonyms for synonyms in classes}
    for synonyms in classes:
        for word in synonyms:
            taken.setdefault(folded(word), synonyms)
    return tuple(tuple(word for word in synonyms if taken[folded(word)] is synonyms) for synonyms in classes)
