"""Small results with known numbers, as the pipelines would hand them over."""

from dataclasses import replace
from typing import Any

import numpy as np

from inspector.results import (
    ARMS,
    OVER_SEEDS,
    SEGMENTATION_METHODS,
    AttentionRequest,
    AttentionResult,
    ClustersRequest,
    ClustersResult,
    Proposed,
    Provenance,
    SaliencyRequest,
    SaliencyResult,
    Segment,
    SegmentationRequest,
    SegmentationResult,
    Token,
    Vote,
)

PROVENANCE = Provenance({"scenes-clip": "abc123"}, "cpu", "float32", {"numpy": "2"}, 0.5)


def image(height: int = 64, width: int = 96) -> np.ndarray:
    """A horizontal ramp of red, a vertical one of green, blue at 90."""
    red = np.broadcast_to(np.linspace(0, 255, width), (height, width))
    green = np.broadcast_to(np.linspace(0, 255, height)[:, None], (height, width))
    return np.stack([red, green, np.full((height, width), 90)], -1).astype(np.uint8)


def left_half(height: int = 64, width: int = 96) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[:, : width // 2] = True
    return mask


def saliency(**changes: Any) -> SaliencyResult:
    """Car is 1 in the left half of a 4x6 grid and -1 right; building has 0.1 in one corner cell only."""
    signed = np.zeros((2, 4, 6), np.float32)
    signed[0, :, :3], signed[0, :, 3:] = 1, -1
    signed[1, 0, 0] = 0.1
    request = SaliencyRequest(image(), "car, building/house", masks={"car": left_half()})
    result = SaliencyResult(
        request=request,
        grid_signed=signed,
        probabilities=np.array([0.7, 0.01], np.float32),
        scores=np.array([0.3, 0.1], np.float32),
        background_probability=0.29,
        metrics=({"class": "car", "ap": 1.0, "iou": 1.0},),
        provenance=PROVENANCE,
    )
    return replace(result, **changes)


LAYERS = (
    "down_blocks.0.attentions.0.transformer_blocks.0.attn2",
    "mid_block.attentions.0.transformer_blocks.0.attn2",
    "up_blocks.1.attentions.0.transformer_blocks.0.attn2",
    "up_blocks.2.attentions.1.transformer_blocks.0.attn2",
)
GRIDS = ((8, 8), (2, 2), (4, 4), (8, 8))


def attention(**changes: Any) -> AttentionResult:
    """Value of a map = (layer + 1) / 10 + token / 100 + step / 1000, one cell (0, 0) twice as high."""
    tokens = (
        Token(0, "<start>", 0, 0),
        Token(1, "a", 0, 1),
        Token(2, "horse", 2, 7),
        Token(3, "<end>", 0, 0),
    )
    maps: dict[str, dict[str, np.ndarray]] = {}
    timesteps = {"generation": (900, 500, 100), "noise once": (100,)}
    for arm, steps in timesteps.items():
        maps[arm] = {}
        for index, (layer, grid) in enumerate(zip(LAYERS, GRIDS, strict=True)):
            item = np.empty((len(steps), 4, *grid), np.float16)
            item[:] = (index + 1) / 10
            item += np.arange(4, dtype=np.float16)[:, None, None] / 100
            item += np.arange(len(steps), dtype=np.float16)[:, None, None, None] / 1000
            item[..., 0, 0] *= 2
            maps[arm][layer] = item
    result = AttentionResult(
        request=AttentionRequest("a horse", steps=3),
        maps=maps,
        steps=timesteps,
        tokens=tokens,
        images=dict.fromkeys(timesteps, image(64, 64)),
        previews={},
        truncated="",
        metrics=({"arm": "generation", "step": 2, "layer": LAYERS[3], "word": "horse", "ap": 0.9},),
        provenance=PROVENANCE,
    )
    return replace(result, **changes)


def attention_asked(**changes: Any) -> AttentionResult:
    """`attention` with uneven maps, single heads, and the last step's queries, self-attention and a probe word."""
    usual = attention()
    rng = np.random.default_rng(0)
    maps = {
        arm: {layer: rng.random(item.shape).astype(np.float16) / 8 for layer, item in layers.items()}
        for arm, layers in usual.maps.items()
    }
    sizes = {layer: item.shape[-2:] for layer, item in maps["generation"].items()}
    own = {layer: layer.removesuffix("attn2") + "attn1" for layer in LAYERS}

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float16)

    result = replace(
        usual,
        request=replace(usual.request, heads=True, queries=True, self_attention=True, probes=("dog",)),
        maps=maps,
        head_maps={
            arm: {layer: np.stack([item * 0.5, item * 1.5], 1) for layer, item in layers.items()}
            for arm, layers in maps.items()
        },
        queries={arm: {layer: normal(1, 4, *sizes[layer]) for layer in LAYERS} for arm in maps},
        self_attention={
            arm: {own[layer]: normal(1, 2, 4, *sizes[layer]) for layer in LAYERS} for arm in maps
        },
        probe_maps={arm: {layer: normal(1, 1, *sizes[layer]) for layer in LAYERS} for arm in maps},
        head_counts=dict.fromkeys((*LAYERS, *own.values()), 2),
    )  # fmt: skip
    return replace(result, **changes)


