"""Published configurations at small width, written as real folders and opened by the real loader.

Every setting is the published one but widths, and depths of towers that no test looks into.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import T5Tokenizer

from inspector.models import catalog
from inspector.models.configuration_parts import Configuration
from inspector.models.configurations import PUBLISHED
from inspector.models.full_size_diffusion import chat_tokenizer
from inspector.models.loading import load_diffusion
from inspector.models.protocols import DiffusionModel
from inspector.models.tokenizer import learn_merges, open_fast_tokenizer, write_tokenizer
from inspector.models.written import write_pipeline

WORDS = {"horse": 9, "grass": 8, "a photo of the": 7, "house": 5, "green": 4, "car": 9, "cars": 2, "on": 3}
TOKENS = 16  # that CLIP's towers read here
T5_WORDS = ("a", "horse", "on", "the", "grass", "photo", "of", "green", "car")
CHAT_TOKENS = 264  # bytes, the frame of a chat, and a few that no token has
SHARPER = 6.0  # times the queries, so that attention is uneven


def narrow(configuration: Configuration, vocabulary: int, t5: int) -> Configuration:
    """A sixteenth of a UNet's width, with as many heads, blocks and levels; towers of three layers."""
    parts: dict[str, dict[str, Any]] = {name: dict(part) for name, part in configuration.parts.items()}
    texts = [name for name in parts if name.startswith("text_encoder")]
    widths = dict(zip(texts, (16, 24, 32), strict=False))
    for name in texts:
        if parts[name].get("model_type") == "qwen3":
            parts[name] |= {"hidden_size": 16, "intermediate_size": 32, "head_dim": 8, "vocab_size": CHAT_TOKENS}
            parts[name] |= {"num_attention_heads": 2, "num_key_value_heads": 1, "num_hidden_layers": 28}
            parts[name] |= {"bos_token_id": 256, "eos_token_id": 257}
        elif "d_model" in parts[name]:
            widths[name] = 32
            parts[name] |= {"d_model": 32, "d_ff": 40, "d_kv": 8, "num_heads": 4, "num_layers": 2, "vocab_size": t5}
        else:
            parts[name] |= {
                "hidden_size": widths[name],
                "intermediate_size": 2 * widths[name],
                "num_attention_heads": 2,
                "num_hidden_layers": 3,
                "projection_dim": widths[name],
                "vocab_size": vocabulary,
                "max_position_embeddings": TOKENS,
                "bos_token_id": vocabulary - 2,
                "eos_token_id": vocabulary - 1,
            }
    parts["vae"] |= {"block_out_channels": (4, 8, 8, 8), "norm_num_groups": 4, "layers_per_block": 1}
    if "unet" in parts:
        _narrow_unet(parts["unet"], widths)
    else:
        _narrow_transformer(parts["transformer"], widths)
    return replace(configuration, parts=parts)


