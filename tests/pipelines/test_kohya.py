"""kohya's LoRAs of XL: their layers, by number of the authors' blocks, are those that diffusers' loader changes."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from inspector.errors import ModelFilesError
from inspector.models import catalog, load_diffusion
from inspector.models.protocols import DiffusionModel
from inspector.pipelines import attention
from inspector.results import GENERATION
from tests.pipelines.families import of_diffusers, picture_of, usual

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers on numpy 2
RANK, ALPHA, SCALE = 2, 3.0, 0.75
Opened = Callable[[str], DiffusionModel]
# kohya's name -> part and layer. XL has three layers a level: the first of level 1 is block 4 on the way down.
LAYERS = {
    "unet_input_blocks_3_0_op": ("unet", "down_blocks.0.downsamplers.0.conv"),
    "unet_input_blocks_4_1_transformer_blocks_0_attn2_to_q": (
        "unet",
        "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_q",
    ),
    "unet_input_blocks_5_0_in_layers_2": ("unet", "down_blocks.1.resnets.1.conv1"),
    "unet_middle_block_1_transformer_blocks_0_attn1_to_out_0": (
        "unet",
        "mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0",
    ),
    "unet_output_blocks_2_1_proj_in": ("unet", "up_blocks.0.attentions.2.proj_in"),
    "unet_output_blocks_3_1_transformer_blocks_1_ff_net_0_proj": (
        "unet",
        "up_blocks.1.attentions.0.transformer_blocks.1.ff.net.0.proj",
    ),
    "te1_text_model_encoder_layers_0_self_attn_q_proj": ("text_encoder", "encoder.layers.0.self_attn.q_proj"),
    "te1_text_model_encoder_layers_1_self_attn_out_proj": ("text_encoder", "encoder.layers.1.self_attn.out_proj"),
    "te2_text_model_encoder_layers_1_mlp_fc1": ("text_encoder_2", "encoder.layers.1.mlp.fc1"),
}


def layer(model: Any, part: str, name: str) -> Any:
    networks = dict(zip(("text_encoder", "text_encoder_2"), model.text_encoders, strict=True)) | {"unet": model.unet}
    return next(item for known, item in networks[part].named_modules() if known.removeprefix("text_model.") == name)


@pytest.fixture
def written(opened: Opened, tmp_path: Path) -> Path:
    model = opened("sdxl")
    torch.manual_seed(3)
    state = {}
    for name, place in LAYERS.items():
        weight = layer(model, *place).weight
        state[f"lora_{name}.lora_down.weight"] = torch.randn(RANK, *weight.shape[1:])
        state[f"lora_{name}.lora_up.weight"] = torch.randn(weight.shape[0], RANK, *(1,) * (weight.ndim - 2))
        state[f"lora_{name}.alpha"] = torch.tensor(ALPHA)
    save_file(state, tmp_path / "style.safetensors")
    return tmp_path / "style.safetensors"


def test_every_layer_is_changed_by_its_own_matrices(opened: Opened, written: Path) -> None:
    plain = opened("sdxl")
    changed: Any = load_diffusion(catalog.register_lora(plain.spec.name, written, SCALE))
    state = load_file(written)
    for name, place in LAYERS.items():
        up, down = (state[f"lora_{name}.lora_{which}.weight"].flatten(1) for which in ("up", "down"))
        own, other = layer(plain, *place).weight, layer(changed, *place).weight
        torch.testing.assert_close(other - own, (SCALE * ALPHA / RANK * up @ down).view_as(own), rtol=1e-4, atol=1e-5)
    assert catalog.loras(plain.spec.name) == ("style",)
    assert catalog.loras(opened("stable-diffusion-1.5").spec.name) == ()


def test_blocks_that_the_model_has_not_are_said(opened: Opened, written: Path) -> None:
    state = load_file(written)
    strange = {
        "lora_unet_input_blocks_99_1_proj_in": "changes unet_down_blocks_32",
        "lora_unet_input_blocks_x": "names",
    }
    for name, said in strange.items():
        more = {f"{name}.lora_down.weight": torch.ones(2, 4), f"{name}.lora_up.weight": torch.ones(4, 2)}
        save_file(state | more, written.with_name("strange.safetensors"))
        with pytest.raises(ModelFilesError, match=said):
            load_diffusion(catalog.register_lora(opened("sdxl").spec.name, written.with_name("strange.safetensors")))


@pytest.mark.skipif(find_spec("peft") is None, reason="diffusers loads LoRAs where peft is installed alone")
def test_the_picture_is_diffusers_own_to_the_bit(opened: Opened, folders: Callable[[str], Path], written: Path) -> None:
    plain = opened("sdxl")
    changed = load_diffusion(catalog.register_lora(plain.spec.name, written, SCALE))
    request = usual(changed, arms=(GENERATION,), scheduler="euler")
    pipeline = of_diffusers(folders("sdxl"))
    pipeline.load_lora_weights(str(written.parent), weight_name=written.name)
    pipeline.fuse_lora(lora_scale=SCALE)
    assert np.array_equal(attention.run(request).images[GENERATION], picture_of(pipeline, request))
