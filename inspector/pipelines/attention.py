"""Attention: cross-attention maps while an image is generated, and with noise added to it once (paper, Fig. 3)."""

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from inspector.analysis.attention import score
from inspector.errors import ChoiceError, RecordingError
from inspector.models import load_diffusion
from inspector.models.protocols import DiffusionModel, TokenizedPrompt
from inspector.pipelines import durations
from inspector.pipelines.common import INFERENCE_LOCK, fit_image, gpu, last, loading, provenance
from inspector.pipelines.room import check_room
from inspector.results import ARMS, AttentionRequest, AttentionResult, Progress, Token
from inspector.settings import settings
from inspector.trace.previews import Previewer, shrink
from inspector.trace.recorders import Recording, record, recording_bytes
from inspector.trace.trajectories import denoise, first_latents, record_once, schedule

GENERATION, NOISE_ONCE = ARMS
LEVELS = 8  # the sides a model takes are multiples of this times its latent_factor


@dataclass(frozen=True)
class Arm:
    """One recorded arm: its maps, its image uint8 (h, w, 3) and small previews uint8 (step, h, w, 3).

    Previews of a generation are guesses at the decoded prediction, and the finished picture at the last step.
    """

    recording: Recording
    image: np.ndarray
    previews: np.ndarray


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
    positions = [token.index for token in prompt.tokens]
    timestep = noise_timestep(request, model)
    if request.image is None:
        schedule(model, request.scheduler, request.steps)
    else:
        model.scheduler(request.scheduler)  # a name that does not exist is refused, used or not
    side, multiple = generated_size(request, model), model.latent_factor * LEVELS
    given = None if request.image is None else fit_image(request.image, side, multiple)
    _check_memory(request, model, (side, side) if given is None else given.shape[:2], len(positions))
    previewer = Previewer(model)
    arms: dict[str, Arm] = {}
    if given is None:
        arms[GENERATION] = yield from _generate(request, model, previewer, positions, side)
        given = arms[GENERATION].image
    image = given if request.image is None else request.image
    done = len(arms[GENERATION].recording.timesteps) if arms else 0
    yield Progress(done, done + 1, f"Adding noise once, t = {timestep}", preview=given)
    recording, shown = _noise_once(request, model, positions, given, timestep)
    arms[NOISE_ONCE] = Arm(recording, image, shown)
    result = _result(request, prompt, arms, started, model)
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


def noise_timestep(request: AttentionRequest, model: DiffusionModel) -> int:
    """t of the noise added once: the request's, or that of the last step of a generation with its scheduler."""
    if request.noise_timestep is not None:
        return request.noise_timestep
    return round(float(schedule(model, request.scheduler, request.steps).timesteps[-1]))


def _total(request: AttentionRequest) -> int:
    return (request.steps if request.image is None else 0) + 1


def _check_memory(request: AttentionRequest, model: DiffusionModel, size: tuple[int, int], tokens: int) -> None:
    """Raise RecordingError when the maps would be larger than allowed, before anything runs.

    And ModelMemoryError when they and the run would take more memory than is free.
    """
    grid = (size[0] // model.latent_factor, size[1] // model.latent_factor)
    calls = _total(request) + 1  # PNDM makes one call more than it has steps
    needed = recording_bytes(model.unet, grid, tokens, calls, heads=request.heads)
    allowed = settings().limits.max_recording
    if needed > allowed:
        advice = "without single heads" if request.heads else "with fewer steps or a smaller size"
        raise RecordingError(
            f"The maps would take {needed / 1e9:.1f} GB and {allowed / 1e9:.1f} GB are allowed; record {advice}."
        )
    guided = request.image is None and request.guidance_scale > 1
    check_room(model, size, batch=2 if guided else 1, kept=needed)


def _generate(
    request: AttentionRequest,
    model: DiffusionModel,
    previewer: Previewer,
    positions: Sequence[int],
    side: int,
) -> Generator[Progress, None, Arm]:
    """Denoise from the seed with guidance, recording every step."""
    started = time.perf_counter()
    recording, previews = Recording(), []
    latents = first_latents(model, request.seed, side, side)
    steps = denoise(
        model, latents, [request.prompt], request.steps, request.guidance_scale, request.scheduler, request.seed
    )
    while True:
        # Hooks and lock last one step, never a yield: other users' runs may come between two steps.
        with INFERENCE_LOCK, record(model.unet, positions, heads=request.heads, into=recording, model=model.spec.name):
            step = next(steps, None)
        if step is None:
            break
        latents = step.denoised
        with INFERENCE_LOCK:
            preview = previewer(step.predicted)
        previews.append(shrink(preview))
        done, total = step.index + 1, step.total + 1
        left = (time.perf_counter() - started) / done * (total - done)
        moment = (done, step.total, step.timestep)
        yield Progress(done, total, "Step {} of {}, t = {}".format(*moment), round(left, 1), preview, moment)
    with INFERENCE_LOCK:
        image = model.decode(latents)[0]
    return Arm(recording, image, np.stack([*previews[:-1], shrink(image)]))


def _noise_once(
    request: AttentionRequest,
    model: DiffusionModel,
    positions: Sequence[int],
    image: np.ndarray,
    timestep: int,
) -> tuple[Recording, np.ndarray]:
    """Encode the 8-bit image, add noise at t once, record one conditional pass; also what it predicts, decoded."""
    with INFERENCE_LOCK:
        latents, states = model.encode_images(image[None]), model.encode_prompts([request.prompt])
        recording, predicted = record_once(
            model, latents, states, timestep, [request.seed], positions, heads=request.heads
        )
        return recording, shrink(model.decode(predicted)[0])[None]


def _result(
    request: AttentionRequest, prompt: TokenizedPrompt, arms: Mapping[str, Arm], started: float, model: Any
) -> AttentionResult:
    """The result without metrics; the recordings are emptied."""
    head_maps = {name: arm.recording.taken(heads=True) for name, arm in arms.items()}
    return AttentionResult(
        request=request,
        maps={name: arm.recording.taken() for name, arm in arms.items()},
        steps={name: tuple(arm.recording.timesteps) for name, arm in arms.items()},
        tokens=tuple(Token(token.index, token.text, token.start, token.stop) for token in prompt.tokens),
        images={name: arm.image for name, arm in arms.items()},
        previews={name: arm.previews for name, arm in arms.items()},
        truncated=prompt.truncated,
        metrics=(),
        provenance=provenance(started, request, model),
        head_maps=head_maps if request.heads else {},
    )
