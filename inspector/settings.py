"""Device, dtype, folders and limits: the only reader of the environment.

| variable | meaning | default |
|---|---|---|
| INSPECTOR_DEVICE | torch device of the models | cuda, else mps, else cpu |
| INSPECTOR_DTYPE | float32, float16 or bfloat16 | float16 on cuda, float32 elsewhere |
| INSPECTOR_CACHE | folder for fetched weights | the Hugging Face cache |
| INSPECTOR_RUNS | folder for training checkpoints | runs |
| INSPECTOR_OFFLINE | 1: never fetch anything | 0 |
| INSPECTOR_MODELS | how many models stay in memory | 3 |

For a host that anybody may use:

| variable | meaning | default |
|---|---|---|
| INSPECTOR_MAX_STEPS | denoising steps of one run, 20 to 1000 | 100 |
| INSPECTOR_MAX_SIDE | longer side in pixels that an image is scaled down to, 256 to 8192 | 1024 |
| INSPECTOR_MAX_PIXELS | pixels of an uploaded image, 65,536 to 1,000,000,000 | 16,000,000 |
| INSPECTOR_MAX_BYTES | bytes of an uploaded file, 1,000,000 to 1,000,000,000 | 20,000,000 |
| INSPECTOR_MAX_CLASSES | classes of one request, 25 to 1000 | 64 |
| INSPECTOR_MAX_SCENES | scenes of one evaluation over the API, 1 to 10,000 | 64 |
| INSPECTOR_QUEUE | how many runs may wait, 1 to 1000 | 16 |
| INSPECTOR_VISITOR_SECONDS | seconds of computing a visitor may use in ten minutes, 0 to 600; 0: any | 0 |
| INSPECTOR_HUB | 0: models of the hub are not offered, only embedded ones and folders | 1 |
| INSPECTOR_PROXY | 1: a proxy in front tells the visitor's address (x-forwarded-for) | 1 on Spaces, else 0 |

SPACE_ID and SPACES_ZERO_GPU are read too: Hugging Face sets them on a Space, and on one that borrows its GPU.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from inspector.errors import ChoiceError

ASSETS = Path(__file__).resolve().parent.parent / "assets"
DTYPES = ("float32", "float16", "bfloat16")
# Variable -> field of Limits, least, most. Less than the least would refuse the program's own defaults and examples: 20
# steps, drawn scenes of 256 x 256 pixels, CLIP-ES's 25 background words. 1000: a noise schedule has no more steps.
LIMITS: Mapping[str, tuple[str, int, int]] = {
    "INSPECTOR_MAX_STEPS": ("max_steps", 20, 1000),
    "INSPECTOR_MAX_SIDE": ("work_side", 256, 8192),
    "INSPECTOR_MAX_PIXELS": ("max_pixels", 65_536, 1_000_000_000),
    "INSPECTOR_MAX_BYTES": ("max_bytes", 1_000_000, 1_000_000_000),
    "INSPECTOR_MAX_CLASSES": ("max_classes", 25, 1000),
    "INSPECTOR_MAX_SCENES": ("max_scenes", 1, 10_000),
}


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
    max_scenes: int = 64  # of one evaluation asked for over the API


@dataclass(frozen=True)
class Settings:
    """One reading of the environment; `device=""` and `dtype=""` mean: choose when loading."""

    device: str = ""
    dtype: str = ""
    cache: Path | None = None
    runs: Path = Path("runs")
    offline: bool = False
    models_kept: int = 3
    queue: int = 16  # runs that may wait
    visitor_seconds: int = 0  # of computing for one visitor in ten minutes; 0 is no limit
    hub: bool = True
    proxy: bool = False
    zero_gpu: bool = False  # each run borrows a GPU, in a process of its own
    limits: Limits = field(default_factory=Limits)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once. Raises ChoiceError for a variable that cannot be used."""
    environment = os.environ
    dtype = environment.get("INSPECTOR_DTYPE", "")
    if dtype and dtype not in DTYPES:
        raise ChoiceError(f"INSPECTOR_DTYPE is {dtype!r}; use one of {', '.join(DTYPES)}.")
    cache = environment.get("INSPECTOR_CACHE")
    plain = Limits()
    limits = {
        name: _number(variable, getattr(plain, name), least, most) for variable, (name, least, most) in LIMITS.items()
    }
    return Settings(
        device=environment.get("INSPECTOR_DEVICE", ""),
        dtype=dtype,
        cache=Path(cache) if cache else None,
        runs=Path(environment.get("INSPECTOR_RUNS", "runs")),
        offline=environment.get("INSPECTOR_OFFLINE", "0") not in ("", "0"),
        models_kept=_number("INSPECTOR_MODELS", Settings.models_kept, 1, 1000),
        queue=_number("INSPECTOR_QUEUE", Settings.queue, 1, 1000),
        visitor_seconds=_number("INSPECTOR_VISITOR_SECONDS", Settings.visitor_seconds, 0, 600),
        hub=_switch("INSPECTOR_HUB", Settings.hub),
        proxy=_switch("INSPECTOR_PROXY", bool(environment.get("SPACE_ID"))),
        zero_gpu=environment.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true"),  # as the host's library reads it
        limits=Limits(**limits),
    )


def _number(variable: str, default: int, least: int, most: int) -> int:
    """A whole number of the environment; a variable that is empty counts as not set."""
    text = os.environ.get(variable, "").strip() or str(default)
    digits = text.isascii() and text.isdecimal() and len(text) < 20  # int() refuses thousands of digits
    if not digits or not least <= int(text) <= most:
        raise ChoiceError(f"{variable} is {text!r}; use a whole number from {least:,} to {most:,}.")
    return int(text)


def _switch(variable: str, default: bool) -> bool:
    """0 or 1 of the environment; nothing else, lest "false" open what it was meant to close."""
    text = os.environ.get(variable, "").strip() or str(int(default))
    if text not in ("0", "1"):
        raise ChoiceError(f"{variable} is {text!r}; use 0 or 1.")
    return text == "1"
