"""Hosting: what a folder must hold before it is pushed to a Hugging Face Space, checked here and not by a failed build.

Fields and colours: huggingface.co/docs/hub/spaces-config-reference; versions of Python: docs/hub/spaces-zerogpu.
"""

import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import InvalidRequirement, Requirement

from inspector.errors import ChoiceError, InspectorError
from inspector.models.catalog import CATALOG
from inspector.models.checksums import fingerprint
from inspector.models.files import PICKLES
from inspector.views.archive import load_result

TABS = ("saliency", "attention", "clusters", "segmentation")
FIELDS = ("title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "python_version", "app_file", "license")
COLOURS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
# Ours are 3.11 and 3.12 (pyproject.toml). ZeroGPU has 3.10 and 3.12, and silently takes 3.10 for any other.
PYTHONS, ZERO_GPU_PYTHONS = ("3.11", "3.12"), ("3.12",)
SHORT = 60  # characters of short_description
TORCHES = tuple(f"2.{minor}" for minor in range(8, 12))  # what GPU hosts of Spaces accept
LARGEST = 10_000_000  # bytes; plain git there refuses larger files
PACKAGES = ("libgl1", "libglib2.0-0")
START = (Path(__file__).with_name("rehearsal.py"), 300)  # what rehearses it, and the seconds it may take


@dataclass(frozen=True)
class Check:
    """One check of a folder: its name, and what is wrong and how to mend it, nothing where all is well."""

    name: str
    problems: tuple[str, ...]


def check_space(folder: Path) -> Iterator[Check]:
    """Check a folder, one `Check` after the other; the last takes seconds, since it starts the program.

    Raises ChoiceError when there is no such folder.
    """
    if not folder.is_dir():
        raise ChoiceError(f"{str(folder)!r} is no folder; give the one that will be pushed.")
    for name, problems in CHECKS.items():
        yield Check(name, tuple(problems(folder)))


def front_matter(folder: Path) -> Iterator[str]:
    """What stands between the first two lines of --- in README.md."""
    try:
        found = _front_matter(folder)
    except InspectorError as error:
        yield str(error)
        return
    yield from (f"{name} is missing; add it" for name in FIELDS if not found.get(name))
    if found.get("sdk") != "gradio":
        yield f"sdk is {found.get('sdk')!r}; write gradio"
    wanted = _exact(_requirements(folder).get("gradio"))
    for where, other in (("requirements.txt", wanted), ("this environment", version("gradio"))):
        if str(found.get("sdk_version")) != other:
            yield f"sdk_version is {found.get('sdk_version')!r} and gradio in {where} {other}; make them one"
    yield from _python(found)
    if not (folder / str(found.get("app_file"))).is_file():
        yield f"app_file {found.get('app_file')!r} does not exist; name the file that starts the page"
    if not 0 < len(str(found.get("short_description") or "")) <= SHORT:
        yield f"short_description needs 1 to {SHORT} characters; write a shorter one"
    for name in ("colorFrom", "colorTo"):
        if found.get(name) not in COLOURS:
            yield f"{name} is {found.get(name)!r}; use one of {', '.join(COLOURS)}"
    if not _is_emoji(str(found.get("emoji") or "")):
        yield f"emoji is {found.get('emoji')!r}; use one emoji"
    sources = {spec.source for spec in CATALOG.values() if spec.origin == "hub"}
    if set(found.get("models") or ()) != sources:
        yield f"models are not those of the catalog; list {', '.join(sorted(sources))}"


def _front_matter(folder: Path) -> Mapping[str, Any]:
    readme = folder / "README.md"
    if not readme.is_file():
        raise InspectorError("README.md is missing; the host reads the Space's settings from its front matter")
    parts = re.split(r"^---\s*$", readme.read_text(encoding="utf-8"), maxsplit=2, flags=re.MULTILINE)
    try:
        found = yaml.safe_load(parts[1]) if len(parts) == 3 and not parts[0].strip() else None
    except yaml.YAMLError as error:
        raise InspectorError(f"the front matter of README.md is no YAML ({' '.join(str(error).split())})") from None
    if not isinstance(found, dict):
        raise InspectorError("README.md has no front matter; begin it with --- , its fields and ---")
    return found


def _python(found: Mapping[str, Any]) -> Iterator[str]:
    written = found.get("python_version")
    borrowed = str(found.get("suggested_hardware", "")).startswith("zero")
    supported = ZERO_GPU_PYTHONS if borrowed else PYTHONS
    if not isinstance(written, str) or ".".join(written.split(".")[:2]) not in supported:
        where = "a ZeroGPU host and this program" if borrowed else "this program"
        quoted = " or ".join(f'"{number}"' for number in supported)
        yield f"python_version is {written!r}; {where} run on {quoted}, in quotes"


def _is_emoji(text: str) -> bool:
    """Symbols with their modifiers and joiners, and nothing that is read."""
    kinds = {unicodedata.category(sign) for sign in text}
    return bool(kinds & {"So"}) and kinds <= {"So", "Sk", "Mn", "Cf"}


def pins(folder: Path) -> Iterator[str]:
    """Versions in requirements.txt: what the host accepts, from the registry alone."""
    for line in _lines(folder / "requirements.txt"):
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            yield f"requirements.txt: {line!r} is no package with its versions; write one"
            continue
        if requirement.url:
            yield f"requirements.txt: {line!r} comes from an address; take the registry's"
    found = _requirements(folder)
    if _exact(found.get("gradio")) is None:
        yield "requirements.txt: gradio needs one exact version, such as gradio==6.31.0"
    torch = found.get("torch")
    minors = [*(f"2.{minor}" for minor in range(21)), "1.13", "3.0"]
    allowed = {minor for minor in minors if torch and any(f"{minor}.{patch}" in torch.specifier for patch in range(10))}
    if not allowed or not allowed <= set(TORCHES):
        yield f"requirements.txt: torch must stay within {TORCHES[0]} to {TORCHES[-1]}, such as torch>=2.8,<2.12"


def _requirements(folder: Path) -> dict[str, Requirement]:
    found = {}
    for line in _lines(folder / "requirements.txt"):
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue  # told by `pins`
        found[requirement.name.lower()] = requirement
    return found


def _exact(requirement: Requirement | None) -> str | None:
    """The one version that a requirement allows, None where it allows others."""
    pinned = [item.version for item in requirement.specifier if item.operator == "=="] if requirement else []
    return pinned[0] if len(pinned) == 1 and "*" not in pinned[0] else None


def _lines(file: Path) -> list[str]:
    """The lines of a file without comments and blank ones; none where there is no file."""
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    return [bare for line in text.splitlines() if (bare := re.sub(r"(^|\s)#.*", "", line).strip())]


def files(folder: Path) -> Iterator[str]:
    """What is pushed: small files, and no weights that could run code."""
    for path in _pushed(folder):
        name, size = path.relative_to(folder).as_posix(), path.stat().st_size
        if size >= LARGEST:
            yield f"{name} has {size / 1e6:.1f} MB and less than {LARGEST // 10**6} are taken; split it or leave it out"
        if path.suffix.lower() in (*PICKLES, ".pkl"):
            yield f"{name} is pickled, which can run code when opened; save it as safetensors or leave it out"


def _pushed(folder: Path) -> list[Path]:
    """The files that git tracks, or all where there is no git."""
    try:
        command = ["git", "-C", str(folder), "ls-files", "-z"]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return sorted(path for path in folder.rglob("*") if path.is_file())
    return [folder / name for name in listed.split("\0") if (folder / name).is_file()]


def system_packages(folder: Path) -> Iterator[str]:
    """What packages.txt has the host install by apt-get, which reads every word of it as a package."""
    file = folder / "packages.txt"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    yield from (f"packages.txt lacks {name}; add a line with it" for name in PACKAGES if name not in lines)
    for line in lines:
        if not re.fullmatch(r"[a-z0-9][a-z0-9.+-]+", line):
            yield f"packages.txt: {line!r} is no Debian package; write one name a line"


def examples(folder: Path) -> Iterator[str]:
    """The results that the page shows before anything is computed."""
    for tab in TABS:
        file = f"assets/examples/{tab}.npz"
        remedy = f"run python -m inspector {tab} ... --out DIR and copy DIR/maps.npz there"
        if not (folder / file).is_file():
            yield f"{file} is missing; {remedy}"
            continue
        try:
            result = load_result(folder / file)
        except InspectorError as error:
            yield f"{file} cannot be shown: {error}"
            continue
        if type(result).__name__ != f"{tab.capitalize()}Result":
            yield f"{file} holds a {type(result).__name__}; {remedy}"
        for name, revision in result.provenance.models.items():
            weights = folder / "assets" / "models" / name
            if not weights.is_dir() or revision != fingerprint(weights):
                yield f"{file} was made with other weights ({name} {revision}); {remedy}"


def start(folder: Path) -> Iterator[str]:
    """The program starts without touching CUDA, and every pipeline's stream asks the host for its GPU."""
    try:
        app = str(_front_matter(folder).get("app_file"))
    except InspectorError:
        return  # told by `front_matter`
    script, seconds = START
    # -P: else our modules, which lie beside the script, would stand in for those of the same name, such as trace.
    command = [sys.executable, "-P", str(script), app, *TABS]
    try:
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        yield f"{app} takes more than {seconds} s to import; see what it does there"
        return
    yield from (line for line in ran.stdout.splitlines() if line.startswith("the stream of "))
    if ran.returncode:
        said = ran.stderr.strip().splitlines() or [f"it ended with {ran.returncode}"]
        yield f"{app}, or the page it starts, cannot be imported ({said[-1]}); mend that"


CHECKS: Mapping[str, Callable[[Path], Iterator[str]]] = {
    "front matter": front_matter,
    "pins": pins,
    "files": files,
    "system packages": system_packages,
    "examples": examples,
    "start": start,
}
