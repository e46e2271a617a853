"""Segmentation in the formats of annotation tools: COCO with run lengths, Label Studio, a PNG of indices.

All three are read back by `read_masks`, so that what was corrected elsewhere can be measured against here.
"""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from inspector.errors import InputError
from inspector.results import Masks, SegmentationResult, resize_maps
from inspector.views.run_lengths import brush, compressed, decompressed, from_brush, from_run_lengths, run_lengths
from inspector.views.segmentation import colors

LARGEST = 64_000_000  # bytes of a file of masks


def index_png(result: SegmentationResult) -> bytes:
    """Labels as an 8-bit PNG whose palette has the view's colours: 0 is background, i the i-th class.

    Of more than 255 classes a PNG of 16 bits, without colours.
    """
    if len(result.names) > 255:
        image = Image.fromarray(result.labels.astype(np.uint16))
    else:
        image = Image.fromarray(result.labels.astype(np.uint8), "P")
        image.putpalette(colors(result).tobytes())
    written = io.BytesIO()
    image.save(written, "PNG", optimize=True)
    return written.getvalue()


def coco(result: SegmentationResult) -> dict[str, Any]:
    """COCO's object annotations: one per class, as a crowd in compressed run lengths; category i is the i-th class."""
    size = result.labels.shape
    masks, scores = {}, {}
    for index, name in enumerate(result.names, 1):
        masks[name] = mask = result.labels == index
        if mask.any():
            scores[name] = float(resize_maps(result.grid_scores[index - 1], size)[mask].mean())
    return coco_of(masks, scores, size)


def coco_of(masks: Masks, scores: Mapping[str, float], size: tuple[int, ...]) -> dict[str, Any]:
    """COCO's object annotations of masks bool (h, w) by name, those left out in which nothing is; size: the picture's.

    Each is a crowd: all that is called so, not one object.
    """
    height, width = size
    annotations: list[dict[str, Any]] = []
    for index, (name, mask) in enumerate(masks.items(), 1):
        if not mask.any():
            continue
        annotations.append(
            {
                "id": index,
                "image_id": 1,
                "category_id": index,
                "segmentation": {"size": [height, width], "counts": compressed(run_lengths(mask))},
                "area": int(mask.sum()),
                "bbox": list(cv2.boundingRect(mask.astype(np.uint8))),
                "iscrowd": 1,
                "score": round(scores[name], 6),
            }
        )
    return {
        "images": [{"id": 1, "file_name": "image.png", "height": height, "width": width}],
        "categories": [{"id": index, "name": name} for index, name in enumerate(masks, 1)],
        "annotations": annotations,
    }


def label_studio(result: SegmentationResult) -> list[dict[str, Any]]:
    """A Label Studio task with one brush region per class, `BrushLabels` of the classes' names, as a prediction."""
    height, width = result.labels.shape
    brushed = [
        {
            "id": f"class-{index}",
            "type": "brushlabels",
            "from_name": "label",
            "to_name": "image",
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "value": {"format": "rle", "rle": brush(result.labels == index), "brushlabels": [name]},
        }
        for index, name in enumerate(result.names, 1)
        if (result.labels == index).any()
    ]
    return [
        {"data": {"image": "image.png"}, "predictions": [{"model_version": result.request.method, "result": brushed}]}
    ]


def files(result: SegmentationResult) -> dict[str, bytes]:
    """Name -> bytes of all three, which `export.write_result` writes beside the figure."""
    return {
        "labels.png": index_png(result),
        "coco.json": json.dumps(coco(result)).encode(),
        "label-studio.json": json.dumps(label_studio(result)).encode(),
    }


def read_masks(file: Path) -> Masks:
    """Class -> bool (h, w) of a file of COCO or Label Studio annotations of one picture, regions of a class joined.

    Raises InputError for a file that is neither, or whose masks are damaged.
    """
    try:
        if file.stat().st_size > LARGEST:
            raise InputError(f"{str(file)!r} has over {LARGEST // 10**6} MB; give annotations of one picture.")
        told = json.loads(file.read_text("utf-8"))
        found = _of_coco(told) if isinstance(told, Mapping) else _of_label_studio(told)
    except OSError as error:
        raise InputError(f"Cannot read {str(file)!r}: {error.strerror}; give a file of annotations.") from None
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        raise InputError(
            f"{str(file)!r} holds no annotations of one picture that can be read; export COCO's object annotations "
            "with run lengths, or Label Studio's JSON with brush labels."
        ) from None
    if len({mask.shape for mask in found.values()}) > 1:
        raise InputError(f"{str(file)!r} has masks of several sizes; give annotations of one picture.")
    return found


def _of_coco(told: Mapping[str, Any]) -> dict[str, np.ndarray]:
    names = {category["id"]: str(category["name"]) for category in told["categories"]}
    found: dict[str, np.ndarray] = {}
    for item in told["annotations"]:
        height, width = (int(length) for length in item["segmentation"]["size"])
        counts = item["segmentation"]["counts"]
        runs = decompressed(counts) if isinstance(counts, str) else [int(count) for count in counts]
        _join(found, names[item["category_id"]], from_run_lengths(runs, (height, width)))
    return found


def _of_label_studio(told: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    task = told[0]
    found: dict[str, np.ndarray] = {}
    for region in [*task.get("annotations", []), *task.get("predictions", [])][0]["result"]:
        if region["type"] != "brushlabels":
            continue
        size = int(region["original_height"]), int(region["original_width"])
        for name in region["value"]["brushlabels"]:
            _join(found, str(name), from_brush(region["value"]["rle"], size))
    return found


def _join(found: dict[str, np.ndarray], name: str, mask: np.ndarray) -> None:
    known = found.get(name)
    if known is not None and known.shape != mask.shape:
        raise ValueError(name)
    found[name] = mask if known is None else known | mask
