"""Recipes: a request as the script and as the command that make it again and run it.

A recipe draws the scene whose number the request tells, and believes that its picture and masks are that scene's; or
it reads an upload from `PICTURE`, which lies beside it. What neither gives, such as masks of one's own, a script
takes from `ARCHIVE`, the saved result.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any
from unicodedata import category

import numpy as np

from inspector.errors import InputError
from inspector.results import (
    LOCAL,
    AttentionRequest,
    ClustersRequest,
    SaliencyRequest,
    SegmentationRequest,
    read_model_name,
)
from inspector.settings import settings

Request = SaliencyRequest | AttentionRequest | ClustersRequest | SegmentationRequest

SCENE, PICTURE, ARCHIVE = "scene", "picture.png", "maps.npz"
DRAWN_SIDE = 256  # pixels of a scene that is drawn without saying how large, as page and command line do
GIVEN = ("image", "masks", "scene")  # the fields that come with the picture
MODELS = ("model", "clip", "diffusion", "segmenter", "head")  # the fields that name a model
PARTS = ("edit",)  # the fields whose own fields are options


@dataclass(frozen=True)
class _Tab:
    """How one kind of request is asked for.

    name: of pipeline and sub-command. options: field -> option, where they differ by more than the dash. image: the
    option of the picture, "" where it stands alone. shows: the code that prints what the result says in short.
    """

    name: str
    shows: str
    options: Mapping[str, str] = field(default_factory=dict)
    image: str = ""


_TABS: Mapping[type, _Tab] = {
    SaliencyRequest: _Tab(
        "saliency", "dict(zip(result.names, result.probabilities.tolist()))", options={"model": "clip"}
    ),
    AttentionRequest: _Tab(
        "attention",
        "[(token.text, float(map_.max())) for token, map_ in "
        'zip(result.tokens, result.select(arm=result.arms[-1], step="mean"))]',
        options={"model": "diffusion", "noise_timesteps": "t"},
        image="--image",
    ),
    ClustersRequest: _Tab(
        "clusters",
        'f"inertia {result.inertia:.4f}, stability {result.stability:.3f}"',
        options={"model": "diffusion"},
    ),
    SegmentationRequest: _Tab(
        "segmentation",
        "{name: float((result.labels == index).mean()) for index, name in enumerate(result.names, 1)}",
    ),
}


def as_python(request: Request) -> str:
    """A script that makes the request, saying only what differs from its defaults, runs it and prints one line.

    Folders of local models are looked for beside it: a request does not tell where they lie.
    """
    tab, kind = _TABS[type(request)], type(request).__name__
    imports, lines, arguments = _picture_code(request)
    imports |= {"inspector.pipelines": tab.name, "inspector.results": kind}
    changed = _changed(request)
    for name, value in changed.items():
        arguments[name] = repr(value)
        if name in PARTS:
            imports["inspector.results"] = f"{kind}, {type(value).__name__}"
        if name in MODELS and (made := _registered(value)):
            arguments[name], imports["inspector.models.catalog"] = made
    return "\n".join(
        [
            *(f"from {module} import {imports[module]}" for module in sorted(imports)),
            "",
            *lines,
            *_remark(changed),
            f"request = {kind}(",
            *(f"    {item.name}={arguments[item.name]}," for item in fields(request) if item.name in arguments),
            ")",
            f"result = {tab.name}.run(request)",
            f"print({tab.shows})",
            "",
        ]
    )


def as_command(request: Request) -> str:
    """The command, quoted for a POSIX shell, that makes the request and writes its result to out/TAB.

    "" for what the command line cannot say: masks of one's own, a picture larger than one read from a file, a scene
    without its masks, a word with a comma inside, control characters. Folders of local models as in `as_python`.
    """
    tab, origin, changed = _TABS[type(request)], _origin(request), _changed(request)
    if origin == ARCHIVE or (origin == SCENE and not request.masks):
        return ""
    if any(isinstance(value, tuple) for value in changed.values()):
        return ""
    words = ["python", "-m", "inspector", tab.name]
    if origin:
        words += [tab.image] if tab.image else []
        words.append(f"scene:{request.scene}" if origin == SCENE else origin)
    for name, value in _options(changed).items():
        option = tab.options.get(name, name)
        words += _model_options(option, value) if name in MODELS else _option(option, value)
    words += ["--out", f"out/{tab.name}"]
    return "\n".join([*_remark(changed), shlex.join(words)]) if all(map(_can_be_typed, words)) else ""


def _origin(request: Request) -> str:
    """Where the picture comes from: SCENE, PICTURE, ARCHIVE; "" where there is none."""
    if request.image is not None and request.scene is not None and request.image.shape[:2] == (DRAWN_SIDE, DRAWN_SIDE):
        return SCENE
    if request.masks or request.scene is not None:
        return ARCHIVE
    if request.image is None:
        return ""
    # Reading a file would scale it down, which the library does not ask of an array.
    return PICTURE if max(request.image.shape[:2]) <= settings().limits.work_side else ARCHIVE


def _picture_code(request: Request) -> tuple[dict[str, str], list[str], dict[str, str]]:
    """What a script imports for the picture (module -> name), its lines before the request, the request's arguments."""
    origin = _origin(request)
    if not origin:
        return {}, [], {}
    if origin == PICTURE:
        return {"inspector.views.images": "read_image"}, [], {"image": f'read_image("{PICTURE}")'}
    present = {
        "image": request.image is not None,
        "masks": bool(request.masks),
        "scene": request.scene is not None,
    }
    given = [name for name in GIVEN if present[name]]
    if origin == SCENE:
        arguments = {name: f"drawn.{name}" for name in given} | {"scene": "drawn.seed"}
        return {"inspector.world": "scene"}, [f"drawn = scene({request.scene})"], arguments
    lines = [f'saved = load_result("{ARCHIVE}").request']
    return {"inspector.views.archive": "load_result"}, lines, {name: f"saved.{name}" for name in given}


