"""The CLIP adapter against open_clip's own forward pass, and its choices by hand."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from open_clip.model import resize_pos_embed

from inspector.errors import ChoiceError, ModelFilesError, UnsupportedModelError
from inspector.models import catalog, clip_adapter
from inspector.models.clip_adapter import OpenClipAdapter, open_clip_folder
from inspector.models.loading import load_clip


def opened(folder: Path) -> OpenClipAdapter:
    adapter = load_clip(catalog.register_local(folder))
    assert isinstance(adapter, OpenClipAdapter)
    return adapter


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("settings", "pooling"),
    [
        ({}, "class"),
        ({"quick_gelu": True}, "class"),
        ({"final_ln_after_pool": True}, "class"),
        ({"pool_type": "avg"}, "mean"),
        ({"pool_type": "avg", "final_ln_after_pool": True}, "mean"),
        ({"no_ln_pre": True, "ls_init_value": 0.3}, "class"),
    ],
)
def test_trunk_last_block_and_head_equal_open_clips_forward(
    make_clip: Callable[..., Path], settings: dict, pooling: str
) -> None:
    adapter = opened(make_clip(**settings))
    assert adapter.poolings[0] == pooling
    pixels = adapter.pixels(picture(32, 32))
    trunk = adapter.trunk(pixels)
    with torch.no_grad():
        embedding = adapter.head(adapter.last_block(trunk.tokens), trunk, pooling)
        assert torch.allclose(embedding, adapter.model.encode_image(pixels), atol=1e-5)


@pytest.mark.parametrize("settings", [{}, {"quick_gelu": True, "ls_init_value": 0.3}])
def test_large_pictures_run_the_same_blocks_with_fused_attention(
    make_clip: Callable[..., Path], settings: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = opened(make_clip(**settings))
    pixels = adapter.pixels(picture(48, 72), side=48)
    plain = adapter.trunk(pixels).tokens
    monkeypatch.setattr(clip_adapter, "PLAIN_ATTENTION", 0)
    monkeypatch.setattr(torch.nn.MultiheadAttention, "forward", None)
    assert torch.allclose(adapter.trunk(pixels).tokens, plain, atol=1e-5)


def test_texts_are_encoded_in_parts(clip_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter, words = opened(clip_folder), ["horse", "house", "car", "grass", "cars"]
    together = adapter.text(words)
    monkeypatch.setattr(clip_adapter, "TEXTS", 2)
    assert torch.allclose(adapter.text(words), together, atol=1e-6)


def test_at_another_size_it_equals_a_model_whose_positions_open_clip_resized(
    make_clip: Callable[..., Path], clip_folder: Path
) -> None:
    adapter, other = opened(clip_folder), opened(make_clip(image_size=64))
    state = dict(adapter.model.state_dict())
    resize_pos_embed(state, other.model)
    other.model.load_state_dict(state)
    pixels = adapter.pixels(picture(64, 64), side=64)
    trunk = adapter.trunk(pixels)
    assert trunk.grid == (8, 8)
    with torch.no_grad():
        embedding = adapter.head(adapter.last_block(trunk.tokens), trunk, "class")
        assert torch.allclose(embedding, other.model.encode_image(pixels), atol=1e-5)


def test_positions_stay_pristine_after_other_sizes(clip_folder: Path) -> None:
    adapter = opened(clip_folder)
    pixels = adapter.pixels(picture(32, 32))
    before = adapter.trunk(pixels).tokens
    adapter.trunk(adapter.pixels(picture(40, 90)))
    assert torch.equal(adapter.trunk(pixels).tokens, before)


def test_the_mean_pooling_is_the_mean_of_the_dense_embeddings(clip_folder: Path) -> None:
    # The final norm comes first and the projection is linear, so CLIP-ES's pooling commutes with it.
    adapter = opened(clip_folder)
    trunk = adapter.trunk(adapter.pixels(picture(32, 48)))
    output = adapter.last_block(trunk.tokens)
    dense = adapter.dense(output, trunk)
    assert dense.shape == (1, 4 * 6, 12)
    assert torch.allclose(adapter.head(output, trunk, "mean"), dense.mean(1), atol=1e-5)


@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [
        ((32, 32), None, (32, 32)),
        ((100, 37), None, (88, 32)),  # 32 / 37 * 100 = 86.5, up to 11 patches of 8
        ((37, 100), None, (32, 88)),
        ((64, 64), 33, (40, 40)),  # 33 is rounded up to 5 patches
        ((50, 50), 64, (64, 64)),
        ((16, 320), None, (8, 128)),  # twenty times as wide as high: the longer side is 4 * 32
        ((1, 1), None, (32, 32)),
    ],
)
def test_pixels_keep_the_aspect_and_fill_whole_patches(
    clip_folder: Path, size: tuple[int, int], side: int | None, expected: tuple[int, int]
) -> None:
    assert opened(clip_folder).pixels(picture(*size), side).shape == (1, 3, *expected)


def test_pixels_are_normalised_with_the_models_own_statistics(clip_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(clip_folder, tmp_path / "own")
    config = json.loads((tmp_path / "own" / "open_clip_config.json").read_text())
    config["preprocess_cfg"] |= {"mean": [0.0, 0.5, 1.0], "std": [1.0, 0.5, 2.0]}
    (tmp_path / "own" / "open_clip_config.json").write_text(json.dumps(config))
    white = np.full((32, 32, 3), 255, np.uint8)
    pixels = opened(tmp_path / "own").pixels(white)
    assert pixels[0, :, 5, 9].tolist() == [1.0, 1.0, 0.0]


def test_texts_are_unit_length_cut_when_too_long_and_free_of_control_tokens(clip_folder: Path) -> None:
    adapter = opened(clip_folder)
    texts = adapter.text(["a car", "a <end_of_text> car", "a car " * 40, "a car " * 50])
    assert texts.shape == (4, 12)
    assert torch.allclose(texts.norm(dim=-1), torch.ones(4), atol=1e-6)
    assert torch.equal(texts[0], texts[1])
    assert torch.equal(texts[2], texts[3])


def test_gradients_flow_from_the_head_to_the_tokens_and_not_into_the_weights(clip_folder: Path) -> None:
    adapter = opened(clip_folder)
    trunk = adapter.trunk(adapter.pixels(picture(32, 32)))
    assert not trunk.tokens.requires_grad
    tokens = trunk.tokens.clone().requires_grad_()
    adapter.head(adapter.last_block(tokens), trunk, "class").sum().backward()
    assert tokens.grad is not None
    assert all(parameter.grad is None for parameter in adapter.model.parameters())


def test_an_untrained_class_token_is_not_offered(make_clip: Callable[..., Path]) -> None:
    adapter = opened(make_clip(pool_type="avg"))
    trunk = adapter.trunk(adapter.pixels(picture(32, 32)))
    with pytest.raises(ChoiceError, match="no pooling 'class'; choose mean"):
        adapter.head(trunk.tokens, trunk, "class")


@pytest.mark.parametrize(
    ("vision", "reason"),
    [
        ({"layers": [3, 4, 6, 3]}, "a ResNet image tower"),
        ({"attentional_pool": True}, "attention pooling"),
        ({"timm_model_name": "vit_base_patch16_224"}, "a timm image tower"),
        ({"qk_norm": True}, "custom attention"),
        ({"pool_type": "none"}, "no pooling"),
    ],
)
def test_other_architectures_are_refused_by_name(clip_folder: Path, tmp_path: Path, vision: dict, reason: str) -> None:
    shutil.copytree(clip_folder, tmp_path / "other")
    config = json.loads((tmp_path / "other" / "open_clip_config.json").read_text())
    config["model_cfg"]["vision_cfg"] |= vision
    (tmp_path / "other" / "open_clip_config.json").write_text(json.dumps(config))
    with pytest.raises(UnsupportedModelError, match=f"{reason}, which the inspector cannot read"):
        opened(tmp_path / "other")


def test_an_unknown_setting_and_a_foreign_tokenizer_are_named(clip_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(clip_folder, tmp_path / "other")
    file = tmp_path / "other" / "open_clip_config.json"
    original = json.loads(file.read_text())
    file.write_text(json.dumps({"model_cfg": {**original["model_cfg"], "registers": 4}}))
    with pytest.raises(ModelFilesError, match=r"settings open_clip cannot build.*registers"):
        opened(tmp_path / "other")
    original["model_cfg"]["text_cfg"]["vocab_size"] = 99
    file.write_text(json.dumps(original))
    with pytest.raises(ModelFilesError, match="the model expects 99 and 16"):
        opened(tmp_path / "other")
    file.write_text("{}")
    with pytest.raises(ModelFilesError, match="no model_cfg"):
        opened(tmp_path / "other")


def test_half_precision_is_one_dtype_throughout(clip_folder: Path) -> None:
    spec = catalog.spec(catalog.register_local(clip_folder))
    adapter = open_clip_folder(clip_folder, spec, torch.device("cpu"), torch.bfloat16, "")
    pixels = adapter.pixels(picture(32, 40))
    trunk = adapter.trunk(pixels)
    embedding = adapter.head(adapter.last_block(trunk.tokens), trunk, "class")
    assert {pixels.dtype, trunk.tokens.dtype, embedding.dtype, adapter.text(["car"]).dtype} == {torch.bfloat16}
