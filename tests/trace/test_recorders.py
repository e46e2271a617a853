"""The recorder: hand-made attention, the conditional half, sizes, memory, and that it changes nothing."""

import numpy as np
import pytest
import torch
from diffusers.models.attention_processor import Attention

from inspector.errors import RecordingError
from inspector.trace import recorders, trajectories
from tests.toys import ToyDiffusion


@pytest.fixture(scope="module")
def model() -> ToyDiffusion:
    return ToyDiffusion()


def hooks_of(module: torch.nn.Module) -> int:
    return sum(len(item._forward_hooks) + len(item._forward_pre_hooks) for item in module.modules())


def run(model: ToyDiffusion, guidance: float = 7.5, height: int = 64, width: int = 64, **options: object) -> list:
    latents = trajectories.first_latents(model, 3, height, width)
    return list(trajectories.denoise(model, latents, ["a horse"], steps=2, guidance_scale=guidance, **options))


def test_maps_are_the_softmax_over_all_tokens_by_hand() -> None:
    # One head of width 1, scale 1; queries 0 and log 3, keys 0 and 1: rows (1/2, 1/2) and (1/4, 3/4).
    module = Attention(query_dim=1, cross_attention_dim=1, heads=1, dim_head=1)
    query = torch.tensor([[[0.0], [np.log(3.0)]]])
    key = torch.tensor([[[0.0], [1.0]]])
    maps = recorders.attention_maps(module, query, key, [1])
    assert maps.shape == (1, 1, 1, 2)
    assert maps.flatten().tolist() == pytest.approx([0.5, 0.75])


def test_weights_are_float32_whatever_autocast_makes_of_the_product(model: ToyDiffusion) -> None:
    module = model.unet.get_submodule("down_blocks.1.attentions.0.transformer_blocks.0.attn2")
    query, key = torch.randn(1, 16, 16), torch.randn(1, 8, 16)
    with torch.autocast("cpu", torch.bfloat16):
        assert recorders.attention_weights(module, query, key).dtype == torch.float32


def test_maps_are_those_the_model_attends_with(model: ToyDiffusion) -> None:
    module = model.unet.get_submodule("down_blocks.1.attentions.0.transformer_blocks.0.attn2")
    states, hidden = torch.randn(2, 16, 12), torch.randn(2, 16, 16)
    maps = recorders.attention_maps(module, module.to_q(hidden), module.to_k(states), range(16))
    value = module.to_v(states).unflatten(-1, (2, -1)).transpose(1, 2)
    mixed = (maps.transpose(-1, -2) @ value).transpose(1, 2).flatten(2)
    assert torch.allclose(module.to_out[0](mixed), module(hidden, states), atol=1e-5)


def test_recording_leaves_the_latents_bit_identical(model: ToyDiffusion) -> None:
    plain = run(model)[-1].denoised
    with recorders.record(model.unet, [0, 1, 2], heads=True) as recording:
        recorded = run(model)[-1].denoised
    assert torch.equal(plain, recorded)
    assert len(recording.timesteps) == 2


def test_hooks_are_gone_after_success_and_after_a_crash(model: ToyDiffusion) -> None:
    before = hooks_of(model.unet)
    with recorders.record(model.unet, [0]):
        assert hooks_of(model.unet) > before
    assert hooks_of(model.unet) == before
    with pytest.raises(ZeroDivisionError), recorders.record(model.unet, [0]):
        raise ZeroDivisionError
    assert hooks_of(model.unet) == before


def test_all_tokens_of_a_position_sum_to_one(model: ToyDiffusion) -> None:
    with recorders.record(model.unet, range(16)) as recording:
        run(model)
    assert len(recording.maps) == 16
    for maps in recording.stacked().values():
        assert maps.dtype == np.float16
        assert maps.shape[:2] == (2, 16)
        assert np.allclose(maps.sum(1, dtype=np.float32), 1, atol=4e-3)


def test_only_the_conditional_half_is_kept(model: ToyDiffusion) -> None:
    """At guidance 1 there is no other half; its first call must give what the guided run's first call gives."""
    with recorders.record(model.unet, range(4)) as guided:
        run(model, guidance=7.5)
    with recorders.record(model.unet, range(4)) as alone:
        run(model, guidance=1.0)
    for layer, maps in alone.stacked().items():
        assert np.allclose(guided.stacked()[layer][0], maps[0], atol=2e-3)
    latents = trajectories.first_latents(model, 3, 64, 64)
    with recorders.record(model.unet, range(4)) as empty:
        list(trajectories.denoise(model, latents, [""], steps=1, guidance_scale=1))
    layer = recorders.cross_attention_layers(model.unet)[0]
    assert not np.allclose(empty.stacked()[layer][0], guided.stacked()[layer][0], atol=2e-3)


def test_head_mean_is_the_mean_of_the_heads(model: ToyDiffusion) -> None:
    with recorders.record(model.unet, [1, 2], heads=True) as recording:
        run(model)
    for layer, maps in recording.stacked().items():
        heads = recording.stacked(heads=True)[layer]
        assert heads.ndim == 5
        assert np.allclose(heads.astype(np.float32).mean(1), maps, atol=1e-3)


