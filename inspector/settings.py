"""Device, dtype, folders and limits: the only reader of the environment.

| variable | meaning | default |
|---|---|---|
| INSPECTOR_DEVICE | torch device of the models | cuda, else mps, else cpu |
| INSPECTOR_DTYPE | float32, float16 or bfloat16 | float16 on cuda, of flows bfloat16; float32 elsewhere |
| INSPECTOR_CACHE | folder for fetched weights | the Hugging Face cache |
| INSPECTOR_RUNS | folder for training checkpoints | runs |
| INSPECTOR_OFFLINE | 1: never fetch anything | 0 |
| INSPECTOR_MODELS | how many models stay in memory | 3 |
| INSPECTOR_OFFLOAD | 1: weights of diffusion models lie in main memory, a layer on the GPU while it runs | 0 |

For a host that anybody may use:

| variable | meaning | default |
|---|---|---|
| INSPECTOR_MAX_STEPS | denoising steps of one run, 20 to 1000 | 100 |
| INSPECTOR_MAX_SIDE | longer side in pixels that an image is scaled down to, 256 to 8192 | 1024 |
| INSPECTOR_MAX_PIXELS | pixels that are decoded at once, 65,536 to 1,000,000,000 | 50,000,000 |
| INSPECTOR_MAX_BYTES | bytes of an uploaded file, 1,000,000 to 1,000,000,000 | 40,000,000 |
| INSPECTOR_MAX_CLASSES | classes of one request, 25 to 1000 | 64 |
| INSPECTOR_MAX_SCENES | scenes of one evaluation over the API, 1 to 10,000 | 64 |
| INSPECTOR_QUEUE | how many runs may wait, 1 to 1000 | 16 |
| INSPECTOR_VISITOR_RUNS | runs of one visitor, under way and waiting, 1 to 1000 | 3 |
| INSPECTOR_VISITOR_SECONDS | seconds of computing of a visitor in ten minutes, 0 to 600; 0: any | 120 if public, or 0 |
| INSPECTOR_HUB | 0: models of the hub are not offered, only embedded ones and folders | 1 |
| INSPECTOR_PROXY | 1: a proxy in front tells the visitor's address and the host they asked for | 1 on Spaces, else 0 |
| INSPECTOR_HOSTS | names, beside this machine's, under which the page may be asked for, with commas | the Space's |
| INSPECTOR_ORIGINS | other sites' origins whose scripts may call, such as https://example.org, with commas | none |
| INSPECTOR_FRAMES | sites that may show the page in a frame, with commas | the Space's host, else none |

What gradio and Hugging Face set is read too: GRADIO_SERVER_NAME, GRADIO_SERVER_PORT, GRADIO_ROOT_PATH and
GRADIO_TEMP_DIR; SPACE_ID and SPACE_HOST on a Space, and SPACES_ZERO_GPU on one that borrows its GPU. RAY_ADDRESS is
that of the cluster which Ray connects to.
"""

import ipaddress
import os
import re
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
PUBLIC_SECONDS = 120  # of computing for one visitor of a public page in ten minutes
SPACES_FRAMES = ("https://huggingface.co", "https://*.hf.space")  # show a Space in a frame
_HOST = re.compile(r"[A-Za-z0-9_.*:\[\]-]{1,253}")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9_.*:\[\]-]{1,253}")