def _changed(request: Request) -> dict[str, Any]:
    """The fields that differ from the request's defaults, but for those of the picture, as plain values."""
    changed = {}
    for item in fields(request):
        value = getattr(request, item.name)
        if item.name not in GIVEN and value != item.default:
            changed[item.name] = _plain(request, item.name, value)
    return changed


def _plain(request: Request, name: str, value: Any) -> Any:
    """A list of classes or words as one text, where the request reads it as the same list; numpy's numbers as Python's.

    A word with a comma inside has no such text, and stays a tuple.
    """
    if isinstance(value, np.generic):
        return value.item()
    if not isinstance(value, tuple):
        return value
    text = ", ".join("/".join(item) if isinstance(item, tuple) else str(item) for item in value)
    change: dict[str, Any] = {name: text}
    try:
        same = getattr(replace(request, **change), name) == value
    except InputError:
        same = False
    return text if same else value


def _options(changed: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are options, with those of `PARTS` that differ from their own defaults."""
    found: dict[str, Any] = {}
    for name, value in changed.items():
        own = fields(value) if name in PARTS else ()
        found |= {item.name: getattr(value, item.name) for item in own if getattr(value, item.name) != item.default}
        found |= {} if own else {name: value}
    return found


def _option(name: str, value: Any) -> list[str]:
    """The words of one option."""
    option, text = "--" + name.replace("_", "-"), "match" if value is None else str(value)
    if value is True:
        return [option]
    # A separate word that begins with a dash would be taken for an option.
    return [f"{option}={text}"] if text.startswith("-") else [option, text]


def _model_options(option: str, model: str) -> list[str]:
    """The words that choose a model, and what changes it; files are looked for beside the recipe."""
    name = read_model_name(model)
    words = _option(option, _folder(name.base) if name.base.startswith(LOCAL) else name.base)
    if name.lora:
        words += [*_option("lora", _file(name.lora)), *_option("lora-scale", f"{name.scale:g}")]
    for label, word in name.embeddings:
        words += _option("embedding", f"{_file(label)}={word}")
    return words


def _folder(model: str) -> str:
    """A local model's folder beside the recipe, as a path that is no other model's name."""
    return f"./{model.removeprefix(LOCAL)}"


def _file(label: str) -> str:
    return f"./{label}.safetensors"


def _registered(model: str) -> tuple[str, str] | None:
    """The code that makes a local model, or one that files change, loadable, and what it imports; None for others."""
    name, imports = read_model_name(model), []
    code = repr(name.base)
    if name.base.startswith(LOCAL):
        code, imports = f"register_local({_folder(name.base)!r})", ["register_local"]
    if name.lora:
        code = f"register_lora({code}, {_file(name.lora)!r}, {name.scale:g})"
        imports.append("register_lora")
    for label, word in name.embeddings:
        code = f"register_embedding({code}, {_file(label)!r}, {word!r})"
        imports.append("register_embedding")
    return (code, ", ".join(sorted(set(imports)))) if imports else None


def _remark(changed: Mapping[str, Any]) -> list[str]:
    """A comment for Python and shell, where a model is a folder; it quotes no name, which could hold a line break."""
    told = [value for name, value in changed.items() if name in MODELS]
    if any(read_model_name(value).changed for value in told):
        return [
            "# A LoRA or embedding is a file, and a local model a folder: change their paths if they do not lie here."
        ]
    local = any(value.startswith(LOCAL) for value in told)
    return ["# A local model is a folder: change its path if it does not lie here."] if local else []


def _can_be_typed(word: str) -> bool:
    """Whether a terminal takes the word as text: no control character but the line break, no half of a pair."""
    return all(category(letter) not in ("Cc", "Cs") or letter == "\n" for letter in word)
