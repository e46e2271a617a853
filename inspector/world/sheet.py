"""A contact sheet: scenes side by side, each with its caption beneath."""

import textwrap
from collections.abc import Sequence

import cv2
import numpy as np

from inspector.world.scene import Scene

MARGIN, LINE = 10, 15
PAPER, INK = (250, 249, 246), (52, 52, 58)
LETTER = 5.6  # pixels a letter takes at this font scale, on average


def contact_sheet(scenes: Sequence[Scene], columns: int = 8, tile: int = 192) -> np.ndarray:
    """uint8 (h, w, 3): `columns` pictures of `tile` pixels a row, captions cut after two lines."""
    step, rise = tile + MARGIN, tile + 2 * LINE + MARGIN
    columns = min(columns, max(len(scenes), 1))
    rows = -(-len(scenes) // columns)
    sheet = np.full((rows * rise + MARGIN, columns * step + MARGIN, 3), PAPER, np.uint8)
    for index, scene in enumerate(scenes):
        top, left = MARGIN + index // columns * rise, MARGIN + index % columns * step
        way = cv2.INTER_AREA if scene.size > tile else cv2.INTER_LINEAR
        sheet[top : top + tile, left : left + tile] = cv2.resize(scene.image, (tile, tile), interpolation=way)
        lines = textwrap.wrap(scene.caption, int(tile / LETTER), max_lines=2, placeholder=" ...")
        for number, line in enumerate(lines):
            foot = (left, top + tile + (number + 1) * LINE - 3)
            cv2.putText(sheet, line, foot, cv2.FONT_HERSHEY_SIMPLEX, 0.36, INK, 1, cv2.LINE_AA)
    return sheet
