"""Opening one part of a model by its library's own loader: safetensors from this disk alone, complete or not at all."""

from pathlib import Path
from typing import Any

import torch

from inspector.errors import ModelFilesError
from inspector.models.files import missing_weights
from inspector.models.placement import out_of_memory


def open_part(kind: Any, folder: Path, dtype: torch.dtype, variant: str = "") -> Any:
    """The model of a class of diffusers or transformers, its weights complete. variant: suffix of the weights' names.

    Raises ModelFilesError where the files do not fit their config.json, or weights are missing.
    """
    try:
        part, report = kind.from_pretrained(
            folder,
            dtype=dtype,
            variant=variant or None,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
    except (ValueError, RuntimeError, OSError) as error:  # shapes that differ, a setting out of range
        if out_of_memory(error):
            raise
        reason = str(error).splitlines()[0].rstrip(".")
        raise ModelFilesError(
            f"{folder} does not fit its config.json ({reason}); use the files of one model together."
        ) from error
    if report["missing_keys"]:
        raise missing_weights(folder, report["missing_keys"])
    return part
