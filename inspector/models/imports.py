"""Published names of ODISE's and SAN's weights turned into those of this project's modules.

A table holds, for each name here, the published one: those of NVlabs/ODISE (`odise/modeling`), of Mask2Former's pixel
and mask decoder in it, of detectron2's blocks, and of MendelXu/SAN (`san/model`), read from these repositories. The
published files themselves were not at hand. Least certain are names that are left out anyhow: which buffers and frozen
parts a file holds beside what was trained depends on the versions of the libraries that wrote it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Change:
    """What is done to a published value, beside another name. shape: of ours -> of the published one."""

    turn: Callable[[torch.Tensor, Shape], torch.Tensor]
    shape: Callable[[Shape], Shape]


def _third(index: int) -> Change:
    """One of query, key and value, which torch's attention keeps in one matrix."""
    return Change(lambda value, shape: value.chunk(3)[index], lambda shape: (3 * shape[0], *shape[1:]))


CHANGES: Mapping[str, Change] = {
    "": Change(lambda value, shape: value, lambda shape: shape),
    "query": _third(0),
    "key": _third(1),
    "value": _third(2),
    # A 1x1 convolution as the linear layer it is.
    "linear": Change(lambda value, shape: value.reshape(shape), lambda shape: (*shape, 1, 1)),
    # Positions (1, h * w, width), row by row, as (1, width, h, w).
    "grid": Change(
        lambda value, shape: value.transpose(1, 2).reshape(shape),
        lambda shape: (1, shape[2] * shape[3], shape[1]),
    ),
}

# Ours -> (published, change). "*" is a number, the same in both; a name that ends in "." begins all that it names.
# The first that fits holds.
PREDICTOR = "sem_seg_head.predictor."
QUERIES = "decoder.transformer.decoder.layers.*."
SELF = f"{PREDICTOR}transformer_self_attention_layers.*."
CROSS = f"{PREDICTOR}transformer_cross_attention_layers.*."
HIDDEN = f"{PREDICTOR}transformer_ffn_layers.*."
PIXELS = "sem_seg_head.pixel_decoder."
DEFORMABLE = f"{PIXELS}transformer.encoder.layers.*."
SIDE = "side_adapter_network."
BLOCK = f"{SIDE}vit_model.blocks.*."

