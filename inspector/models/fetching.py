"""Fetch a hub model's files into the cache: what is there is used, and only what is missing or broken is fetched.

In two steps, so that a model is refused before its bytes are fetched: `prepare` sees to the small files, from which
kind and architecture are read, and `complete` to the weights.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

from filelock import Timeout
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import HTTPError, RevisionNotFoundError, XetDownloadError
from huggingface_hub.utils import WeakFileLock

from inspector.errors import ModelFilesError
from inspector.models import fetch_errors, transfer
from inspector.models.catalog import ModelSpec
from inspector.models.files import PIPELINE_CONFIG, read_json
from inspector.models.hub_cache import (
    Held,
    HubFile,
    Listing,
    blob,
    cache_folders,
    held,
    is_whole,
    is_whole_blob,
    repository,
)
from inspector.models.transfer import WrongBytesError
from inspector.models.wanted import variants, wanted_files
from inspector.settings import settings

Report = Callable[[str, float], None]

SPARE = 50_000_000  # bytes of a disk that are left free
WAITING = 0.5  # seconds between two looks whether another process has fetched the same file


@dataclass(frozen=True)
class Fetched:
    """A folder with a model's files, and the commit they are of."""

    folder: Path
    commit: str


@dataclass(frozen=True)
class Prepared:
    """A model whose small files are in a folder. missing: what is still to be fetched. total: bytes of all files."""

    spec: ModelSpec
    folder: Path
    commit: str
    missing: tuple[HubFile, ...] = ()
    total: int = 0


def fetch(spec: ModelSpec, report: Report) -> Fetched:
    """The files of a hub model, from the cache if all are there, else from the hub.

    report: called with a sentence and the share of the bytes that have come, 0 to 1; what it raises ends the fetch,
    and the next one goes on from there. Raises ModelFetchError when there is no network, access, room or such
    repository, ModelFilesError when the repository lacks files.
    """
    return complete(prepare(spec, report), report)


def prepare(spec: ModelSpec, report: Report) -> Prepared:
    """Find out what is there and what is missing, and see to the small files. As `fetch`, before any weights."""
    there = held(spec)
    if there is not None and not there.lacking:
        if spec.revision and there.commit != spec.revision:
            report(f"{spec.title}: the cache has commit {there.commit[:12]}, which is used", 0.0)
        return Prepared(spec, there.folder, there.commit)
    if settings().offline or constants.is_offline_mode():
        raise fetch_errors.offline(spec, there, "INSPECTOR_OFFLINE" if settings().offline else "HF_HUB_OFFLINE")
    if there is not None:
        report(fetch_errors.incomplete(spec, there), 0.0)
    with _explained(spec):
        return _plan(spec, there, report)


def complete(prepared: Prepared, report: Report) -> Fetched:
    """Fetch what is missing, once all of it fits on the disk. As `fetch`."""
    spec, place = prepared.spec, prepared.folder.parents[1]
    if prepared.missing:
        with _explained(spec):
            _check_disk(prepared)
            before = prepared.total - sum(file.size for file in prepared.missing)
            for file in prepared.missing:
                _bring(spec, place, prepared.commit, file, _told(spec, report, before, prepared.total))
                before += file.size
            report(f"Fetching {spec.title}", 1.0)
    return Fetched(prepared.folder, prepared.commit)


def _plan(spec: ModelSpec, there: Held | None, report: Report) -> Prepared:
    """Of the catalog's commit and the one that the cache holds, in either variant, the one with least to fetch."""
    listings = [_listing(spec, spec.revision or None)]
    if there is not None and there.commit != listings[0].commit:
        with suppress(RevisionNotFoundError):  # a commit that is gone cannot be completed
            listings.append(_listing(spec, there.commit))
    plans, refused = [], []
    for listing in listings:
        index = _index(spec, listing)
        for variant in variants(spec):
            try:
                names = wanted_files(spec, list(listing.files), variant, index)
            except ModelFilesError as error:
                refused.append(error)
                continue
            files = [listing.files[name] for name in names]
            plans.append((sum(file.size for file in files if not _is_there(spec, listing, file)), listing, files))
    if not plans:
        raise refused[0]
    _, listing, files = min(plans, key=lambda plan: plan[0])
    place = repository(cache_folders()[0], spec)
    folder, missing = place / "snapshots" / listing.commit, []
    for file in files:
        if _is_there(spec, listing, file) or not file.name.endswith(".safetensors"):
            _bring(spec, place, listing.commit, file, lambda come: report(f"Fetching {spec.title}", 0.0))
        else:
            missing.append(file)
    _note_branch(spec, place, listing)
    return Prepared(spec, folder, listing.commit, tuple(missing), max(1, sum(file.size for file in files)))


def _listing(spec: ModelSpec, revision: str | None) -> Listing:
    # Fails at once without a network, where a download would retry for long.
    api = HfApi(endpoint=constants.ENDPOINT)
    info = api.model_info(spec.source, revision=revision, files_metadata=True, timeout=transfer.TIMEOUT)
    files = {}
    for item in info.siblings or []:
        digest = item.lfs.sha256 if item.lfs else item.blob_id
        files[item.rfilename] = HubFile(item.rfilename, int(item.size or 0), str(digest))
    return Listing(str(info.sha), files)


