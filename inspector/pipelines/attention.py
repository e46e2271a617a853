"""Attention: cross-attention maps while an image is generated, with noise added to it once, and of arms between."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from inspector.analysis.attention import score
from inspector.errors import ChoiceError, RecordingError
from inspector.models import catalog, load_diffusion
from inspector.models.loading import in_memory
from inspector.models.protocols import DiffusionModel, TokenizedPrompt
from inspector.pipelines import durations
from inspector.pipelines.arms import Comparison, Plan, plan, projections
from inspector.pipelines.common import fit_image, gpu, last, loading, provenance
from inspector.pipelines.keeping import Forecast, advice, kept_bytes, times, told
from inspector.pipelines.probes import probe_maps
from inspector.pipelines.room import check_room
from inspector.pipelines.usual import check_network, check_usual
from inspector.results import AGAIN, GENERATION, AttentionRequest, AttentionResult, Progress, Token
from inspector.settings import settings
from inspector.trace.projections import head_counts
from inspector.trace.trajectories import first_latents

LEVELS = 8  # the sides a model takes are multiples of this times its latent_factor


def run(request: AttentionRequest) -> AttentionResult:
    """The recorded maps of a request; errors as `stream`."""
    return last(stream(request))


@gpu(durations.attention)
def stream(request: AttentionRequest) -> Iterator[Progress | AttentionResult]:
    """Progress with a preview after every denoising step, one a step and no more, then the result.

    Before the first step, where more than mean maps is kept, one that says how much (`forecast`).
    Closing the generator stops the run: nothing of it runs between two items, no hook is left and no lock held.
    Raises ModelError when the model cannot be had, ChoiceError for an unknown scheduler, and as `check_usual`,
    RecordingError when the maps would not fit into `limits.max_recording`, ModelMemoryError when the run would not fit
    into the memory that is free.
    """
    started = time.perf_counter()
    spec = catalog.spec(request.model, "diffusion")
    check_usual(request, spec, spec.sampling)  # before gigabytes are fetched
    model = yield from loading(load_diffusion, request.model)
    check_usual(request, model.spec, model.sampling)
    check_network(request, model)
    prompt = model.tokenize(request.prompt)
    asked = plan(request, model)
    given = _given(request, model)
    positions = [token.index for token in prompt.tokens]
    size = _size(request, model, given)
    parts = _check_memory(asked, model, size, len(positions))
    if len(parts) > 1:
        yield Progress(0, asked.total(), str(Forecast(parts, times(request))), lasting=True)
    made = Comparison(model, asked, positions, given, request.image)
    if given is None:
        yield from made.generate(first_latents(model, request.seed, *size))
    yield from made.others()
    result = _result(request, prompt, made, started, model)
    yield replace(result, metrics=score(result))


def forecast(request: AttentionRequest, model: DiffusionModel) -> Forecast:
    """What a run of the request will keep, and how much longer that makes it, computed without a pass of the model.

    Raises ChoiceError as `stream`.
    """
    asked, size = plan(request, model), _size(request, model, _given(request, model))
    return Forecast(kept_bytes(asked, model, size, len(model.tokenize(request.prompt).tokens)), times(request))


def forecast_in_memory(request: AttentionRequest) -> Forecast | None:
    """As `forecast`, where the model is in memory already; None where it would have to be opened first."""
    model = in_memory(request.model)
    return None if model is None else forecast(request, model)


def _given(request: AttentionRequest, model: DiffusionModel) -> Any:
    """The picture as the model sees it, uint8 (h, w, 3); None where one is generated."""
    if request.image is None:
        return None
    return fit_image(request.image, generated_size(request, model), model.latent_factor * LEVELS)


def _size(request: AttentionRequest, model: DiffusionModel, given: Any) -> tuple[int, int]:
    """(h, w) in pixels of the picture that the model sees."""
    side = generated_size(request, model)
    return (side, side) if given is None else given.shape[:2]


def generated_size(request: AttentionRequest, model: DiffusionModel) -> int:
    """Side in pixels of the square that is generated, or that a given picture is scaled to in area.

    Raises ChoiceError for a square that the model cannot make: what the record says is what was made.
    """
    multiple = model.latent_factor * LEVELS
    asked = request.size or model.image_size
    nearest = max(1, round(asked / multiple)) * multiple
    if request.image is None and request.size is not None and asked != nearest:
        below = max(1, asked // multiple) * multiple
        raise ChoiceError(
            f"size is {asked}; {model.spec.name} makes pictures whose side is a multiple of {multiple}, such as "
            f"{below} or {below + multiple}."
        )
    return nearest


def _check_memory(asked: Plan, model: DiffusionModel, size: tuple[int, int], tokens: int) -> dict[str, int]:
    """What is kept, as `kept_bytes`. Raises RecordingError when it would be larger than allowed, before anything runs.

    And ModelMemoryError when it and the run would take more memory than is free.
    """
    request, parts = asked.request, kept_bytes(asked, model, size, tokens)
    needed, allowed = sum(parts.values()), settings().limits.max_recording
    if needed > allowed:
        raise RecordingError(
            f"The maps would take {needed / 1e9:.1f} GB ({told(parts)}) and {allowed / 1e9:.1f} GB are allowed; record "
            f"{advice(asked, parts)}."
        )
    guided = request.guidance_scale > 1 and bool({GENERATION, AGAIN} & set(request.chosen_arms))
    check_room(model, size, batch=2 if guided else 1, kept=needed)
    return parts


def _result(
    request: AttentionRequest, prompt: TokenizedPrompt, made: Comparison, started: float, model: Any
) -> AttentionResult:
    """The result without metrics."""
    arms = made.arms
    queries = {name: arm.queries for name, arm in arms.items() if arm.queries}
    heads = head_counts(model.network, projections(request))
    return AttentionResult(
        request=request,
        maps={name: arm.maps for name, arm in arms.items()},
        steps={name: arm.steps for name, arm in arms.items()},
        tokens=tuple(Token(place, token.text, token.start, token.stop) for place, token in enumerate(prompt.tokens)),
        images={name: arm.image for name, arm in arms.items()},
        previews={name: arm.previews for name, arm in arms.items() if len(arm.previews)},
        truncated=prompt.truncated,
        metrics=(),
        provenance=provenance(started, request, model),
        head_maps={name: arm.head_maps for name, arm in arms.items()} if request.heads else {},
        reconstruction=made.reconstruction,
        queries=queries,
        self_attention={name: arm.self_attention for name, arm in arms.items() if arm.self_attention},
        head_counts=heads,
        probe_maps=probe_maps(model, queries, heads, request.probes),
    )
