"""Where a model goes: device, dtype, and whether there is room for it."""

from pathlib import Path

import psutil
import torch

from inspector.errors import ChoiceError, ModelMemoryError
from inspector.models.catalog import INSTEAD, ModelSpec
from inspector.settings import settings

CGROUP = Path("/sys/fs/cgroup")


def chosen_device() -> torch.device:
    """The device of the settings, else cuda, mps or cpu, the first there is.

    Raises ChoiceError when INSPECTOR_DEVICE names one that this machine does not have.
    """
    wanted = settings().device
    if not wanted:
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError:
        device = None
    if device is None or not _exists(device):
        raise ChoiceError(
            f"INSPECTOR_DEVICE is {wanted!r}, which this machine does not have; use cpu, or leave it out."
        )
    return device


def _exists(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count()
    if device.type == "mps":
        return torch.backends.mps.is_available()
    return device.type == "cpu"


def chosen_dtype(device: torch.device, spec: ModelSpec | None = None) -> torch.dtype:
    """The dtype of the settings, else float32 but on cuda: float16 there, and of flow models bfloat16 if the card can.

    Flow models were trained in bfloat16, and T5 and their transformers leave what float16 holds.
    """
    named = settings().dtype or ("float16" if device.type == "cuda" else "float32")
    flows = spec is not None and spec.sampling is not None and spec.sampling.scheduler == "flow"
    if flows and named == "float16" and not settings().dtype and torch.cuda.is_bf16_supported():
        named = "bfloat16"
    return {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}[named]


def free_gb(device: torch.device) -> float:
    """Memory in GB (10^9 bytes) that can be taken on the device now."""
    if device.type == "cuda":
        # What torch keeps for later use counts as taken there, and is free to it.
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return (torch.cuda.mem_get_info(device)[0] + kept) / 1e9
    free = psutil.virtual_memory().available
    return min(free, _container_bytes(CGROUP, free)) / 1e9


def _container_bytes(group: Path, otherwise: int) -> int:
    """What a container (control group v2) may still take; psutil sees the whole host instead."""
    limit = _read(group / "memory.max")
    if not limit.isdigit():
        return otherwise
    statistics = dict(line.split() for line in _read(group / "memory.stat").splitlines())
    # Pages of files that were read and can be dropped count as used there, and are free here.
    used = int(_read(group / "memory.current") or 0) - int(statistics.get("inactive_file", 0))
    return int(limit) - used


def _read(file: Path) -> str:
    return file.read_text("utf-8").strip() if file.is_file() else ""


def check_memory(spec: ModelSpec, device: torch.device, dtype: torch.dtype, held: float = 0.0) -> None:
    """Raise ModelMemoryError when the estimate for a model exceeds what is free on the device.

    held: GB that other models take and that can be had by forgetting them.
    """
    if settings().offload and spec.kind == "diffusion":
        device = torch.device("cpu")  # where the weights lie
    needed, free = spec.memory_gb(dtype.itemsize), free_gb(device)
    if spec.parameters and needed > free + held:
        raise memory_error(spec, f"needs about {needed:.1f} GB of memory and {free + held:.1f} GB are free on {device}")


def memory_error(spec: ModelSpec, what: str) -> ModelMemoryError:
    """The error of a model that does not fit; `what` completes "<title> ..."."""
    return ModelMemoryError(
        f"{spec.title} {what}; close other programs, set INSPECTOR_MODELS=1 or INSPECTOR_DTYPE=float16, "
        f"or use {INSTEAD[spec.kind]}."
    )


def out_of_memory(error: Exception) -> bool:
    """Whether an error is a lack of memory, by type on a GPU, by torch's words on a CPU."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "allocate memory" in str(error)