def test_layers_come_in_the_order_of_the_forward_pass(model: ToyDiffusion) -> None:
    with recorders.record(model.unet, [0]) as recording:
        run(model)
    assert tuple(recording.maps) == recorders.cross_attention_layers(model.unet)


def test_calls_are_kept_apart_though_pndm_visits_a_timestep_twice(model: ToyDiffusion) -> None:
    latents = trajectories.first_latents(model, 0, 64, 64)
    with recorders.record(model.unet, [0]) as recording:
        list(trajectories.denoise(model, latents, ["a"], steps=4, scheduler="pndm"))
    assert len(set(recording.timesteps)) < len(recording.timesteps) == 5
    assert {len(calls) for calls in recording.maps.values()} == {5}


def test_a_recording_can_be_continued(model: ToyDiffusion) -> None:
    with recorders.record(model.unet, [1, 2]) as whole:
        run(model)
    latents, pieces = trajectories.first_latents(model, 3, 64, 64), recorders.Recording()
    steps = trajectories.denoise(model, latents, ["a horse"], steps=2)
    for _ in range(2):
        with recorders.record(model.unet, [1, 2], into=pieces):
            next(steps)
    assert pieces.timesteps == whole.timesteps
    for layer, maps in whole.stacked().items():
        assert np.array_equal(pieces.stacked()[layer], maps)


def test_what_is_taken_is_there_once(model: ToyDiffusion) -> None:
    latents = trajectories.first_latents(model, 3, 64, 64)
    with recorders.record(model.unet, [0, 1], heads=True) as recording:
        list(trajectories.denoise(model, latents, ["a horse"], steps=2))
    maps, heads = recording.stacked(), recording.stacked(heads=True)
    for expected, found in ((maps, recording.taken()), (heads, recording.taken(heads=True))):
        assert found.keys() == expected.keys()
        assert all(np.array_equal(found[layer], expected[layer]) for layer in found)
    assert (recording.maps, recording.head_maps) == ({}, {})
    assert len(recording.timesteps) == 2


@pytest.mark.parametrize(
    ("length", "sample", "grid"),
    [(64, (8, 8), (8, 8)), (16, (8, 8), (4, 4)), (15, (10, 5), (5, 3)), (6, (10, 5), (3, 2)), (1, (3, 2), (1, 1))],
)
def test_grids_halve_upwards(length: int, sample: tuple[int, int], grid: tuple[int, int]) -> None:
    assert recorders.grid_of(length, sample) == grid


def test_a_grid_that_is_no_halving_is_refused() -> None:
    with pytest.raises(RecordingError, match="no halving of 8x8"):
        recorders.grid_of(17, (8, 8))


def test_non_square_maps_have_the_samples_proportions(model: ToyDiffusion) -> None:
    with recorders.record(model.unet, [0]) as recording:
        run(model, height=64, width=192)
    shapes = {maps.shape[-2:] for maps in recording.stacked().values()}
    assert shapes == {(8, 24), (4, 12), (2, 6), (1, 3)}


@pytest.mark.parametrize("heads", [False, True])
def test_memory_is_known_before_running(model: ToyDiffusion, heads: bool) -> None:
    with recorders.record(model.unet, [0, 1, 2], heads=heads) as recording:
        run(model, height=64, width=192)
    sources = [recording.maps, recording.head_maps]
    kept = sum(maps.nbytes for source in sources for calls in source.values() for maps in calls)
    assert recorders.recording_bytes(model.unet, (8, 24), tokens=3, calls=2, heads=heads) == kept


def test_memory_of_stable_diffusion_at_512_pixels() -> None:
    """attention.md's table: 207 MB for 50 steps of 77 tokens, head mean; widths do not enter."""
    size = recorders.recording_bytes(ToyDiffusion().unet, (64, 64), tokens=77, calls=50)
    assert size == 26_944 * 77 * 50 * 2
    assert round(size / 1e6) == 207


def test_fused_projections_are_refused_and_hooks_removed() -> None:
    model = ToyDiffusion()
    model.unet.fuse_qkv_projections()
    before = hooks_of(model.unet)
    with pytest.raises(RecordingError, match="unfuse_qkv_projections"), recorders.record(model.unet, [0]):
        run(model)
    assert hooks_of(model.unet) == before
    model.unet.unfuse_qkv_projections()
    with recorders.record(model.unet, [0]) as recording:
        run(model)
    assert len(recording.timesteps) == 2


def test_mixed_timesteps_and_models_without_cross_attention_are_refused(model: ToyDiffusion) -> None:
    with pytest.raises(RecordingError, match="mixes the timesteps"), recorders.record(model.unet, [0]):
        model.unet(torch.zeros(2, 4, 8, 8), torch.tensor([1, 2]), torch.zeros(2, 16, 12))
    with pytest.raises(RecordingError, match="attn2"):
        recorders.cross_attention_layers(torch.nn.Linear(1, 1))
