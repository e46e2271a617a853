"""Imports point one way, heavy libraries stay behind one door each, and importing does nothing else."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BASE = {"errors", "settings", "results", "words"}
ANALYSES = {"world", "models", "trace", "analysis", "pipelines", "views"}
# What each part of `inspector` may import of the others; a part may always import itself.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "settings": {"errors"},
    "results": {"settings", "errors"},
    "words": {"results", "errors"},
    "world": {"results", "errors"},
    "models": {"results", "settings", "errors"},
    "trace": {"models.protocols", "results", "errors"},
    "analysis": {"trace", "models.protocols", "results", "errors", "words"},
    "pipelines": {"models", "trace", "analysis", *BASE},
    "views": {"results", "settings", "errors", "words"},
    "evaluation": {*ANALYSES, *BASE},
    "training": {*ANALYSES, *BASE, "evaluation"},  # which measures a run on its way
    "bench": {*ANALYSES, *BASE},
    "ui": {"pipelines", "views", "models.catalog", "world", *BASE},
    "cli": {*ANALYSES, *BASE, "evaluation", "training", "bench", "ui"},
}
# Library -> the parts that may import it, also inside functions.
DOORS = {
    "open_clip": {"models"},
    "diffusers": {"models"},
    "transformers": {"models"},
    "gradio": {"ui"},
    "spaces": {"pipelines"},
}
LIGHT = {"errors", "settings", "results", "words", "world", "views", "cli"}  # no torch in these, wherever it stands


def modules() -> list[Path]:
    return sorted((ROOT / "inspector").rglob("*.py"))


def part_of(path: Path) -> str:
    return path.relative_to(ROOT / "inspector").parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Dotted names that a file imports anywhere; `from a import b` gives a.b."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT / "inspector")))
def test_imports_point_one_way(path: Path) -> None:
    part = part_of(path)
    if part in ("__init__", "__main__"):
        return
    for name in imported(path):
        library, _, rest = name.partition(".")
        if library == "inspector" and rest.partition(".")[0] not in ("__version__", part):
            allowed = {rest.partition(".")[0], ".".join(rest.split(".")[:2])} & MAY_IMPORT[part]
            assert allowed, f"{part} must not import {name}"
        assert part in DOORS.get(library, {part}), f"{part} must not import {library}"
        assert library != "torch" or part not in LIGHT, f"{part} must not import torch"


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("inspector", {"torch", "gradio", "numpy"}),
        ("inspector.cli", {"torch", "gradio"}),
        ("inspector.results", {"torch", "gradio"}),
        ("inspector.world", {"torch", "gradio"}),
        ("inspector.views.export", {"torch", "gradio"}),
        ("inspector.models", {"torch", "gradio"}),
        ("inspector.models.catalog", {"torch", "gradio"}),
        ("inspector.pipelines.saliency", {"gradio"}),
    ],
)
def test_importing_loads_no_more_than_it_needs(module: str, unwanted: set[str]) -> None:
    code = f"import sys, {module}; print(*sorted({unwanted!r} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []
