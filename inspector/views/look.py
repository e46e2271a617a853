"""Look: how recorded values are shown. It never changes what was recorded."""

from dataclasses import dataclass

from inspector.results import check_choice, check_flag, check_number
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
    fade: the opacity follows the value, so that what is low leaves the picture as it is: where a map's colours run from
        `low` to `high`, the colour of value v has opacity * w(v), with t = (v - low) / (high - low) clipped to [0, 1],
        0 where high equals low, and w = t; for signed maps, whose colours are "diverging" and have zero in their
        middle, w = |2t - 1|. Labels, PCA and thresholded masks are no values and keep their opacity.
    """

    colormap: str = "viridis"
    opacity: float = 0.6
    scale: str = "own"
    smooth: bool = True
    threshold: float = 0.4
    fade: bool = False

    def __post_init__(self) -> None:
        check_choice("colour map", self.colormap, SEQUENTIAL)
        check_choice("scale", self.scale, SCALES)
        check_number("opacity", self.opacity, 0, 1)
        check_number("threshold", self.threshold, 0, 1)
        check_flag("fade", self.fade)
