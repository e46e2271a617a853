"""Parts that a model's folder shares with a sibling, so that none is shipped twice.

A pipeline folder may hold `borrowed.json`: part -> name of the folder beside it that has the part, such as
{"vae": "scenes-diffusion"}. Whoever asks for a part's place gets the sibling's; fingerprint and checksums cover what is
borrowed as if it lay in the folder, so that a shared part that was changed changes every model that uses it.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from inspector.errors import ModelFilesError

BORROWED = "borrowed.json"
PARTS = ("vae", "text_encoder", "tokenizer", "scheduler")  # which parts may be borrowed; the UNet is the model itself


def borrowed(folder: Path) -> dict[str, Path]:
    """Part -> the sibling's folder that holds it; empty where nothing is borrowed.

    Raises ModelFilesError when borrowed.json is damaged, names what is no part or no sibling, or a part that is also in
    the folder, and when the sibling does not hold the part.
    """
    told = folder / BORROWED
    if not told.is_file():
        return {}
    try:
        named = json.loads(told.read_text("utf-8"))
    except ValueError:  # not JSON, or not even text
        named = None
    if not isinstance(named, dict):
        raise ModelFilesError(f"{told} is damaged: it is not a JSON object; copy it again.")
    return {part: _place(folder, part, sibling) for part, sibling in sorted(named.items())}


def _place(folder: Path, part: str, sibling: object) -> Path:
    told = folder / BORROWED
    if part not in PARTS:
        raise ModelFilesError(f"{told} borrows {part!r}, which is no part; name {', '.join(PARTS)} alone.")
    # A bare name: neither a way out of the folder that both lie in, nor the folder itself.
    if not isinstance(sibling, str) or sibling in ("", ".", "..", folder.name) or set(sibling) & set("/\\:"):
        raise ModelFilesError(
            f"{told} borrows {part} from {str(sibling)[:60]!r}, which is no name of a folder beside it; name one."
        )
    if (folder / part).exists():
        raise ModelFilesError(f"{told} borrows {part}, which {folder} also holds; remove one of the two.")
    place = folder.parent / sibling / part
    if not place.is_dir():
        raise ModelFilesError(
            f"{folder} borrows {part} from {sibling}, and {place} is missing; copy that folder beside it."
        )
    return place


def place_of(folder: Path, part: str) -> Path:
    """Where a part of a model's folder lies: in it, or in the sibling it is borrowed from. Raises as `borrowed`."""
    return borrowed(folder).get(part, folder / part)


def lend(lender: Path, folder: Path) -> None:
    """Give a folder all PARTS of another: by name where the two lie side by side, else as copies."""
    beside = lender.resolve().parent == folder.resolve().parent
    places = {part: place_of(lender, part) for part in PARTS}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / BORROWED).unlink(missing_ok=True)
    for part, place in places.items():
        if (folder / part).exists():
            shutil.rmtree(folder / part)
        if not beside:
            shutil.copytree(place, folder / part)
    if beside:
        told = {part: place.parent.name for part, place in places.items()}
        (folder / BORROWED).write_text(json.dumps(told, indent=2) + "\n", "utf-8")


def files_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """(name, place) of every file of a model in order of names, borrowed ones under the name they had in `folder`."""
    found = [(file.relative_to(folder), file) for file in folder.rglob("*") if file.is_file()]
    for part, place in borrowed(folder).items():
        found += [(part / file.relative_to(place), file) for file in place.rglob("*") if file.is_file()]
    yield from ((name.as_posix(), file) for name, file in sorted(found))
