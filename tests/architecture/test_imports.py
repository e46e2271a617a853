"""DESIGN's import table held over every file: who may import whom, and what stays unloaded until it is needed."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "inspector"

GROUND = {"errors", "settings", "words", "vocabularies", "results"}
DATA = {"errors", "words", "results"}  # what has no settings
BELOW_VIEWS = GROUND | {"world", "models", "trace", "analysis", "pipelines"}
MEASURING = {"evaluation", "training", "bench"}
# part of inspector -> what it may import inside inspector, beside itself; a dot narrows it to one module
MAY_IMPORT = {
    "errors": set(),
    "settings": {"errors"},
    "words": {"errors"},
    "vocabularies": {"settings", "errors"},
    "browser": {"errors"},
    "results": {"settings", "words", "errors"},
    "world": DATA,
    "models": GROUND,
    "trace": DATA | {"models.protocols"},
    "analysis": DATA | {"models.protocols", "trace"},
    "pipelines": GROUND | {"world", "models", "trace", "analysis"},  # world: which words the embedded models know
    "views": GROUND,  # settings too: the size of an uploaded file is limited before there is a request
    "evaluation": BELOW_VIEWS | MEASURING | {"views"},
    "training": BELOW_VIEWS | MEASURING | {"views"},
    "bench": BELOW_VIEWS | MEASURING | {"views", "browser"},
    "hosting": DATA | {"models.catalog", "models.checksums", "models.files", "views"},
    "rehearsal": set(),  # a script
    "ui": GROUND | {"pipelines", "views", "models.catalog", "world", "browser"},
    "cli": BELOW_VIEWS | MEASURING | {"views", "ui", "hosting"},
    "__main__": {"cli"},
    "__init__": BELOW_VIEWS | {"views"},  # lazily: `test_importing_loads_no` holds that
}
# library -> the only parts that may import it
ONLY_IN = {
    "open_clip": {"models"},
    "diffusers": {"models"},
    "transformers": {"models"},
    "gradio": {"ui"},
    "spaces": {"pipelines"},
}
# part -> libraries it must do without
NEVER_IN = {
    "errors": {"numpy", "torch"},
    "settings": {"numpy", "torch"},
    "words": {"torch"},
    "vocabularies": {"numpy", "torch"},
    "results": {"torch"},
    "world": {"torch"},
    "views": {"torch"},
}


def files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    """`inspector/models/clip.py` -> "models"; `inspector/errors.py` -> "errors"."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(source: str, package: str, root: Path = ROOT) -> Iterator[tuple[int, str]]:
    """(line, dotted module) of every import in a file, wherever it stands; relative ones are resolved.

    `from a import b` names module a.b where that is a module under `root`, otherwise a.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = root.joinpath(*base.split("."), alias.name)
                is_module = inner.is_dir() or inner.with_suffix(".py").is_file()
                yield node.lineno, f"{base}.{alias.name}" if is_module else base


def fault(part: str, module: str) -> str:
    """Why `part` may not import `module`, or ""."""
    top, _, inside = module.partition(".")
    if top != "inspector":
        if part not in ONLY_IN.get(top, {part}):
            return f"only {', '.join(ONLY_IN[top])} may import {top}"
        return f"{part} does without {top}" if top in NEVER_IN.get(part, set()) else ""
    target = inside.split(".")[0]
    if not inside or target == part:  # the version, or a sibling
        return ""
    allowed = MAY_IMPORT[part]
    if target in allowed or any(inside == name or inside.startswith(name + ".") for name in allowed):
        return ""
    return f"{part} may import only {', '.join(sorted(allowed)) or 'nothing'}"


def loaded_by(code: str) -> set[str]:
    """Top-level names of the modules that a fresh interpreter holds after `code`."""
    script = f"import json, sys\n{code}\nprint(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_every_part_has_its_line_in_the_table():
    assert {part_of(path) for path in files()} <= set(MAY_IMPORT)


def test_imports_point_one_way():
    faults = []
    for path in files():
        inside = path.relative_to(ROOT)
        for line, module in imported(path.read_text("utf-8"), ".".join(inside.parent.parts)):
            if why := fault(part_of(path), module):
                faults.append(f"{inside}:{line} imports {module}: {why}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import torch.nn as nn", "torch.nn"),
        ("def f():\n    from diffusers import DDIMScheduler", "diffusers"),
        ("from inspector import errors", "inspector.errors"),
        ("from inspector import __version__", "inspector"),
        ("from inspector.models import catalog", "inspector.models.catalog"),
        ("from inspector.models import load_clip", "inspector.models"),
        ("from .hooks import capture", "inspector.trace.hooks"),
        ("from ..models import catalog", "inspector.models.catalog"),
        ("from . import hooks", "inspector.trace.hooks"),
    ],
)
def test_imports_are_read_wherever_they_stand(source, expected):
    assert [module for _, module in imported(source, "inspector.trace")] == [expected]


@pytest.mark.parametrize(
    ("part", "module", "faulty"),
    [
        ("views", "inspector.models.catalog", True),
        ("views", "torch.nn", True),
        ("views", "inspector.views.color", False),
        ("ui", "inspector.models.catalog", False),
        ("ui", "inspector.models", True),
        ("ui", "inspector.models.catalogue", True),
        ("analysis", "inspector.models.protocols", False),
        ("analysis", "inspector.models.loading", True),
        ("analysis", "inspector.trace.hooks", False),
        ("trace", "inspector.analysis.metrics", True),
        ("training", "diffusers", True),
        ("models", "diffusers.models", False),
        ("cli", "gradio", True),
        ("errors", "inspector.settings", True),
        ("pipelines", "inspector", False),
    ],
)
def test_the_rules_tell_right_from_wrong(part, module, faulty):
    assert bool(fault(part, module)) is faulty


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("import inspector", {"numpy", "torch", "gradio", "cv2"}),
        ("import inspector.results, inspector.models, inspector.models.catalog", {"torch", "gradio"}),
        ("import inspector.cli", {"numpy", "torch", "gradio", "cv2"}),
        ("import inspector.world", {"torch", "gradio"}),
    ],
)
def test_importing_loads_no(code, names):
    assert not loaded_by(code) & names


def test_the_views_run_without_torch_and_gradio():
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files() if part_of(path) == "views"]
    assert modules
    assert not loaded_by("import " + ", ".join(modules)) & {"torch", "gradio"}
