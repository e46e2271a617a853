"""Probe words, single heads and self-attention of a run, asked at once or afterwards."""

from dataclasses import replace

import numpy as np
import pytest

from inspector.errors import ChoiceError, RecordingError
from inspector.pipelines import attention, probes
from inspector.results import GENERATION, NOISE_ONCE, AttentionRequest, AttentionResult, Region, look_from
from tests.toys import ToyDiffusion

PROMPT = "a horse on the grass"
REQUEST = AttentionRequest(PROMPT, steps=3, size=64, seed=5, queries=True, self_attention=True, heads=True)


@pytest.fixture(autouse=True)
def model(attending: ToyDiffusion, monkeypatch: pytest.MonkeyPatch) -> ToyDiffusion:
    monkeypatch.setattr(probes, "load_diffusion", lambda name, report=None: attending)
    return attending


@pytest.fixture
def kept(model: ToyDiffusion) -> AttentionResult:
    return attention.run(REQUEST)


def test_a_probe_that_is_the_prompt_gives_the_recorded_maps(kept: AttentionResult) -> None:
    found = probes.run(probes.Probing(kept, (PROMPT,)))
    words = [index for index, token in enumerate(kept.tokens) if token.stop > token.start]
    for arm in (GENERATION, NOISE_ONCE):
        for layer, maps in found.probe_maps[arm].items():
            recorded = kept.maps[arm][layer][-1, words].astype(np.float32).mean(0)
            assert maps.shape == (1, 1, *recorded.shape)
            np.testing.assert_allclose(maps[0, 0], recorded, atol=2e-3)


def test_asked_afterwards_is_as_if_asked_at_once(kept: AttentionResult) -> None:
    words = ("dog", "brown dog")
    later, once = probes.run(probes.Probing(kept, words)), attention.run(replace(REQUEST, probes=words))
    assert later.request == once.request
    for layer, maps in once.probe_maps[GENERATION].items():
        assert np.array_equal(later.probe_maps[GENERATION][layer], maps)
    assert later.maps is kept.maps  # nothing was run again


def test_no_pass_of_the_unet_is_made(kept: AttentionResult, model: ToyDiffusion) -> None:
    calls = []
    handle = model.unet.register_forward_pre_hook(lambda *_: calls.append(1))
    try:
        probes.run(probes.Probing(kept, ("dog",)))
    finally:
        handle.remove()
    assert not calls


def test_a_run_without_queries_has_none_to_ask() -> None:
    plain = attention.run(replace(REQUEST, queries=False))
    with pytest.raises(RecordingError, match="kept no queries"):
        probes.run(probes.Probing(plain, ("dog",)))


def test_heads_average_to_the_mean_and_the_rest_without_the_start_token(kept: AttentionResult) -> None:
    layer = next(name for name, maps in kept.head_maps[GENERATION].items() if maps.shape[1] == 2)
    heads = [kept.select(GENERATION, -1, layer, "horse", head=head) for head in (0, 1)]
    np.testing.assert_allclose(np.mean(heads, 0), kept.select(GENERATION, -1, layer, "horse"), atol=1e-3)
    assert np.abs(heads[0] - heads[1]).max() > 1e-3
    with pytest.raises(ChoiceError, match="head is 2; use a whole number from 0 to 1"):
        kept.select(GENERATION, -1, layer, "horse", head=2)
    maps = kept.select(GENERATION, -1, layer)
    rest = kept.select(GENERATION, -1, layer, renormalised=True)
    np.testing.assert_allclose(rest[1:], maps[1:] / (1 - maps[:1]), rtol=1e-3)
    assert not rest[0].any()


def test_where_a_region_looks_sums_to_one_over_any_layers(kept: AttentionResult) -> None:
    region = Region("box", ((0.0, 0.0), (0.5, 0.5)))
    mask = np.zeros((64, 64), bool)
    mask[:32, :32] = True
    for layer in (None, 8, "up_blocks", kept.layers[0], "8: 1, 4: 2"):
        found = look_from(kept, region, GENERATION, -1, layer)
        assert found.sum() == pytest.approx(1, abs=1e-4)
        np.testing.assert_allclose(found, look_from(kept, mask, GENERATION, -1, layer), atol=1e-6)
    with pytest.raises(ChoiceError, match="kept of the last step alone"):
        look_from(kept, region, GENERATION, 0)
    with pytest.raises(ChoiceError, match="No self-attention of generation was kept"):
        look_from(replace(kept, self_attention={}), region, GENERATION)


def test_every_step_is_kept_where_that_is_asked() -> None:
    kept = attention.run(replace(REQUEST, kept_steps="every"))
    region = Region("pixel", ((0.5, 0.5),))
    first, last = (look_from(kept, region, GENERATION, step) for step in (0, -1))
    assert np.abs(first - last).max() > 1e-6
    assert {maps.shape[0] for maps in kept.queries[GENERATION].values()} == {3}


def test_probe_words_are_read_from_a_text_and_limited() -> None:
    assert AttentionRequest(PROMPT, probes="dog; small  tree, Dog").probes == ("dog", "small tree")
    assert AttentionRequest(PROMPT, probes="dog").queries
    for wrong in ("x" * 61, ",".join("abcdefghijklmnopq"), [3], 5):
        with pytest.raises(ChoiceError):
            AttentionRequest(PROMPT, probes=wrong)
