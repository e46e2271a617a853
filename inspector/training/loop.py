"""What the training commands share: a resumable loop with checkpoints, averages and a log line.

A run lives in one folder: `checkpoint.pt` (written to a temporary name, then renamed), `log.jsonl`
and sample pictures. It stops after `slice_minutes`, on the last step, on Ctrl-C or on a polite kill,
always with a checkpoint, and `--resume` goes on from there.
"""

import json
import math
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from inspector.errors import ChoiceError


@dataclass(frozen=True)
class Schedule:
    """Length and learning rate of a run: linear warm-up, then a cosine down to the share `floor`.

    again: (step, rate) from which warm-up and cosine come once more, at another rate.
    """

    steps: int
    learning_rate: float
    warmup: int = 200
    batch: int = 64
    average: float = 0.999  # decay of the weights' moving average
    weight_decay: float = 0.01
    probe_every: int = 500
    save_minutes: float = 5.0
    slice_minutes: float | None = None
    floor: float = 0.05
    again: tuple[int, float] | None = None

    def rate(self, step: int) -> float:
        """Learning rate at a step counted from 0."""
        start, stop, peak = 0, self.steps, self.learning_rate
        if self.again is not None:
            turn, second = self.again
            start, stop, peak = (turn, stop, second) if step >= turn else (start, turn, peak)
        step -= start
        if step < self.warmup:
            return peak * (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, stop - start - self.warmup)
        return peak * (self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * min(done, 1))))


