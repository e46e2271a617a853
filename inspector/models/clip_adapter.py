"""An open_clip vision transformer as analyses ask for it: `protocols.ClipModel`."""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from open_clip.tokenizer import HFTokenizer, SimpleTokenizer
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

from inspector.errors import ChoiceError, ModelFilesError, NotFiniteError, UnsupportedModelError
from inspector.models.catalog import ModelSpec
from inspector.models.clip_config import ClipConfig, build, check_fits, named, read_clip_config
from inspector.models.clip_masks import block_inputs, steered
from inspector.models.files import clip_weights, damaged, missing_weights, read_json
from inspector.models.opening import check_numbers
from inspector.models.protocols import Layers, Trunk
from inspector.models.tokenizer import MERGES_FILE, open_tokenizer, plain, readable

CLIPS = 49408  # tokens of OpenAI's vocabulary, which open_clip brings along
LONGEST = 4  # an image's longer side is scaled to at most this many times `side`
TEXTS = 64  # texts encoded at once: 0.2 GB for ViT-B/16's text tower, and no slower than more
PLAIN_ATTENTION = 2**26  # bytes of one block's (head, n, n) weights up to which blocks run as they are
MLP_TOKENS = 1024  # tokens of `run_fused` whose hidden layer is held at once: 13 MB of ViT-B/16
# Settings of open_clip's own attention block; analyses recompute plain multi-head attention only.
CUSTOM_ATTENTION = ("qk_norm", "scaled_cosine_attn", "scale_heads", "scale_attn_inner", "scale_attn", "scale_fc")


