"""Parts of published diffusion models, written down from the config.json files of their repositories.

What is left out has diffusers' or transformers' own default there. Importing it loads no torch.
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
CROSS_DOWN, CROSS_UP = "CrossAttnDownBlock2D", "CrossAttnUpBlock2D"
SD15_UNET: Config = {
    "act_fn": "silu",
    "attention_head_dim": 8,
    "block_out_channels": (320, 640, 1280, 1280),
    "center_input_sample": False,
    "cross_attention_dim": 768,
    "down_block_types": (CROSS_DOWN,) * 3 + ("DownBlock2D",),
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
    "up_block_types": ("UpBlock2D",) + (CROSS_UP,) * 3,
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
