"""Scripts: the viewer's ES modules as one classic script, for a page whose scripts are inside it, on disk too.

A browser lets no module that lies inside a page import another, and none from disk at all. So what is imported and
exported is written as functions that are called once each, in the order of need; the rest stays letter by letter.
"""

import re
from functools import cache

from inspector.settings import ASSETS

FOLDER = ASSETS / "viewer"
_IMPORT = re.compile(r'^import (?:\* as (?P<whole>\w+)|(?P<names>\{[\w, ]+\})) from "\./(?P<module>\w+)\.js";$', re.M)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const) (\w+))", re.M)


@cache
def scripts(entry: str = "viewer") -> str:
    """One text that defines `DenseViewer`, what the module `entry` exports. Raises OSError where a file is missing."""
    linked: dict[str, str] = {}
    _link(entry, linked)
    return "\n".join(['var DenseViewer = (() => {\n"use strict";', *linked.values(), f"return module_{entry};\n}})();"])


def _link(name: str, linked: dict[str, str], within: tuple[str, ...] = ()) -> None:
    """Add a module to `linked`, after those that it imports."""
    if name in linked:
        return
    if name in within:
        raise ValueError(f"{' -> '.join((*within, name))}: modules must not import each other in a circle.")
    text = (FOLDER / f"{name}.js").read_text(encoding="utf-8")
    for found in _IMPORT.finditer(text):
        _link(found["module"], linked, (*within, name))
    exported = ", ".join(_EXPORT.findall(text))
    body = _EXPORT.sub("", _IMPORT.sub(_local, text))
    linked[name] = f"const module_{name} = (() => {{\n{body}\nreturn {{ {exported} }};\n}})();"


def _local(found: re.Match[str]) -> str:
    return f"const {found['whole'] or found['names']} = module_{found['module']};"
