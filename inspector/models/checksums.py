"""What a model's bytes are: the fingerprint that results carry, and the checksums of the embedded folders."""

import hashlib
import json
from collections.abc import Collection, Iterator
from pathlib import Path

from inspector.errors import ModelFilesError
from inspector.models.borrowing import files_of, place_of
from inspector.models.files import read_json

CHECKSUMS = "checksums.json"
COMPUTING = (".safetensors", ".json", ".gz")  # endings of what changes what a model computes: weights, settings, merges
DESCRIBING = ("card.json", CHECKSUMS)  # and what does not
AGAIN = "get the repository's files again, or train them anew, which writes it"


def fingerprint(folder: Path, loaded: Collection[Path] | None = None) -> str:
    """First 12 hexadecimal digits of a SHA-256 over the model's weights, names and borrowed parts included.

    loaded: the files that the model is loaded from, where others lie beside them; None for every safetensors file.
    """
    digest = hashlib.sha256()
    for name, file in files_of(folder):
        if file.suffix == ".safetensors" and (loaded is None or file in loaded):
            digest.update(name.encode())
            for block in _blocks(file):
                digest.update(block)
    return digest.hexdigest()[:12]


def file_fingerprint(file: Path) -> str:
    """As `fingerprint`, of a model that is a single file; its name does not count."""
    digest = hashlib.sha256()
    for block in _blocks(file):
        digest.update(block)
    return digest.hexdigest()[:12]


def checked_fingerprint(folder: Path) -> str:
    """The folder's `fingerprint`, each file read once, when its files are as its checksums.json says.

    Raises ModelFilesError, which names the file, for one that was changed, is missing or was added, and where there
    are no checksums.
    """
    if not (folder / CHECKSUMS).is_file():
        raise ModelFilesError(
            f"{folder} has no {CHECKSUMS}, so nobody can tell whether its files were changed since they were made; "
            f"{AGAIN}."
        )
    known, (revision, found) = read_json(folder / CHECKSUMS), _checksums(folder)
    for name in sorted(known.keys() | found.keys()):
        part, _, rest = name.partition("/")
        file = place_of(folder, part) / rest
        if name not in found:
            raise ModelFilesError(f"{file} is missing; {AGAIN}.")
        if name not in known:
            raise ModelFilesError(f"{file} is no part of the model that {CHECKSUMS} describes; remove it.")
        if found[name] != known[name]:
            raise ModelFilesError(
                f"{file} was changed since it was made: its bytes do not match {folder.name}/{CHECKSUMS}; {AGAIN}."
            )
    return revision


def write_checksums(folder: Path) -> None:
    """Write `folder`/checksums.json: the SHA-256 of what changes what it computes, borrowed files included."""
    (folder / CHECKSUMS).write_text(json.dumps(_checksums(folder)[1], indent=2) + "\n", "utf-8")


def _checksums(folder: Path) -> tuple[str, dict[str, str]]:
    """The model's `fingerprint`, and the SHA-256 of each file that changes what it computes, by name."""
    weights, found = hashlib.sha256(), {}
    for name, file in files_of(folder):
        if file.suffix not in COMPUTING or name in DESCRIBING:
            continue
        digest, is_weights = hashlib.sha256(), file.suffix == ".safetensors"
        if is_weights:
            weights.update(name.encode())
        for block in _blocks(file):
            digest.update(block)
            if is_weights:
                weights.update(block)
        found[name] = digest.hexdigest()
    return weights.hexdigest()[:12], found


def _blocks(file: Path) -> Iterator[bytes]:
    """The file's bytes; a text's lines end in the same way whatever a checkout on Windows has made of them."""
    if file.suffix == ".json":
        yield file.read_bytes().replace(b"\r\n", b"\n")
        return
    with open(file, "rb") as stream:
        while block := stream.read(1 << 20):
            yield block
