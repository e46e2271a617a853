"""Colour: perceptual colour maps for values and a colour-blind-safe palette for labels."""

from functools import cache

import numpy as np

from inspector.results import check_choice

# Perceptually even maps: jet and its kin invent edges. "turbo" is not even, and there for whoever asks for it. "grey"
# and "diverging" read well in print; "diverging" belongs to signed values, with zero in its middle.
_MATPLOTLIB = {
    "viridis": "viridis", "cividis": "cividis", "magma": "magma", "grey": "gray", "turbo": "turbo",
    "diverging": "RdBu_r",
}  # fmt: skip
COLORMAPS = tuple(_MATPLOTLIB)
SEQUENTIAL = COLORMAPS[:5]

# Seven colours of Okabe and Ito, then the candidates farthest from all before (CIELAB, normal vision and
# Machado's protan, deutan and tritan simulations). Smallest distance: 16 among 8 colours, 13.8 among 16,
# 7.9 among 32: past 16 the name beside the colour has to help.
# fmt: off
PALETTE = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#7414f8",
    "#bcf8a4", "#801414", "#5c2c50", "#2c2ca4", "#98f8f8", "#8068f8", "#a4b05c", "#5ce0b0",
    "#c8e068", "#502c74", "#b04420", "#803844", "#8c8cf8", "#a45044", "#507474", "#505c80",
    "#8cc8e0", "#8cbc80", "#5038d4", "#d414bc", "#74d4c8", "#d46838", "#442c8c", "#d49838",
)
# fmt: on


@cache
def lut(colormap: str) -> np.ndarray:
    """The colour map as a read-only uint8 (256, 3) RGB table; ChoiceError lists the names."""
    check_choice("colour map", colormap, COLORMAPS)
    from matplotlib import colormaps  # a quarter of a second, paid when the first picture is drawn

    table = (colormaps[_MATPLOTLIB[colormap]](np.arange(256))[:, :3] * 255).round().astype(np.uint8)
    table.setflags(write=False)
    return table


def colorize(values: np.ndarray, low: float, high: float, colormap: str = "viridis") -> np.ndarray:
    """Values (h, w) as uint8 RGB (h, w, 3); `low` and `high` take the ends, what lies beyond is clipped.

    Values that are not finite, and all values when high equals low, take the lower end.
    """
    table = lut(colormap)
    span = float(high) - float(low)
    if span <= 0:
        return np.broadcast_to(table[0], (*values.shape, 3)).copy()
    scaled = (np.asarray(values, np.float32) - np.float32(low)) * np.float32(255 / span)
    indices = np.clip(np.nan_to_num(scaled, nan=0.0, posinf=255.0, neginf=0.0), 0, 255) + 0.5
    return table[indices.astype(np.uint8)]


def palette(count: int) -> np.ndarray:
    """The first `count` label colours, uint8 (count, 3); past 32 they repeat."""
    colors = [tuple(bytes.fromhex(PALETTE[index % len(PALETTE)][1:])) for index in range(count)]
    return np.array(colors, np.uint8).reshape(-1, 3)


def hex_color(color: np.ndarray) -> str:
    """A uint8 colour as "#rrggbb"."""
    return "#" + bytes(int(channel) for channel in color).hex()
