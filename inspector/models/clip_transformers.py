"""transformers' CLIPModel (openai/clip-vit-base-patch16) read as open_clip's model: settings and weights.

The two compute the same: transformers splits what open_clip keeps in one matrix (query, key and value), and keeps
projections transposed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import CLIPConfig

from inspector.errors import ModelFilesError, UnsupportedModelError
from inspector.models.files import missing_weights, read_json

CONFIG, PIXELS = "config.json", "preprocessor_config.json"
EPSILON = 1e-5  # of open_clip's norms, where nothing else is told
ACTIVATIONS = {"quick_gelu": True, "gelu": False}  # -> open_clip's quick_gelu
ERRORS = (
    StrictDataclassError,
    TypeError,
    ValueError,
    AttributeError,
    KeyError,
    ArithmeticError,
)  # of settings that are no numbers

BLOCK = {  # open_clip's name -> transformers', in a block
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn.out_proj": "self_attn.out_proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}
OUTSIDE = {
    "logit_scale": "logit_scale",
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "ln_final.weight": "text_model.final_layer_norm.weight",
    "ln_final.bias": "text_model.final_layer_norm.bias",
    "visual.class_embedding": "vision_model.embeddings.class_embedding",
    "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
    "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
    "visual.ln_pre.weight": "vision_model.pre_layrnorm.weight",
    "visual.ln_pre.bias": "vision_model.pre_layrnorm.bias",
    "visual.ln_post.weight": "vision_model.post_layernorm.weight",
    "visual.ln_post.bias": "vision_model.post_layernorm.bias",
}
TRANSPOSED = {"text_projection": "text_projection.weight", "visual.proj": "visual_projection.weight"}


def read_settings(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """open_clip's `model_cfg` and `preprocess_cfg` of a folder of transformers' CLIPModel.

    Raises ModelFilesError for settings that cannot be, UnsupportedModelError for activations that open_clip has not.
    """
    file = folder / CONFIG
    told = read_json(file)
    try:
        config = CLIPConfig(**{name: value for name, value in told.items() if name != "architectures"})
        vision, text = config.vision_config, config.text_config
        model = {
            "embed_dim": config.projection_dim,
            "quick_gelu": ACTIVATIONS.get(vision.hidden_act),
            "vision_cfg": {
                "image_size": vision.image_size,
                "patch_size": vision.patch_size,
                "layers": vision.num_hidden_layers,
                "head_width": vision.hidden_size // vision.num_attention_heads,
                **_shared(vision),
            },
            "text_cfg": {
                "context_length": text.max_position_embeddings,
                "vocab_size": text.vocab_size,
                "layers": text.num_hidden_layers,
                "heads": text.num_attention_heads,
                **_shared(text),
            },
        }
    except ERRORS as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1].strip(" .")
        raise ModelFilesError(f"{file} has settings that no CLIP has ({reason}); download it again.") from error
    if vision.hidden_act != text.hidden_act or vision.hidden_act not in ACTIVATIONS:
        raise UnsupportedModelError(
            f"{folder} has the activations {vision.hidden_act} and {text.hidden_act}, which the inspector cannot read; "
            f"choose a CLIP with {' or '.join(ACTIVATIONS)} in both towers."
        )
    pixels = read_json(folder / PIXELS) if (folder / PIXELS).is_file() else {}
    return model, {"mean": pixels.get("image_mean"), "std": pixels.get("image_std")}


def _shared(tower: Any) -> dict[str, Any]:
    """What both towers' settings have."""
    found = {"width": tower.hidden_size, "mlp_ratio": tower.intermediate_size / tower.hidden_size}
    return found if tower.layer_norm_eps == EPSILON else found | {"norm_kwargs": {"eps": tower.layer_norm_eps}}


def turned(state: Mapping[str, torch.Tensor], where: Path) -> dict[str, torch.Tensor]:
    """Weights of CLIPModel under open_clip's names, each used or a buffer of positions' numbers.

    Raises ModelFilesError for one that is missing.
    """
    left = {name: value for name, value in state.items() if not name.endswith(".position_ids")}
    try:
        found = {ours: left.pop(theirs) for ours, theirs in OUTSIDE.items()}
        found |= {ours: left.pop(theirs).T for ours, theirs in TRANSPOSED.items()}
        for ours, theirs in (("visual.transformer", "vision_model"), ("transformer", "text_model")):
            count = len({name.split(".")[3] for name in left if name.startswith(f"{theirs}.encoder.layers.")})
            for index in range(count):
                block, source = f"{ours}.resblocks.{index}", f"{theirs}.encoder.layers.{index}"
                for kind in ("weight", "bias"):
                    for own, other in BLOCK.items():
                        found[f"{block}.{own}.{kind}"] = left.pop(f"{source}.{other}.{kind}")
                    parts = [left.pop(f"{source}.self_attn.{part}_proj.{kind}") for part in "qkv"]
                    found[f"{block}.attn.in_proj_{kind}"] = torch.cat(parts)
    except KeyError as error:
        raise missing_weights(where, [error.args[0]]) from error
    found["logit_scale"] = found["logit_scale"].reshape(())
    return {name: value.contiguous() for name, value in found.items()} | left
