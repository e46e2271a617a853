"""Joint attention's recorder against explicit probabilities, and these against what the module itself gives."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.embeddings import apply_rotary_emb

from inspector.errors import NotFiniteError, RecordingError
from inspector.models.catalog import ModelSpec
from inspector.models.diffusion_adapter import open_diffusion_folder
from inspector.models.protocols import REST, DiffusionModel
from inspector.trace import forming, joint, recorders
from inspector.trace.joint import ATTENTION, OUTPUT
from tests.models.small_families import small_folder

PROMPT = "a horse on the grass"
NAMES = ("stable-diffusion-3-medium", "stable-diffusion-3.5-medium", "flux-dev", "flux2-klein")
POSITIONS = (REST, 0, 1, 2, 3, 5)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], DiffusionModel]:
    found: dict[str, DiffusionModel] = {}

    def model(name: str) -> DiffusionModel:
        if name not in found:
            folder = small_folder(name, tmp_path_factory.mktemp("joint"))
            spec = ModelSpec(name, "diffusion", name, "local", str(folder), "")
            found[name] = open_diffusion_folder(folder, spec, torch.device("cpu"), torch.float32, "")
        return found[name]

    return model


def run(model: DiffusionModel, images: int = 1) -> torch.Tensor:
    channels = model.latent_channels  # of FLUX.2 packed already
    size = (4, 6) if channels == 128 else (8, 12)
    latents = torch.randn(images, channels, *size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return model.predict(latents, torch.tensor(500.0), model.encode_prompts([PROMPT] * images))


def explicit(module: Any, call: dict[str, Any], text: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The whole joint matrix (n, head, image, text + image), what it gives the picture, and what it gives the text."""

    def by_head(projected: torch.Tensor, norm: Any) -> torch.Tensor:
        parts = projected.unflatten(-1, (module.heads, -1)).transpose(1, 2)
        return parts if norm is None else norm(parts)

    hidden, words = call["hidden_states"], call.get("encoder_hidden_states")
    if hasattr(module, "to_qkv_mlp_proj"):
        first, second, third = module.to_qkv_mlp_proj(hidden)[..., : 3 * module.inner_dim].chunk(3, -1)
    else:
        first, second, third = module.to_q(hidden), module.to_k(hidden), module.to_v(hidden)
    query, key, value = by_head(first, module.norm_q), by_head(second, module.norm_k), by_head(third, None)
    if words is not None:
        first = by_head(module.add_q_proj(words), module.norm_added_q)
        query, key = (
            torch.cat([first, query], 2),
            torch.cat([by_head(module.add_k_proj(words), module.norm_added_k), key], 2),
        )
        value = torch.cat([by_head(module.add_v_proj(words), None), value], 2)
    if call.get("image_rotary_emb") is not None:
        query, key = (apply_rotary_emb(part, call["image_rotary_emb"]) for part in (query, key))
    weights = (query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5).softmax(-1)
    given = (weights @ value).transpose(1, 2).flatten(2)
    return weights[:, :, text:], given[:, text:], given[:, :text]


def single(module: Any, call: dict[str, Any], given: torch.Tensor, text: int) -> torch.Tensor:
    """What a block of one stream makes of what attention gives the picture: itself, or projected beside its layers."""
    if not hasattr(module, "to_qkv_mlp_proj"):
        return given
    beside = module.to_qkv_mlp_proj(call["hidden_states"])[:, text:, 3 * module.inner_dim :]
    return module.to_out(torch.cat([given, module.mlp_act_fn(beside)], -1))


def watched(model: DiffusionModel, layer: str, reading: str, **options: Any) -> tuple[Any, dict[str, Any], Any]:
    """A recording, and what a layer was called with and gave."""
    seen: dict[str, Any] = {}
    module: Any = model.network.get_submodule(layer)

    def keep(_m: Any, args: Any, kwargs: dict[str, Any], output: Any) -> None:
        seen.update(kwargs, output=output)

    handle = module.register_forward_hook(keep, with_kwargs=True)
    with recorders.record(model.network, POSITIONS, heads=True, reading=reading, **options) as recording:
        run(model)
    handle.remove()
    return recording, seen, module


def test_layers_are_those_where_text_and_picture_meet(opened: Callable[[str], DiffusionModel]) -> None:
    blocks = [f"transformer_blocks.{number}.attn" for number in range(3)]
    assert list(joint.joint_layers(opened("stable-diffusion-3.5-medium").network)) == blocks  # and no dual attn2
    alone = [f"single_transformer_blocks.{number}.attn" for number in range(2)]
    assert list(joint.joint_layers(opened("flux-dev").network)) == blocks[:2] + alone
    assert list(joint.joint_layers(opened("flux2-klein").network)) == blocks[:2] + alone
    assert joint.joint_grid(opened("flux-dev").network, (8, 12)) == (4, 6)
    assert joint.joint_grid(opened("flux2-klein").network, (4, 6)) == (4, 6)
    assert joint.joint_grid(opened("stable-diffusion-3-medium").network, (8, 12)) == (4, 6)