@dataclass(frozen=True)
class Limits:
    """What the page, the API and the command line refuse alike."""

    min_side: int = 16  # pixels of an image's shorter side
    max_pixels: int = 50_000_000  # that are decoded at once: a telephone's 48 megapixels take about 600 MB meanwhile
    max_bytes: int = 40_000_000  # of an uploaded file
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
    offload: bool = False
    queue: int = 16  # runs that may wait
    visitor_runs: int = 3  # of one visitor, under way and waiting
    visitor_seconds: int | None = None  # of computing for one visitor in ten minutes; 0: any; None: as `share`
    hub: bool = True
    proxy: bool = False
    hosts: tuple[str, ...] = ()  # names that the page answers to, beside this machine's
    origins: tuple[str, ...] = ()  # of other sites whose scripts may call
    frames: tuple[str, ...] = ()  # sites that may show the page in a frame
    zero_gpu: bool = False  # each run borrows a GPU, in a process of its own
    server_name: str = ""  # address to listen on; "": this machine only
    root_path: str = ""  # path, or whole address, under which a proxy shows the page
    temp: Path | None = None  # where the page's files lie while it runs
    space: bool = False
    ray_address: str = ""  # of the cluster that Ray connects to by itself; "": it starts one here
    limits: Limits = field(default_factory=Limits)

    def share(self, public: bool) -> int:
        """Seconds of computing for one visitor in ten minutes, 0 for any. public: others than this machine may ask."""
        if self.visitor_seconds is not None:
            return self.visitor_seconds
        return PUBLIC_SECONDS if public else 0


def is_public(host: str | None) -> bool:
    """Whether a page that listens on `host` ("" or None: what the environment says) is open to other machines."""
    name = host or settings().server_name
    if settings().space:
        return True
    try:
        return not ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:  # a name
        return name not in ("", "localhost")


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once. Raises ChoiceError for a variable that cannot be used."""
    environment = os.environ
    dtype = environment.get("INSPECTOR_DTYPE", "")
    if dtype and dtype not in DTYPES:
        raise ChoiceError(f"INSPECTOR_DTYPE is {dtype!r}; use one of {', '.join(DTYPES)}.")
    cache, temp = environment.get("INSPECTOR_CACHE"), environment.get("GRADIO_TEMP_DIR")
    space = bool(environment.get("SPACE_ID"))
    space_host = environment.get("SPACE_HOST", "*.hf.space") if space else ""
    if environment.get("GRADIO_SERVER_PORT", ""):  # gradio reads it, when it is imported
        _number("GRADIO_SERVER_PORT", 0, 1, 65535)
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
        offload=_switch("INSPECTOR_OFFLOAD", Settings.offload),
        queue=_number("INSPECTOR_QUEUE", Settings.queue, 1, 1000),
        visitor_runs=_number("INSPECTOR_VISITOR_RUNS", Settings.visitor_runs, 1, 1000),
        visitor_seconds=_number("INSPECTOR_VISITOR_SECONDS", 0, 0, 600) if _said("INSPECTOR_VISITOR_SECONDS") else None,
        hub=_switch("INSPECTOR_HUB", Settings.hub),
        proxy=_switch("INSPECTOR_PROXY", space),
        hosts=_list("INSPECTOR_HOSTS", _HOST, "names such as example.org", space_host),
        origins=_list("INSPECTOR_ORIGINS", _ORIGIN, "origins such as https://example.org"),
        frames=_list("INSPECTOR_FRAMES", _ORIGIN, "origins such as https://example.org", *SPACES_FRAMES * space),
        zero_gpu=environment.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true"),  # as the host's library reads it
        server_name=_said("GRADIO_SERVER_NAME"),
        root_path=_said("GRADIO_ROOT_PATH"),
        temp=Path(temp) if temp else None,
        space=space,
        ray_address=_said("RAY_ADDRESS"),
        limits=Limits(**limits),
    )


def _said(variable: str) -> str:
    return os.environ.get(variable, "").strip()


def _list(variable: str, pattern: re.Pattern[str], kind: str, *default: str) -> tuple[str, ...]:
    """What stands between the commas of a variable; each must fit the pattern, since it goes into answers' heads."""
    found = tuple(item.strip().rstrip("/") for item in _said(variable).split(",") if item.strip())
    for item in found:
        if not pattern.fullmatch(item):
            raise ChoiceError(f"{variable} holds {item[:60]!r}; use {kind}, with commas between them.")
    return found or tuple(item for item in default if item)


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
