"""Probes: maps of words that are not in the prompt, of the queries that a run kept, without a pass of the UNet.

Marcos-Manchon et al., "Open-Vocabulary Attention Maps with Token Optimization for Semantic Segmentation in Diffusion
Models" (CVPR 2024), section 3.2: the probe is a prompt of its own, of which the text encoder and each layer's `to_k`
make keys; the recorded queries are scored against these, with the softmax over the tokens of the probe's prompt. So a
probe that is the prompt itself gives the recorded maps, and values of different probes do not share one whole.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from inspector.errors import RecordingError
from inspector.models import load_diffusion
from inspector.models.protocols import DiffusionModel
from inspector.pipelines import durations
from inspector.pipelines.common import INFERENCE_LOCK, gpu, last, loading
from inspector.results import AttentionResult, Progress
from inspector.trace.hooks import find_modules
from inspector.trace.projections import key_of

Kept = Mapping[str, Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class Probing:
    """A result whose run kept queries, and the words that are asked of it in the place of its own probes."""

    result: AttentionResult
    probes: tuple[str, ...]


def run(asked: Probing) -> AttentionResult:
    """The result with the maps of its probe words, as if the run had been asked for them; errors as `stream`."""
    return last(stream(asked))


@gpu(durations.probing)
def stream(asked: Probing) -> Iterator[Progress | AttentionResult]:
    """Progress, then the result.

    Raises RecordingError where the run kept no queries, ModelError when the model cannot be had.
    """
    result, request = asked.result, replace(asked.result.request, probes=asked.probes)
    if not result.queries:
        raise RecordingError("This run kept no queries for probe words; run it with queries (--queries).")
    started = time.perf_counter()
    model = yield from loading(load_diffusion, request.model)
    yield Progress(0, 1, f"Probing {', '.join(request.probes)}")
    maps = probe_maps(model, result.queries, result.head_counts, request.probes)
    told = replace(result.provenance, seconds=round(time.perf_counter() - started, 3))
    yield replace(result, request=request, probe_maps=maps, provenance=told)


def probe_maps(
    model: DiffusionModel, queries: Kept, head_counts: Mapping[str, int], probes: tuple[str, ...]
) -> dict[str, dict[str, np.ndarray]]:
    """arm -> layer -> float16 (step, probe, h, w), head means; {} without probes.

    queries: arm -> layer -> float16 (step, channel, h, w), as `trace.projections` keeps them.
    """
    if not probes:
        return {}
    found: dict[str, dict[str, list[np.ndarray]]] = {arm: {layer: [] for layer in own} for arm, own in queries.items()}
    layers = next(iter(queries.values()))
    with INFERENCE_LOCK, torch.no_grad():
        modules: dict[str, Any] = dict(find_modules(model.network, list(layers)))
        for probe in probes:
            states = model.encode_prompts([probe]).states
            prompt = model.tokenize(probe)
            positions = [token.index for token in prompt.tokens if token.stop > token.start]
            for layer, module in modules.items():
                key = key_of(module, module.to_k(states))[0]  # (token, channel)
                for arm in queries:
                    found[arm][layer].append(_maps(queries[arm][layer], key, head_counts[layer], positions))
    return {arm: {layer: np.stack(maps, 1) for layer, maps in own.items()} for arm, own in found.items()}


def _maps(query: np.ndarray, key: torch.Tensor, heads: int, positions: list[int]) -> np.ndarray:
    """float16 (step, h, w): the mean over heads and a probe's tokens; query (step, channel, h, w)."""
    steps, channels, height, width = query.shape
    keys: Any = key.float().unflatten(-1, (heads, -1)).transpose(0, 1)  # (head, token, channel)
    maps = []
    for one in query:  # a step at a time: all heads of one are held in float32
        places = torch.from_numpy(one.astype(np.float32)).to(key.device).reshape(heads, channels // heads, -1)
        weights = (keys @ places).softmax(1)  # (head, token, h * w)
        maps.append(weights[:, positions].mean((0, 1)).reshape(height, width).to(torch.float16).cpu().numpy())
    assert len(maps) == steps
    return np.stack(maps)