def compared(noises: int = 3, timesteps: tuple[int, ...] = (500, 100)) -> AttentionResult:
    """`attention` with every arm of a generated picture and its noises; all but generation at these t."""
    usual = attention()
    arms = tuple(arm for arm in ARMS if noises > 1 or arm not in OVER_SEEDS)
    request = replace(usual.request, arms=arms, seeds=noises, noise_timesteps=timesteps)
    steps = {arm: usual.steps["generation"] if arm == "generation" else timesteps for arm in request.recorded_arms}
    layers = usual.maps["generation"]
    maps = {arm: {name: item[: len(steps[arm])] for name, item in layers.items()} for arm in steps}
    images = dict.fromkeys(steps, image(64, 64))
    return replace(usual, request=request, maps=maps, steps=steps, images=images)


def clusters(**changes: Any) -> ClustersResult:
    """Cluster 1 fills the left 2/3 of a 4x6 grid, cluster 0 the rest; k is 3, cluster 2 is empty."""
    labels = np.zeros((4, 6), np.int32)
    labels[:, :4] = 1
    features = np.stack([labels, 1 - labels]).astype(np.float16)
    pca = (np.stack([labels] * 3, -1) * 200).astype(np.uint8)
    result = ClustersResult(
        request=ClustersRequest(image(), k=3, masks={"car": left_half()}),
        grid_labels=labels,
        features=features,
        grid_pca=pca,
        inertia=1.5,
        stability=0.9,
        agreement=np.linspace(0.5, 1, 24, dtype=np.float32).reshape(4, 6),
        layers=("up_blocks.3.attentions.0",),
        baselines={"rgb": 2 - labels, "xy": labels.copy()},
        metrics=({"method": "unet", "miou": 0.5}, {"method": "rgb", "miou": 0.4}),
        provenance=PROVENANCE,
    )
    return replace(result, **changes)


def segmented_by_all() -> SegmentationResult:
    """`segmentation` by all methods: the first says sky everywhere, the others agree."""
    usual = segmentation()
    sky = np.full_like(usual.labels, 2)
    votes = tuple(
        Vote(method, usual.labels if number else sky, {"miou": 0.99 if number else 0.25}, 0.5 + number, 3_400_000)
        for number, method in enumerate(SEGMENTATION_METHODS)
    )
    against = (usual.labels != 2).astype(np.float32) / len(votes)
    request = replace(usual.request, method="all")
    return replace(usual, request=request, votes=votes, disagreement=against)


def segmented_by_proposals(height: int = 64, width: int = 96) -> SegmentationResult:
    """`segmentation` with a background word, by five masks that a head and CLIP call otherwise; cars are seen."""
    from inspector.pipelines.segmentation import reweighed  # torch comes with it

    rows, columns = np.indices((8, 12)) + 0.5
    spots = [(4, 3, 3.2), (3, 9, 3.0), (6, 9, 2.2), (4.5, 3.5, 2.4), (1, 6, 1.5)]
    masks = np.stack([1 / (1 + np.exp(4 * (np.hypot(rows - y, columns - x) - r))) for y, x, r in spots])
    head = np.array([[8, 1, 1], [1, 8, 1], [2, 7, 1], [7, 2, 1], [1, 2, 7]], np.float32) / 10
    clip = np.array([[3, 5, 2], [1, 7, 2], [8, 1, 1], [6, 1, 3], [3, 3, 4]], np.float32) / 10
    null = np.array([0.1, 0.05, 0.2, 0.3, 0.02], np.float32)
    made = Proposed(masks.astype(np.float16), head, null, clip, np.array([1, 0, 0], np.uint8))
    half = left_half(height, width)
    request = SegmentationRequest(
        image(height, width), "car, sky", "odise", masks={"car": half, "sky": ~half}, background_rule="words"
    )
    bare = segmentation(request=request, labels=np.zeros((height, width), np.int32), segments=(), proposals=made)
    return reweighed(bare, request.seen_weight, request.unseen_weight)


def segmentation(**changes: Any) -> SegmentationResult:
    """Car left, sky right, but for one background pixel; the true car is the left half."""
    labels = np.full((64, 96), 2, np.int32)
    labels[:, :48] = 1
    labels[0, 0] = 0
    scores = np.stack([labels == 1, labels == 2]).astype(np.float32) * 0.8
    result = SegmentationResult(
        request=SegmentationRequest(image(), "car, sky", masks={"car": left_half(), "sky": ~left_half()}),
        labels=labels,
        grid_scores=scores,
        segments=(Segment("sky", 2, 0.5, 0.8, (48, 0, 96, 64)), Segment("car", 1, 0.49, 0.8, (0, 0, 48, 64))),
        metrics={"miou": 0.99, "pixel_accuracy": 0.999, "iou": {"car": 0.99, "sky": 1.0}},
        provenance=PROVENANCE,
    )
    return replace(result, **changes)
