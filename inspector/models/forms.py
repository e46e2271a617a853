"""What a person has on disk: which kind of model a path is, and which files it would be loaded from.

Reads small files and headers alone, and loads no torch.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inspector.errors import ModelError, ModelFilesError
from inspector.models.files import (
    CLIP_CONFIG,
    PICKLES,
    PIPELINE_CONFIG,
    SEGMENTER_WEIGHTS,
    check_header,
    clip_weights,
    conversion,
    pipeline_weights,
)
from inspector.models.headers import elements
from inspector.models.listed import SEGMENTERS, Kind
from inspector.models.single_files import EMA, configurations, family_of

# Family of an imported head, which its config.json tells -> what it was told of where words are, and its licence.
HEADS: Mapping[str, tuple[str, str]] = {
    "odise": ("trained on COCO's masks (ODISE, Xu et al. 2023)", "CC BY-NC-SA 4.0: no commercial use"),
    "san": ("trained on COCO-Stuff's masks (SAN, Xu et al. 2023)", "MIT"),
}
HEAD_WEIGHTS = "head.safetensors"
FORMS = (
    f"{CLIP_CONFIG} (open_clip), {PIPELINE_CONFIG} (diffusers), nor a config.json of transformers' CLIP, "
    f"{', '.join(SEGMENTERS)} or an imported head"
)


def located(path: Path) -> Path:
    """The path itself; of a repository's folder in the hub's cache, the commit that its branch is at, or the newest."""
    snapshots = path / "snapshots"
    if not path.name.startswith("models--") or not snapshots.is_dir():
        return path
    branch = path / "refs" / "main"
    main = snapshots / (branch.read_text("utf-8").strip() if branch.is_file() else "-")
    found = sorted((folder for folder in snapshots.iterdir() if folder.is_dir()), key=lambda one: one.stat().st_mtime)
    return main if main.is_dir() else found[-1] if found else path


def called(path: Path) -> str:
    """What a model on disk is called: its own name, or in the hub's cache that of its repository without its owner."""
    repository = path.parent.parent.name
    return repository.split("--")[-1] if path.parent.name == "snapshots" and "--" in repository else path.name


def kind_of(path: Path) -> Kind:
    """The kind of model that a folder or a single file holds.

    Raises ModelFilesError, which says what it is instead and what to give, when it holds none.
    """
    if path.is_file():
        return _kind_of_file(path)
    config = read_config(path)
    if (path / PIPELINE_CONFIG).is_file():
        return "diffusion"
    if (path / CLIP_CONFIG).is_file() or config.get("model_type") == "clip":
        return "clip"
    if config.get("model_type") in SEGMENTERS:
        return "segmenter"
    if str(config.get("family")) in HEADS:
        return "head"
    raise ModelFilesError(_not_a_model(path, config))


def _kind_of_file(path: Path) -> Kind:
    if path.suffix.lower() in PICKLES:
        wanted = path.with_suffix(".safetensors")
        raise ModelFilesError(
            f"{path} is pickled, which can run code when opened, and is never loaded; save it as safetensors and give "
            f"that: {conversion(path, wanted)}"
        )
    if path.suffix.lower() != ".safetensors":
        raise ModelFilesError(f"{path} is no model; give a folder, or one file of safetensors.")
    check_header(path)
    family_of(path)
    return "diffusion"


def _not_a_model(path: Path, config: Mapping[str, Any]) -> str:
    """Why a folder is no model, and what to give instead."""
    names = sorted(file.name for file in path.iterdir())
    part = config.get("_class_name") or next(iter(config.get("architectures") or []), None)
    singles = [name for name in names if name.endswith(".safetensors")]
    pickles = [name for name in names if name.endswith(PICKLES)]
    if not names:
        return f"{path} is empty; give a folder that holds a model."
    if part and (path.parent / PIPELINE_CONFIG).is_file():
        return f"{path} holds one part of a pipeline ({part}); give the folder above it, {path.parent}."
    if config.get("model_type") or part:
        found = config.get("model_type") or part
        return f"{path} holds a {found}, which cannot be read; give a CLIP or a diffusion model."
    if singles:
        return f"{path} holds no {PIPELINE_CONFIG} or {CLIP_CONFIG}; give one file of it, such as {path / singles[0]}."
    if pickles:
        wanted = path / f"{Path(pickles[0]).stem}.safetensors"
        return (
            f"{path} holds only pickled weights, which are never loaded; save them as safetensors and give that file: "
            f"{conversion(path / pickles[0], wanted)}"
        )
    inside = next((file.parent for known in (PIPELINE_CONFIG, CLIP_CONFIG) for file in path.glob(f"*/{known}")), None)
    hint = f"give {inside}" if inside else "give a folder that has one of them"
    return f"{path} holds neither {FORMS}; {hint}."


def read_config(path: Path) -> dict[str, Any]:
    """What config.json holds, nothing where it is missing or no object."""
    try:
        content = json.loads((path / "config.json").read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def weights(path: Path, kind: Kind) -> list[Path]:
    """The safetensors files that a model is loaded from, others beside them left out. Raises as its opener does."""
    if path.is_file():
        return [path]
    if kind == "diffusion":
        return pipeline_weights(path)
    if kind == "clip":
        return clip_weights(path)
    return [path / (SEGMENTER_WEIGHTS if kind == "segmenter" else HEAD_WEIGHTS)]


def parameters(path: Path, kind: Kind) -> int:
    """How many weights a model has, by its files' headers; 0 where they cannot be read, which opening it will tell."""
    try:
        return sum(elements(file, leaving=EMA) for file in weights(path, kind))
    except (ModelError, OSError):
        return 0


def working_gb(path: Path, kind: Kind) -> float:
    """Memory in GB that a model takes beside its weights, for one picture of the size that it was trained at.

    Of a diffusion model that is the libraries' 0.6 GB and what its autoencoder holds to decode, ten arrays of the
    picture's size and of its first block's width (`pipelines.room`).
    """
    if kind != "diffusion":
        return 0.5
    try:
        told = configurations(path) if path.is_file() else {}
    except ModelError:  # which opening it will tell
        return 2.0
    unet, vae = (told.get(f"{part}/config.json") or read_config(path / part) for part in ("unet", "vae"))
    widths, side = vae.get("block_out_channels"), unet.get("sample_size")
    if not isinstance(widths, list) or not widths or type(widths[0]) is not int or type(side) is not int:
        return 2.0
    return 0.6 + 10 * widths[0] * (side * 2 ** (len(widths) - 1)) ** 2 * 4 / 1e9
