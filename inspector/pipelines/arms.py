"""The arms of a comparison, recorded pass by pass: a denoising run, and what is made of a finished picture."""

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch

from inspector.analysis.metrics import decibels
from inspector.models.protocols import Conditions, DiffusionModel
from inspector.pipelines.common import INFERENCE_LOCK
from inspector.results import (
    AGAIN,
    DECODED,
    EVERY,
    EVERY_STEP,
    GENERATION,
    INVERSION,
    LATENT,
    MEAN_OF_SEEDS,
    NOISE_ONCE,
    NOISELESS,
    SPREAD_OF_SEEDS,
    AttentionRequest,
    Progress,
    seed_arm,
)
from inspector.trace.arms import decoded_again, invert, noiseless
from inspector.trace.edits import Following, follow
from inspector.trace.previews import Previewer, shrink
from inspector.trace.projections import Projections, keep
from inspector.trace.recorders import Recording, record
from inspector.trace.trajectories import Step, denoise, generator_after, noise_once, record_at, schedule

SEEDED = (NOISE_ONCE, MEAN_OF_SEEDS, SPREAD_OF_SEEDS)


@dataclass(frozen=True)
class Arm:
    """One arm: its maps, its image uint8 (h, w, 3), small previews uint8 (step, h, w, 3), which may be none.

    Previews are guesses at the decoded prediction; but decoded where an arm has one step, and at the last step of
    denoising the finished picture.

    maps: layer -> float16 (step, token, h, w); head_maps: layer -> (step, head, token, h, w), empty unless asked for.
    queries, self_attention: as `Projections.taken`, likewise.
    """

    steps: tuple[int, ...]
    maps: Mapping[str, np.ndarray]
    head_maps: Mapping[str, np.ndarray]
    image: np.ndarray
    previews: np.ndarray
    queries: Mapping[str, np.ndarray] = field(default_factory=dict)
    self_attention: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What a request asks of a model, step by step.

    timesteps: t of each pass of the arms that add noise once, high noise first. generation, ddim: t of each step of the
    request's scheduler, and of DDIM, by which pictures are inverted and denoised again; () where no arm needs them.
    """

    request: AttentionRequest
    timesteps: tuple[int, ...]
    generation: tuple[int, ...] = ()
    ddim: tuple[int, ...] = ()

    @property
    def begin(self) -> int:
        """The step of DDIM from which `denoised again` starts: the first that is not above the noise's t."""
        return max((timestep for timestep in self.ddim if timestep <= self.timesteps[0]), default=self.ddim[-1])

    def kept(self) -> dict[str, int]:
        """Arm of the result -> how many steps of it are kept."""
        own = {GENERATION: len(self.generation), INVERSION: len(self.ddim)}
        own[AGAIN] = sum(timestep <= self.begin for timestep in self.ddim) if self.ddim else 0
        return {arm: own.get(arm, len(self.timesteps)) for arm in self.request.recorded_arms}

    def total(self) -> int:
        """Steps of progress of the whole run."""
        asked, kept = self.request.chosen_arms, self.kept()
        own = sum(kept[arm] for arm in asked if arm not in SEEDED)
        seeds = self.request.seeds if any(arm in SEEDED for arm in asked) else 0
        # Each step of inversion is a pass of its own before it is recorded.
        return own + kept.get(INVERSION, 0) + seeds * len(self.timesteps)


def plan(request: AttentionRequest, model: DiffusionModel) -> Plan:
    """The plan of a request.

    Raises ChoiceError for an unknown scheduler, used or not, and for more steps than one that is used can make.
    """
    model.scheduler(request.scheduler)
    arms, asked = set(request.chosen_arms), request.noise_timesteps
    matched = asked == (EVERY,) or (not asked and request.noise_timestep is None)
    generation = _levels(request, model, request.scheduler) if GENERATION in arms or matched else ()
    ddim = _levels(request, model, model.sampling.noising) if {INVERSION, AGAIN} & arms else ()
    if matched:
        return Plan(request, generation if asked else generation[-1:], generation, ddim)
    return Plan(request, tuple(map(int, asked)) or (int(request.noise_timestep or 0),), generation, ddim)


def _levels(request: AttentionRequest, model: DiffusionModel, scheduler: str) -> tuple[int, ...]:
    return tuple(round(float(timestep)) for timestep in schedule(model, scheduler, request.steps).timesteps)


