"""A killed run goes on as if it had not been killed, and its averages are averages."""

import os
import signal

import numpy as np
import pytest
import torch
from torch import nn

from inspector.errors import ChoiceError
from inspector.training.loop import Run, Schedule


def linear() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(3, 1)


def regression(module: nn.Module):
    def loss(step: int, rng: np.random.Generator):
        inputs = torch.from_numpy(rng.normal(size=(8, 3))).float()
        noise = 0.1 * torch.randn(8, 1)
        return (module(inputs) - inputs.sum(1, keepdim=True) + noise).square().mean(), {}

    return loss


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, capsys):
    schedule = Schedule(steps=30, learning_rate=0.05, warmup=5, batch=8, average=0.9)
    whole = Run("whole", linear(), schedule, tmp_path / "whole", resume=False)
    assert whole.train(regression(whole.module))

    first = Run("parts", linear(), schedule, tmp_path / "parts", resume=False)
    inner = regression(first.module)

    def killed(step, rng):
        if step == 12:
            raise KeyboardInterrupt
        return inner(step, rng)

    with pytest.raises(KeyboardInterrupt):
        first.train(killed)
    second = Run("parts", linear(), schedule, tmp_path / "parts", resume=True)
    assert second.step == 12
    assert second.train(regression(second.module))
    for key, value in whole.module.state_dict().items():
        assert torch.equal(value, second.module.state_dict()[key])
        assert torch.equal(whole.average[key], second.average[key])


def test_a_fresh_run_does_not_overwrite_an_old_one(tmp_path):
    schedule = Schedule(steps=1, learning_rate=0.1, batch=8)
    run = Run("one", linear(), schedule, tmp_path, resume=False)
    run.train(regression(run.module))
    with pytest.raises(ChoiceError, match="--resume"):
        Run("one", linear(), schedule, tmp_path, resume=False)


def test_a_slice_ends_with_a_checkpoint(tmp_path):
    schedule = Schedule(steps=1000, learning_rate=0.1, batch=8, slice_minutes=0.0)
    run = Run("slice", linear(), schedule, tmp_path, resume=False)
    assert not run.train(regression(run.module))
    assert Run("slice", linear(), schedule, tmp_path, resume=True).step == run.step == 1


def test_a_kill_ends_the_run_after_the_step_at_hand(tmp_path):
    schedule = Schedule(steps=1000, learning_rate=0.1, batch=8)
    run = Run("kill", linear(), schedule, tmp_path, resume=False)
    inner = regression(run.module)

    def loss(step, rng):
        if step == 7:
            os.kill(os.getpid(), signal.SIGTERM)
        return inner(step, rng)

    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        assert not run.train(loss)
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
            signal.signal(number, handler)
    assert Run("kill", linear(), schedule, tmp_path, resume=True).step == 8


def test_rate_warms_up_and_falls_to_a_twentieth():
    schedule = Schedule(steps=100, learning_rate=1.0, warmup=10)
    assert schedule.rate(0) == pytest.approx(0.1)
    assert schedule.rate(9) == pytest.approx(1.0)
    assert schedule.rate(55) == pytest.approx(0.05 + 0.95 * 0.5)
    assert schedule.rate(100) == pytest.approx(0.05)


def test_averaged_weights_are_lent_and_given_back(tmp_path):
    schedule = Schedule(steps=40, learning_rate=0.1, batch=8, average=0.5)
    run = Run("mean", linear(), schedule, tmp_path, resume=False)
    seen = []
    inner = regression(run.module)

    def recorded(step, rng):
        seen.append(run.module.weight.detach().clone())
        return inner(step, rng)

    run.train(recorded)
    seen.append(run.module.weight.detach().clone())
    # The average of decay d is d * average + (1 - d) * weight, with d = min(.5, (1 + step) / (10 + step)).
    expected = seen[0]
    for step, weight in enumerate(seen[1:], 1):
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weight
    own = run.module.weight.detach().clone()
    with run.averaged() as module:
        assert torch.allclose(module.weight, expected, atol=1e-6)
        assert not torch.equal(module.weight, own)
    assert torch.equal(run.module.weight, own)


def test_a_frozen_part_keeps_its_averaged_value(tmp_path):
    schedule = Schedule(steps=30, learning_rate=0.1, batch=8, average=0.9)
    run = Run("frozen", linear(), schedule, tmp_path, resume=False)
    inner = regression(run.module)
    kept = {}

    def loss(step, rng):
        if step >= 10:
            run.freeze(("bias",))
            kept.setdefault("bias", run.module.bias.detach().clone())
            kept.setdefault("weight", run.module.weight.detach().clone())
        return inner(step, rng)

    run.train(loss)
    assert torch.equal(run.module.bias, kept["bias"])
    assert torch.equal(run.average["bias"], kept["bias"])
    assert not torch.equal(run.module.weight, kept["weight"])
    again = Run("frozen", linear(), schedule, tmp_path, resume=True)
    assert torch.equal(again.module.bias, kept["bias"])


def test_a_run_whose_checkpoint_is_gone_goes_on_from_written_weights(tmp_path):
    schedule = Schedule(steps=30, learning_rate=0.1, batch=8)
    run = Run("adopt", linear(), schedule, tmp_path, resume=True)
    run.adopt({"weight": torch.full((1, 3), 2.0)}, step=29, seconds=60.0)
    assert run.module.bias.item() == linear().bias.item()
    assert torch.equal(run.average["weight"], torch.full((1, 3), 2.0))
    assert run.seconds == 60
    assert run.train(regression(run.module))
    assert run.step == 30


def test_adopted_weights_are_warmed_up_afresh_and_a_resume_knows_it(tmp_path):
    schedule = Schedule(steps=1000, learning_rate=1.0, warmup=10)
    run = Run("warm", linear(), schedule, tmp_path, resume=False)
    run.adopt({}, step=500, seconds=0.0)
    assert run._rate() == pytest.approx(schedule.rate(500) / 10)
    run.step = 504
    run.save()
    again = Run("warm", linear(), schedule, tmp_path, resume=True)
    assert again._rate() == pytest.approx(schedule.rate(504) / 2)
    again.step = 510
    assert again._rate() == schedule.rate(510)
    assert Run("fresh", linear(), schedule, tmp_path / "fresh", resume=False)._rate() == schedule.rate(0)
