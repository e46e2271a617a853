"""Raster: a sheet as pixels, laid out as `layout` says, for a PNG and for the frames of a film."""

import cv2
import numpy as np
from PIL import Image, ImageDraw

from inspector.views.figure import FAINT, GROUND, INK, Sheet
from inspector.views.layout import CELL, Layout
from inspector.views.lettering import font
from inspector.views.marks import Block
from inspector.views.overlay import picture


def draw(sheet: Sheet, cell: int = CELL, inches: float | None = None) -> np.ndarray:
    """The figure as uint8 RGB; cell, inches and what is raised: as of `Layout`.

    By cell its type has at least 14 pixels; by inches it has `strips.DPI` pixels to the inch.
    """
    layout = Layout(sheet, cell, inches)
    canvas = Image.new("RGB", (layout.width, layout.height), GROUND)
    pen = ImageDraw.Draw(canvas)
    for block in layout.blocks():
        canvas.paste(Image.fromarray(_pixels(block)), (block.left, block.top))
    for swatch in layout.swatches():
        x, y, side = swatch.x, swatch.y, swatch.side
        pen.rectangle((x, y, x + side, y + side), tuple(int(v) for v in swatch.color), FAINT)
    for line in layout.lines():
        color, type_ = FAINT if line.faint else INK, font(line.size, line.bold)
        if line.up:
            long = round(type_.getlength(line.text)) + 2
            strip = Image.new("RGB", (long, layout.type.line), GROUND)
            ImageDraw.Draw(strip).text((long / 2, layout.type.line / 2), line.text, color, type_, anchor=line.anchor)
            canvas.paste(strip.rotate(90, expand=True), (int(line.x - layout.type.line / 2), int(line.y - long / 2)))
        else:
            pen.text((line.x, line.y), line.text, color, type_, anchor=line.anchor)
    return np.asarray(canvas)  # not one more copy


def _pixels(block: Block) -> np.ndarray:
    if block.ramp:
        return cv2.resize(block.image, (block.width, block.height), interpolation=cv2.INTER_LINEAR)
    return picture(block.image, (block.height, block.width))
