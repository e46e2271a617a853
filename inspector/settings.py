"""Device, dtype, folders and limits: the only reader of the environment.

| variable | meaning | default |
|---|---|---|
| INSPECTOR_DEVICE | torch device of the models | cuda, else mps, else cpu |
| INSPECTOR_DTYPE | float32, float16 or bfloat16 | float16 on cuda, float32 elsewhere |
| INSPECTOR_CACHE | folder for fetched weights | the Hugging Face cache |
| INSPECTOR_RUNS | folder for training checkpoints | runs |
| INSPECTOR_OFFLINE | 1: never fetch anything | 0 |
| INSPECTOR_MODELS | how many models stay in memory | 3 |
"""

import os
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from inspector.errors import ChoiceError

ASSETS = Path(__file__).resolve().parent.parent / "assets"
DTYPES = ("float32", "float16", "bfloat16")


@dataclass(frozen=True)
class Limits:
    """What the page, the API and the command line refuse alike."""

    min_side: int = 16  # pixels of an image's shorter side
    max_pixels: int = 16_000_000  # pixels of an uploaded image before it is scaled down
    max_bytes: int = 20_000_000  # bytes of an uploaded file
    work_side: int = 1024  # longer side an image is scaled down to before it is analysed
    max_classes: int = 64
    max_synonyms: int = 8  # per class
    max_class_length: int = 60  # characters
    max_prompt: int = 500  # characters
    max_steps: int = 100
    max_k: int = 32
    max_recording: int = 2_000_000_000  # bytes of attention maps kept of one run
    max_seed: int = 2**31 - 1


@dataclass(frozen=True)
class Settings:
    """One reading of the environment; `device=""` and `dtype=""` mean: choose when loading."""

    device: str = ""
    dtype: str = ""
    cache: Path | None = None
    runs: Path = Path("runs")
    offline: bool = False
    models_kept: int = 3
    limits: Limits = field(default_factory=Limits)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    environment = os.environ
    dtype = environment.get("INSPECTOR_DTYPE", "")
    if dtype and dtype not in DTYPES:
        raise ChoiceError(f"INSPECTOR_DTYPE is {dtype!r}; use one of {', '.join(DTYPES)}.")
    kept = environment.get("INSPECTOR_MODELS", "3")
    if not kept.isdigit() or int(kept) < 1:
        raise ChoiceError(f"INSPECTOR_MODELS is {kept!r}; use a whole number of 1 or more.")
    cache = environment.get("INSPECTOR_CACHE")
    return Settings(
        device=environment.get("INSPECTOR_DEVICE", ""),
        dtype=dtype,
        cache=Path(cache) if cache else None,
        runs=Path(environment.get("INSPECTOR_RUNS", "runs")),
        offline=environment.get("INSPECTOR_OFFLINE", "0") not in ("", "0"),
        models_kept=int(kept),
    )
