"""Opening one part of a model by its library's own loader: safetensors from this disk alone, complete or not at all."""

import re
from pathlib import Path
from typing import Any

import torch
from diffusers import ModelMixin
from huggingface_hub.errors import StrictDataclassError
from torch import nn

from inspector.errors import ModelFilesError
from inspector.models.files import SINGLE, missing_weights, single_file
from inspector.models.placement import out_of_memory
from inspector.models.single_opening import open_single

# What the libraries raise over a config.json that cannot be, or that weights do not fit: shapes that differ, settings
# that are missing, of another type or out of range. Their advice is for programmers, so that ours is given instead.
UNFIT = (
    StrictDataclassError,
    RuntimeError,
    ValueError,
    TypeError,
    OSError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    NotImplementedError,
)
SHAPES = re.compile(
    r"\b(\w+(?:\.\w+)+)\b.*?(?:torch\.Size\()?[\[(]([\d, ]+)[\])].*?(?:torch\.Size\()?[\[(]([\d, ]+)[\])]"
)


def open_part(kind: Any, folder: Path, dtype: torch.dtype, variant: str = "") -> Any:
    """The model of a class of diffusers or transformers, its weights complete. variant: suffix of the weights' names.

    Raises ModelFilesError where the files do not fit their config.json, weights are missing, or are no numbers.
    """
    single = (folder.parent / SINGLE).is_file()
    where = single_file(folder.parent) if single else folder
    missing: list[str] = []
    try:
        if single:
            part = open_single(kind, folder, dtype)
        else:
            part, report = kind.from_pretrained(
                folder,
                dtype=dtype,
                variant=variant or None,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
            )
            missing, homeless = report["missing_keys"], report["unexpected_keys"]
            if homeless and issubclass(kind, ModelMixin):  # transformers' may hold parts that are not opened
                raise ValueError(f"{sorted(homeless)[0]} is in the file and not in the model")
    except UNFIT as error:
        if out_of_memory(error):
            raise
        told = "its family's configuration" if single else "its config.json"
        raise ModelFilesError(
            f"{where} does not fit {told}{reason(error)}; use the files of one model together."
        ) from error
    if missing:
        raise missing_weights(where, missing)
    check_numbers(part, where)
    return part


def reason(error: Exception) -> str:
    """Which weight has which shapes, where a library's error tells them, in parentheses; else ""."""
    found = SHAPES.search(str(error))
    if not found:
        return ""
    name, first, second = found.groups()
    return f" ({name} is ({first}) in one and ({second}) in the other)"


def check_numbers(model: nn.Module, where: Path) -> None:
    """Raise ModelFilesError, which names the first one, where weights are no numbers, or too large for their type."""
    for name, weight in model.named_parameters():
        # A sum is no number if any weight is none, and is had in a tenth of the time of looking at each.
        if torch.isfinite(weight.detach().sum(dtype=torch.float32)) or torch.isfinite(weight).all():
            continue
        half = "" if weight.dtype == torch.float32 else f", or too large for {str(weight.dtype).removeprefix('torch.')}"
        remedy = "download it again" if not half else "download it again, or set INSPECTOR_DTYPE=float32"
        raise ModelFilesError(f"{where} holds weights that are no numbers{half}, in {name}; {remedy}.")