class OpenClipAdapter:
    """Satisfies `protocols.ClipModel`; its docstrings say what each method returns.

    Beside the protocol: `last_block` also has `ls_1` and `ls_2` (layer scale, or identity).
    """

    def __init__(
        self,
        spec: ModelSpec,
        model: open_clip.CLIP,
        tokenizer: SimpleTokenizer | HFTokenizer,
        preprocess: Mapping[str, Any],
        revision: str,
    ) -> None:
        visual = model.visual
        self.spec, self.revision = spec, revision
        self.model = model.eval().requires_grad_(False)
        self.device, self.dtype = model.logit_scale.device, model.logit_scale.dtype
        self.parameters = sum(weight.numel() for weight in model.parameters())
        self.patch_size = int(visual.patch_size[0])
        self.image_size = int(min(visual.image_size))
        self.logit_scale = float(model.logit_scale.float().exp())
        # A model trained on the mean of its patches has a class token that nothing ever read.
        self.poolings = ("class", "mean") if visual.pool_type == "tok" else ("mean",)
        self.blocks: tuple[nn.Module, ...] = tuple(visual.transformer.resblocks)
        self.last_block: nn.Module = self.blocks[-1]
        self.heads = int(visual.transformer.resblocks[-1].attn.num_heads)
        self.embed = int(model.text_projection.shape[1] if visual.proj is None else visual.proj.shape[1])
        self._tokenizer = tokenizer
        self._mean = torch.tensor(preprocess["mean"], device=self.device).view(1, 3, 1, 1)
        self._std = torch.tensor(preprocess["std"], device=self.device).view(1, 3, 1, 1)

    def pixels(self, image: np.ndarray, side: int | None = None) -> torch.Tensor:
        """uint8 RGB (h, w, 3) -> normalised (1, 3, H, W), aspect kept, H and W multiples of the patch.

        Sides are rounded up, as CLIP-ES does. side: length the shorter side is scaled to, default
        `image_size`; for a picture more than four times as long as wide, the longer side decides.
        """
        height, width = image.shape[:2]
        side = side or self.image_size
        scale = min(side / min(height, width), LONGEST * side / max(height, width))
        size = [self._whole_patches(length * scale) for length in (height, width)]
        tensor = self._planes(image)
        if size != [height, width]:
            tensor = F.interpolate(tensor, size=size, mode="bicubic", antialias=True).clamp(0, 255)
        return self._coloured(tensor)

    def normalised(self, image: np.ndarray) -> torch.Tensor:
        """uint8 RGB (h, w, 3) -> normalised (1, 3, h, w), at its own size."""
        return self._coloured(self._planes(image))

    def _planes(self, image: np.ndarray) -> torch.Tensor:
        return torch.tensor(image, device=self.device).permute(2, 0, 1)[None].float()  # (1, c, h, w)

    def _coloured(self, planes: torch.Tensor) -> torch.Tensor:
        return ((planes / 255 - self._mean) / self._std).to(self.dtype)

    def _whole_patches(self, length: float) -> int:
        # A hair of tolerance: 256 * (224 / 256) must not become 15 patches.
        return max(1, math.ceil(length / self.patch_size - 1e-6)) * self.patch_size

    @torch.no_grad()
    def text(self, texts: Sequence[str], unit: bool = True) -> torch.Tensor:
        """Text embeddings (n, embed), no gradient, unit length or not; a text too long is cut, see `unread`."""
        parts = []
        for start in range(0, len(texts), TEXTS):
            ids = self._tokenizer([plain(text) for text in texts[start : start + TEXTS]])
            found = self.model.encode_text(ids.to(self.device))
            parts.append(F.normalize(found, dim=-1) if unit else found)
        return self._finite(torch.cat(parts), "the text tower's embeddings")

    def unread(self, text: str) -> str:
        """The words at the end of a text that the model does not read, the one that is cut included; "" for none."""
        words = plain(text).split()
        room = self._tokenizer.context_length
        if self._length(words) <= room:
            return ""
        read = bisect_right(range(1, len(words) + 1), room, key=lambda count: self._length(words[:count]))
        return " ".join(words[read:])

    def _length(self, words: Sequence[str]) -> int:
        """How many tokens the words are, with those for start and end."""
        text = " ".join(words)
        if isinstance(self._tokenizer, SimpleTokenizer):
            return len(self._tokenizer.encode(text)) + 2
        return len(self._tokenizer.tokenizer(self._tokenizer.clean_fn(text))["input_ids"])

    def _embedded(
        self, pixels: torch.Tensor, positions: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, tuple[int, int]]:
        """What enters the first block (n, 1 + gh * gw, width), and the grid (gh, gw)."""
        visual = self.model.visual
        patches = visual.conv1(pixels)  # (n, width, gh, gw)
        grid = (int(patches.shape[2]), int(patches.shape[3]))
        patches = patches.flatten(2).transpose(1, 2)  # (n, gh * gw, width)
        start = visual.class_embedding.to(patches.dtype).view(1, 1, -1).expand(len(patches), -1, -1)
        return visual.ln_pre(torch.cat([start, patches], 1) + self._positions(grid, positions)), grid

    @torch.no_grad()
    def layers(self, pixels: torch.Tensor, positions: torch.Tensor | None = None) -> Layers:
        """What enters each block, and what leaves the last one, of a batch; positions: instead of the model's own."""
        tokens, grid = self._embedded(pixels, positions)
        found = [self._finite(item, "the image tower's tokens") for item in block_inputs(self.model.visual, tokens)]
        return Layers(tuple(found), grid)

    def steered(self, tokens: torch.Tensor, first: int, biases: torch.Tensor, sees_class: bool) -> torch.Tensor:
        """Embeddings (n, query, embed) of copies of the class token, their looks biased; `clip_masks.steered`."""
        return steered(self.model.visual, tokens, first, biases, sees_class)

    @torch.no_grad()
    def trunk(self, pixels: torch.Tensor) -> Trunk:
        """All blocks but the last, without gradient; positions interpolated to the grid."""
        visual = self.model.visual
        tokens, grid = self._embedded(pixels)
        weights = self.heads * tokens.shape[1] ** 2 * tokens.element_size()
        for block in visual.transformer.resblocks[:-1]:
            tokens = block(tokens) if weights <= PLAIN_ATTENTION else run_fused(block, tokens)
        return Trunk(tokens=self._finite(tokens, "the image tower's tokens before its last block"), grid=grid, prefix=1)

    def _finite(self, values: torch.Tensor, part: str) -> torch.Tensor:
        """The values, or NotFiniteError that names the model's part."""
        if not values.is_meta and not torch.isfinite(values).all():
            raise NotFiniteError.of(self.spec.name, part)
        return values

    def _positions(self, grid: tuple[int, int], given: torch.Tensor | None = None) -> torch.Tensor:
        """Position embeddings (1 + gh * gw, width), from the model's own or those given; class token's row kept."""
        own: torch.Tensor = self.model.visual.positional_embedding if given is None else given.to(self.dtype)
        trained = tuple(self.model.visual.grid_size)
        if grid == trained:
            return own
        patches = own[1:].float().T.reshape(1, -1, *trained)  # (1, width, gh, gw)
        patches = F.interpolate(patches, size=grid, mode="bicubic", antialias=True, align_corners=False)
        return torch.cat([own[:1], patches[0].flatten(1).T.to(own.dtype)])

    def head(self, tokens: torch.Tensor, trunk: Trunk, pooling: str) -> torch.Tensor:
        """Last block's output (b, n, width) -> pooled, normed, projected (b, embed), not unit length.

        "mean" is CLIP-ES's: final norm, mean of the patches, projection; models trained with the norm
        after pooling keep their order. Raises ChoiceError for a pooling the model does not have.
        """
        if pooling not in self.poolings:
            raise ChoiceError(f"{self.spec.title} has no pooling {pooling!r}; choose {' or '.join(self.poolings)}.")
        visual = self.model.visual
        if pooling == "class":
            pooled = visual.ln_post(tokens[:, 0])  # the norm is per token, so its order does not matter here
        elif visual.final_ln_after_pool:
            pooled = visual.ln_post(tokens[:, trunk.prefix :].mean(1))
        else:
            pooled = visual.ln_post(tokens[:, trunk.prefix :]).mean(1)
        return pooled if visual.proj is None else pooled @ visual.proj

    def dense(self, tokens: torch.Tensor, trunk: Trunk) -> torch.Tensor:
        """Last block's output (b, n, width) -> per-patch embeddings (b, grid_h * grid_w, embed)."""
        visual = self.model.visual
        patches = visual.ln_post(tokens[:, trunk.prefix :])
        return patches if visual.proj is None else patches @ visual.proj


