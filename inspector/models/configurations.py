"""Published configurations of diffusion models, written down from the config.json files of their repositories.

What is left out has diffusers' or transformers' own default there. Of tokenizers only what they pad with is kept: all
but T5's are CLIP's. Importing it loads no torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Config = Mapping[str, Any]


@dataclass(frozen=True)
class Configuration:
    """pipeline: the class that model_index.json names. parts: name -> its config. pads: tokenizer -> its padding.

    index: what else model_index.json says.
    """

    pipeline: str
    parts: Mapping[str, Config]
    scheduler: Config
    pads: Mapping[str, str]
    index: Config = field(default_factory=dict)

    def with_part(self, name: str, **changes: Any) -> "Configuration":
        """Likewise with some settings of one part changed."""
        return replace(self, parts={**self.parts, name: {**self.parts[name], **changes}})


END = "<|endoftext|>"
_CROSS_DOWN, _CROSS_UP = "CrossAttnDownBlock2D", "CrossAttnUpBlock2D"
SD15_UNET: Config = {
    "act_fn": "silu",
    "attention_head_dim": 8,
    "block_out_channels": (320, 640, 1280, 1280),
    "center_input_sample": False,
    "cross_attention_dim": 768,
    "down_block_types": (_CROSS_DOWN,) * 3 + ("DownBlock2D",),
    "downsample_padding": 1,
    "flip_sin_to_cos": True,
    "freq_shift": 0,
    "in_channels": 4,
    "layers_per_block": 2,
    "mid_block_scale_factor": 1,
    "norm_eps": 1e-05,
    "norm_num_groups": 32,
    "out_channels": 4,
    "sample_size": 64,
    "up_block_types": ("UpBlock2D",) + (_CROSS_UP,) * 3,
}
SD15_VAE: Config = {
    "act_fn": "silu",
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "in_channels": 3,
    "latent_channels": 4,
    "layers_per_block": 2,
    "norm_num_groups": 32,
    "out_channels": 3,
    "sample_size": 512,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
}
CLIP_L: Config = {  # OpenAI's ViT-L/14, its text tower
    "hidden_act": "quick_gelu",
    "hidden_size": 768,
    "intermediate_size": 3072,
    "max_position_embeddings": 77,
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "projection_dim": 768,
    "vocab_size": 49408,
}
OPEN_CLIP_H: Config = {  # LAION's ViT-H/14 without the last of its 24 layers, which Stable Diffusion 2 does not read
    **CLIP_L,
    "hidden_act": "gelu",
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_attention_heads": 16,
    "num_hidden_layers": 23,
    "projection_dim": 512,
}
OPEN_CLIP_G: Config = {  # LAION's ViT-bigG/14
    **CLIP_L,
    "hidden_act": "gelu",
    "hidden_size": 1280,
    "intermediate_size": 5120,
    "num_attention_heads": 20,
    "num_hidden_layers": 32,
    "projection_dim": 1280,
}
T5_XXL: Config = {  # google/t5-v1_1-xxl, its encoder
    "d_ff": 10240,
    "d_kv": 64,
    "d_model": 4096,
    "feed_forward_proj": "gated-gelu",
    "is_encoder_decoder": True,
    "num_heads": 64,
    "num_layers": 24,
    "tie_word_embeddings": False,
    "vocab_size": 32128,
}
QWEN3_4B: Config = {  # Qwen/Qwen3-4B
    "bos_token_id": 151643,
    "eos_token_id": 151645,
    "head_dim": 128,
    "hidden_size": 2560,
    "intermediate_size": 9728,
    "max_position_embeddings": 40960,
    "model_type": "qwen3",
    "num_attention_heads": 32,
    "num_hidden_layers": 36,
    "num_key_value_heads": 8,
    "rope_parameters": {"rope_theta": 1000000, "rope_type": "default"},
    "tie_word_embeddings": True,
    "vocab_size": 151936,
}
BETAS: Config = {
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "num_train_timesteps": 1000,
}
PNDM: Config = {
    **BETAS,
    "_class_name": "PNDMScheduler",
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
}
EULER: Config = {
    **BETAS,
    "_class_name": "EulerDiscreteScheduler",
    "interpolation_type": "linear",
    "prediction_type": "epsilon",
    "steps_offset": 1,
    "timestep_spacing": "leading",
    "use_karras_sigmas": False,
}
TURBO: Config = {**EULER, "timestep_spacing": "trailing"}
FLOW: Config = {"_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000, "shift": 3.0}

SD15 = Configuration(
    "StableDiffusionPipeline",
    {"unet": SD15_UNET, "vae": SD15_VAE, "text_encoder": CLIP_L},
    {**PNDM, "clip_sample": False},
    {"tokenizer": END},
)
# stabilityai/stable-diffusion-2-base: 512 px, noise; -2: 768 px, v; -2-1: as -2, its attention in float32.
SD2_UNET: Config = {
    **SD15_UNET,
    "attention_head_dim": (5, 10, 20, 20),
    "cross_attention_dim": 1024,
    "use_linear_projection": True,
}
SD20_BASE = Configuration(
    "StableDiffusionPipeline",
    {"unet": SD2_UNET, "vae": SD15_VAE, "text_encoder": OPEN_CLIP_H},
    PNDM,
    {"tokenizer": "!"},
)
SD20 = replace(
    SD20_BASE.with_part("unet", sample_size=96).with_part("vae", sample_size=768),
    scheduler={
        **BETAS,
        "_class_name": "DDIMScheduler",
        "clip_sample": False,
        "prediction_type": "v_prediction",
        "set_alpha_to_one": False,
        "skip_prk_steps": True,
        "steps_offset": 1,
    },
)
# stable-diffusion-v1-5/stable-diffusion-inpainting, stable-diffusion-2-inpainting: 512 px, noise
SD15_INPAINTING = replace(SD15.with_part("unet", in_channels=9), pipeline="StableDiffusionInpaintPipeline")
SD20_INPAINTING = replace(SD20_BASE.with_part("unet", in_channels=9), pipeline="StableDiffusionInpaintPipeline")
SD21 = SD20.with_part("unet", upcast_attention=True)
SD_TURBO = replace(SD20_BASE.with_part("vae", sample_size=768), scheduler=TURBO)
# SimianLuo/LCM_Dreamshaper_v7
LCM = replace(
    SD15.with_part("unet", time_cond_proj_dim=256, sample_size=96).with_part("vae", sample_size=768),
    pipeline="LatentConsistencyModelPipeline",
    scheduler={
        **BETAS,
        "_class_name": "LCMScheduler",
        "clip_sample": False,
        "original_inference_steps": 50,
        "prediction_type": "epsilon",
        "set_alpha_to_one": True,
        "steps_offset": 0,
        "timestep_scaling": 10.0,
    },
)
# stabilityai/stable-diffusion-xl-base-1.0
SDXL = Configuration(
    "StableDiffusionXLPipeline",
    {
        "unet": {
            **SD15_UNET,
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 256,
            "attention_head_dim": (5, 10, 20),
            "block_out_channels": (320, 640, 1280),
            "cross_attention_dim": 2048,
            "down_block_types": ("DownBlock2D", _CROSS_DOWN, _CROSS_DOWN),
            "projection_class_embeddings_input_dim": 2816,
            "sample_size": 128,
            "transformer_layers_per_block": (1, 2, 10),
            "up_block_types": (_CROSS_UP, _CROSS_UP, "UpBlock2D"),
            "use_linear_projection": True,
        },
        "vae": {**SD15_VAE, "force_upcast": True, "sample_size": 1024, "scaling_factor": 0.13025},
        "text_encoder": CLIP_L,
        "text_encoder_2": OPEN_CLIP_G,
    },
    EULER,
    {"tokenizer": END, "tokenizer_2": "!"},
    {"force_zeros_for_empty_prompt": True},
)
SDXL_TURBO = replace(
    SDXL.with_part("unet", sample_size=64).with_part("vae", sample_size=512),
    scheduler={**TURBO, "_class_name": "EulerAncestralDiscreteScheduler"},
)
# diffusers/stable-diffusion-xl-1.0-inpainting-0.1
SDXL_INPAINTING = replace(SDXL.with_part("unet", in_channels=9), pipeline="StableDiffusionXLInpaintPipeline")
_VAE16: Config = {**SD15_VAE, "latent_channels": 16, "use_post_quant_conv": False, "use_quant_conv": False}
# stabilityai/stable-diffusion-3-medium-diffusers
SD3 = Configuration(
    "StableDiffusion3Pipeline",
    {
        "transformer": {
            "attention_head_dim": 64,
            "caption_projection_dim": 1536,
            "in_channels": 16,
            "joint_attention_dim": 4096,
            "num_attention_heads": 24,
            "num_layers": 24,
            "out_channels": 16,
            "patch_size": 2,
            "pooled_projection_dim": 2048,
            "pos_embed_max_size": 192,
            "sample_size": 128,
        },
        "vae": {**_VAE16, "sample_size": 1024, "scaling_factor": 1.5305, "shift_factor": 0.0609},
        "text_encoder": CLIP_L,
        "text_encoder_2": OPEN_CLIP_G,
        "text_encoder_3": T5_XXL,
    },
    FLOW,
    {"tokenizer": END, "tokenizer_2": "!"},
)
# stabilityai/stable-diffusion-3.5-medium and -large
SD35_MEDIUM = SD3.with_part(
    "transformer", dual_attention_layers=tuple(range(13)), pos_embed_max_size=384, qk_norm="rms_norm"
)
SD35_LARGE = SD3.with_part(
    "transformer", caption_projection_dim=2432, num_attention_heads=38, num_layers=38, qk_norm="rms_norm"
)
SD35_LARGE_TURBO = replace(SD35_LARGE, index={"_name_or_path": "stabilityai/stable-diffusion-3.5-large-turbo"})
# black-forest-labs/FLUX.1-dev and -schnell
FLUX_DEV = Configuration(
    "FluxPipeline",
    {
        "transformer": {
            "attention_head_dim": 128,
            "guidance_embeds": True,
            "in_channels": 64,
            "joint_attention_dim": 4096,
            "num_attention_heads": 24,
            "num_layers": 19,
            "num_single_layers": 38,
            "patch_size": 1,
            "pooled_projection_dim": 768,
        },
        "vae": {**_VAE16, "sample_size": 1024, "scaling_factor": 0.3611, "shift_factor": 0.1159},
        "text_encoder": CLIP_L,
        "text_encoder_2": T5_XXL,
    },
    {
        **FLOW,
        "base_image_seq_len": 256,
        "base_shift": 0.5,
        "max_image_seq_len": 4096,
        "max_shift": 1.15,
        "use_dynamic_shifting": True,
    },
    {"tokenizer": END},
)
FLUX_SCHNELL = replace(FLUX_DEV.with_part("transformer", guidance_embeds=False), scheduler={**FLOW, "shift": 1.0})
# black-forest-labs/FLUX.2-klein-4B and -klein-base-4B
FLUX2_KLEIN = Configuration(
    "Flux2KleinPipeline",
    {
        "transformer": {
            "attention_head_dim": 128,
            "axes_dims_rope": (32, 32, 32, 32),
            "guidance_embeds": False,
            "in_channels": 128,
            "joint_attention_dim": 7680,
            "mlp_ratio": 3.0,
            "num_attention_heads": 24,
            "num_layers": 5,
            "num_single_layers": 20,
            "patch_size": 1,
        },
        "vae": {**SD15_VAE, "latent_channels": 32, "sample_size": 1024},
        "text_encoder": QWEN3_4B,
    },
    {
        **FLOW,
        "base_image_seq_len": 256,
        "base_shift": 0.5,
        "max_image_seq_len": 4096,
        "max_shift": 1.15,
        "time_shift_type": "exponential",
        "use_dynamic_shifting": True,
    },
    {},
    {"is_distilled": True},
)
FLUX2_KLEIN_BASE = replace(FLUX2_KLEIN, index={"is_distilled": False})
# PixArt-alpha/PixArt-XL-2-1024-MS, whose transformer is told the picture's size, and PixArt-Sigma-XL-2-1024-MS
PIXART_ALPHA = Configuration(
    "PixArtAlphaPipeline",
    {
        "transformer": {
            "activation_fn": "gelu-approximate",
            "attention_bias": True,
            "attention_head_dim": 72,
            "caption_channels": 4096,
            "cross_attention_dim": 1152,
            "in_channels": 4,
            "norm_type": "ada_norm_single",
            "num_attention_heads": 16,
            "num_layers": 28,
            "out_channels": 8,
            "patch_size": 2,
            "sample_size": 128,
        },
        "vae": SD15_VAE,
        "text_encoder": T5_XXL,
    },
    {
        "_class_name": "DPMSolverMultistepScheduler",
        "algorithm_type": "dpmsolver++",
        "beta_end": 0.02,
        "beta_schedule": "linear",
        "beta_start": 0.0001,
        "num_train_timesteps": 1000,
        "prediction_type": "epsilon",
        "solver_order": 2,
        "solver_type": "midpoint",
        "timestep_spacing": "linspace",
    },
    {},
)
PIXART_ALPHA_512 = PIXART_ALPHA.with_part("transformer", sample_size=64)
PIXART_SIGMA = replace(
    PIXART_ALPHA.with_part("transformer", use_additional_conditions=False).with_part(
        "vae", sample_size=1024, scaling_factor=0.13025, force_upcast=True
    ),
    pipeline="PixArtSigmaPipeline",
)

PUBLISHED: Mapping[str, Configuration] = {
    "stable-diffusion-1.5": SD15,
    "stable-diffusion-2.0": SD20,
    "stable-diffusion-2.1": SD21,
    "stable-diffusion-inpainting": SD15_INPAINTING,
    "stable-diffusion-2-inpainting": SD20_INPAINTING,
    "sd-turbo": SD_TURBO,
    "lcm-dreamshaper": LCM,
    "sdxl": SDXL,
    "sdxl-turbo": SDXL_TURBO,
    "sdxl-inpainting": SDXL_INPAINTING,
    "stable-diffusion-3-medium": SD3,
    "stable-diffusion-3.5-medium": SD35_MEDIUM,
    "stable-diffusion-3.5-large": SD35_LARGE,
    "stable-diffusion-3.5-large-turbo": SD35_LARGE_TURBO,
    "flux-dev": FLUX_DEV,
    "flux-schnell": FLUX_SCHNELL,
    "flux2-klein": FLUX2_KLEIN,
    "flux2-klein-base": FLUX2_KLEIN_BASE,
    "pixart-alpha": PIXART_ALPHA,
    "pixart-alpha-512": PIXART_ALPHA_512,
    "pixart-sigma": PIXART_SIGMA,
}
