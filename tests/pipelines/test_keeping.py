"""What a run keeps and how much longer that makes it, told before it runs and compared with what came of it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspector.errors import RecordingError
from inspector.pipelines import attention, keeping, probes
from inspector.results import AttentionRequest, AttentionResult
from inspector.settings import Limits, Settings
from tests.toys import ToyDiffusion

REQUEST = AttentionRequest(
    "a horse on the grass", steps=3, size=64, seed=5, heads=True, self_attention=True, probes=("dog", "cat")
)


@pytest.fixture(autouse=True)
def model(attending: ToyDiffusion, monkeypatch: pytest.MonkeyPatch) -> ToyDiffusion:
    monkeypatch.setattr(probes, "load_diffusion", lambda name, report=None: attending)
    return attending


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that sets what was measured: way -> times as long."""

    def put(ways: dict[str, float]) -> None:
        told = {"ways": {way: {"of maps alone": {"median": value}} for way, value in ways.items()}}
        (tmp_path / "keeping.json").write_text(json.dumps(told), "utf-8")
        monkeypatch.setattr(keeping, "MEASURED", tmp_path / "keeping.json")
        keeping._measured.cache_clear()

    yield put
    keeping._measured.cache_clear()


def held(result: AttentionResult) -> dict[str, int]:
    arms = {
        "maps": result.maps, "single heads": result.head_maps, "queries": result.queries,
        "self-attention": result.self_attention, "probe words": result.probe_maps,
    }  # fmt: skip
    return {
        name: sum(maps.nbytes for layers in arm.values() for maps in layers.values())
        for name, arm in arms.items()
        if arm
    }


@pytest.mark.parametrize("kept_steps", ["last", "every"])
@pytest.mark.parametrize("seeds", [1, 2])
@pytest.mark.parametrize("shape", [None, (64, 96)])
def test_the_bytes_that_are_told_are_those_that_are_kept(
    model: ToyDiffusion, kept_steps: str, seeds: int, shape: Any
) -> None:
    image = None if shape is None else np.full((*shape, 3), 90, np.uint8)
    request = replace(REQUEST, image=image, kept_steps=kept_steps, seeds=seeds)
    assert attention.forecast(request, model).parts == held(attention.run(request))


def test_parts_that_are_not_asked_for_are_not_told(model: ToyDiffusion, measured: Any) -> None:
    measured({})
    told = attention.forecast(replace(REQUEST, heads=False, self_attention=False, queries=False, probes=()), model)
    assert list(told.parts) == ["maps"]
    assert str(told) == f"Keeps {told.parts['maps'] / 1e6:.3g} MB of maps."


def test_extra_times_add_up_and_probe_words_count_each(model: ToyDiffusion, measured: Any) -> None:
    measured({"single heads": 1.25, "queries": 0.98, "self-attention": 1.5, "probe words": 1.1})
    told = attention.forecast(REQUEST, model)
    assert told.times == pytest.approx(1 + 0.25 + 0.5 + 2 * 0.1)  # queries took no longer, and save nothing
    assert str(told).endswith(", and takes about 1.95 times as long as with maps alone.")
    assert "single heads" in str(told)
    assert str(replace(told, times=1.004)).endswith(", and takes as long as with maps alone.")
    assert attention.forecast(replace(REQUEST, kept_steps="every"), model).times is None  # which was not measured


def test_forecasting_runs_nothing(model: ToyDiffusion) -> None:
    calls: list[int] = []
    handles = [part.register_forward_pre_hook(lambda *_: calls.append(1)) for part in (model.unet, model.vae)]
    try:
        attention.forecast(REQUEST, model)
    finally:
        for handle in handles:
            handle.remove()
    assert not calls


def test_a_model_is_not_opened_for_its_forecast(model: ToyDiffusion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "in_memory", {REQUEST.model: model}.get)
    assert attention.forecast_in_memory(REQUEST) == attention.forecast(REQUEST, model)
    monkeypatch.setattr(attention, "in_memory", {}.get)
    assert attention.forecast_in_memory(REQUEST) is None


def test_what_will_be_kept_is_told_part_by_part_where_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    small = Settings(limits=Limits(max_recording=100_000))
    monkeypatch.setattr(attention, "settings", lambda: small)
    told = r"maps .* MB, single heads .* MB, queries .* MB, self-attention .* MB, probe words .* MB"
    with pytest.raises(RecordingError, match=told):
        attention.run(replace(REQUEST, kept_steps="every"))