def run_fused(block: Any, tokens: torch.Tensor) -> torch.Tensor:
    """A block's output (b, n, width) by torch's fused attention, which never holds all weights (b, head, n, n), and
    with the MLP on some tokens at a time.

    On a CPU nn.MultiheadAttention's own fast path holds them twice: 1.6 GB for ViT-B/16 at 1,024 px.
    """
    projected = F.linear(block.ln_1(tokens), block.attn.in_proj_weight, block.attn.in_proj_bias)
    query, key, value = projected.unflatten(-1, (3, block.attn.num_heads, -1)).permute(2, 0, 3, 1, 4)
    attended = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(-2)
    tokens = tokens + block.ls_1(block.attn.out_proj(attended))
    parts = block.ln_2(tokens).split(MLP_TOKENS, dim=1)
    return tokens + block.ls_2(torch.cat([block.mlp(part) for part in parts], dim=1))


def check_clip(folder: Path, spec: ModelSpec) -> ClipConfig:
    """The configuration of a CLIP's folder, from small files alone.

    Raises ModelFilesError where it is missing or impossible, UnsupportedModelError where it has no plain vision
    transformer.
    """
    config = read_clip_config(folder, spec)
    refuse_unsupported(spec, config.model)
    return config


def open_clip_folder(
    folder: Path, spec: ModelSpec, device: torch.device, dtype: torch.dtype, revision: str
) -> OpenClipAdapter:
    """Build the adapter of a folder with open_clip weights.

    Raises ModelFilesError when files or weights are missing, damaged or do not fit, UnsupportedModelError
    when the architecture has no plain vision transformer.
    """
    config = check_clip(folder, spec)
    weights = clip_weights(folder)
    tokenizer = _tokenizer(folder, config.model["text_cfg"])
    check_fits(config, weights)
    model = build(config)
    fill(model, config, weights)
    model = model.to(device=device, dtype=dtype)
    check_numbers(model, weights[0])
    statistics = {"mean": config.mean, "std": config.std}
    return OpenClipAdapter(spec, model, tokenizer, statistics, revision)


