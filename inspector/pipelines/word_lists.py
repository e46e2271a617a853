"""Word lists: the vocabularies of data sets, and the words of the drawn scenes, which the embedded models know."""

from collections.abc import Mapping

from inspector import world
from inspector.errors import ChoiceError
from inspector.results import ClassNames, quoted
from inspector.results.checks import distinct
from inspector.vocabularies import VOCABULARIES, vocabulary

SCENES = "scenes"
# Name -> title.
LISTS: Mapping[str, str] = {SCENES: f"Drawn scenes, {len(world.CLASSES)} words", **VOCABULARIES}


def words_of(name: str) -> ClassNames:
    """The words of one of LISTS with their synonyms, so that they can be asked together.

    Raises ChoiceError, which lists the names, for another list.
    """
    if name == SCENES:
        return tuple((word, *world.SYNONYMS.get(word, ())) for word in world.CLASSES)
    if name not in LISTS:
        raise ChoiceError(f"There is no word list {quoted(name)}; use one of {', '.join(LISTS)}.")
    return distinct(vocabulary(name))
