"""Published configurations of diffusion models, written down from the config.json files of their repositories.

Of tokenizers only what they pad with is kept, where they are CLIP's. Importing it loads no torch.
"""

from collections.abc import Mapping
from dataclasses import replace

from inspector.models.configuration_parts import (
    BETAS,
    CLIP_L,
    CROSS_DOWN,
    CROSS_UP,
    END,
    EULER,
    FLOW,
    OPEN_CLIP_G,
    OPEN_CLIP_H,
    PNDM,
    QWEN3_4B,
    SD15_UNET,
    SD15_VAE,
    T5_XXL,
    TURBO,
    Config,
    Configuration,
)

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
            "down_block_types": ("DownBlock2D", CROSS_DOWN, CROSS_DOWN),
            "projection_class_embeddings_input_dim": 2816,
            "sample_size": 128,
            "transformer_layers_per_block": (1, 2, 10),
            "up_block_types": (CROSS_UP, CROSS_UP, "UpBlock2D"),
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