def refuse_unsupported(spec: ModelSpec, model_cfg: Mapping[str, Any]) -> None:
    """Raise UnsupportedModelError, naming what it is, unless the image tower is a plain vision transformer."""
    vision, text = model_cfg["vision_cfg"], model_cfg["text_cfg"]
    patch = vision.get("patch_size", 16)
    found = {
        "a captioning decoder (CoCa)": "multimodal_cfg" in model_cfg,
        "a timm image tower": bool(vision.get("timm_model_name")),
        "a ResNet image tower": isinstance(vision.get("layers"), list | tuple),
        "attention pooling": bool(vision.get("attentional_pool")),
        "no pooling": vision.get("pool_type", "tok") == "none",
        "patches that are not square": isinstance(patch, list | tuple) and len(set(patch)) > 1,
        "custom attention": vision.get("block_type") == "custom" or any(vision.get(key) for key in CUSTOM_ATTENTION),
        "a Hugging Face text tower": bool(text.get("hf_model_name")),
        "a sigmoid loss's bias (SigLIP)": model_cfg.get("init_logit_bias") is not None,
    }
    names = [name for name, present in found.items() if present]
    if names:
        raise UnsupportedModelError(
            f"{spec.title} has {' and '.join(names)}, which the inspector cannot read; "
            "choose a CLIP with a plain vision transformer, such as scenes-clip."
        )


def _tokenizer(folder: Path, text_cfg: Mapping[str, Any]) -> SimpleTokenizer | HFTokenizer:
    """The folder's own tokenizer, or CLIP's. Raises ModelFilesError when it cannot be the model's."""
    length, expected = text_cfg.get("context_length", 77), text_cfg.get("vocab_size", 49408)
    if text_cfg.get("hf_tokenizer_name") and not (folder / MERGES_FILE).is_file():
        read_json(folder / "tokenizer_config.json")  # open_clip would ask the hub for it
        with readable(folder):
            return open_clip.get_tokenizer(f"local-dir:{folder.resolve()}")
    own = (folder / MERGES_FILE).is_file()
    if not own and expected != CLIPS and (folder / "tokenizer_config.json").is_file():
        with readable(folder):
            return HFTokenizer(str(folder.resolve()), context_length=length)
    tokenizer = open_tokenizer(folder) if own else SimpleTokenizer(context_length=length)
    if (tokenizer.vocab_size, tokenizer.context_length) != (expected, length):
        raise ModelFilesError(
            f"The tokenizer of {folder} has {tokenizer.vocab_size} tokens and reads {tokenizer.context_length}; the "
            f"model expects {expected} and {length}: copy the tokenizer that belongs to it."
        )
    return tokenizer


def fill(model: nn.Module, config: ClipConfig, weights: Sequence[Path]) -> None:
    """Load safetensors files, which `check_fits` found fitting, into a model, every parameter or none.

    open_clip's own loader leaves random weights, with a warning, where a file has none.
    """
    try:
        state = {name: value for file in weights for name, value in load_file(file).items()}
    except SafetensorError as error:
        raise damaged(weights[0]) from error
    state = dict(named(config, state, weights))
    if missing := model.state_dict().keys() - state.keys():
        raise missing_weights(weights[0], missing)
    model.load_state_dict(state)
