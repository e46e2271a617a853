"""A single file of Stable Diffusion from diffusers' parts: the names of the code that such files were saved by."""

import re
from collections.abc import Mapping
from typing import Any

import torch

from inspector.models.single_files import OPENAI, UNET, VAE

State = dict[str, torch.Tensor]
RESNET = {"norm1": "in_layers.0", "conv1": "in_layers.2", "norm2": "out_layers.0", "conv2": "out_layers.3"}
RESNET |= {"time_emb_proj": "emb_layers.1", "conv_shortcut": "skip_connection"}
OUTER = {"time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2"}
OUTER |= {"conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2"}
OUTER |= {"add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2"}
MIDDLE = {"resnets.0": "middle_block.0", "attentions.0": "middle_block.1", "resnets.1": "middle_block.2"}
ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
BLOCK = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "self_attn.out_proj": "attn.out_proj"}
BLOCK |= {"mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj"}


def renamed(name: str, table: Mapping[str, str]) -> str:
    """The name with its beginning changed by a table; the name itself where none fits."""
    for old, new in table.items():
        if name == old or name.startswith(f"{old}."):
            return new + name[len(old) :]
    return name


def unet_names(unet: Any) -> State:
    """A UNet of two layers a block, under the names of latent diffusion."""
    found = {}
    for name, value in unet.state_dict().items():
        new = renamed(name, OUTER)
        if match := re.fullmatch(r"(down|up)_blocks\.(\d+)\.(resnets|attentions)\.(\d+)\.(.+)", name):
            block, layer = int(match[2]), int(match[4])
            down = match[1] == "down"
            place = f"{'input' if down else 'output'}_blocks.{3 * block + layer + down}"
            inner = renamed(match[5], RESNET) if match[3] == "resnets" else match[5]
            new = f"{place}.{int(match[3] == 'attentions')}.{inner}"
        elif match := re.fullmatch(r"down_blocks\.(\d+)\.downsamplers\.0\.conv\.(.+)", name):
            new = f"input_blocks.{3 * (int(match[1]) + 1)}.0.op.{match[2]}"
        elif match := re.fullmatch(r"up_blocks\.(\d+)\.upsamplers\.0\.conv\.(.+)", name):
            attends = hasattr(unet.up_blocks[int(match[1])], "attentions")
            new = f"output_blocks.{3 * int(match[1]) + 2}.{1 + attends}.conv.{match[2]}"
        elif name.startswith("mid_block."):
            new = renamed(name.removeprefix("mid_block."), MIDDLE)
            head, _, inner = new.partition(".")[2].partition(".")
            new = new if head == "1" else f"middle_block.{head}.{renamed(inner, RESNET)}"
        found[UNET + new] = value
    return found


def vae_names(vae: Any) -> State:
    """An autoencoder of four levels, under the names of latent diffusion."""
    found = {}
    for name, value in vae.state_dict().items():
        new = name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
        new = re.sub(r"down_blocks\.(\d)\.resnets\.(\d)", r"down.\1.block.\2", new)
        new = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", new)
        new = re.sub(r"up_blocks\.(\d)\.resnets\.(\d)", lambda m: f"up.{3 - int(m[1])}.block.{m[2]}", new)
        new = re.sub(r"up_blocks\.(\d)\.upsamplers\.0", lambda m: f"up.{3 - int(m[1])}.upsample", new)
        new = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", new)
        if ".mid_block.attentions.0." in new:
            side, _, inner = new.partition(".mid_block.attentions.0.")
            new = f"{side}.mid.attn_1.{renamed(inner, ATTENTION)}"
            value = value[:, :, None, None] if value.ndim == 2 else value  # a convolution there
        found[VAE + new] = value
    return found


def openai_names(text: Any, begin: str = OPENAI) -> State:
    """A text encoder of Stable Diffusion 1.x, under transformers' own names of then."""
    return {f"{begin}text_model.{name.removeprefix('text_model.')}": value for name, value in text.state_dict().items()}


def open_clip_names(text: Any, begin: str) -> State:
    """A text encoder of 2.x, or the second of XL, under open_clip's names."""
    own = {name.removeprefix("text_model."): value for name, value in text.state_dict().items()}
    found = {
        "token_embedding.weight": own.pop("embeddings.token_embedding.weight"),
        "positional_embedding": own.pop("embeddings.position_embedding.weight"),
    }
    for kind in ("weight", "bias"):
        found[f"ln_final.{kind}"] = own.pop(f"final_layer_norm.{kind}")
        for layer in range(text.config.num_hidden_layers):
            source, block = f"encoder.layers.{layer}", f"transformer.resblocks.{layer}"
            parts = [own.pop(f"{source}.self_attn.{part}_proj.{kind}") for part in "qkv"]
            found[f"{block}.attn.in_proj_{kind}"] = torch.cat(parts)
            for old, new in BLOCK.items():
                found[f"{block}.{new}.{kind}"] = own.pop(f"{source}.{old}.{kind}")
    if "text_projection.weight" in own:
        found["text_projection"] = own.pop("text_projection.weight").T
    return {begin + name: value for name, value in found.items()}
