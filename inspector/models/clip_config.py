"""The configuration of a CLIP's folder, read and checked before anything is built: open_clip's file, or its name."""

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import open_clip
import torch

from inspector.errors import ModelFilesError
from inspector.models.catalog import ModelSpec
from inspector.models.clip_transformers import CONFIG, PIXELS, read_settings, turned
from inspector.models.files import CLIP_CONFIG, is_transformers_clip, read_json
from inspector.models.headers import shapes

# Settings -> least, most; the published ones are far inside. A number that is none of these is a slip, or an attack.
VISION: Mapping[str, tuple[int, int]] = {"width": (1, 16384), "head_width": (1, 4096)}
TEXT: Mapping[str, tuple[int, int]] = {
    "width": (1, 16384),
    "layers": (1, 256),
    "heads": (1, 256),
    "context_length": (3, 4096),
    "vocab_size": (3, 1_000_000),
}
SIDES: Mapping[str, tuple[int, int]] = {"image_size": (1, 8192), "patch_size": (1, 1024)}  # one number, or two
LAYERS = (1, 256)
EMBED = (1, 16384)
ERRORS = (TypeError, ValueError, AssertionError, AttributeError, KeyError, RuntimeError, ArithmeticError)


@dataclass(frozen=True)
class ClipConfig:
    """An open_clip `model_cfg`, and the mean and deviation (r, g, b) of the pixels that the model takes.

    file: where it was read, "" for one that open_clip knows by name. transformers: whether the weights have
    transformers' names.
    """

    model: Mapping[str, Any]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    file: str
    transformers: bool = False


def read_clip_config(folder: Path, spec: ModelSpec) -> ClipConfig:
    """The configuration of a folder. Raises ModelFilesError, with the setting's name, for one missing or impossible."""
    if is_transformers_clip(folder) and not spec.architecture:
        known, pixels = read_settings(folder)
        _check(folder / CONFIG, known)
        return _config(folder / PIXELS, known, pixels, str(folder / CONFIG), True)
    file = folder / CLIP_CONFIG
    config = read_json(file) if file.is_file() or not spec.architecture else {}
    model = open_clip.get_model_config(spec.architecture) if spec.architecture else config.get("model_cfg")
    if not isinstance(model, dict) or not all(isinstance(model.get(key), dict) for key in ("vision_cfg", "text_cfg")):
        raise ModelFilesError(f"{file} has no model_cfg with vision_cfg and text_cfg; mend the file.")
    if not spec.architecture:
        _check(file, model)
    preprocess = config.get("preprocess_cfg")
    preprocess = {} if preprocess is None else preprocess
    if not isinstance(preprocess, dict):
        raise _wrong(file, "preprocess_cfg", preprocess, "an object, or leave it out")
    return _config(file, model, preprocess, "" if spec.architecture else str(file), False)


def _config(
    file: Path, model: Mapping[str, Any], preprocess: Mapping[str, Any], source: str, transformers: bool
) -> ClipConfig:
    """file: where mean and deviation stand; source: where the model's settings do."""
    mean = _statistic(file, "mean", preprocess.get("mean"), open_clip.OPENAI_DATASET_MEAN)
    std = _statistic(file, "std", preprocess.get("std"), open_clip.OPENAI_DATASET_STD)
    if min(std) <= 0:
        raise _wrong(file, "std", preprocess.get("std"), "numbers above 0")
    return ClipConfig(model, mean, std, source, transformers)


def _check(file: Path, model: Mapping[str, Any]) -> None:
    """Raise ModelFilesError for a setting that is no number where one belongs, or an impossible one."""
    vision, text = model["vision_cfg"], model["text_cfg"]
    _check_number(file, "embed_dim", model.get("embed_dim"), EMBED)
    for part, known in ((vision, VISION), (text, TEXT)):
        for name, bounds in known.items():
            if name in part:
                _check_number(file, name, part[name], bounds)
    if not isinstance(vision.get("layers", 1), list):  # a list is a ResNet's
        _check_number(file, "layers", vision.get("layers", 12), LAYERS)
    for name, bounds in SIDES.items():
        sides = vision.get(name, 16)
        for side in sides if isinstance(sides, list) and len(sides) == 2 else [sides]:
            _check_number(file, name, side, bounds)
    ratio = vision.get("mlp_ratio", 4.0)
    if isinstance(ratio, bool) or not isinstance(ratio, int | float) or not 0 < ratio < 100:
        raise _wrong(file, "mlp_ratio", ratio, "a number above 0 and below 100")
    if not isinstance(model.get("quick_gelu", False), bool):
        raise _wrong(file, "quick_gelu", model["quick_gelu"], "true or false")
    if not isinstance(text.get("hf_tokenizer_name") or "", str):
        raise _wrong(file, "hf_tokenizer_name", text["hf_tokenizer_name"], "a name, or leave it out")


def _check_number(file: Path, name: str, value: Any, bounds: tuple[int, int]) -> None:
    if type(value) is not int or not bounds[0] <= value <= bounds[1]:
        raise _wrong(file, name, value, f"a whole number from {bounds[0]} to {bounds[1]}")


def _statistic(file: Path, name: str, value: Any, default: tuple[float, ...]) -> tuple[float, ...]:
    """Three numbers; one stands for all three, as open_clip reads it."""
    if value is None:
        return default
    found = [value] * 3 if isinstance(value, int | float) else value
    numbers = isinstance(found, list) and all(type(item) in (int, float) and math.isfinite(item) for item in found)
    if not numbers or len(found) != 3:
        raise _wrong(file, name, value, "three numbers, or leave it out")
    return tuple(float(item) for item in found)


def _wrong(file: Path, name: str, value: Any, right: str) -> ModelFilesError:
    return ModelFilesError(f"{file} has {name} {str(value)[:60]!r}; write {right}.")


def build(config: ClipConfig) -> Any:
    """An open_clip model with random weights. Raises ModelFilesError where open_clip cannot build it."""
    model = copy.deepcopy(dict(config.model))
    kind = open_clip.CustomTextCLIP if model.pop("custom_text", False) else open_clip.CLIP
    try:
        return kind(**model)
    except ERRORS as error:  # an unknown setting, or one that fits no other
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise ModelFilesError(f"{config.file} has settings open_clip cannot build: {reason}.") from error


def check_fits(config: ClipConfig, weights: Sequence[Path]) -> None:
    """Raise ModelFilesError where headers have other names or shapes than the model, before memory is taken for it."""
    with torch.device("meta"):
        own = build(config).state_dict()
        found = {name: torch.empty(shape) for file in weights for name, shape in shapes(file).items()}
    for name, value in named(config, found, weights).items():
        if name not in own or own[name].shape != value.shape:
            has = tuple(own[name].shape) if name in own else "none such"
            raise ModelFilesError(
                f"{weights[0]} does not fit its configuration: {name} is {tuple(value.shape)}, the model has {has}; "
                "use the files of one model together."
            )


def named(config: ClipConfig, state: Mapping[str, torch.Tensor], weights: Sequence[Path]) -> Mapping[str, torch.Tensor]:
    """The files' weights under open_clip's names. Raises ModelFilesError for one that is missing."""
    return turned(state, weights[0]) if config.transformers else state
