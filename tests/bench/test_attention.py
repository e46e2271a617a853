"""The timing of recording: that the ways it compares compute what they say, and what it prints."""

import itertools

import numpy as np
import pytest
import torch

from inspector.bench import attention, memory
from inspector.bench.ways import Daam, PromptToPrompt, replaced
from inspector.trace import recorders
from tests.toys import ToyDiffusion


@pytest.fixture(scope="module")
def model() -> ToyDiffusion:
    return ToyDiffusion()


@torch.no_grad()
def call(model: ToyDiffusion) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    latents, states = torch.randn(2, 4, 8, 16, generator=generator), torch.randn(2, 16, 12, generator=generator)
    return model.unet(latents, 300, states).sample


def test_both_ways_record_the_probabilities_that_ours_does(model: ToyDiffusion) -> None:
    """Two calls, summed; and what they replaced computes the same and is back afterwards."""
    with recorders.record(model.unet, range(16), heads=True) as recording:
        plain = call(model)
        call(model)
    before, daam, edit = dict(model.unet.attn_processors), Daam((8, 16)), PromptToPrompt()
    for way in (daam, edit):
        with replaced(model.unet, way.keep):
            assert torch.allclose(call(model), plain, atol=1e-4)
            call(model)
    assert model.unet.attn_processors == before
    heads = recording.stacked(heads=True)
    assert set(edit.total) == set(heads)
    for layer, total in edit.total.items():
        expected = 2 * heads[layer][0].astype(np.float32)  # (head, token, h, w)
        assert np.allclose(total[-1].transpose(-1, -2).unflatten(-1, expected.shape[-2:]), expected, atol=2e-3)
        assert len(total) == 2
    large = [
        torch.nn.functional.interpolate(torch.from_numpy(maps[0]).float(), size=(8, 16), mode="bicubic")
        for maps in heads.values()
    ]
    assert torch.allclose(daam.total, 2 * sum(maps.clamp(min=0).sum(0) for maps in large), atol=0.03)


def test_all_ways_make_the_picture_of_the_pipeline(model: ToyDiffusion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ToyDiffusion, "pipeline", lambda _: None, raising=False)
    ways = attention.ways_of(model, 2)
    del ways[attention.PIPELINE]
    made = {name: way() for name, way in ways.items()}
    latents, _ = made[attention.LOOP]
    for name, (found, _) in made.items():
        exact = name in (attention.LOOP, attention.RECORDED, "recorded, every head", attention.PREVIEWS)
        assert torch.equal(found, latents) if exact else torch.allclose(found, latents, atol=1e-3)
    heads, maps, shown = made[attention.PREVIEWS][1]
    assert (len(heads), len(maps), len(shown)) == (0, 16, 2)
    assert len(made["recorded, every head"][1][0]) == 16


def test_runs_take_turns_and_ratios_are_of_one_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    names = (attention.PIPELINE, attention.LOOP, attention.RECORDED)
    ways = {name: lambda name=name: asked.append(name) for name in names}
    durations = iter([1.0, 2.0, 3.0, 8.0, 6.0, 2.0])
    monkeypatch.setattr(attention, "load_diffusion", lambda _: ToyDiffusion())
    monkeypatch.setattr(attention, "ways_of", lambda *_: ways)
    monkeypatch.setattr(attention, "timed", lambda run, _: (run(), next(durations))[1])
    told: list = []
    result = attention.measure(2, told.append)
    assert asked == [*names, *names, names[1], names[2], names[0]]
    assert [item.step for item in told] == list(range(9))
    recorded = result["ways"][attention.RECORDED]
    assert recorded["seconds"] == {"median": 4.5, "min": 3.0, "max": 6.0, "runs": [3.0, 6.0]}
    assert recorded["of loop"]["runs"] == [1.5, 0.75]
    assert recorded["of pipeline"]["runs"] == [3.0, 3.0]
    head, header, _, *rows = attention.table(result).splitlines()
    assert head.startswith("toy-diffusion on cpu in float32, 128 px, 20 steps; medians of 2 runs")
    assert header.split() == ["way", "seconds", "of", "pipeline", "of", "loop", "peak", "MB", "aim"]
    assert "1.12 (0.75 to 1.50)" in rows[2]
    assert rows[2].endswith("at most 1.05 of our loop")


def test_a_run_is_timed_from_its_start_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(step=5)
    monkeypatch.setattr(attention.time, "perf_counter", lambda: float(next(clock)))
    assert attention.timed(lambda: None, torch.device("cpu")) == 5.0


def test_the_peak_counts_what_was_freed_before_the_end_of_tensors_and_of_arrays() -> None:
    def run() -> None:
        np.ones(2_000_000).sum()
        torch.ones(1_000_000).sum()

    assert memory.peak_mb(run, torch.device("cpu")) == pytest.approx(16 + 4, abs=0.2)
    assert memory.peak_mb(lambda: None, torch.device("cpu")) < 0.1
