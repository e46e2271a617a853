"""Look: how recorded values are shown. It never changes what was recorded."""

from dataclasses import dataclass

from inspector.results import check_choice, check_number
from inspector.views.color import SEQUENTIAL

SCALES = ("own", "shared")


@dataclass(frozen=True)
class Look:
    """Choices of the viewer, the same on every tab.

    colormap: one of `color.SEQUENTIAL`.
    opacity: of the colours over the picture, in [0, 1].
    scale: "own" stretches each map to its own minimum and maximum; "shared" gives all maps of a figure
        one scale, so that a weak map looks weak.
    smooth: bilinear between cells; False shows the cells as they were recorded.
    threshold: fraction of a map's maximum, for binary masks, in [0, 1].
    """

    colormap: str = "viridis"
    opacity: float = 0.6
    scale: str = "own"
    smooth: bool = True
    threshold: float = 0.4

    def __post_init__(self) -> None:
        check_choice("colour map", self.colormap, SEQUENTIAL)
        check_choice("scale", self.scale, SCALES)
        check_number("opacity", self.opacity, 0, 1)
        check_number("threshold", self.threshold, 0, 1)
