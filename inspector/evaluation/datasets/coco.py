"""COCO, val2017: panoptic masks as labels of 133 classes, as ODISE is measured, or COCO-Stuff's 171, as SAN is trained.

- 133: val2017/*.jpg, annotations/panoptic_val2017.json and panoptic_val2017/*.png, whose colours are the ids of
  segments. Every pixel of a segment gets its category; 0 is void.
- 171: val2017/*.jpg and stuffthingmaps/val2017/*.png, where a value is a category's id less one, and 255 is void.

Both give every pixel one label as they are, so that no outline or run-length code has to be drawn.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from inspector.errors import ImageError, InputError
from inspector.evaluation.datasets.dataset import VOID, Dataset, Entry, folder_of, paired
from inspector.evaluation.datasets.masks import mapped, read_ids, read_mask
from inspector.vocabularies import vocabulary

SIZES = (133, 171)
# Category ids, in the order of the vocabularies. Ten of the first 90 were never used.
THINGS = tuple(sorted(set(range(1, 91)) - {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}))
PANOPTIC_STUFF = (
    92, 93, 95, 100, 107, 109, 112, 118, 119, 122, 125, 128, 130, 133, 138, 141, 144, 145, 147, 148, 149, 151, 154, 155,
    156, 159, 161, 166, 168, 171, 175, 176, 177, 178, 180, 181, *range(184, 201),
)  # fmt: skip
PANOPTIC = {category: index for index, category in enumerate((*THINGS, *PANOPTIC_STUFF))}
STUFF = {category: index for index, category in enumerate((*THINGS, *range(92, 183)))}


def read(root: Path, size: int) -> Dataset:
    """The data set of such a folder. Raises InputError where its folders or its list are missing or damaged."""
    images, title = folder_of(root, "val2017"), f"COCO val2017, {size} classes"
    if size == 171:
        entries = paired(images, folder_of(root, "stuffthingmaps/val2017"), (".png",))
        return Dataset(title, vocabulary("coco-171"), entries, stuff)
    masks, file = folder_of(root, "panoptic_val2017"), root / "annotations" / "panoptic_val2017.json"
    try:
        told = json.loads(file.read_text(encoding="utf-8"))["annotations"]
        entries = tuple(_entry(item, images, masks) for item in told)
    except OSError as error:
        raise InputError(f"Cannot read {str(file)!r}: {error.strerror}; fetch COCO's panoptic annotations.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{str(file)!r} is no list of panoptic annotations; fetch COCO's again.") from None
    return Dataset(title, vocabulary("coco-133"), entries, panoptic)


def _entry(item: Any, images: Path, masks: Path) -> Entry:
    stem = Path(item["file_name"]).stem
    segments = {int(segment["id"]): int(segment["category_id"]) for segment in item["segments_info"]}
    return Entry(stem, images / f"{stem}.jpg", masks / f"{stem}.png", segments)


def panoptic(entry: Entry) -> np.ndarray:
    """Labels of one panoptic mask as `Dataset.decode`."""
    unknown = sorted({category for category in entry.segments.values() if category not in PANOPTIC})
    if unknown:
        raise ImageError(
            f"The list gives {entry.key!r} segments of category {unknown[0]}, which is none of the 133; fetch it again."
        )
    table = {0: VOID} | {number: PANOPTIC[category] for number, category in entry.segments.items()}
    return mapped(read_ids(entry.mask), table, "the segments", entry.mask.name)


def stuff(entry: Entry) -> np.ndarray:
    """Labels of one COCO-Stuff mask as `Dataset.decode`."""
    table = {255: VOID} | {category - 1: index for category, index in STUFF.items()}
    return mapped(read_mask(entry.mask), table, "the values", entry.mask.name)
