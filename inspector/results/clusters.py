"""Request and result of the clusters pipeline."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from inspector.results.checks import (
    LONGEST_NAME,
    Masks,
    check_choice,
    check_image,
    check_masks,
    check_number,
    check_prompt,
    check_scene,
    check_text,
)
from inspector.results.common import Provenance, resize_maps
from inspector.results.recorded import (
    check_array,
    check_kind,
    check_labels,
    check_mapping,
    check_measured,
    check_names,
    check_rows,
)
from inspector.settings import settings

CLUSTER_PRESETS = ("A", "B", "C")


@dataclass(frozen=True)
class ClustersRequest:
    """k-means of UNet features of an image that is noised once.

    preset: "A" last six attention blocks, cosine kernels averaged; "B" mean of up_blocks.3; "C" ODISE's taps.
    timestep: t of the noise, 0 to 999; the paper does not say: our choice.
    scene: number of the drawn scene that `image` is, told for the record only.
    """

    image: np.ndarray
    k: int = 6
    preset: str = "A"
    timestep: int = 100
    prompt: str = ""
    seed: int = 0
    restarts: int = 5
    model: str = "scenes-diffusion"
    masks: Masks = field(default_factory=dict)
    scene: int | None = None

    def __post_init__(self) -> None:
        limits = settings().limits
        set_ = object.__setattr__
        check_scene(self.scene)
        check_text("model", self.model, LONGEST_NAME)
        set_(self, "image", check_image(self.image))
        set_(self, "prompt", check_prompt(self.prompt, empty=True))
        set_(self, "masks", check_masks(self.masks, self.image.shape[:2]))
        check_number("k", self.k, 1, limits.max_k, whole=True)
        check_choice("preset", self.preset, CLUSTER_PRESETS)
        check_number("timestep", self.timestep, 0, 999, whole=True)
        check_number("seed", self.seed, 0, limits.max_seed, whole=True)
        check_number("restarts", self.restarts, 2, 50, whole=True)  # stability compares at least two


@dataclass(frozen=True)
class ClustersResult:
    """Clusters and the features behind them.

    grid_labels: int32 (gh, gw); features: float16 (channel, gh, gw), PCA-reduced, cosine geometry kept;
    grid_pca: uint8 (gh, gw, 3), first three principal components; inertia: of the best restart;
    stability: mean ARI between the restarts' labels, in [-1, 1]; agreement: float32 (gh, gw) in (0, 1], share of
    the restarts that put a position into the same, matched cluster; layers: hooked modules;
    baselines: name ("rgb", "xy") -> int32 (gh, gw) labels with the same k;
    metrics: rows {method, miou, ari, ...} for "unet" and each baseline where masks exist.
    """

    request: ClustersRequest
    grid_labels: np.ndarray
    features: np.ndarray
    grid_pca: np.ndarray
    inertia: float
    stability: float
    agreement: np.ndarray
    layers: tuple[str, ...]
    baselines: Mapping[str, np.ndarray]
    metrics: tuple[Mapping[str, Any], ...]
    provenance: Provenance

    def __post_init__(self) -> None:
        check_kind("request", self.request, ClustersRequest)
        k = self.request.k
        check_labels("grid_labels", self.grid_labels, (None, None), k)
        grid = self.grid_labels.shape
        check_array("features", self.features, np.float16, (None, *grid))
        check_array("grid_pca", self.grid_pca, np.uint8, (*grid, 3))
        check_array("agreement", self.agreement, np.float32, grid)
        check_measured("inertia", self.inertia)
        check_measured("stability", self.stability, -1.001, 1.001)
        check_names("layers", self.layers, 1000)
        check_mapping("baselines", self.baselines, 10)
        for name, labels in self.baselines.items():
            check_labels(f"baselines {name}", labels, grid, k)
        check_rows("metrics", self.metrics, {"method": str}, 1 + len(self.baselines))
        check_kind("provenance", self.provenance, Provenance)

    @property
    def labels(self) -> np.ndarray:
        """int32 (h, w) at the image's size, nearest neighbour."""
        return self.enlarge(self.grid_labels)

    @property
    def pca(self) -> np.ndarray:
        """uint8 (h, w, 3) at the image's size."""
        return self.enlarge(self.grid_pca, smooth=True)

    def enlarge(self, grid: np.ndarray, smooth: bool = False) -> np.ndarray:
        """A (gh, gw[, 3]) grid at the image's size."""
        height, width = self.request.image.shape[:2]
        mode = cv2.INTER_CUBIC if smooth else cv2.INTER_NEAREST
        return cv2.resize(grid, (width, height), interpolation=mode)

    def similarity(self, y: float, x: float) -> np.ndarray:
        """Cosine similarity float32 (h, w) in [-1, 1] of every pixel to pixel (y, x) of the image.

        The dot product is taken on the grid and then enlarged.
        """
        height, width = self.request.image.shape[:2]
        check_number("y", y, 0, height - 1)
        check_number("x", x, 0, width - 1)
        channels, grid_h, grid_w = self.features.shape
        flat = self.features.reshape(channels, -1).astype(np.float32)
        flat = flat / np.maximum(np.linalg.norm(flat, axis=0, keepdims=True), 1e-6)
        pixel = int(y * grid_h / height) * grid_w + int(x * grid_w / width)
        grid = (flat[:, pixel] @ flat).reshape(grid_h, grid_w)
        return np.clip(resize_maps(grid, (height, width)), -1, 1)
