"""Known: a word of warning where the embedded models are asked about what they never saw."""

from typing import Any

from inspector import world
from inspector.results.spelling import words
from inspector.words import same_word

MOST = 6  # words that are named
_NAMES = (*world.CLASSES, *world.PLURALS.values(), *(name for names in world.SYNONYMS.values() for name in names))


def warning(request: Any, *models: Any) -> str:
    """What to say beside the result of a request that these models answered, "" where there is nothing to say.

    models: `ModelSpec` of each. The maps of embedded ones mean nothing on a photograph, nor for words that no drawn
    scene shows.
    """
    own = [model.title for model in models if model.origin == "embedded"]
    if not own:
        return ""
    if request.image is not None and request.scene is None and not getattr(request, "masks", None):
        return f"{own[0]} knows drawn scenes alone: unless this picture is drawn like them, the maps mean nothing."
    unknown = _unknown(request)
    if not unknown:
        return ""
    means = "its map means" if len(unknown) == 1 else "their maps mean"
    more = f" and {len(unknown) - MOST} more" if len(unknown) > MOST else ""
    return f"{own[0]} has never seen {', '.join(unknown[:MOST])}{more}: {means} nothing."


def _unknown(request: Any) -> list[str]:
    """Classes of which no synonym is known; the whole prompt where none of its words is."""
    if hasattr(request, "classes"):
        return [f"“{names[0][:60]}”" for names in request.classes if not any(map(_is_known, names))]
    if getattr(request, "prompt", ""):
        named = any(_is_known(word.text) for word in words(request.prompt))
        return [] if named else [f"anything that “{request.prompt[:60]}” names"]
    return []


def _is_known(name: str) -> bool:
    return any(same_word(name, known) for known in _NAMES)
