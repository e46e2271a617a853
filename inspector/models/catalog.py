"""The models that can be asked for by name; importing it loads no torch.

Only names of `listed`, and folders that the command line registered with `register_local`, are ever
loaded. The page offers names and never a path. A host may leave out the hub's (INSPECTOR_HUB=0): they are then no
names here, so that page, API and command line refuse them alike.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from inspector.errors import ModelFilesError, UnknownModelError, UnsupportedModelError
from inspector.models.borrowing import files_of
from inspector.models.listed import LISTED
from inspector.models.listed import Kind as Kind
from inspector.models.listed import ModelSpec as ModelSpec
from inspector.models.listed_diffusion import LISTED_DIFFUSION
from inspector.models.sampling import sampling_of_folder
from inspector.results import LOCAL
from inspector.settings import ASSETS, settings

CATALOG: dict[str, ModelSpec] = {spec.name: spec for spec in (*LISTED, *LISTED_DIFFUSION)}

# What is embedded instead of a model of a kind, to be named where one cannot be had.
INSTEAD: Mapping[Kind, str] = {
    "clip": "scenes-clip",
    "diffusion": "scenes-diffusion",
    "segmenter": "scenes-clip with the method maskclip",
    "head": "one of the shipped heads",
}

# The embedded models go in pairs, by how they were trained; a CLIP and a diffusion model of each.
PAIRS: Mapping[str, Mapping[Kind, str]] = {
    "taught": {"clip": "scenes-clip", "diffusion": "scenes-diffusion"},
    "plain": {"clip": "scenes-clip-plain", "diffusion": "scenes-diffusion-plain"},
}

SEGMENTERS = ("clipseg", "maskformer", "mask2former", "sam")  # model_type of what `models.segmenters` opens
PROMPTABLE = ("sam",)  # and of those that take points and boxes
# Family of an imported head, which its config.json tells -> what it was told of where words are, and its licence.
HEADS: Mapping[str, tuple[str, str]] = {
    "odise": ("trained on COCO's masks (ODISE, Xu et al. 2023)", "CC BY-NC-SA 4.0: no commercial use"),
    "san": ("trained on COCO-Stuff's masks (SAN, Xu et al. 2023)", "MIT"),
}
SINGLE_FILES = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")
_LOCAL: dict[str, ModelSpec] = {}


def trained_heads() -> tuple[str, ...]:
    """Names of the segmentation heads whose weights are shipped, on whatever models they were trained."""
    return tuple(sorted({file.stem for file in (ASSETS / "models").glob("heads-*/*.safetensors")}))


def names(kind: Kind | None = None) -> tuple[str, ...]:
    """Names that can be loaded now, embedded first, registered folders last."""
    known = [*CATALOG.values(), *_LOCAL.values()]
    return tuple(spec.name for spec in known if kind in (None, spec.kind) and _offered(spec))


def spec(name: str, kind: Kind | None = None) -> ModelSpec:
    """The entry of a name. Raises UnknownModelError, which lists the valid names, also for one not offered here."""
    found = CATALOG.get(name) or _LOCAL.get(name)
    if found is None or kind not in (None, found.kind):
        what = "model" if kind is None else "imported head" if kind == "head" else f"{kind} model"
        instead = f"choose one of {', '.join(names(kind))}" if names(kind) else f"use {INSTEAD[kind or 'clip']}"
        raise UnknownModelError(f"There is no {what} named {name!r}; {instead}.")
    if not _offered(found):
        instead = f"choose one of {', '.join(names(kind))}" if names(kind) else f"use {INSTEAD[found.kind]}"
        raise UnknownModelError(f"{name} is not offered on this host; {instead}.")
    return found


def usual_values(name: str) -> dict[str, Any]:
    """Field of a request -> what is usual for a diffusion model; {} where it is what is usual everywhere."""
    sampling = spec(name, "diffusion").sampling
    return {} if sampling is None else sampling.values


def promptable(name: str) -> ModelSpec:
    """The entry of a segmenter that takes points and boxes.

    Raises UnknownModelError as `spec`, UnsupportedModelError, which lists those that do, for another segmenter.
    """
    found = spec(name, "segmenter")
    if not found.promptable:
        able = ", ".join(other for other in names("segmenter") if spec(other).promptable)
        raise UnsupportedModelError(f"{name} takes no points and boxes; use one of {able}.")
    return found


def _offered(spec: ModelSpec) -> bool:
    return spec.origin != "hub" or settings().hub


def register_local(path: Path | str) -> str:
    """Make a folder of the command line loadable, and return the name it goes by.

    An open_clip folder holds open_clip_config.json, a diffusion folder model_index.json, one of a segmenter the
    config.json of one of SEGMENTERS, one of an imported head that of one of HEADS. Raises UnknownModelError when there
    is no such folder, ModelFilesError when it holds none of them.
    """
    folder = Path(path).expanduser().resolve()
    if not folder.is_dir():
        raise UnknownModelError(f"{str(path)!r} is no folder and no model; choose one of {', '.join(names())}.")
    kind: Kind
    config = _config(folder)
    family = str(config.get("family"))
    if (folder / "model_index.json").is_file():
        kind = "diffusion"
    elif (folder / "open_clip_config.json").is_file():
        kind = "clip"
    elif config.get("model_type") in SEGMENTERS:
        kind = "segmenter"
    elif family in HEADS:
        kind = "head"
    else:
        raise ModelFilesError(
            f"{folder} holds neither open_clip_config.json (an open_clip model) nor model_index.json "
            f"(a diffusers pipeline), nor a config.json of {', '.join(SEGMENTERS)} or an imported head; give a folder "
            "that has one of them."
        )
    name = f"{LOCAL}{folder.name}"
    same = 1
    while name in _LOCAL and _LOCAL[name].source != str(folder):
        same += 1
        name = f"{LOCAL}{folder.name}-{same}"
    _LOCAL[name] = ModelSpec(
        name=name,
        kind=kind,
        title=f"{folder.name} (local folder)",
        origin="local",
        source=str(folder),
        licence=HEADS[family][1] if kind == "head" else "under the licence in its folder",
        parameters=_parameters(folder),
        architecture=family if kind == "head" else "",
        told=HEADS[family][0] if kind == "head" else "",
        promptable=config.get("model_type") in PROMPTABLE,
        sampling=sampling_of_folder(folder) if kind == "diffusion" else None,
    )
    return name


def registered() -> tuple[ModelSpec, ...]:
    """The models that `register_local` made loadable, for another process that is to load them by name."""
    return tuple(_LOCAL.values())


def adopt(specs: Iterable[ModelSpec]) -> None:
    """Make loadable what is `registered` in the process that started this one, under the same names."""
    _LOCAL.update({spec.name: spec for spec in specs})


def _config(folder: Path) -> dict[str, Any]:
    """What config.json holds, nothing where it is missing or no object."""
    try:
        content = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def choose(name_or_folder: str, kind: Kind) -> str:
    """What the command line's options of models take: a name, or a folder, which is registered.

    Raises UnknownModelError when it is neither, or of another kind; a head's name is left to the request, since shipped
    heads are no models.
    """
    known = name_or_folder in CATALOG or name_or_folder in _LOCAL
    suffix = Path(name_or_folder).suffix.lower()
    if not known and suffix in SINGLE_FILES:
        more = "" if suffix == ".safetensors" else ", and weights as safetensors: these can run code when opened"
        raise ModelFilesError(
            f"{Path(name_or_folder).name!r} is a single file; give a folder of open_clip or diffusers with its "
            f"configuration{more}."
        )
    if not known and Path(name_or_folder).expanduser().is_dir():
        return spec(register_local(name_or_folder), kind).name
    if kind == "head" and not known:
        return name_or_folder
    return spec(name_or_folder, kind).name


def _parameters(folder: Path) -> int:
    """Weights in the largest set of safetensors headers per part, so that a second variant is not counted twice."""
    per_part: dict[Path, dict[str, int]] = {}
    for _, file in files_of(folder):
        if file.suffix != ".safetensors" or "safety_checker" in file.parts:
            continue
        sizes = per_part.setdefault(file.parent, {})
        sizes.update(_sizes(file))
    return sum(sum(sizes.values()) for sizes in per_part.values())


def _sizes(file: Path) -> dict[str, int]:
    """Tensor name -> number of elements, from the header alone; empty when it cannot be read.

    A damaged file is reported, with its name, when it is loaded.
    """
    with open(file, "rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 0 < length <= file.stat().st_size:
            return {}
        try:
            header = json.loads(stream.read(length))
        except ValueError:
            return {}
    sizes = {}
    for name, entry in header.items():
        if name != "__metadata__":
            count = 1
            for side in entry["shape"]:
                count *= side
            sizes[name] = count
    return sizes
