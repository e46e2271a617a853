"""Queries and keys that a run keeps: of which calls, of which half, and that they give the model's own attention."""

import numpy as np
import pytest
import torch

from inspector.trace import recorders, trajectories
from inspector.trace.projections import Projections, head_counts, keep, projection_bytes
from inspector.trace.self_attention import record_self
from tests.toys import ToyDiffusion

CROSS = "up_blocks.3.attentions.0.transformer_blocks.0.attn2"
OWN = CROSS.replace("attn2", "attn1")


@pytest.fixture(scope="module")
def model() -> ToyDiffusion:
    return ToyDiffusion()


def run(model: ToyDiffusion, into: Projections, guidance: float = 7.5, steps: int = 2) -> torch.Tensor:
    """The final latents of a run whose every call keeps what `into` wants."""
    latents = trajectories.first_latents(model, 3, 64, 64)
    with keep(model.unet, into):
        *_, last = trajectories.denoise(model, latents, ["a horse"], steps=steps, guidance_scale=guidance)
    return last.denoised


def crash(model: ToyDiffusion, into: Projections) -> None:
    """End inside the `with`, whose hooks are there."""
    before = hooks_of(model.unet)
    with keep(model.unet, into):
        assert hooks_of(model.unet) > before
        raise ZeroDivisionError


def hooks_of(module: torch.nn.Module) -> int:
    return sum(len(item._forward_hooks) + len(item._forward_pre_hooks) for item in module.modules())


def test_queries_of_cross_attention_give_the_recorded_maps_again(model: ToyDiffusion) -> None:
    kept = Projections(queries=True, every=True)
    with recorders.record(model.unet, range(16), heads=True) as recording:
        run(model, kept)
    queries, selves = kept.taken()
    assert selves == {}
    module, count = model.unet.get_submodule(CROSS), head_counts(model.unet, kept)[CROSS]
    states = model.encode_prompts(["a horse"]).states
    keys = module.to_k(states)[0].unflatten(-1, (count, -1)).numpy()  # (token, head, channel)
    for step in range(2):
        places = queries[CROSS][step].astype(np.float32).reshape(count, -1, 64)
        scores = np.einsum("thc,hcp->htp", keys, places)
        weights = np.exp(scores - scores.max(1, keepdims=True))
        weights /= weights.sum(1, keepdims=True)
        recorded = recording.head_maps[CROSS][step][0].reshape(count, 16, 64)
        np.testing.assert_allclose(weights, recorded, atol=2e-3)


def test_queries_and_keys_of_self_attention_are_those_of_its_recorder(model: ToyDiffusion) -> None:
    kept = Projections(selves=True)
    latents = trajectories.first_latents(model, 3, 64, 64)
    with torch.no_grad(), record_self(model.unet) as layers, keep(model.unet, kept):
        model.unet(latents, 100, encoder_hidden_states=model.encode_prompts(["a horse"]).states)
    _, selves = kept.taken()
    assert list(selves) == [layer.layer for layer in layers]
    own = next(layer for layer in layers if layer.layer == OWN)
    query, key = (own.query[0] * own.module.scale).T.numpy(), own.key[0].T.numpy()
    assert selves[OWN].shape == (1, 2, own.query.shape[-1], 8, 8)
    np.testing.assert_allclose(selves[OWN][0, 0].reshape(-1, 64), query, atol=1e-3, rtol=1e-3)
    np.testing.assert_allclose(selves[OWN][0, 1].reshape(-1, 64), key, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(("every", "steps"), [(False, 1), (True, 3)])
def test_the_last_call_alone_or_every_one(model: ToyDiffusion, every: bool, steps: int) -> None:
    kept = Projections(queries=True, selves=True, every=every)
    run(model, kept, steps=3)
    for part in kept.taken():
        assert {item.shape[0] for item in part.values()} == {steps}


def test_of_a_guided_batch_the_conditional_half_is_kept(model: ToyDiffusion) -> None:
    # At the first step both runs are at the same latents, so that the conditional half alone is the same.
    guided, plain = Projections(queries=True), Projections(queries=True)
    run(model, guided, steps=1)
    run(model, plain, guidance=1.0, steps=1)
    own, other = guided.taken()[0], plain.taken()[0]
    for name, item in own.items():
        np.testing.assert_allclose(item, other[name], atol=2e-3, rtol=2e-3)
    unconditional = Projections(queries=True)
    latents = trajectories.first_latents(model, 3, 64, 64)
    with torch.no_grad(), keep(model.unet, unconditional):
        *_, _last = trajectories.denoise(model, latents, [""], steps=1, guidance_scale=1.0)
    assert np.abs(unconditional.taken()[0][CROSS] - own[CROSS]).max() > 0.01


def test_nothing_changes_and_no_hook_is_left_after_success_and_after_a_crash(model: ToyDiffusion) -> None:
    before = hooks_of(model.unet)
    wanted = Projections(queries=True, selves=True)
    assert torch.equal(run(model, wanted), run(model, Projections()))
    with pytest.raises(ZeroDivisionError):
        crash(model, wanted)
    assert hooks_of(model.unet) == before
    with keep(model.unet, Projections()):
        assert hooks_of(model.unet) == before


@pytest.mark.parametrize("size", [(64, 64), (72, 40)])
def test_bytes_are_known_before(model: ToyDiffusion, size: tuple[int, int]) -> None:
    wanted = Projections(queries=True, selves=True)
    latents = torch.zeros(1, 4, size[0] // 8, size[1] // 8)
    with torch.no_grad(), keep(model.unet, wanted):
        model.unet(latents, 10, encoder_hidden_states=model.encode_prompts(["a"]).states)
    taken = [item.nbytes for part in wanted.taken() for item in part.values()]
    assert projection_bytes(model.unet, (size[0] // 8, size[1] // 8), wanted, 1) == sum(taken)
