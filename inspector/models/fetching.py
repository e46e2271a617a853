"""Fetch a hub model's files into the cache: configuration, tokenizer and safetensors, nothing else."""

import errno
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HTTPError,  # the base of all network errors of the hub's own HTTP library
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    XetDownloadError,
)
from huggingface_hub.utils.tqdm import tqdm

from inspector.errors import ModelFetchError, ModelFilesError
from inspector.models.catalog import INSTEAD, Kind, ModelSpec
from inspector.models.files import (
    CLIP_CONFIG,
    CLIP_WEIGHTS,
    PARTS,
    PICKLES,
    PIPELINE_CONFIG,
    SEGMENTER_CONFIG,
    SEGMENTER_PIXELS,
    SEGMENTER_WEIGHTS,
    clip_weights,
    pipeline_variant,
    segmenter_type,
)
from inspector.settings import settings

Report = Callable[[str, float], None]

TOKENIZER = ("vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
CHECKS: Mapping[Kind, Callable[[Path], Any]] = {
    "clip": clip_weights,
    "diffusion": pipeline_variant,
    "segmenter": segmenter_type,
}
TIMEOUT = 20.0  # seconds the hub may take to answer


@dataclass(frozen=True)
class Fetched:
    """A folder with a model's files, and the commit they are of."""

    folder: Path
    commit: str


def fetch(spec: ModelSpec, report: Report) -> Fetched:
    """The files of a hub model, from the cache if all are there, else from the hub.

    report: called with a sentence and the share of the bytes that have come, 0 to 1.
    Raises ModelFetchError when there is no network, access or such repository, ModelFilesError when the
    repository lacks files.
    """
    cached = _cached(spec)
    if cached is not None:
        return cached
    if settings().offline:
        raise ModelFetchError(
            f"{spec.title} is not on this machine and INSPECTOR_OFFLINE forbids fetching it; "
            f"unset INSPECTOR_OFFLINE{_or_embedded(spec)}"
        )
    try:
        return _download(spec, report)
    except (HTTPError, XetDownloadError, OSError) as error:  # the hub's other errors are one of these
        raise _explain(spec, error) from error


def wanted_files(spec: ModelSpec, names: list[str]) -> list[str]:
    """Which of a repository's files the model is loaded from. Raises ModelFilesError when some lack."""
    if spec.kind == "clip":
        weights = [name for name in CLIP_WEIGHTS if name in names][:1]
        _require(spec, weights, names, CLIP_WEIGHTS[0])
        return [name for name in names if name in (CLIP_CONFIG, *TOKENIZER)] + weights
    if spec.kind == "segmenter":
        for name in (SEGMENTER_CONFIG, SEGMENTER_PIXELS, SEGMENTER_WEIGHTS):
            _require(spec, [name] if name in names else [], names, name)
        known = (SEGMENTER_CONFIG, SEGMENTER_PIXELS, SEGMENTER_WEIGHTS, *TOKENIZER)
        return [name for name in names if name in known]
    suffix = f".{spec.variant}" if spec.variant else ""
    wanted = [PIPELINE_CONFIG, "scheduler/scheduler_config.json"]
    wanted += [f"{part}/config.json" for part in PARTS]
    wanted += [name for name in names if name.startswith("tokenizer/") and name.partition("/")[2] in TOKENIZER]
    for part, stem in PARTS.items():
        single = f"{part}/{stem}{suffix}.safetensors"
        shards = [name for name in names if name.startswith(f"{part}/{stem}-") and name.endswith(".safetensors")]
        shards = [name for name in shards if (".fp16" in name) == bool(suffix)]
        weights = [single] if single in names else shards
        _require(spec, weights, names, single)
        index = f"{part}/{stem}.safetensors.index{suffix}.json"
        wanted += weights + [name for name in (index,) if weights == shards and name in names]
    for name in wanted:
        _require(spec, [name] if name in names else [], names, name)
    return wanted


def _require(spec: ModelSpec, found: list[str], names: list[str], wanted: str) -> None:
    if found:
        return
    pickled = any(name.endswith(PICKLES) for name in names)
    what = "only pickled weights, which are never loaded" if pickled and wanted.endswith(".safetensors") else "less"
    raise ModelFilesError(f"{spec.source} has no {wanted} ({what}); choose another model.")


def _cached(spec: ModelSpec) -> Fetched | None:
    """The model in the cache, None unless all its files are there."""
    try:
        folder = Path(
            snapshot_download(
                spec.source, revision=spec.revision or None, cache_dir=settings().cache, local_files_only=True
            )
        )
        CHECKS[spec.kind](folder)
    except (LocalEntryNotFoundError, ModelFilesError):
        return None
    return Fetched(folder, folder.name)


def _download(spec: ModelSpec, report: Report) -> Fetched:
    # Asked first because it fails at once without a network, where a download would retry for long.
    info = HfApi().model_info(spec.source, revision=spec.revision or None, files_metadata=True, timeout=TIMEOUT)
    sizes = {item.rfilename: item.size or 0 for item in info.siblings or []}
    wanted = wanted_files(spec, list(sizes))
    total, commit = max(1, sum(sizes[name] for name in wanted)), str(info.sha)
    before, path = 0, ""
    for name in wanted:
        bar = _reporting_bar(spec, report, before, total)
        path = hf_hub_download(
            spec.source, name, revision=commit, cache_dir=settings().cache, etag_timeout=TIMEOUT, tqdm_class=bar
        )
        before += sizes[name]
        report(f"Fetching {spec.title}", min(1.0, before / total))
    return Fetched(Path(path.removesuffix(wanted[-1])), commit)


def _reporting_bar(spec: ModelSpec, report: Report, before: int, total: int) -> type[tqdm]:
    """A progress bar that prints nothing and tells `report` what share of all files has come."""

    class Bar(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.done = kwargs.get("initial", 0)
            super().__init__(*args, **{**kwargs, "disable": True})

        def update(self, n: float | None = 1) -> None:
            self.done += n or 0
            share = min(1.0, (before + self.done) / total)
            report(f"Fetching {spec.title}: {share * total / 1e9:.2f} of {total / 1e9:.2f} GB", share)

    return Bar


def _explain(spec: ModelSpec, error: Exception) -> ModelFetchError:
    """A failed fetch in one sentence that says what to do."""
    page = f"https://huggingface.co/{spec.source}"
    if isinstance(error, GatedRepoError):
        what = f"{spec.title} asks for its licence to be accepted: do so at {page}, then run `hf auth login`"
    elif isinstance(error, RevisionNotFoundError):
        what = f"{spec.source} no longer has the revision {spec.revision}; download it from {page} to a local folder"
    elif isinstance(error, RepositoryNotFoundError):
        what = f"{spec.source} is gone from the hub or needs a login; look at {page}"
    elif isinstance(error, OfflineModeIsEnabled):
        what = f"{spec.title} is not on this machine and HF_HUB_OFFLINE forbids fetching it; unset HF_HUB_OFFLINE"
    elif isinstance(error, HfHubHTTPError) and error.response.status_code in (401, 403):
        what = f"The hub refused {spec.source}: run `hf auth login` with a token that may read {page}"
    elif isinstance(error, HfHubHTTPError):
        what = f"The hub answered {error.response.status_code} for {spec.source}; try again later"
    elif isinstance(error, OSError) and error.errno == errno.ENOSPC:
        what = f"The disk is full: {spec.title} needs {spec.download_gb:.1f} GB; free some, or set INSPECTOR_CACHE"
    else:
        what = f"{spec.title} could not be fetched ({type(error).__name__}): check the network and try again"
    return ModelFetchError(what + _or_embedded(spec))


def _or_embedded(spec: ModelSpec) -> str:
    return f", or use {INSTEAD[spec.kind]}."