Table = Mapping[str, tuple[str, str]]
ODISE: Table = {
    "projections.*.": ("backbone.feature_projections.*.0.", ""),
    "captioner.": ("backbone.feature_extractor.", ""),
    "pixel_decoder.input_projections.*.": (f"{PIXELS}input_proj.*.", ""),
    "pixel_decoder.level_embed": (f"{PIXELS}transformer.level_embed", ""),
    "pixel_decoder.encoder.layers.*.self_attn.": (f"{DEFORMABLE}self_attn.", ""),
    "pixel_decoder.encoder.layers.*.self_attn_layer_norm.": (f"{DEFORMABLE}norm1.", ""),
    "pixel_decoder.encoder.layers.*.fc1.": (f"{DEFORMABLE}linear1.", ""),
    "pixel_decoder.encoder.layers.*.fc2.": (f"{DEFORMABLE}linear2.", ""),
    "pixel_decoder.encoder.layers.*.final_layer_norm.": (f"{DEFORMABLE}norm2.", ""),
    "pixel_decoder.adapter_1.0.": (f"{PIXELS}adapter_1.", ""),
    "pixel_decoder.adapter_1.1.": (f"{PIXELS}adapter_1.norm.", ""),
    "pixel_decoder.layer_1.0.": (f"{PIXELS}layer_1.", ""),
    "pixel_decoder.layer_1.1.": (f"{PIXELS}layer_1.norm.", ""),
    "pixel_decoder.mask_projection.": (f"{PIXELS}mask_features.", ""),
    f"{QUERIES}self_attn.q_proj.weight": (f"{SELF}self_attn.in_proj_weight", "query"),
    f"{QUERIES}self_attn.q_proj.bias": (f"{SELF}self_attn.in_proj_bias", "query"),
    f"{QUERIES}self_attn.k_proj.weight": (f"{SELF}self_attn.in_proj_weight", "key"),
    f"{QUERIES}self_attn.k_proj.bias": (f"{SELF}self_attn.in_proj_bias", "key"),
    f"{QUERIES}self_attn.v_proj.weight": (f"{SELF}self_attn.in_proj_weight", "value"),
    f"{QUERIES}self_attn.v_proj.bias": (f"{SELF}self_attn.in_proj_bias", "value"),
    f"{QUERIES}self_attn.out_proj.": (f"{SELF}self_attn.out_proj.", ""),
    f"{QUERIES}self_attn_layer_norm.": (f"{SELF}norm.", ""),
    f"{QUERIES}cross_attn.": (f"{CROSS}multihead_attn.", ""),
    f"{QUERIES}cross_attn_layer_norm.": (f"{CROSS}norm.", ""),
    f"{QUERIES}fc1.": (f"{HIDDEN}linear1.", ""),
    f"{QUERIES}fc2.": (f"{HIDDEN}linear2.", ""),
    f"{QUERIES}final_layer_norm.": (f"{HIDDEN}norm.", ""),
    "decoder.transformer.decoder.layernorm.": (f"{PREDICTOR}decoder_norm.", ""),
    "decoder.transformer.decoder.mask_predictor.mask_embedder.*.0.": (f"{PREDICTOR}mask_embed.layers.*.", ""),
    "decoder.transformer.queries_features.": (f"{PREDICTOR}query_feat.", ""),
    "decoder.transformer.queries_embedder.": (f"{PREDICTOR}query_embed.", ""),
    "decoder.transformer.level_embed.": (f"{PREDICTOR}level_embed.", ""),
    "decoder.embedding.": (f"{PREDICTOR}post_mask_embed.", ""),
    "classifier.logit_scale": (f"{PREDICTOR}post_mask_embed.logit_scale", ""),
    "classifier.": ("category_head.", ""),
}
SAN: Table = {
    "positions": ("clip_visual_extractor.positional_embedding", ""),
    "background": ("ov_classifier.bg_embed", ""),
    "side.pos_embed": (f"{SIDE}vit_model.pos_embed", "grid"),
    "side.patch_embed.": (f"{SIDE}vit_model.patch_embed.proj.", ""),
    "side.query_embed": (f"{SIDE}query_embed", ""),
    "side.query_pos_embed": (f"{SIDE}query_pos_embed", ""),
    "side.blocks.*.norm1.": (f"{BLOCK}norm1.", ""),
    "side.blocks.*.norm2.": (f"{BLOCK}norm2.", ""),
    "side.blocks.*.self_attn.in_proj_weight": (f"{BLOCK}attn.qkv.weight", ""),
    "side.blocks.*.self_attn.in_proj_bias": (f"{BLOCK}attn.qkv.bias", ""),
    "side.blocks.*.self_attn.out_proj.": (f"{BLOCK}attn.proj.", ""),
    "side.blocks.*.linear1.": (f"{BLOCK}mlp.fc1.", ""),
    "side.blocks.*.linear2.": (f"{BLOCK}mlp.fc2.", ""),
    "side.fusions.*.norm.": (f"{SIDE}fusion_layers.layer_*.input_proj.0.", ""),
    "side.fusions.*.proj.weight": (f"{SIDE}fusion_layers.layer_*.input_proj.1.weight", "linear"),
    "side.fusions.*.proj.bias": (f"{SIDE}fusion_layers.layer_*.input_proj.1.bias", ""),
    "side.query_mlp.": (f"{SIDE}mask_decoder.query_mlp.", ""),
    "side.pixel_mlp.layers.*.weight": (f"{SIDE}mask_decoder.pix_mlp.layers.*.weight", "linear"),
    "side.pixel_mlp.layers.*.bias": (f"{SIDE}mask_decoder.pix_mlp.layers.*.bias", ""),
    "side.attention_mlp.layers.*.weight": (f"{SIDE}mask_decoder.attn_mlp.layers.*.weight", "linear"),
    "side.attention_mlp.layers.*.bias": (f"{SIDE}mask_decoder.attn_mlp.layers.*.bias", ""),
    "side.bias_scale.": (f"{SIDE}mask_decoder.bias_scaling.", ""),
}


def published_name(table: Table, name: str) -> tuple[str, str]:
    """The published name of one here, and the change to its value; LookupError where the table lacks it."""
    for ours, (published, change) in table.items():
        pattern = re.escape(ours).replace(r"\*", r"(\d+)")
        found = re.match(pattern if ours.endswith(".") else pattern + "$", name)
        if found:
            begun = published.replace("*", "{}").format(*found.groups())
            return begun + name[found.end() :], change
    raise LookupError(name)


def published_shapes(own: Mapping[str, torch.Tensor], table: Table) -> dict[str, Shape]:
    """Every published name that makes up a module of state `own`, with its shape."""
    found: dict[str, Shape] = {}
    for name, value in own.items():
        published, change = published_name(table, name)
        found[published] = CHANGES[change].shape(tuple(value.shape))
    return found
