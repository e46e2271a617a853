"""Build small Stable Diffusion models with random weights, and write them as a pipeline folder."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    LCMScheduler,
    PNDMScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from diffusers.models.attention_processor import AttnProcessor, AttnProcessor2_0
from open_clip import CLIP
from open_clip.transformer import QuickGELU
from transformers import CLIPTextConfig, CLIPTextModel

from inspector.models.tokenizer import open_fast_tokenizer

# Four levels, as in Stable Diffusion: a latent pixel stands for 8 x 8 image pixels.
SCENES_AUTOENCODER: Mapping[str, Any] = {
    "sample_size": 256,
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": 4,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "block_out_channels": (16, 32, 64, 64),
    "layers_per_block": 2,
    "norm_num_groups": 8,
    "scaling_factor": 1.0,  # training measures it and calls register_to_config
}

# Stable Diffusion 1.5's layout; the last two widths are equal, so parameter names equal SD 1.5's.
SCENES_UNET: Mapping[str, Any] = {
    "sample_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
    "block_out_channels": (32, 64, 128, 128),
    "layers_per_block": 2,
    "cross_attention_dim": 128,
    "attention_head_dim": (2, 4, 8, 8),  # the number of heads per level, as diffusers names it
    "norm_num_groups": 8,
}

# The scheduler of Stable Diffusion 1.x, as DDIM.
SCENES_SCHEDULER: Mapping[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
    "prediction_type": "epsilon",
}

# Name -> class and settings laid over the model's own scheduler configuration; `Sampling.schedulers` says which of them
# a model works with. Two add noise on the way, drawn from the request's seed: euler-a and lcm. A bare DDIM clips the
# predicted image to [-1, 1], which latents are not bound to.
SCHEDULERS: Mapping[str, tuple[Any, Mapping[str, Any]]] = {
    "ddim": (DDIMScheduler, {"clip_sample": False}),
    "pndm": (PNDMScheduler, {"skip_prk_steps": True}),
    "euler": (EulerDiscreteScheduler, {}),
    "dpm++": (DPMSolverMultistepScheduler, {"algorithm_type": "dpmsolver++", "solver_order": 2}),
    "euler-a": (EulerAncestralDiscreteScheduler, {}),
    "lcm": (LCMScheduler, {"clip_sample": False}),
    "flow": (FlowMatchEulerDiscreteScheduler, {}),
}


def build_autoencoder(config: Mapping[str, Any] = SCENES_AUTOENCODER) -> AutoencoderKL:
    """An AutoencoderKL with random weights, float32."""
    return AutoencoderKL(**config)


def build_unet(config: Mapping[str, Any] = SCENES_UNET) -> UNet2DConditionModel:
    """A UNet2DConditionModel with random weights, float32."""
    return UNet2DConditionModel(**config)


def build_scheduler(config: Mapping[str, Any] = SCENES_SCHEDULER) -> DDIMScheduler:
    """The training and default sampling scheduler."""
    return DDIMScheduler(**config)


def convert_text_tower(clip_model: CLIP) -> CLIPTextModel:
    """The text tower of an open_clip CLIP as transformers' CLIPTextModel: equal hidden states, float32.

    The last hidden state is normed and not projected, as Stable Diffusion 1.x reads it.
    """
    blocks = clip_model.transformer.resblocks
    vocabulary, width = clip_model.token_embedding.weight.shape
    quick = isinstance(blocks[0].mlp.gelu, QuickGELU)
    text = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=vocabulary,
            hidden_size=width,
            intermediate_size=blocks[0].mlp.c_fc.out_features,
            projection_dim=clip_model.text_projection.shape[1],
            num_hidden_layers=len(blocks),
            num_attention_heads=blocks[0].attn.num_heads,
            max_position_embeddings=clip_model.positional_embedding.shape[0],
            hidden_act="quick_gelu" if quick else "gelu",
            bos_token_id=vocabulary - 2,
            eos_token_id=vocabulary - 1,
            pad_token_id=vocabulary - 1,
        )
    )
    text.load_state_dict(text_tower_state(clip_model))
    return text.eval()


def text_tower_state(clip_model: CLIP) -> dict[str, torch.Tensor]:
    """Parameter name in CLIPTextModel -> float32 tensor, from open_clip's names."""
    source = {name: value.detach().float().cpu() for name, value in clip_model.state_dict().items()}
    state = {
        "embeddings.token_embedding.weight": source["token_embedding.weight"],
        "embeddings.position_embedding.weight": source["positional_embedding"],
    }
    renamed = {"ln_1": "layer_norm1", "ln_2": "layer_norm2", "attn.out_proj": "self_attn.out_proj"}
    renamed |= {"mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2"}
    for kind in ("weight", "bias"):
        state[f"final_layer_norm.{kind}"] = source[f"ln_final.{kind}"]
        for index in range(len(clip_model.transformer.resblocks)):
            theirs, ours = f"transformer.resblocks.{index}", f"encoder.layers.{index}"
            for old, new in renamed.items():
                state[f"{ours}.{new}.{kind}"] = source[f"{theirs}.{old}.{kind}"]
            joined = source[f"{theirs}.attn.in_proj_{kind}"].chunk(3)
            for part, value in zip("qkv", joined, strict=True):
                state[f"{ours}.self_attn.{part}_proj.{kind}"] = value.clone()
    return state


def choose_attention(unet: UNet2DConditionModel, fused: bool) -> None:
    """Set how every attention is computed: by torch's fused kernel, or as softmax of a plain product."""
    unet.set_attn_processor(AttnProcessor2_0() if fused else AttnProcessor())


def save_diffusion(
    folder: Path,
    unet: UNet2DConditionModel,
    vae: AutoencoderKL,
    clip_model: CLIP,
    tokenizer_folder: Path,
    dtype: torch.dtype = torch.float16,
) -> None:
    """Write a folder that `StableDiffusionPipeline.from_pretrained(folder, use_safetensors=True)` loads.

    Weights are cast to `dtype` in a copy and sharded so that every file stays under 10 MB.
    """
    pipeline = StableDiffusionPipeline(
        vae=copy.deepcopy(vae).to(dtype),
        text_encoder=convert_text_tower(clip_model).to(dtype),
        tokenizer=open_fast_tokenizer(tokenizer_folder),
        unet=copy.deepcopy(unet).to(dtype),
        scheduler=build_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder, safe_serialization=True, max_shard_size="9MB")
