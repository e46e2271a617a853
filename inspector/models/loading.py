"""Load a model by name: once per process, lazily, with progress, and at most a few at a time."""

import gc
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import diffusers
import torch
import transformers

from inspector.errors import ModelFilesError
from inspector.models import catalog, placement
from inspector.models.catalog import Kind, ModelSpec
from inspector.models.clip_adapter import open_clip_folder
from inspector.models.diffusion_adapter import open_diffusion_folder
from inspector.models.fetching import Report, fetch
from inspector.models.files import checked_fingerprint, fingerprint
from inspector.models.imported import open_head_folder
from inspector.models.protocols import ClipModel, DiffusionModel, ImportedHead, PromptableSegmenter, Segmenter
from inspector.models.segmenters import open_segmenter_folder
from inspector.settings import ASSETS, settings

OPENERS: dict[Kind, Callable[..., Any]] = {
    "clip": open_clip_folder,
    "diffusion": open_diffusion_folder,
    "segmenter": open_segmenter_folder,
    "head": open_head_folder,
}

_loaded: OrderedDict[str, Any] = OrderedDict()  # name -> adapter, the one used longest ago first
_cache_lock = threading.Lock()  # held for moments
_name_locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)  # held while a model is fetched
_build_lock = threading.Lock()  # the libraries change torch's default dtype while they build


def load_clip(name: str = "scenes-clip", progress: Report | None = None) -> ClipModel:
    """The CLIP of a catalog name, or of a folder that `catalog.register_local` named.

    progress: called with a sentence and a share, 0 to 1, while files are fetched and opened.
    Raises UnknownModelError, ModelFetchError, ModelFilesError, ModelMemoryError or UnsupportedModelError.
    """
    return cast(ClipModel, _load(name, "clip", progress))


def load_diffusion(name: str = "scenes-diffusion", progress: Report | None = None) -> DiffusionModel:
    """The diffusion model of a name; otherwise as `load_clip`."""
    return cast(DiffusionModel, _load(name, "diffusion", progress))


def load_segmenter(name: str, progress: Report | None = None) -> Segmenter:
    """The segmenter of a name; otherwise as `load_clip`."""
    return cast(Segmenter, _load(name, "segmenter", progress))


def load_promptable(name: str = "scenes-sam", progress: Report | None = None) -> PromptableSegmenter:
    """The segmenter of a name that takes points and boxes; otherwise as `load_clip`.

    Raises UnsupportedModelError, before anything is fetched, for one that takes none.
    """
    catalog.promptable(name)
    return cast(PromptableSegmenter, _load(name, "segmenter", progress))


def load_head(name: str, progress: Report | None = None) -> ImportedHead:
    """The imported head of a folder that `catalog.register_local` named; otherwise as `load_clip`."""
    return cast(ImportedHead, _load(name, "head", progress))


def loaded() -> tuple[str, ...]:
    """Names of the models in memory, the one used longest ago first."""
    with _cache_lock:
        return tuple(_loaded)


def in_memory(name: str) -> Any:
    """The model of a name where it is in memory, else None; using it so makes it no more likely to stay there."""
    with _cache_lock:
        return _loaded.get(name)


def unload(name: str | None = None) -> None:
    """Forget one model, or all; their memory is free once nobody else holds them."""
    with _cache_lock:
        for key in [name] if name is not None else list(_loaded):
            _loaded.pop(key, None)
    _collect()


def _load(name: str, kind: Kind, progress: Report | None) -> Any:
    spec = catalog.spec(name, kind)
    model = _from_cache(name)
    if model is not None:
        return model
    report = progress or (lambda text, share: None)
    with _cache_lock:
        lock = _name_locks[name]
    with lock:  # a second caller of the same model waits here, others go on
        model = _from_cache(name)
        if model is None:
            folder, revision = _folder(spec, report)
            with _build_lock:
                _make_room(settings().models_kept - 1)
                report(f"Opening {spec.title}", 1.0)
                model = _build(spec, folder, revision)
                with _cache_lock:
                    _loaded[name] = model
    return model


def _from_cache(name: str) -> Any:
    with _cache_lock:
        if name in _loaded:
            _loaded.move_to_end(name)
        return _loaded.get(name)


def _make_room(kept: int) -> None:
    with _cache_lock:
        dropped = [_loaded.popitem(last=False) for _ in range(len(_loaded) - kept)]
    if dropped:
        del dropped
        _collect()


def _collect() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _folder(spec: ModelSpec, report: Report) -> tuple[Path, str]:
    """Where the model's files are, and their revision."""
    if spec.origin == "hub":
        fetched = fetch(spec, report)
        return fetched.folder, fetched.commit
    folder = ASSETS / "models" / spec.source if spec.origin == "embedded" else Path(spec.source)
    if not folder.is_dir():
        raise ModelFilesError(f"{folder} is missing; get the whole repository, its weights included, or train them.")
    return folder, checked_fingerprint(folder) if spec.origin == "embedded" else fingerprint(folder)


def _build(spec: ModelSpec, folder: Path, revision: str) -> Any:
    device = placement.chosen_device()
    dtype = placement.chosen_dtype(device)
    placement.check_memory(spec, device, dtype)
    try:
        with _quiet():
            return OPENERS[spec.kind](folder, spec, device, dtype, revision)
    except (RuntimeError, MemoryError) as error:
        if not placement.out_of_memory(error):
            raise
        _collect()
        raise placement.memory_error(spec, f"does not fit into the memory of {device}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars and no advice from the libraries on standard error while a model is opened."""
    libraries = (diffusers.utils.logging, transformers.utils.logging)
    levels = [library.get_verbosity() for library in libraries]
    bars = [library.is_progress_bar_enabled() for library in libraries]
    for library in libraries:
        library.set_verbosity_error()
        library.disable_progress_bar()
    try:
        yield
    finally:
        for library, level, bar in zip(libraries, levels, bars, strict=True):
            library.set_verbosity(level)
            if bar:
                library.enable_progress_bar()
