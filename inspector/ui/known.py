"""Known: a word of warning where the embedded models are asked about what they never saw."""

from typing import Any

from inspector import world
from inspector.models import catalog
from inspector.results.spelling import words
from inspector.words import same_word

_NAMES = (*world.CLASSES, *world.PLURALS.values(), *(name for names in world.SYNONYMS.values() for name in names))


def warning(result: Any) -> str:
    """What to say in the result itself, "" where there is nothing: its maps mean nothing on a photograph, nor for words
    that no drawn scene shows.
    """
    request = result.request
    known = {spec.name: spec for spec in map(catalog.spec, catalog.names("clip") + catalog.names("diffusion"))}
    own = [known[name].title for name in result.provenance.models if name in known and known[name].origin == "embedded"]
    if not own:
        return ""
    if request.image is not None and request.scene is None and not request.masks:
        return f"{own[0]} knows drawn scenes alone: unless this picture is drawn like them, the maps mean nothing."
    unknown = _unknown(request)
    means = "its map means" if len(unknown) == 1 else "their maps mean"
    return f"{own[0]} has never seen {', '.join(unknown)}: {means} nothing." if unknown else ""


def _unknown(request: Any) -> list[str]:
    """Classes of which no synonym is known; the whole prompt where none of its words is."""
    if hasattr(request, "classes"):
        return [f"“{names[0]}”" for names in request.classes if not any(map(_is_known, names))]
    if getattr(request, "prompt", ""):
        named = any(_is_known(word.text) for word in words(request.prompt))
        return [] if named else [f"anything that “{request.prompt[:60]}” names"]
    return []


def _is_known(name: str) -> bool:
    return any(same_word(name, known) for known in _NAMES)
