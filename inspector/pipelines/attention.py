"""Attention: cross-attention maps while an image is generated, with noise added to it once, and of arms between."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from inspector.analysis.attention import score
from inspector.errors import ChoiceError, RecordingError
from inspector.models import load_diffusion
from inspector.models.protocols import DiffusionModel, TokenizedPrompt
from inspector.pipelines import durations
from inspector.pipelines.arms import Comparison, Plan, plan
from inspector.pipelines.common import fit_image, gpu, last, loading, provenance
from inspector.pipelines.room import check_room
from inspector.results import AGAIN, GENERATION, AttentionRequest, AttentionResult, Progress, Token
from inspector.settings import settings
from inspector.trace.recorders import recording_bytes
from inspector.trace.trajectories import first_latents

LEVELS = 8  # the sides a model takes are multiples of this times its latent_factor


def run(request: AttentionRequest) -> AttentionResult:
    """The recorded maps of a request; errors as `stream`."""
    return last(stream(request))


@gpu(durations.attention)
def stream(request: AttentionRequest) -> Iterator[Progress | AttentionResult]:
    """Progress with a preview after every denoising step, one a step and no more, then the result.

    Closing the generator stops the run: nothing of it runs between two items, no hook is left and no lock held.
    Raises ModelError when the model cannot be had, ChoiceError for an unknown scheduler, RecordingError when the maps
    would not fit into `limits.max_recording`, ModelMemoryError when the run would not fit into the memory that is free.
    """
    started = time.perf_counter()
    model = yield from loading(load_diffusion, request.model)
    prompt = model.tokenize(request.prompt)
    asked = plan(request, model)
    side, multiple = generated_size(request, model), model.latent_factor * LEVELS
    given = None if request.image is None else fit_image(request.image, side, multiple)
    positions = [token.index for token in prompt.tokens]
    _check_memory(asked, model, (side, side) if given is None else given.shape[:2], len(positions))
    made = Comparison(model, asked, positions, given, request.image)
    if given is None:
        yield from made.generate(first_latents(model, request.seed, side, side))
    yield from made.others()
    result = _result(request, prompt, made, started, model)
    yield replace(result, metrics=score(result))


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


def _check_memory(asked: Plan, model: DiffusionModel, size: tuple[int, int], tokens: int) -> None:
    """Raise RecordingError when the maps would be larger than allowed, before anything runs.

    And ModelMemoryError when they and the run would take more memory than is free.
    """
    request = asked.request
    grid = (size[0] // model.latent_factor, size[1] // model.latent_factor)
    needed = recording_bytes(model.unet, grid, tokens, sum(asked.kept().values()), heads=request.heads)
    allowed = settings().limits.max_recording
    if needed > allowed:
        less = "fewer arms, fewer steps" if len(asked.kept()) > 2 else "fewer steps"
        advice = "without single heads" if request.heads else f"with {less} or a smaller size"
        raise RecordingError(
            f"The maps would take {needed / 1e9:.1f} GB and {allowed / 1e9:.1f} GB are allowed; record {advice}."
        )
    guided = request.guidance_scale > 1 and bool({GENERATION, AGAIN} & set(request.chosen_arms))
    check_room(model, size, batch=2 if guided else 1, kept=needed)


def _result(
    request: AttentionRequest, prompt: TokenizedPrompt, made: Comparison, started: float, model: Any
) -> AttentionResult:
    """The result without metrics."""
    arms = made.arms
    return AttentionResult(
        request=request,
        maps={name: arm.maps for name, arm in arms.items()},
        steps={name: arm.steps for name, arm in arms.items()},
        tokens=tuple(Token(token.index, token.text, token.start, token.stop) for token in prompt.tokens),
        images={name: arm.image for name, arm in arms.items()},
        previews={name: arm.previews for name, arm in arms.items() if len(arm.previews)},
        truncated=prompt.truncated,
        metrics=(),
        provenance=provenance(started, request, model),
        head_maps={name: arm.head_maps for name, arm in arms.items()} if request.heads else {},
        reconstruction=made.reconstruction,
    )