def _index(spec: ModelSpec, listing: Listing) -> Mapping[str, object] | None:
    """What model_index.json holds, fetched where it is not there; None where there is none."""
    file = listing.files.get(PIPELINE_CONFIG)
    if spec.kind != "diffusion" or file is None:
        return None
    place = repository(cache_folders()[0], spec)
    _bring(spec, place, listing.commit, file, lambda come: None)
    return read_json(place / "snapshots" / listing.commit / PIPELINE_CONFIG)


def _is_there(spec: ModelSpec, listing: Listing, file: HubFile) -> bool:
    return any(is_whole(place, file.size) for place in _places(spec, listing.commit, file))


def _places(spec: ModelSpec, commit: str, file: HubFile) -> Iterator[Path]:
    """Where a file's bytes may lie: under its name in the snapshot, or as a blob that another commit brought."""
    for cache in cache_folders():
        yield repository(cache, spec) / "snapshots" / commit / file.name
    bytes_ = blob(spec, file)
    if bytes_ is not None:
        yield bytes_


def _bring(spec: ModelSpec, place: Path, commit: str, file: HubFile, told: transfer.Told) -> None:
    """See to it that a file is whole under its name in the snapshot: it is, or its bytes are linked, or fetched."""
    pointer = place / "snapshots" / commit / file.name
    for found in _places(spec, commit, file):
        if is_whole(found, file.size):
            if found != pointer:
                _link(found.resolve(), pointer)
            return
    target, lock = place / "blobs" / file.hash, place.parent / ".locks" / place.name / f"{file.hash}.lock"
    for folder in (target.parent, lock.parent, pointer.parent):
        folder.mkdir(parents=True, exist_ok=True)
    with _locked(lock, lambda: told(transfer.came(target))):
        if not is_whole_blob(target, file):
            _set_aside(target, file)
            url = f"{constants.ENDPOINT}/{spec.source}/resolve/{commit}/{quote(file.name)}"
            transfer.transfer(url, file, target, told)
    _link(target.resolve(), pointer)


def _set_aside(target: Path, file: HubFile) -> None:
    """A blob that was cut short becomes the beginning of what is fetched; one that is too long goes."""
    if not target.exists():
        return
    if target.stat().st_size < file.size and transfer.came(target) < target.stat().st_size:
        os.replace(target, transfer.partial(target))
    else:
        target.unlink()


def _link(found: Path, pointer: Path) -> None:
    """Put a file under a name, in place of what is there: a link to nothing, or a file that is not whole."""
    pointer.parent.mkdir(parents=True, exist_ok=True)
    made = pointer.with_name(f".{pointer.name}.{uuid4().hex}")  # others may do the same at this moment
    near = found.parents[1] in pointer.parent.resolve().parents  # both of one repository, which may be moved
    try:
        made.symlink_to(os.path.relpath(found, pointer.parent.resolve()) if near else found)
    except OSError:  # where links are not allowed, such as on Windows
        shutil.copyfile(found, made)
    os.replace(made, pointer)


@contextmanager
def _locked(lock: Path, waits: Callable[[], None]) -> Iterator[None]:
    """The lock of a blob, the same that huggingface_hub takes; meanwhile `waits` is called, and may raise."""
    while True:
        try:
            with WeakFileLock(lock, timeout=WAITING):
                yield
                return
        except Timeout:
            waits()


def _note_branch(spec: ModelSpec, place: Path, listing: Listing) -> None:
    """Write down which commit the branch is at, where the catalog names none, so that it is found again offline."""
    if not spec.revision:
        (place / "refs").mkdir(parents=True, exist_ok=True)
        (place / "refs" / "main").write_text(listing.commit, "utf-8")


def _check_disk(prepared: Prepared) -> None:
    """Raise ModelFetchError when what is still to come does not fit on the cache's disk."""
    blobs = prepared.folder.parents[1] / "blobs"
    needed = sum(file.size - transfer.came(blobs / file.hash) for file in prepared.missing)
    free = shutil.disk_usage(prepared.folder).free
    if needed + SPARE > free:
        raise fetch_errors.no_room(prepared.spec, cache_folders()[0], needed, free)


def _told(spec: ModelSpec, report: Report, before: int, total: int) -> transfer.Told:
    """What tells `report` how much of all files has come."""

    def told(come: int) -> None:
        done = before + come
        report(f"Fetching {spec.title}: {done / 1e9:.2f} of {total / 1e9:.2f} GB", min(1.0, done / total))

    return told


@contextmanager
def _explained(spec: ModelSpec) -> Iterator[None]:
    """Whatever fails is one sentence that says what to do."""
    try:
        yield
    except (HTTPError, XetDownloadError, OSError, WrongBytesError) as error:  # the hub's other errors are one of these
        raise fetch_errors.explain(spec, error, cache_folders()[0]) from error
