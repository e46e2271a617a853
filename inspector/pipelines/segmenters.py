"""Segmenters: the methods by which a picture is segmented, each from what the models read of it.

| method | score of a class at a pixel, in [0, 1] | model |
|---|---|---|
| gradcam | its Grad-CAM map as a fraction of the map's maximum | CLIP |
| clip-es | the same after CAA, which spreads it along CLIP's attention (Lin et al. 2023) | CLIP |
| clip, maskclip, sclip, clearclip, naclip | probability of the patch among classes and background words | CLIP |
| attention | its cross-attention as a fraction of the map's maximum | diffusion |
| diffsegmenter | cross-attention weighted by size, spread along self-attention (Wang et al. 2025) | diffusion |
| diffseg | mean of `attention` over its region, by merging self-attention (Tian et al. 2024) | diffusion |
| diffcut | mean of `maskclip` over its region, by cutting UNet features (Couairon et al. 2024) | both |
| vpd-attention | attention to its token in a context of all classes (Zhao et al. 2023) | diffusion |
| segmenter | masks times names of a model that was trained on masks: `loaded_segmenters` | its own |

DiffSeg names regions by the cross-attention of one caption; here every name has a prompt of its own, as for
`attention`, so that no pass is made twice. DiffCut names them by a dense CLIP, and so does this, by MaskCLIP. VPD
is trained; here is its attention alone, at t = 1 without noise, of the two sizes that it reads, and of latents
that are scaled as the UNet was trained.

A further method is one more entry of METHODS and one more name in SEGMENTATION_METHODS, or in TRAINED_METHODS where it
was trained on masks: `trained` has those, and `imported_heads` the published ones.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from inspector.analysis import caa, diffsegmenter
from inspector.analysis.proposals import named_regions
from inspector.analysis.segmentation import own_maximum
from inspector.pipelines import trained
from inspector.pipelines.diffusion_reading import WordMaps, mean_over_layers
from inspector.pipelines.imported_heads import check_family
from inspector.pipelines.loaded_segmenters import segmenter_scores
from inspector.pipelines.readings import Asked, Readings
from inspector.results import LOADED, OWN_TIMESTEPS, TRAINED_METHODS, SegmentationRequest, resize_maps
from inspector.trace.class_tokens import HALVINGS


@dataclass(frozen=True)
class Method:
    """models: the kinds that it runs. score: float32 (scored, gh, gw) in [0, 1] of a picture and a question."""

    models: tuple[str, ...]
    score: Callable[[Readings, Asked], np.ndarray]


def score(readings: Readings, method: str, asked: Asked) -> np.ndarray:
    """Scores by a method of METHODS: float32 (scored, gh, gw), the classes first."""
    return METHODS[method].score(readings, asked)


def parameters(readings: Readings, models: Mapping[str, Any], method: str) -> int:
    """How many weights a method runs: of `models`, kind -> model, and of its shipped head."""
    found = sum(models[kind].parameters for kind in METHODS[method].models)
    return found + (trained.parameters(readings, method) if method in TRAINED_METHODS else 0)


def gradcam(readings: Readings, asked: Asked) -> np.ndarray:
    """Grad-CAM with the pooling the model was trained with; of background words too, where they compete."""
    signed = _signed(readings, asked)
    return own_maximum(signed) if np.isfinite(signed).all() else signed


def clip_es(readings: Readings, asked: Asked) -> np.ndarray:
    """Grad-CAM after CAA."""
    maps = gradcam(readings, asked)
    return own_maximum(caa.refine(maps, readings.clip.affinity())) if np.isfinite(maps).all() else maps


def _signed(readings: Readings, asked: Asked) -> np.ndarray:
    """float64 (scored, gh, gw), before the ReLU: of the probabilities among classes and background words."""
    texts, count = readings.clip.texts(asked.classes + asked.words), len(asked.scored)
    return readings.clip.gradcam(texts[:count], texts[count:], asked).signed.numpy()


def dense_clip(variant: str, readings: Readings, asked: Asked) -> np.ndarray:
    """Softmax over the classes and the background words at each patch, by a variant of the last block.

    Where they do not compete, background words never win a pixel; they take probability, so that a threshold has
    something to cut.
    """
    clip = readings.clip
    cosines = clip.cosines(clip.texts(asked.classes + asked.words), variant, asked)
    return (clip.model.logit_scale * cosines).softmax(0)[: len(asked.scored)].numpy()


def attention(readings: Readings, asked: Asked) -> np.ndarray:
    """Mean over tokens, layers and synonyms of the cross-attention to a class's name in its own prompt."""
    request = readings.request
    found = readings.diffusion.words(asked.scored, request.template, request.timestep)
    return own_maximum(_over_synonyms(found, lambda maps: mean_over_layers(maps.layers)))