@dataclass
class Comparison:
    """The arms of one run. `generate` and `others` yield Progress and keep what they made in `arms`.

    positions: indices of the tokens to keep. picture: uint8 (h, w, 3) as the model sees it, and image as it was given;
    `generate` makes both where there are none.
    """

    model: DiffusionModel
    plan: Plan
    positions: Sequence[int]
    picture: np.ndarray | None = None
    image: np.ndarray | None = None
    arms: dict[str, Arm] = field(default_factory=dict)
    reconstruction: dict[str, float] = field(default_factory=dict)
    done: int = 0
    finished: torch.Tensor | None = None  # z_0 as denoising left it

    @property
    def request(self) -> AttentionRequest:
        """The plan's request."""
        return self.plan.request

    @cached_property
    def previewer(self) -> Previewer:
        """One for the whole run."""
        return Previewer(self.model)

    @cached_property
    def conditions(self) -> Conditions:
        """Those of the prompt, and for a model that inpaints of the picture: all that was generated stays masked.

        So the arms of a generated picture differ by their latents alone.
        """
        told = self.model.encode_prompts([self.request.prompt])
        if self._given is not None:
            return self.model.shown(told, self._given)
        size = (self.encoded.shape[-2], self.encoded.shape[-1])
        return self.model.unshown(told, size, generator_after(self.encoded, self.request.seed))

    @property
    def _given(self) -> torch.Tensor | None:
        """z_0 of a picture that was given; None where it was generated."""
        return None if self.request.image is None else self.encoded

    @cached_property
    def encoded(self) -> torch.Tensor:
        """z_0 (1, c, h, w) of the 8-bit picture."""
        assert self.picture is not None
        return self.model.encode_images(self.picture[None])

    def generate(self, latents: torch.Tensor) -> Generator[Progress, None, None]:
        """Denoise from standard normal latents with guidance, recording every step; an edit follows its source."""
        request = self.request
        names = ("steps", "guidance_scale", "scheduler", "seed")
        options = {name: getattr(request, name) for name in names}
        steps = denoise(self.model, latents, [request.prompt], **options)
        following = None
        if request.edit is not None:
            following = follow(self.model, request.edit, request.prompt, latents, options)
        self.arms[GENERATION], self.finished = yield from self._denoised(
            steps, "Step {} of {}, t = {}", moments=True, following=following
        )
        self.picture = self.image = self.arms[GENERATION].image

    def others(self) -> Generator[Progress, None, None]:
        """All arms but generation, in the order that they have in the result."""
        asked = self.request.chosen_arms
        seeded: list[Arm] = []
        for name in asked:
            if name in SEEDED:
                if not seeded:
                    seeded = yield from self._seeds()
            elif name != GENERATION:
                self.arms[name] = yield from self._one(name)
        if seeded:
            self._keep_seeds(seeded)
        self.arms = {name: self.arms[name] for name in self.request.recorded_arms}

    def _one(self, name: str) -> Generator[Progress, None, Arm]:
        if name == INVERSION:
            return (yield from self._inverted())
        if name == AGAIN:
            return (yield from self._again())
        with INFERENCE_LOCK:
            clean = self._clean(name)
        seed = None if name == NOISELESS else self.request.seed
        return (yield from self._passes(name.capitalize(), self._noisy(clean, seed)))

    def _clean(self, name: str) -> torch.Tensor:
        """z_0 of an arm."""
        if name not in (LATENT, DECODED):
            return self.encoded
        assert self.finished is not None
        return self.finished if name == LATENT else decoded_again(self.model, self.finished)

    def _seeds(self) -> Generator[Progress, None, list[Arm]]:
        found = []
        for number in range(self.request.seeds):
            seed = self.request.seed + number
            with INFERENCE_LOCK:
                noisy = self._noisy(self.encoded, seed)
            told = "Adding noise once" if number == 0 else f"Adding noise once, seed {seed}"
            found.append((yield from self._passes(told, noisy)))
        return found

    def _keep_seeds(self, seeded: Sequence[Arm]) -> None:
        first = seeded[0]
        names = [NOISE_ONCE, *(seed_arm(self.request.seed + number) for number in range(1, len(seeded)))]
        self.arms |= dict(zip(names, seeded, strict=True))
        for name, reduce in ((MEAN_OF_SEEDS, _mean), (SPREAD_OF_SEEDS, _deviation)):
            if name in self.request.chosen_arms:
                maps = _over([arm.maps for arm in seeded], reduce)
                heads = _over([arm.head_maps for arm in seeded], reduce)
                self.arms[name] = Arm(first.steps, maps, heads, first.image, first.previews[:0])

    def _noisy(self, clean: torch.Tensor, seed: int | None) -> Callable[[int], torch.Tensor]:
        """A function of t -> x_t of z_0 with the noise of a seed, None for none."""
        if seed is None:
            return lambda timestep: noiseless(self.model, clean, timestep)
        return lambda timestep: noise_once(self.model, clean, timestep, [seed])

    def _passes(
        self, told: str, noisy: Callable[[int], torch.Tensor], timesteps: Sequence[int] = ()
    ) -> Generator[Progress, None, Arm]:
        """One conditional pass per t, without guidance; a single one is decoded for its preview."""
        recording, kept, previews, asked = Recording(), self._kept(), [], timesteps or self.plan.timesteps
        for timestep in asked:
            yield self._progress(f"{told}, t = {timestep}")
            with INFERENCE_LOCK, keep(self.model.network, kept):
                _, predicted = record_at(
                    self.model,
                    noisy(timestep),
                    self.conditions,
                    timestep,
                    self.positions,
                    self.request.heads,
                    recording,
                    self.request.reading,
                )
                picture = self.model.decode(predicted)[0] if len(asked) == 1 else self.previewer(predicted)
                previews.append(shrink(picture))
        return self._arm(recording, kept, self.image, previews)

    def _inverted(self) -> Generator[Progress, None, Arm]:
        """x_t by inversion, then a pass at each, since those of the inversion itself are at x of the step below."""
        model, request, found = self.model, self.request, {}
        with INFERENCE_LOCK:
            steps = invert(model, self.encoded, self.conditions, request.steps)
        while True:
            with INFERENCE_LOCK:
                step = next(steps, None)
            if step is None:
                break
            found[step.timestep] = step.latents
            yield self._progress(f"Inverting, t = {step.timestep}")
        arm = yield from self._passes("Inversion", found.__getitem__, sorted(found, reverse=True))
        with INFERENCE_LOCK:
            start, shown = found[max(found)], self._given
            *_, last = denoise(model, start, [request.prompt], request.steps, 1.0, seed=request.seed, shown=shown)
            apart, scale = (last.denoised - self.encoded).float(), self.encoded.float().std()
            pictures = [model.decode(latents) for latents in (self.encoded, last.denoised)]
        self.reconstruction |= {
            "psnr": float(decibels(*pictures)[0]),
            "rms": float(apart.square().mean().sqrt() / scale),
        }
        return arm

    def _again(self) -> Generator[Progress, None, Arm]:
        """Noise at `Plan.begin`, then denoised from there, under guidance, by DDIM as all arms' noise is."""
        model, request, begin = self.model, self.request, self.plan.begin
        with INFERENCE_LOCK:
            noisy = noise_once(model, self.encoded, begin, [request.seed])
        sampler, shown = model.sampling.noising, self._given
        chosen = (request.steps, request.guidance_scale, sampler, request.seed, begin, shown)
        steps = denoise(model, noisy, [request.prompt], *chosen)
        arm, _ = yield from self._denoised(steps, "Denoising again, step {} of {}, t = {}")
        return arm

    def _denoised(
        self, steps: Iterator[Step], message: str, moments: bool = False, following: Following | None = None
    ) -> Generator[Progress, None, tuple[Arm, torch.Tensor]]:
        """Every step of a denoising run, and the latents that it ends with.

        moments: progress tells them, for the one run whose steps are followed while it goes on. following: the run
        whose attention it keeps.
        """
        started, before, total = time.perf_counter(), self.done, self.plan.total()
        recording, kept, previews, latents = Recording(), self._kept(), [], torch.empty(0)
        model, heads = self.model, self.request.heads
        while True:
            # Hooks and lock last one step, never a yield: other users' runs may come between two steps.
            with (
                INFERENCE_LOCK,
                following.step() if following else nullcontext() as used,
                record(model.network, self.positions, 1, heads, recording, model.spec.name, used, self.request.reading),
                keep(model.network, kept),
            ):
                step = next(steps, None)
            if step is None:
                break
            latents = step.denoised
            with INFERENCE_LOCK:
                preview = self.previewer(step.predicted)
            previews.append(shrink(preview))
            self.done += 1
            left = (time.perf_counter() - started) / (self.done - before) * (total - self.done)
            moment = (step.index + 1, step.total, step.timestep)
            yield Progress(
                self.done, total, message.format(*moment), round(left, 1), preview, moment if moments else None
            )
        with INFERENCE_LOCK:
            image = model.decode(latents)[0]
        return self._arm(recording, kept, image, [*previews[:-1], shrink(image)]), latents

    def _progress(self, message: str) -> Progress:
        """What is under way now."""
        self.done += 1
        return Progress(self.done - 1, self.plan.total(), message, preview=self.picture)

    def _kept(self) -> Projections:
        """Room for what the request wants kept of one arm."""
        return projections(self.request)

    def _arm(
        self, recording: Recording, kept: Projections, image: np.ndarray | None, previews: Sequence[np.ndarray]
    ) -> Arm:
        """The arm of a recording, which is emptied, as is what was kept beside it."""
        assert image is not None
        steps, heads = tuple(recording.timesteps), recording.taken(heads=True)
        return Arm(steps, recording.taken(), heads, image, np.stack(previews), *kept.taken())


def projections(request: AttentionRequest) -> Projections:
    """What a request wants kept of an arm, empty."""
    return Projections(request.queries, request.self_attention, request.kept_steps == EVERY_STEP)


def _over(
    maps: Sequence[Mapping[str, np.ndarray]], reduce: Callable[[np.ndarray], np.ndarray]
) -> dict[str, np.ndarray]:
    """Layer -> the recordings' maps reduced to one, of float32 (recording, ...) to float16."""
    return {
        layer: reduce(np.stack([one[layer] for one in maps]).astype(np.float32)).astype(np.float16) for layer in maps[0]
    }


def _mean(maps: np.ndarray) -> np.ndarray:
    return maps.mean(0)


def _deviation(maps: np.ndarray) -> np.ndarray:
    return maps.std(0, ddof=1)
