"""Published diffusion models at full size with random weights, in memory: for what they cost."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.tokenizer import SimpleTokenizer
from transformers import Qwen2Tokenizer, T5Tokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

from inspector.models.catalog import ModelSpec
from inspector.models.configuration_parts import Configuration
from inspector.models.configurations import PUBLISHED
from inspector.models.families.flux import FluxAdapter
from inspector.models.families.flux_2 import Flux2KleinAdapter
from inspector.models.families.pixart import PixArtAdapter
from inspector.models.families.stable_diffusion import StableDiffusionAdapter
from inspector.models.families.stable_diffusion_3 import StableDiffusion3Adapter
from inspector.models.families.stable_diffusion_xl import StableDiffusionXLAdapter
from inspector.models.protocols import DiffusionModel
from inspector.models.sampling import sampling_of
from inspector.models.tokenizer import open_fast_tokenizer, write_tokenizer
from inspector.models.written import build_part, count_parameters

ADAPTERS: Mapping[str, Any] = {
    "StableDiffusionPipeline": StableDiffusionAdapter,
    "StableDiffusionInpaintPipeline": StableDiffusionAdapter,
    "LatentConsistencyModelPipeline": StableDiffusionAdapter,
    "StableDiffusionXLPipeline": StableDiffusionXLAdapter,
    "StableDiffusionXLInpaintPipeline": StableDiffusionXLAdapter,
    "StableDiffusion3Pipeline": StableDiffusion3Adapter,
    "FluxPipeline": FluxAdapter,
    "Flux2KleinPipeline": Flux2KleinAdapter,
    "PixArtAlphaPipeline": partial(PixArtAdapter, kind="PixArtAlphaPipeline"),
    "PixArtSigmaPipeline": partial(PixArtAdapter, kind="PixArtSigmaPipeline"),
}
FRAME = ("<|im_start|>", "<|im_end|>")  # of a message
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n\n</think>\n\n{% endif %}"
)


def spec_of(name: str) -> ModelSpec:
    """An entry for a published configuration, as long as it is in memory."""
    configuration = PUBLISHED[name]
    network = configuration.parts.get("unet") or configuration.parts["transformer"]
    return ModelSpec(
        name=name,
        kind="diffusion",
        title=f"{name} (random weights)",
        origin="local",
        source="",
        licence="",
        parameters=sum(count_parameters(configuration).values()),
        sampling=sampling_of(configuration.pipeline, configuration.scheduler, network, configuration.index),
    )


def build_full_size(spec: ModelSpec, device: torch.device, dtype: torch.dtype, folder: Path) -> DiffusionModel:
    """The model of a published configuration with random weights. folder: where its tokenizers are written."""
    configuration = PUBLISHED[spec.name]
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with device:
            parts = {name: build_part(configuration, name) for name in configuration.parts}
    finally:
        torch.set_default_dtype(before)
    tokenizers = _tokenizers(configuration, folder)
    network, vae = parts.get("unet") or parts["transformer"], parts["vae"]
    texts = tuple(part for name, part in parts.items() if name.startswith("text_encoder"))
    adapter = ADAPTERS[configuration.pipeline]
    several = adapter is not StableDiffusionAdapter
    given = (texts, tokenizers) if several else (texts[0], tokenizers[0])
    model: DiffusionModel = adapter(spec, network, vae, *given, dict(configuration.scheduler), "random")
    return model


def _tokenizers(configuration: Configuration, folder: Path) -> tuple[Any, ...]:
    """CLIP's own, whose merges open_clip ships; for the others one of letters: theirs are on the hub alone."""
    clip = folder / "clip"
    if not clip.is_dir():
        write_tokenizer(clip, list(SimpleTokenizer().bpe_ranks), open_clip.tokenizer.DEFAULT_CONTEXT_LENGTH)
    found = []
    for name, part in configuration.parts.items():
        if not name.startswith("text_encoder"):
            continue
        if "d_model" in part:
            letters = [(sign, -1.0) for sign in "▁abcdefghijklmnopqrstuvwxyz"]
            special = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
            found.append(T5Tokenizer(vocab=[*special, *letters], extra_ids=0))
        elif part.get("model_type") == "qwen3":
            found.append(chat_tokenizer())
        else:
            tokenizer = open_fast_tokenizer(clip)
            tokenizer.pad_token = configuration.pads[name.replace("text_encoder", "tokenizer")]
            found.append(tokenizer)
    return tuple(found)


def chat_tokenizer() -> Qwen2Tokenizer:
    """One of Qwen's kind that knows single bytes and the frame of a chat, written as Qwen3's template writes it."""
    vocabulary = {symbol: place for place, symbol in enumerate(bytes_to_unicode().values())}
    tokenizer = Qwen2Tokenizer(vocab=vocabulary, merges=[], unk_token=None)
    tokenizer.add_special_tokens({"additional_special_tokens": list(FRAME), "eos_token": FRAME[1]})
    tokenizer.chat_template = CHAT
    return tokenizer