class Run:
    """One resumable training of one module.

    loss: step, rng -> (loss to minimise, numbers to log). probe: called with the averaged weights in
    place every `probe_every` steps; returns numbers to log.
    """

    def __init__(self, name: str, module: nn.Module, schedule: Schedule, folder: Path, resume: bool) -> None:
        self.name, self.module, self.schedule, self.folder = name, module, schedule, Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.step = 0
        self.adopted_at: int | None = None
        self.seconds = 0.0
        self.stopped = False
        # Norms, biases and embeddings are not decayed.
        decayed = [p for p in module.parameters() if p.requires_grad and p.ndim > 1]
        plain = [p for p in module.parameters() if p.requires_grad and p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": schedule.weight_decay}, {"params": plain, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=schedule.learning_rate, betas=(0.9, 0.98), eps=1e-6, fused=True)
        self.average = {key: value.detach().clone() for key, value in module.state_dict().items()}
        if resume:
            self._load()
        elif (self.folder / "checkpoint.pt").exists():
            raise ChoiceError(
                f"{self.folder} already holds a run at some step; add --resume to go on, or move the folder away."
            )

    def train(
        self,
        loss: Callable[[int, np.random.Generator], tuple[torch.Tensor, Mapping[str, float]]],
        probe: Callable[[], Mapping[str, float]] | None = None,
    ) -> bool:
        """Train until the last step or the end of the slice; True when the last step is done."""
        schedule, started = self.schedule, time.monotonic()
        saved = started
        self._stop_politely()
        recent: deque[float] = deque(maxlen=50)
        if self.step:
            self.say(f"resumed at step {self.step}")
        try:
            while self.step < schedule.steps:
                before = time.monotonic()
                numbers = self._one_step(loss)
                recent.append(time.monotonic() - before)
                self.seconds += recent[-1]
                if self.step % 20 == 0:
                    self._log(numbers, recent)
                if probe is not None and self.step % schedule.probe_every == 0:
                    self._probe(probe)
                now = time.monotonic()
                if now - saved > 60 * schedule.save_minutes:
                    self.save()
                    saved = now
                over = schedule.slice_minutes is not None and now - started > 60 * schedule.slice_minutes
                if over or self.stopped:
                    break
        finally:
            self.save()
        return self.step >= schedule.steps

    def _stop_politely(self) -> None:
        """Let Ctrl-C or a kill end the run after the step at hand; a second one ends it at once."""

        def stop(number: int, _: object) -> None:
            self.stopped = True
            signal.signal(number, signal.SIG_DFL)

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)

    def _one_step(self, loss: Callable) -> Mapping[str, float]:
        rng = np.random.default_rng([self.step, 20_260])
        torch.manual_seed(self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate()
        self.optimizer.zero_grad(set_to_none=True)
        value, numbers = loss(self.step, rng)
        if not torch.isfinite(value):
            raise FloatingPointError(f"{self.name}: the loss is {value.item()} at step {self.step}.")
        value.backward()
        nn.utils.clip_grad_norm_(self.module.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        self._update_average()
        return {"loss": float(value.detach()), **numbers}

    def _rate(self) -> float:
        """The schedule's rate, warmed up afresh after adopted weights, whose optimiser knows nothing yet."""
        rate = self.schedule.rate(self.step)
        if self.adopted_at is None:
            return rate
        return rate * min(1.0, (self.step - self.adopted_at + 1) / self.schedule.warmup)

    @torch.no_grad()
    def _update_average(self) -> None:
        # A short memory at first, so that an early average is not the random start.
        decay = min(self.schedule.average, (1 + self.step) / (10 + self.step))
        for key, value in self.module.state_dict().items():
            if value.is_floating_point():
                self.average[key].lerp_(value, 1 - decay)
            else:
                self.average[key].copy_(value)

    def adopt(self, weights: Mapping[str, torch.Tensor], step: int, seconds: float) -> None:
        """Go on from weights whose checkpoint is gone, such as the shipped ones; the optimiser starts afresh.

        step, seconds: what went into the weights.
        """
        self.module.load_state_dict({**self.module.state_dict(), **weights})
        self.average = {key: value.detach().clone() for key, value in self.module.state_dict().items()}
        self.step = self.adopted_at = step
        self.seconds = seconds
        self.say(f"no checkpoint: going on from the written weights of step {step}")

    @torch.no_grad()
    def freeze(self, prefixes: tuple[str, ...]) -> None:
        """Give the parameters with these prefixes their averaged values and train them no more."""
        for name, parameter in self.module.named_parameters():
            if name.startswith(prefixes) and parameter.requires_grad:
                parameter.copy_(self.average[name])
                parameter.requires_grad_(False)
                parameter.grad = None

    def averaged(self) -> "Averaged":
        """Context in which the module holds the averaged weights."""
        return Averaged(self.module, self.average)

    def _probe(self, probe: Callable[[], Mapping[str, float]]) -> None:
        before = time.monotonic()
        with self.averaged(), torch.no_grad():
            numbers = probe()
        self._write({"step": self.step, "probe": numbers})
        shown = " ".join(f"{key} {value:.3f}" for key, value in numbers.items())
        self.say(f"probe ({time.monotonic() - before:.0f} s): {shown}")

    def _log(self, numbers: Mapping[str, float], recent: deque[float]) -> None:
        seconds = sum(recent) / len(recent)
        left = seconds * (self.schedule.steps - self.step)
        self._write({"step": self.step, "seconds": round(self.seconds, 1), **numbers})
        shown = " ".join(f"{key} {value:.4f}" for key, value in numbers.items())
        pace = f"{self.schedule.batch / seconds:.0f} samples/s, {_duration(left)} left"
        self.say(f"step {self.step}/{self.schedule.steps}: {shown} | {pace}")

    def _write(self, row: Mapping[str, Any]) -> None:
        with open(self.folder / "log.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def say(self, text: str) -> None:
        """Print one line about this run."""
        print(f"[{self.name}] {text}", flush=True)

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "adopted_at": self.adopted_at,
            "module": self.module.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
        }
        torch.save(state, self.folder / "checkpoint.part")
        (self.folder / "checkpoint.part").replace(self.folder / "checkpoint.pt")

    def _load(self) -> None:
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return
        state = torch.load(path, map_location=next(self.module.parameters()).device, weights_only=True)
        self.module.load_state_dict(state["module"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average = state["average"]
        self.step, self.seconds = state["step"], state["seconds"]
        self.adopted_at = state.get("adopted_at")


def half(device: torch.device) -> torch.autocast:
    """Autocast to bfloat16 where the device is quick at it: a CPU without such instructions is many times slower."""
    quick = device.type != "cpu" or torch.cpu._is_avx512_bf16_supported()
    return torch.autocast(device.type, torch.bfloat16, enabled=quick)


class Averaged:
    """Swap a module's weights for others inside a `with`, and back after."""

    def __init__(self, module: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
        self.module, self.weights = module, weights

    def __enter__(self) -> nn.Module:
        self.own = {key: value.detach().clone() for key, value in self.module.state_dict().items()}
        self.training = self.module.training
        self.module.load_state_dict(self.weights)
        return self.module.eval()

    def __exit__(self, *_: object) -> None:
        self.module.load_state_dict(self.own)
        self.module.train(self.training)


def _duration(seconds: float) -> str:
    """Seconds as "3 h 05 min" or "12 min"."""
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
