"""Clusters: k-means over the UNet features of an image that is noised once, beside colour and place alone."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import cv2
import numpy as np
import torch

from inspector.analysis import metrics
from inspector.analysis.clusters import Clustering, baselines, cluster, pca_colours, reduce_channels
from inspector.analysis.features import find_taps, preset_features
from inspector.analysis.vocabulary import too_long
from inspector.models import load_diffusion
from inspector.models.protocols import DiffusionModel
from inspector.pipelines import durations
from inspector.pipelines.common import INFERENCE_LOCK, fit_image, gpu, last, loading, provenance
from inspector.pipelines.room import check_room
from inspector.pipelines.usual import check_features
from inspector.results import ClustersRequest, ClustersResult, Masks, Progress

STAGES = 3


def run(request: ClustersRequest) -> ClustersResult:
    """The clusters, features and metrics of a request; errors as `stream`."""
    return last(stream(request))


@gpu(durations.clusters)
def stream(request: ClustersRequest) -> Iterator[Progress | ClustersResult]:
    """Progress of loading and of the stages, then the result.

    Raises ModelError when the model cannot be had, UnsupportedModelError when its UNet has no such layers,
    ChoiceError when k exceeds the positions of the features' grid.
    """
    started = time.perf_counter()
    model = yield from loading(load_diffusion, request.model)
    check_features(model)
    yield Progress(1, STAGES, f"Running the UNet once at t = {request.timestep}")
    with INFERENCE_LOCK:
        features = image_features(model, request)
    yield Progress(2, STAGES, f"Clustering {features[0].numel()} positions")
    reduced = reduce_channels(features)
    found = cluster(reduced, request.k, request.seed, request.restarts)
    plain = baselines(request.image, found.labels.shape, request.k, request.seed, request.restarts)
    yield ClustersResult(
        request=request,
        grid_labels=found.labels,
        features=reduced.numpy().astype(np.float16),
        grid_pca=pca_colours(features),
        inertia=found.inertia,
        stability=found.stability,
        agreement=found.agreement,
        layers=find_taps(model.network, request.preset).layers,
        baselines={name: item.labels for name, item in plain.items()},
        metrics=rows({"unet": found, **plain}, request.masks),
        provenance=provenance(started, request, model),
    )


def image_features(model: DiffusionModel, request: ClustersRequest) -> torch.Tensor:
    """Unit feature vectors float32 (channel, gh, gw) of the request's image, scaled to a size the model takes.

    Raises PromptError, which names what is cut, where the model does not read the prompt to its end, and
    ModelMemoryError before it runs where too little memory is free.
    """
    if cut := model.tokenize(request.prompt).truncated:
        raise too_long(model.spec.name, cut, "the prompt")
    image = fit_image(request.image, model.image_size, model.latent_factor * 8)
    check_room(model, image.shape[:2])
    latents, conditions = model.encode_images(image[None]), model.encode_prompts([request.prompt])
    return preset_features(model, latents, conditions, [request.timestep], request.seed, request.preset)[0]


def rows(clusterings: Mapping[str, Clustering], masks: Masks) -> tuple[dict[str, Any], ...]:
    """One row {method, miou, ari, homogeneity, completeness} per clustering; none without masks.

    Clusters are matched to the masks image by image, one to one, which is an oracle: read a score only beside
    those of the baselines, which have the same k. Pixels without a mask count as one more class.
    """
    if not masks:
        return ()
    target = label_map(masks)
    return tuple({"method": name} | scores(item.labels, target) for name, item in clusterings.items())


def scores(grid_labels: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """{miou, ari, homogeneity, completeness} of a label grid (gh, gw) against int labels (h, w) of the image."""
    labels = cv2.resize(grid_labels, target.shape[::-1], interpolation=cv2.INTER_NEAREST)
    homogeneity, completeness = metrics.homogeneity_completeness(labels, target)
    return {
        "miou": metrics.hungarian_miou(labels, target),
        "ari": metrics.adjusted_rand_index(labels, target),
        "homogeneity": homogeneity,
        "completeness": completeness,
    }


def label_map(masks: Masks) -> np.ndarray:
    """int32 (h, w): 0 where no mask is, else i of the i-th mask; of masks that overlap, the smallest wins.

    So windows stay visible on their building.
    """
    labels = np.zeros(next(iter(masks.values())).shape, np.int32)
    numbered = enumerate(masks.values(), start=1)
    for index, mask in sorted(numbered, key=lambda item: np.count_nonzero(item[1]), reverse=True):
        labels[mask] = index
    return labels