@pytest.mark.parametrize("name", NAMES)
def test_attention_is_the_share_of_the_explicit_joint_row(
    name: str, opened: Callable[[str], DiffusionModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = opened(name)
    text = model.encode_prompts([PROMPT]).states.shape[1]
    monkeypatch.setattr(forming, "FORMED", 4 * 2 * (text + 24) * 7)  # rows in blocks of seven
    for layer in joint.joint_layers(model.network):
        recording, call, module = watched(model, layer, ATTENTION)
        with torch.no_grad():
            weights, given, _ = explicit(module, call, text)
            out = call["output"][0] if isinstance(call["output"], tuple) else call["output"][:, text:]
            made = module.to_out[0](given) if isinstance(call["output"], tuple) else single(module, call, given, text)
        assert torch.allclose(out, made, atol=1e-5)  # so the explicit matrix is what the module attended with
        wanted = weights[0][..., list(POSITIONS[1:])].transpose(-1, -2)  # (head, token, h * w)
        kept = torch.from_numpy(recording.head_maps[layer][0][0].astype(np.float32)).flatten(-2)
        assert recording.head_maps[layer][0].shape == (1, 2, 6, 4, 6)
        assert torch.allclose(kept[:, 1:], wanted, atol=5e-4)  # half precision
        assert torch.allclose(kept[:, 0], 1 - wanted.sum(1), atol=1e-3)
        mean = torch.from_numpy(recording.maps[layer][0][0].astype(np.float32)).flatten(-2)
        assert torch.allclose(mean, kept.mean(0), atol=1e-3)
    assert recording.timesteps == [500]


@pytest.mark.parametrize("name", NAMES)
def test_probabilities_before_they_are_kept_are_exact(name: str, opened: Callable[[str], DiffusionModel]) -> None:
    """By hand: two places, two channels, one word that the second place alone looks at."""
    query = torch.tensor([[[[2.0, 0.0]], [[0.0, 2.0]]]])
    key, words = torch.zeros(1, 2, 1, 2), torch.tensor([[[[0.0, 3.0]], [[0.0, 0.0]]]])
    found = joint.joint_probabilities(query, key, words, [0, REST])[0, 0]
    score = np.exp(6 / np.sqrt(2))
    assert torch.allclose(found[0], torch.tensor([0.25, float(score / (score + 3))]), atol=1e-6)
    assert torch.allclose(found.sum(0), torch.ones(2), atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_output_space_is_the_softmax_of_what_attention_gives(
    name: str, opened: Callable[[str], DiffusionModel]
) -> None:
    model = opened(name)
    text = model.encode_prompts([PROMPT]).states.shape[1]
    dropping = name.startswith("stable")  # whose last layer drops the text
    expected = joint.joint_layers(model.network)[: -1 if dropping else None]
    for layer in expected:
        recording, call, module = watched(model, layer, OUTPUT)
        with torch.no_grad():
            _, places, words = explicit(module, call, text)
        maps = (words[0, list(POSITIONS[1:])] @ places[0].T).softmax(0)
        kept = torch.from_numpy(recording.maps[layer][0][0].astype(np.float32)).flatten(-2)
        assert torch.allclose(kept[1:], maps, atol=5e-4)
        assert not kept[0].any()
    assert recording.layers == expected


@pytest.mark.parametrize("name", NAMES)
def test_recording_changes_nothing_and_leaves_no_hook(name: str, opened: Callable[[str], DiffusionModel]) -> None:
    model = opened(name)
    plain = run(model, images=2)
    for reading in (ATTENTION, OUTPUT):
        with recorders.record(model.network, POSITIONS, images=1, reading=reading) as recording:
            assert torch.equal(run(model, images=2), plain)
        assert {maps[0].shape for maps in recording.maps.values()} == {(1, 6, 4, 6)}
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.network.modules())
    sample = (4, 6) if model.latent_channels == 128 else (8, 12)
    size = recorders.recording_bytes(model.network, sample, len(POSITIONS), 1)
    with recorders.record(model.network, POSITIONS) as recording:
        run(model)
    assert sum(calls[0].nbytes for calls in recording.maps.values()) == size


@pytest.fixture
def broken(opened: Callable[[str], DiffusionModel]) -> Iterator[DiffusionModel]:
    model = opened("flux-dev")
    weight = model.network.get_parameter("transformer_blocks.1.attn.to_k.weight")
    before = weight.data.clone()
    weight.data[0, 0] = float("nan")
    yield model
    weight.data.copy_(before)


def test_a_pass_that_is_not_to_be_recorded_leaves_nothing(opened: Callable[[str], DiffusionModel]) -> None:
    model = opened("flux2-klein")
    with recorders.record(model.network, POSITIONS) as recording:
        with forming.unrecorded():
            run(model)
        assert recording.timesteps == []
        run(model)
    assert recording.timesteps == [500]
    assert {len(maps) for maps in recording.maps.values()} == {1}


def test_what_is_no_number_is_named_by_layer_and_step(broken: DiffusionModel) -> None:
    with (
        pytest.raises(NotFiniteError, match=r"layer transformer_blocks\.1\.attn at step 1, t = 500"),
        recorders.record(broken.network, POSITIONS, model="small"),
    ):
        run(broken)


def test_fused_projections_are_refused(opened: Callable[[str], DiffusionModel]) -> None:
    model = opened("stable-diffusion-3-medium")
    network: Any = model.network
    network.fuse_qkv_projections()
    with pytest.raises(RecordingError, match="unfuse_qkv_projections"), recorders.record(network, POSITIONS):
        run(model)
    network.unfuse_qkv_projections()