def segmenter(readings: Readings, asked: Asked) -> np.ndarray:
    """DiffSegmenter, each map stretched from 0 to 1."""
    found = readings.diffusion.words(asked.scored, diffsegmenter.TEMPLATE, readings.request.timestep)
    return np.stack([diffsegmenter.stretch(map_) for map_ in _over_synonyms(found, _spread)])


def _spread(maps: WordMaps) -> np.ndarray:
    assert maps.spread is not None  # readings record it where diffsegmenter is among the methods
    return maps.spread


def _over_synonyms(found: list[list[WordMaps]], of: Callable[[WordMaps], np.ndarray]) -> np.ndarray:
    """float32 (class, h, w): the mean over each class's synonyms."""
    return np.stack([np.mean([of(maps) for maps in synonyms], axis=0) for synonyms in found])


def diffseg(readings: Readings, asked: Asked) -> np.ndarray:
    """DiffSeg's regions, named by `attention`."""
    regions = readings.diffusion.diffseg(readings.region_size, readings.request.merging)
    return named_regions(regions, attention(readings, asked)).dense()


def diffcut(readings: Readings, asked: Asked) -> np.ndarray:
    """DiffCut's regions, named by `maskclip`."""
    named = dense_clip("maskclip", readings, asked)
    return named_regions(readings.diffusion.diffcut(readings.region_size), named).dense()


def vpd_attention(readings: Readings, asked: Asked) -> np.ndarray:
    """Probability of each class's token among all, mean over the layers of two sizes."""
    levels = readings.diffusion.joint(asked.scored, readings.request.template, OWN_TIMESTEPS["vpd-attention"])
    chosen = [levels[level] for level in HALVINGS if level in levels] or list(levels.values())
    size = max((maps.shape[-2:] for maps in chosen), key=lambda shape: shape[0] * shape[1])
    return np.mean([resize_maps(maps, size) for maps in chosen], axis=0)


METHODS: Mapping[str, Method] = {
    "gradcam": Method(("clip",), gradcam),
    "clip-es": Method(("clip",), clip_es),
    "clip": Method(("clip",), partial(dense_clip, "clip")),
    "maskclip": Method(("clip",), partial(dense_clip, "maskclip")),
    "sclip": Method(("clip",), partial(dense_clip, "sclip")),
    "clearclip": Method(("clip",), partial(dense_clip, "clearclip")),
    "naclip": Method(("clip",), partial(dense_clip, "naclip")),
    "attention": Method(("diffusion",), attention),
    "diffsegmenter": Method(("diffusion",), segmenter),
    "diffseg": Method(("diffusion",), diffseg),
    "diffcut": Method(("clip", "diffusion"), diffcut),
    "vpd-attention": Method(("diffusion",), vpd_attention),
    "odise": Method(("clip", "diffusion"), partial(trained.head_scores, "odise")),
    "san": Method(("clip",), partial(trained.head_scores, "san")),
    "maskclip-masks": Method(("clip",), partial(trained.head_scores, "maskclip-masks")),
    "ovseg": Method(("clip",), partial(trained.head_scores, "ovseg")),
    "lseg": Method(("clip",), partial(trained.head_scores, "lseg")),
    "vpd": Method(("clip", "diffusion"), partial(trained.head_scores, "vpd")),
    LOADED: Method(("segmenter",), segmenter_scores),  # and CLIP, where the masks have no names
}


def need_unet(methods: Sequence[str]) -> bool:
    """Whether one of the methods reads a UNet's own layers: all by a diffusion model but `attention`."""
    return any("diffusion" in METHODS[method].models and method != "attention" for method in methods)


def kinds_of(request: SegmentationRequest) -> tuple[str, ...]:
    """The kinds of models that a request's methods run, as far as its names tell.

    Raises UnknownModelError for an imported head that is not there, UnsupportedModelError for one of another method.
    """
    kinds = {kind for method in request.methods for kind in METHODS[method].models}
    if request.imported:
        check_family(request)
        kinds.add("head")
    return tuple(sorted(kinds))
