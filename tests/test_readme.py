"""README: its front matter is what the hosting site installs, its commands and tree are what the repository holds."""

import json
import re
import shlex
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from PIL import Image

from inspector import settings
from inspector.models.checksums import fingerprint

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
FRONT_MATTER = yaml.safe_load(README.split("---")[1])


def requirements(name: str) -> list[Requirement]:
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-r")]


def test_the_hosted_gradio_is_the_installed_one() -> None:
    (gradio,) = (item for item in requirements("requirements.txt") if item.name == "gradio")
    assert FRONT_MATTER["sdk"] == "gradio"
    assert FRONT_MATTER["sdk_version"] == version("gradio")
    assert FRONT_MATTER["sdk_version"] in gradio.specifier


@pytest.mark.parametrize("requirement", requirements("requirements.txt"), ids=str)
def test_what_is_installed_is_within_the_ranges(requirement: Requirement) -> None:
    assert requirement.specifier, f"{requirement.name} has no range"
    assert version(requirement.name) in requirement.specifier


def test_both_commands_stand_in_the_readme() -> None:
    lines = README.splitlines()
    assert "pip install -r requirements.txt && python app.py" in lines  # .ci/run looks for the other one
    assert "pip install -r requirements-dev.txt && python -m pytest" in lines


def test_the_tree_names_what_exists() -> None:
    """Every path of the annotated tree is there, and every package of `inspector` is in the tree."""
    tree = re.search(r"```text\n(.*?)```", README, re.DOTALL)
    assert tree is not None
    named, folders = set(), {0: ""}
    for line in tree[1].splitlines():
        indent = (len(line) - len(line.lstrip())) // 4
        path = folders[indent] + line.split()[0]
        named.add(path)
        folders[indent + 1] = path
        assert (ROOT / path).exists(), f"{path} is in the tree of README but not in the repository"
    packages = {f"inspector/{item.parent.name}/" for item in ROOT.glob("inspector/*/__init__.py")}
    assert packages <= named


@pytest.mark.parametrize("command", re.findall(r"^python -m inspector .*--figure .*$", README, re.MULTILINE))
def test_the_figures_were_made_by_their_commands_on_the_shipped_weights(command: str) -> None:
    words = shlex.split(command)
    file = ROOT / words[words.index("--figure") + 1]
    assert f"]({file.relative_to(ROOT)})" in README
    with Image.open(file) as figure:
        made = json.loads(figure.info["inspector"])
    assert made["tab"] == words[3]
    for name, revision in made["provenance"]["models"].items():
        folder = name.partition("/")[0]  # of a head the folder that it lies in
        assert revision == fingerprint(ROOT / "assets" / "models" / folder), f"run again: {command}"


def test_every_picture_of_the_readme_is_there() -> None:
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", README)
    assert len(pictures) >= 7
    for picture in pictures:
        with Image.open(ROOT / picture) as opened:
            assert opened.width > 600 or picture.endswith("-phone.png")


def test_every_variable_of_the_settings_is_told() -> None:
    told = set(re.findall(r"^\| `(INSPECTOR_\w+)` \|", README, re.MULTILINE))
    assert told == set(re.findall(r"^\| (INSPECTOR_\w+) \|", settings.__doc__ or "", re.MULTILINE))
