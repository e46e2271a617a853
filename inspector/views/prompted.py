"""A mask that points or a box gave, as files: a picture, annotations, and what it was asked by."""

import json
from collections.abc import Mapping

import numpy as np

from inspector.results import PromptedResult, plain
from inspector.views.annotations import coco_of
from inspector.views.export import dumps, png


def files(result: PromptedResult, word: str) -> dict[str, bytes]:
    """Name -> bytes: mask.png, white inside, which the page loads; masks.json, COCO's annotations of a class, which
    `annotations.read_masks` reads; result.json."""
    origin: Mapping[str, object] = {
        "tab": "mask",
        "request": plain(result.request),
        "provenance": plain(result.provenance),
    }
    numbers = {"word": word, "sure": result.sure, "share": float(result.mask.mean())}
    white = np.repeat(result.mask[..., None].astype(np.uint8) * 255, 3, axis=2)
    annotations = coco_of({word: result.mask}, {word: result.sure}, result.mask.shape)
    return {
        "mask.png": png(white, dict(origin)),
        "masks.json": json.dumps(annotations).encode(),
        "result.json": (dumps({**origin, "mask": numbers}, indent=2) + "\n").encode(),
    }
