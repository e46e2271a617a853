"""A picture in square tiles, and what was computed of them put together again, averaged where tiles overlap.

Models that see one square size, such as Stable Diffusion's 512 pixels, see a long picture tile by tile, as ODISE does
(Xu et al., CVPR 2023): as few tiles as cover it, the last one flush with the far edge.
"""

from collections.abc import Sequence

import torch

Place = tuple[int, int]


def tile_places(size: tuple[int, int], side: int) -> tuple[Place, ...]:
    """Upper left corners (y, x) of the tiles of a picture of `size` pixels (h, w), row by row.

    side: of a tile in pixels; a picture that is smaller than it has one tile, cut at its edge.
    """
    rows, columns = (_starts(length, side) for length in size)
    return tuple((y, x) for y in rows for x in columns)


def _starts(length: int, side: int) -> tuple[int, ...]:
    count = max(1, -(-length // side))
    return tuple(max(0, min(index * side, length - side)) for index in range(count))


def join_tiles(parts: Sequence[torch.Tensor], places: Sequence[Place], size: tuple[int, int]) -> torch.Tensor:
    """(..., h, w) of `size` cells: the mean of the tiles that cover each cell.

    parts: (..., th, tw) per tile. places: (y, x) of their upper left corners in cells.
    """
    total = parts[0].new_zeros((*parts[0].shape[:-2], *size))
    covered = parts[0].new_zeros(size)
    for part, (y, x) in zip(parts, places, strict=True):
        height, width = part.shape[-2:]
        total[..., y : y + height, x : x + width] += part
        covered[y : y + height, x : x + width] += 1
    return total / covered
