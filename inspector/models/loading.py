"""Load a model by name: once per process, lazily, with progress, and at most a few at a time."""

import gc
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, cast

import diffusers
import torch
import transformers

from inspector.errors import ModelFilesError
from inspector.models import catalog, fetching, forms, placement
from inspector.models.catalog import Kind, ModelSpec
from inspector.models.checksums import checked_fingerprint, file_fingerprint, fingerprint
from inspector.models.clip_adapter import check_clip, open_clip_folder
from inspector.models.diffusion_adapter import open_diffusion_folder
from inspector.models.fetching import Report
from inspector.models.files import check_pipeline, check_segmenter
from inspector.models.imported import open_head_folder
from inspector.models.protocols import ClipModel, DiffusionModel, ImportedHead, PromptableSegmenter, Segmenter
from inspector.models.segmenters import open_segmenter_folder
from inspector.models.single_opening import as_folder
from inspector.settings import ASSETS, settings

OPENERS: dict[Kind, Callable[..., Any]] = {
    "clip": open_clip_folder,
    "diffusion": open_diffusion_folder,
    "segmenter": open_segmenter_folder,
    "head": open_head_folder,
}

CHECKS: dict[Kind, Callable[[Path, ModelSpec], Any]] = {  # of kind and architecture, from the small files alone
    "clip": check_clip,
    "diffusion": lambda folder, spec: check_pipeline(folder),
    "segmenter": lambda folder, spec: check_segmenter(folder),
    "head": lambda folder, spec: None,
}

_loaded: OrderedDict[str, Any] = OrderedDict()  # name -> adapter, the one used longest ago first
_sizes: dict[str, float] = {}  # name -> GB of its weights
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
            model = _open(spec, report)
    return model


def _open(spec: ModelSpec, report: Report) -> Any:
    """Build a model. It is refused in this order: by kind and architecture, by memory, by disk, by its bytes."""
    prepared = fetching.prepare(spec, report) if spec.origin == "hub" else None
    place = prepared.folder if prepared else _own_folder(spec)
    with as_folder(place) if place.is_file() else nullcontext(place) as folder:
        CHECKS[spec.kind](folder, spec)
        return _open_checked(spec, folder, prepared, report)


def _open_checked(spec: ModelSpec, folder: Path, prepared: fetching.Prepared | None, report: Report) -> Any:
    """Of a model whose kind and architecture can be opened."""
    device = placement.chosen_device()
    dtype = placement.chosen_dtype(device, spec)
    placement.check_memory(spec, device, dtype, _held_gb())
    revision = fetching.complete(prepared, report).commit if prepared else _revision(spec, folder)
    if spec.lora:
        revision = f"{revision}+{file_fingerprint(Path(spec.lora[0]))}*{spec.lora[1]:g}"
    for file, word in spec.embeddings:
        revision = f"{revision}+{file_fingerprint(Path(file))}={word}"
    with _build_lock:
        report(f"Opening {spec.title}", 1.0)
        _make_room_for(spec, device, dtype)
        model = _build(spec, folder, revision, device, dtype)
        with _cache_lock:
            _loaded[spec.name] = model
            _sizes[spec.name] = spec.parameters * dtype.itemsize / 1e9
        _forget(len(_loaded) - settings().models_kept)
    return model


def _from_cache(name: str) -> Any:
    with _cache_lock:
        if name in _loaded:
            _loaded.move_to_end(name)
        return _loaded.get(name)


def _held_gb() -> float:
    """Memory in GB of the weights of the models that could be forgotten."""
    with _cache_lock:
        return sum(_sizes.get(name, 0.0) for name in _loaded)


def _make_room_for(spec: ModelSpec, device: torch.device, dtype: torch.dtype) -> None:
    """Forget the models used longest ago, while the new one would not fit beside them."""
    while loaded() and spec.parameters and spec.memory_gb(dtype.itemsize) > placement.free_gb(device):
        _forget(1)


def _forget(count: int) -> None:
    """Forget so many of the models, those used longest ago."""
    with _cache_lock:
        dropped = [_loaded.popitem(last=False) for _ in range(min(count, len(_loaded)))]
    if dropped:
        del dropped
        _collect()


def _collect() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _own_folder(spec: ModelSpec) -> Path:
    """Where the files of an embedded or a local model are."""
    folder = ASSETS / "models" / spec.source if spec.origin == "embedded" else Path(spec.source)
    if not folder.exists():
        raise ModelFilesError(f"{folder} is missing; get the whole repository, its weights included, or train them.")
    return folder


def _revision(spec: ModelSpec, folder: Path) -> str:
    """The hash of the weights; of an embedded model every file must be as it was made."""
    if spec.origin == "embedded":
        return checked_fingerprint(folder)
    if Path(spec.source).is_file():
        return file_fingerprint(Path(spec.source))
    return fingerprint(folder, forms.weights(folder, spec.kind))


def _build(spec: ModelSpec, folder: Path, revision: str, device: torch.device, dtype: torch.dtype) -> Any:
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
