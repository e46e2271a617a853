"""What is said when a model cannot be fetched: one sentence with what is missing, and what to do."""

import errno
from pathlib import Path

from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    HTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from inspector.errors import ModelFetchError
from inspector.models.catalog import INSTEAD, ModelSpec
from inspector.models.hub_cache import Held
from inspector.models.transfer import WrongBytesError

UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR)
NETWORK = (ConnectionError, TimeoutError)  # of the errors of the system, those that the disk has no part in
KEPT = "what has come is kept, and the next run goes on from there"


def size(count: int) -> str:
    """Bytes for a person: 1.72 GB, 246 MB, 3 kB."""
    if count >= 1_000_000_000:
        return f"{count / 1e9:.2f} GB"
    return f"{count / 1e6:.0f} MB" if count >= 1_000_000 else f"{max(1, round(count / 1000))} kB"


def missing(spec: ModelSpec, there: Held) -> str:
    """What of a model is not there, the largest file first, with its size where it is known."""
    names = sorted(there.lacking, key=lambda name: (-there.lacking[name], not name.endswith(".safetensors")))
    known = sum(there.lacking.values())
    about = max(0, round(spec.download_gb * 1e9) - there.bytes)
    sizes = f"{size(known)}" if all(there.lacking.values()) else f"about {size(about)}" if about else ""
    state = "broken" if names[0] in there.broken else "missing"
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{more} {'are' if more else 'is'} {state}" + (f" ({sizes})" if sizes else "")


def incomplete(spec: ModelSpec, there: Held) -> str:
    """Told before what is missing is fetched."""
    return f"{spec.title} is in the cache, but {missing(spec, there)}"


def offline(spec: ModelSpec, there: Held | None, switch: str) -> ModelFetchError:
    """The error of a model that is not whole here and may not be fetched."""
    if there is None:
        sizes = f" ({size(round(spec.download_gb * 1e9))})" if spec.download_gb else ""
        what = f"{spec.title} is not on this machine{sizes} and {switch} forbids fetching it; unset {switch}"
    else:
        what = (
            f"{spec.title} is in {there.folder}, but {missing(spec, there)}, and {switch} forbids fetching it; "
            f"unset {switch}"
        )
    return ModelFetchError(f"{what}, or use {INSTEAD[spec.kind]}.")


def no_room(spec: ModelSpec, cache: Path, needed: int, free: int) -> ModelFetchError:
    """The error of a disk that is too small."""
    return ModelFetchError(
        f"{spec.title} needs {size(needed)} more on the disk of {cache} and {size(free)} are free; free some, set "
        f"INSPECTOR_CACHE to a folder on another disk, or use {INSTEAD[spec.kind]}."
    )


def explain(spec: ModelSpec, error: Exception, cache: Path) -> ModelFetchError:
    """A failed fetch in one sentence that says what to do."""
    return ModelFetchError(f"{_what(spec, error, cache)}, or use {INSTEAD[spec.kind]}.")


def _what(spec: ModelSpec, error: Exception, cache: Path) -> str:
    page = f"https://huggingface.co/{spec.source}"
    if isinstance(error, WrongBytesError):
        return (
            f"{error} of {spec.title} came twice with other bytes than the hub's; check the network's proxy, try again"
        )
    if isinstance(error, OfflineModeIsEnabled):
        return f"{spec.title} is not on this machine and HF_HUB_OFFLINE forbids fetching it; unset HF_HUB_OFFLINE"
    if isinstance(error, HfHubHTTPError):
        return _refused(spec, error, page)
    if isinstance(error, OSError) and not isinstance(error, (HTTPError, *NETWORK)):
        place = error.filename or cache
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            needs = f"{spec.title} needs {spec.download_gb:.1f} GB"
            return f"The disk is full: {needs}; free some, or set INSPECTOR_CACHE to another; {KEPT}"
        told = f"{place}: {error.strerror or error}"
        if error.errno in UNWRITABLE:
            return f"The cache cannot be written to ({told}); set INSPECTOR_CACHE to a folder that can be"
        return f"The cache cannot be used ({told}); set INSPECTOR_CACHE to another folder"
    name = type(error).__name__
    return f"{spec.title} could not be fetched ({name}): check the network and try again; {KEPT}"


def _refused(spec: ModelSpec, error: HfHubHTTPError, page: str) -> str:
    status = error.response.status_code
    if isinstance(error, DisabledRepoError):
        return f"{spec.source} was disabled on the hub; look at {page}"
    if isinstance(error, GatedRepoError):
        return f"{spec.title} asks for its licence to be accepted: do so at {page}, then run `hf auth login`"
    if isinstance(error, RevisionNotFoundError):
        return f"{spec.source} no longer has the revision {spec.revision}; download it from {page} to a local folder"
    if isinstance(error, RepositoryNotFoundError):
        return f"{spec.source} is gone from the hub or needs a login; look at {page}"
    if status in (401, 403):
        return f"The hub refused {spec.source}: run `hf auth login` with a token that may read {page}"
    if status == 429:
        return f"The hub answered 429 for {spec.source}: too many requests; wait some minutes and try again"
    return f"The hub answered {status} for {spec.source}; try again later"