def _narrow_unet(unet: dict[str, Any], widths: Mapping[str, int]) -> None:
    channels = tuple(width // 16 for width in unet["block_out_channels"])
    heads = unet["attention_head_dim"]
    unet |= {
        "block_out_channels": channels,
        "attention_head_dim": 4 if heads == 8 else heads,  # of eight, a width of 20 has no heads
        "cross_attention_dim": sum(widths.values()),
        "norm_num_groups": 4,
        "sample_size": 8,
    }
    if "addition_time_embed_dim" in unet:
        unet |= {"addition_time_embed_dim": 8, "projection_class_embeddings_input_dim": widths["text_encoder_2"] + 48}
    if "time_cond_proj_dim" in unet:
        unet["time_cond_proj_dim"] = 16


def _narrow_transformer(network: dict[str, Any], widths: Mapping[str, int]) -> None:
    heads = 2
    network |= {"num_attention_heads": heads, "joint_attention_dim": 32}
    if len(network.get("axes_dims_rope", ())) == 4:
        network |= {"num_layers": 2, "num_single_layers": 2, "attention_head_dim": 16, "joint_attention_dim": 48}
        network["axes_dims_rope"] = (4, 4, 4, 4)
    elif "num_single_layers" in network:
        network |= {"num_layers": 2, "num_single_layers": 2, "attention_head_dim": 16, "in_channels": 64}
        network |= {"axes_dims_rope": (4, 6, 6), "pooled_projection_dim": widths["text_encoder"]}
    elif "caption_channels" in network:
        del network["joint_attention_dim"]
        network |= {"num_layers": 7, "attention_head_dim": 12, "cross_attention_dim": heads * 12}
        network["caption_channels"] = 32
        network["sample_size"] = 128 if network["sample_size"] == 128 else 8  # by which its conditions are told
    else:
        dual = tuple(layer for layer in network.get("dual_attention_layers", ()) if layer < 2)
        network |= {"num_layers": 3, "attention_head_dim": 8, "caption_projection_dim": heads * 8, "sample_size": 16}
        network |= {"pooled_projection_dim": widths["text_encoder"] + widths["text_encoder_2"]}
        network |= {"dual_attention_layers": dual, "pos_embed_max_size": 24}


def write_t5(folder: Path) -> int:
    """A tokenizer of T5's kind that knows a few words and all letters; returns how many tokens."""
    pieces = [*(f"▁{word}" for word in T5_WORDS), "▁", *"abcdefghijklmnopqrstuvwxyz"]
    scores = [(piece, -float(place)) for place, piece in enumerate(pieces, 1)]
    tokenizer = T5Tokenizer(vocab=[("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *scores], extra_ids=0)
    tokenizer.model_max_length = 512
    tokenizer.save_pretrained(folder)
    return len(tokenizer)


def write_chat(folder: Path) -> None:
    """A tokenizer of Qwen's kind that knows single bytes and the frame of a chat."""
    if not folder.is_dir():
        chat_tokenizer().save_pretrained(folder)


def _shift_latents(folder: Path) -> None:
    """Give latents a mean and a deviation by which they are packed, where an autoencoder has them."""
    (file,) = (folder / "vae").glob("*.safetensors")
    weights = load_file(file)
    if "bn.running_mean" in weights:
        count = len(weights["bn.running_mean"])
        weights |= {"bn.running_mean": torch.linspace(-1, 1, count), "bn.running_var": torch.linspace(1, 2, count)}
        save_file(weights, file, metadata={"format": "pt"})


def _sharpen(folder: Path) -> None:
    (file,) = [file for part in ("unet", "transformer") for file in (folder / part).glob("*.safetensors")]
    weights = load_file(file)
    for name in weights:
        if name.endswith(("to_q.weight", "norm_q.weight")):
            weights[name] *= SHARPER
    save_file(weights, file, metadata={"format": "pt"})


def small_folder(name: str, at: Path) -> Path:
    """The folder of a published configuration at small width, float32."""
    clip = at / "clip-tokenizer"
    write_tokenizer(clip, learn_merges(WORDS, 60), TOKENS)
    t5 = at / "t5-tokenizer"
    count = write_t5(t5)
    published = PUBLISHED[name]
    configuration = narrow(published, len(open_fast_tokenizer(clip)), count)
    texts = [part for part in configuration.parts if part.startswith("text_encoder")]
    chat = at / "chat-tokenizer"
    write_chat(chat)
    kinds = {"qwen3": chat, None: clip}
    tokenizers = {
        part.replace("text_encoder", "tokenizer"): t5 if "d_model" in config else kinds[config.get("model_type")]
        for part, config in configuration.parts.items()
        if part in texts
    }
    folder = write_pipeline(at / name, configuration, tokenizers)
    _sharpen(folder)
    _shift_latents(folder)
    return folder


def small_model(name: str, at: Path) -> DiffusionModel:
    """That folder as the command line opens it."""
    return load_diffusion(catalog.register_local(small_folder(name, at)))
