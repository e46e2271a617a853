"""Frozen requests and results of the four pipelines: checked once, plain numpy, picklable.

Axes are named as everywhere: `arm step layer head token class cluster h w`. Images are RGB uint8
(h, w, 3).
"""

from inspector.results.arms import (
    AGAIN,
    ARMS,
    DECODED,
    EVERY,
    GENERATION,
    INVERSION,
    LATENT,
    MEAN_OF_SEEDS,
    MOST_SEEDS,
    NOISE_ONCE,
    NOISELESS,
    OVER_SEEDS,
    SPREAD_OF_SEEDS,
    read_timesteps,
    seed_arm,
)
from inspector.results.attention import AttentionRequest, AttentionResult
from inspector.results.checks import (
    ClassNames,
    Masks,
    check_choice,
    check_flag,
    check_image,
    check_masks,
    check_number,
    check_prompt,
    check_scene,
    check_template,
    check_text,
    parse_classes,
)
from inspector.results.clusters import CLUSTER_PRESETS, ClustersRequest, ClustersResult
from inspector.results.common import SCORE_SIDE, SCORE_THRESHOLD, Progress, Provenance, fit_mask, plain, resize_maps
from inspector.results.quoting import is_unicode, quoted
from inspector.results.saliency import CLIP_ES_BACKGROUND, POOLINGS, SaliencyRequest, SaliencyResult
from inspector.results.segmentation import SEGMENTATION_METHODS, Segment, SegmentationRequest, SegmentationResult
from inspector.results.tokens import Token, masked_words, span_tokens, word_tokens

__all__ = [
    "AGAIN",
    "ARMS",
    "CLIP_ES_BACKGROUND",
    "CLUSTER_PRESETS",
    "DECODED",
    "EVERY",
    "GENERATION",
    "INVERSION",
    "LATENT",
    "MEAN_OF_SEEDS",
    "MOST_SEEDS",
    "NOISELESS",
    "NOISE_ONCE",
    "OVER_SEEDS",
    "POOLINGS",
    "SCORE_SIDE",
    "SCORE_THRESHOLD",
    "SEGMENTATION_METHODS",
    "SPREAD_OF_SEEDS",
    "AttentionRequest",
    "AttentionResult",
    "ClassNames",
    "ClustersRequest",
    "ClustersResult",
    "Masks",
    "Progress",
    "Provenance",
    "SaliencyRequest",
    "SaliencyResult",
    "Segment",
    "SegmentationRequest",
    "SegmentationResult",
    "Token",
    "check_choice",
    "check_flag",
    "check_image",
    "check_masks",
    "check_number",
    "check_prompt",
    "check_scene",
    "check_template",
    "check_text",
    "fit_mask",
    "is_unicode",
    "masked_words",
    "parse_classes",
    "plain",
    "quoted",
    "read_timesteps",
    "resize_maps",
    "seed_arm",
    "span_tokens",
    "word_tokens",
]
