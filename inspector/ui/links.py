"""Links: what a page's address says of a run, and the address of a run. Nothing in an address is trusted.

    ?tab=attention&prompt=a+horse+on+the+grass&seed=7&word=horse&step=7&scale=shared

The parameters are those of the tab's endpoint (with a picture, attention looks at that); what is left out is as in the
tab's first example. `scene` is the number of a drawn scene, `image` the hash of an uploaded picture. `held`, `held2`
and `held3` are further requests of the same tab, each with an address's parameters in one; their results stand beside
it. How results are shown (word, step, scale, ...) is read and written in the browser, by assets/viewer/links.js.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from inspector.errors import ChoiceError
from inspector.ui.pictures import picture_hash

LONGEST = 8_000  # characters of an address that are read
MOST = 60  # parameters of an address that are read
_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{0,20})?(?:[eE][+-]?[0-9]{1,2})?")
HELD = ("held", "held2", "held3")
TRUE, FALSE = ("on", "1", "true"), ("off", "0", "false")


@dataclass(frozen=True)
class Link:
    """tab: its name. given: parameter -> text, for those that the address has, each once, the first counts."""

    tab: str
    given: Mapping[str, str]


def read(query: Any, tabs: tuple[str, ...]) -> Link:
    """The link of an address's part after the question mark; the first tab where it names none of `tabs`.

    Raises ChoiceError for one that is too long.
    """
    text = query.removeprefix("?") if isinstance(query, str) else ""
    too_long = ChoiceError(f"The address is too long: at most {LONGEST:,} characters and {MOST} parameters are read.")
    if len(text) > LONGEST:
        raise too_long
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST)
    except ValueError:  # more than MOST
        raise too_long from None
    given: dict[str, str] = {}
    for name, value in pairs:
        given.setdefault(name, value)
    tab = given.pop("tab", "")
    return Link(tab if tab in tabs else tabs[0], given)


def beside(link: Link) -> list[Link]:
    """The links of the results that stand beside the one of a link. Raises ChoiceError as `read`."""
    return [within(link.tab, link.given[name]) for name in HELD if name in link.given]


def within(tab: str, query: Any) -> Link:
    """The link of parameters that a tab is asked for, whatever tab they name. Raises ChoiceError as `read`."""
    return replace(read(query, (tab,)), tab=tab)


def values(link: Link, first: Mapping[str, Any]) -> dict[str, Any]:
    """field -> value, as the link says and otherwise as `first`, whose values also say of which kind each is.

    Raises ChoiceError for a number that is none.
    """
    return {name: parse(name, link.given[name], own) if name in link.given else own for name, own in first.items()}


def parse(name: str, text: str, like: Any) -> Any:
    """A parameter's text as a value of the kind of `like`: truth value, number, list of names with commas, or text."""
    if isinstance(like, bool):
        if text.lower() not in (*TRUE, *FALSE):
            raise ChoiceError(f"{name} is {text[:40]!r} in the address; use on or off.")
        return text.lower() in TRUE
    if isinstance(like, int | float):
        return number(name, text)
    if isinstance(like, list):
        return [item.strip() for item in text.split(",") if item.strip()]
    return text


def number(name: str, text: str) -> float:
    """A parameter's text as a number, whole where it is; ASCII digits alone, and no words such as nan."""
    if not _NUMBER.fullmatch(text):
        raise ChoiceError(f"{name} is {text[:40]!r} in the address; use a number.")
    found = float(text)
    return int(found) if found.is_integer() else found


def scene(text: str) -> int:
    """The number of a drawn scene: plain digits."""
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise ChoiceError(f"scene is {text[:40]!r} in the address; use a whole number, in digits.")
    return int(text)


def describe(tab: str, request: Any, fields: Mapping[str, Any], first: Mapping[str, Any]) -> dict[str, str]:
    """parameter -> text: what an address says to get this request. fields: those of the request, in the tab's words.

    The picture is told always, since tabs share it: an address without one is the tab's first example.
    """
    told = {} if request.image is None else {"scene": str(request.scene)}
    if request.image is not None and request.scene is None:
        told = {"image": picture_hash(request.image)}
    changed = {name: value for name, value in fields.items() if name in first and value != first[name]}
    return {"tab": tab} | told | {name: text(value) for name, value in changed.items()}


def query(link: Mapping[str, str]) -> str:
    """An address's part after the question mark, from what `describe` tells."""
    return urlencode(link)


def text(value: Any) -> str:
    """A value as it stands in an address."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value:.12g}" if isinstance(value, float) else str(value)
