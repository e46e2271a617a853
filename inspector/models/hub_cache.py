"""The hub's cache on this disk: what of a model is there, whoever put it there, and whether it is whole.

A cache holds, for each repository, `blobs/` (the bytes, each file named by its hash), `snapshots/COMMIT/` (the names,
as links to blobs), `refs/` (which commit a branch is), and from huggingface_hub 2 on `trees/COMMIT.json` (which files
the commit has, with their sizes). Layout: huggingface.co/docs/huggingface_hub/guides/manage-cache.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import constants

from inspector.errors import ModelFilesError
from inspector.models.catalog import ModelSpec
from inspector.models.files import PIPELINE_CONFIG, check_header, read_json
from inspector.models.wanted import variants, wanted
from inspector.settings import settings


@dataclass(frozen=True)
class HubFile:
    """A file of a repository: its name, its size in bytes, and its hash (SHA-256 of large ones, else git's SHA-1)."""

    name: str
    size: int
    hash: str


@dataclass(frozen=True)
class Listing:
    """All files of a commit, by name."""

    commit: str
    files: Mapping[str, HubFile]


@dataclass(frozen=True)
class Held:
    """What the snapshot of a commit holds of a model.

    variant: suffix of the weights' names. whole: names of files that are as they should be. lacking: what is required
    and missing -> its size in bytes, 0 where unknown. broken: of these the ones that are there and not whole.
    """

    folder: Path
    commit: str
    variant: str
    whole: tuple[str, ...]
    lacking: Mapping[str, int]
    broken: tuple[str, ...]

    @property
    def bytes(self) -> int:
        """Bytes of what is whole."""
        return sum((self.folder / name).stat().st_size for name in self.whole)


def cache_folders() -> tuple[Path, ...]:
    """Where models are looked for: INSPECTOR_CACHE, then the hub's own cache. The first is where they are put."""
    own, hubs = settings().cache, Path(constants.HF_HUB_CACHE).expanduser()
    return (hubs,) if own is None or own == hubs else (own, hubs)


def repository(cache: Path, spec: ModelSpec) -> Path:
    """The folder of a model's repository in a cache."""
    return cache / f"models--{spec.source.replace('/', '--')}"


def held(spec: ModelSpec) -> Held | None:
    """What the caches hold of a model: a snapshot with all of it, else the one that holds most; None where none does.

    The catalog's own commit and variant go first, then what the branch was at, then other commits, newest first.
    """
    best: Held | None = None
    for folder in _snapshots(spec):
        for variant in variants(spec):
            found = _look(spec, folder, variant)
            if found is None:
                continue
            if not found.lacking:
                return found
            if best is None or found.bytes > best.bytes:
                best = found
    return best


def _snapshots(spec: ModelSpec) -> Iterator[Path]:
    for cache in cache_folders():
        place = repository(cache, spec)
        try:
            folders = [folder for folder in (place / "snapshots").iterdir() if folder.is_dir()]
            branch = place / "refs" / (spec.revision or "main")
            newest = branch.read_text("utf-8").strip() if branch.is_file() else ""
        except (OSError, ValueError):  # not there, not readable
            continue
        ranks = {spec.revision: 0, newest: 1}
        yield from sorted(folders, key=lambda folder: (ranks.get(folder.name, 2), -folder.stat().st_mtime))


def _look(spec: ModelSpec, folder: Path, variant: str) -> Held | None:
    """What a snapshot holds; None where it is nothing of the model's weights, or nobody can tell."""
    sizes = {name: file.size for name, file in tree(folder.parents[1], folder.name).items()}
    there = [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]
    try:
        index = read_json(folder / PIPELINE_CONFIG) if PIPELINE_CONFIG in there else None
        needed = wanted(spec, there, variant, index, folder)
    except ModelFilesError:  # a configuration or an index of shards that is no JSON
        index = None
        needed = wanted(spec, there, variant)
    names = [*needed.required, *needed.optional]
    whole = [name for name in names if name in there and is_whole(folder / name, sizes.get(name))]
    broken = [name for name in needed.required if name in there and name not in whole]
    lacking = {name: sizes.get(name, 0) for name in needed.lacking(whole)}
    if lacking and not any(name.endswith(".safetensors") for name in (*whole, *broken)):
        return None
    return Held(folder, folder.name, variant, tuple(whole), lacking, tuple(broken))


def is_whole(file: Path, size: int | None = None) -> bool:
    """Whether a file is there in full, by its size where that is known, and by its header; nothing is hashed."""
    if not file.is_file() or file.stat().st_size != (file.stat().st_size if size is None else size):
        return False
    try:
        if file.suffix == ".safetensors":
            check_header(file)
        elif file.suffix == ".json":
            read_json(file)
    except ModelFilesError:
        return False
    return file.stat().st_size > 0


def tree(place: Path, commit: str) -> dict[str, HubFile]:
    """The files of a commit as huggingface_hub 2 wrote them down beside the snapshots; empty where it did not."""
    try:
        told = json.loads((place / "trees" / f"{commit}.json").read_text("utf-8"))["files"]
        return {
            name: HubFile(name, int(item["size"]), str(item.get("lfs_sha256") or item["blob_id"]))
            for name, item in told.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # missing, or of another version
        return {}


def blob(spec: ModelSpec, file: HubFile) -> Path | None:
    """A file's bytes in one of the caches, of the right length; None where there are none."""
    for cache in cache_folders():
        found = repository(cache, spec) / "blobs" / file.hash
        if is_whole_blob(found, file):
            return found
    return None


def is_whole_blob(found: Path, file: HubFile) -> bool:
    """Whether a blob has the length that the hub tells."""
    return found.is_file() and found.stat().st_size == file.size
