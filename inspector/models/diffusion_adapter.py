"""Open a pipeline's folder as `protocols.DiffusionModel`, by the class that its model_index.json names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLFlux2,
    Flux2Transformer2DModel,
    FluxTransformer2DModel,
    PixArtTransformer2DModel,
    SD3Transformer2DModel,
    UNet2DConditionModel,
)
from transformers import (
    AutoTokenizer,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    PreTrainedTokenizerBase,
    Qwen3ForCausalLM,
    T5EncoderModel,
)

from inspector.errors import ModelFilesError, UnsupportedModelError
from inspector.models.borrowing import place_of
from inspector.models.catalog import ModelSpec
from inspector.models.embeddings import add_embedding
from inspector.models.families.flux import FluxAdapter
from inspector.models.families.flux_2 import Flux2KleinAdapter
from inspector.models.families.latent import LatentDiffusion
from inspector.models.families.pixart import PixArtAdapter
from inspector.models.families.stable_diffusion import StableDiffusionAdapter, inpainting_channels
from inspector.models.families.stable_diffusion_3 import StableDiffusion3Adapter
from inspector.models.families.stable_diffusion_xl import StableDiffusionXLAdapter
from inspector.models.files import PIPELINE_CONFIG, pipeline_variant, read_json
from inspector.models.lora import apply_lora
from inspector.models.opening import open_part
from inspector.models.tokenizer import open_fast_tokenizer
from inspector.settings import settings


@dataclass(frozen=True)
class Folder:
    """A pipeline's folder whose files are all there, and in what its parts are opened."""

    path: Path
    spec: ModelSpec
    device: torch.device
    dtype: torch.dtype
    revision: str
    index: Mapping[str, Any]
    variant: str

    def has(self, name: str) -> bool:
        """Whether model_index.json names a part that may be left out."""
        return name in self.index and self.index[name] != [None, None]

    def part(self, kind: Any, name: str, dtype: torch.dtype | None = None) -> Any:
        """One part on the device, or where layers will be moved there one by one; raises as `open_part`."""
        part = open_part(kind, place_of(self.path, name), dtype or self.dtype, self.variant)
        return part if settings().offload else part.to(self.device)

    def tokenizer(self, name: str, encoder: Any) -> PreTrainedTokenizerBase:
        """A tokenizer; ModelFilesError where its text encoder has another vocabulary."""
        expected, padded = encoder.config.vocab_size, isinstance(encoder, (T5EncoderModel, Qwen3ForCausalLM))
        place = place_of(self.path, name)
        fast = AutoTokenizer.from_pretrained(place, local_files_only=True) if padded else open_fast_tokenizer(place)
        tokenizer: PreTrainedTokenizerBase = fast
        if len(tokenizer) > expected if padded else len(tokenizer) != expected:  # others' embeddings are padded
            raise ModelFilesError(
                f"The {name} of {self.path} has {len(tokenizer)} tokens and its text encoder {expected}; "
                "copy the tokenizer that belongs to it."
            )
        return tokenizer

    @property
    def scheduler(self) -> dict[str, Any]:
        """scheduler_config.json."""
        return read_json(place_of(self.path, "scheduler") / "scheduler_config.json")


def open_diffusion_folder(
    folder: Path, spec: ModelSpec, device: torch.device, dtype: torch.dtype, revision: str
) -> LatentDiffusion:
    """Build the adapter of a pipeline's folder, every part in one explicit dtype but where a part needs more.

    What `spec` says of a LoRA is added to its weights, and of embeddings to its words.

    Raises ModelFilesError when files or weights are missing, damaged or do not fit, UnsupportedModelError
    when it is another kind of pipeline.
    """
    variant = pipeline_variant(folder)
    index = read_json(folder / PIPELINE_CONFIG)
    opened = Folder(folder, spec, device, dtype, revision, index, variant)
    model = FAMILIES[str(index["_class_name"])](opened)
    if spec.lora:  # while the weights still lie where their layers are
        apply_lora(model, Path(spec.lora[0]), spec.lora[1])
    for file, word in spec.embeddings:
        add_embedding(model, Path(file), word)
    if settings().offload:
        model.offload(device)
    return model


def _open_unet(folder: Folder, addition: str | None) -> UNet2DConditionModel:
    """The UNet, if it takes what its family gives it; addition: what is embedded beside a text.

    Whether it inpaints its own config.json says, whichever pipeline the folder names.
    """
    config = read_json(place_of(folder.path, "unet") / "config.json")
    latents = config.get("out_channels", 4)
    if (
        config.get("in_channels", 4) not in (latents, inpainting_channels(latents))
        or config.get("class_embed_type")
        or config.get("addition_embed_type") != addition
    ):
        raise UnsupportedModelError(
            f"{folder.spec.title} is conditioned on more than a text; choose a plain text-to-image model."
        )
    return folder.part(UNet2DConditionModel, "unet")


def _stable_diffusion(folder: Folder) -> LatentDiffusion:
    unet = _open_unet(folder, None)
    vae = folder.part(AutoencoderKL, "vae")
    encoder = folder.part(CLIPTextModel, "text_encoder")
    return StableDiffusionAdapter(
        folder.spec, unet, vae, encoder, folder.tokenizer("tokenizer", encoder), folder.scheduler, folder.revision
    )


def _stable_diffusion_xl(folder: Folder) -> LatentDiffusion:
    unet = _open_unet(folder, "text_time")
    encoders = (
        folder.part(CLIPTextModel, "text_encoder"),
        folder.part(CLIPTextModelWithProjection, "text_encoder_2"),
    )
    names = ("tokenizer", "tokenizer_2")
    first, second = (folder.tokenizer(name, encoder) for name, encoder in zip(names, encoders, strict=True))
    zeros = bool(folder.index.get("force_zeros_for_empty_prompt", True))
    return StableDiffusionXLAdapter(
        folder.spec, unet, _open_vae(folder), encoders, (first, second), folder.scheduler, folder.revision, zeros
    )


def _open_vae(folder: Folder) -> AutoencoderKL:
    """The autoencoder, in float32 where half precision overflows in it, as its config.json says."""
    upcast = folder.dtype == torch.float16 and read_json(place_of(folder.path, "vae") / "config.json").get(
        "force_upcast", True
    )
    return folder.part(AutoencoderKL, "vae", torch.float32 if upcast else None)


def _stable_diffusion_3(folder: Folder) -> LatentDiffusion:
    transformer = folder.part(SD3Transformer2DModel, "transformer")
    first, second = (folder.part(CLIPTextModelWithProjection, name) for name in ("text_encoder", "text_encoder_2"))
    third = folder.part(T5EncoderModel, "text_encoder_3") if folder.has("text_encoder_3") else None
    encoders = (first, second, third)
    tokenizers = (
        folder.tokenizer("tokenizer", first),
        folder.tokenizer("tokenizer_2", second),
        None if third is None else folder.tokenizer("tokenizer_3", third),
    )
    vae = folder.part(AutoencoderKL, "vae")
    return StableDiffusion3Adapter(
        folder.spec, transformer, vae, encoders, tokenizers, folder.scheduler, folder.revision
    )


def _flux(folder: Folder) -> LatentDiffusion:
    transformer = folder.part(FluxTransformer2DModel, "transformer")
    encoders = folder.part(CLIPTextModel, "text_encoder"), folder.part(T5EncoderModel, "text_encoder_2")
    tokenizers = folder.tokenizer("tokenizer", encoders[0]), folder.tokenizer("tokenizer_2", encoders[1])
    vae = folder.part(AutoencoderKL, "vae")
    return FluxAdapter(folder.spec, transformer, vae, encoders, tokenizers, folder.scheduler, folder.revision)


def _flux_2_klein(folder: Folder) -> LatentDiffusion:
    transformer = folder.part(Flux2Transformer2DModel, "transformer")
    encoder, vae = folder.part(Qwen3ForCausalLM, "text_encoder"), folder.part(AutoencoderKLFlux2, "vae")
    read, distilled = folder.tokenizer("tokenizer", encoder), bool(folder.index.get("is_distilled"))
    parts = transformer, vae, (encoder,), (read,)
    return Flux2KleinAdapter(folder.spec, *parts, folder.scheduler, folder.revision, distilled)


def _pixart(folder: Folder) -> LatentDiffusion:
    transformer = folder.part(PixArtTransformer2DModel, "transformer")
    encoder, vae = folder.part(T5EncoderModel, "text_encoder"), folder.part(AutoencoderKL, "vae")
    read, kind = folder.tokenizer("tokenizer", encoder), str(folder.index["_class_name"])
    return PixArtAdapter(folder.spec, transformer, vae, (encoder,), (read,), folder.scheduler, folder.revision, kind)


# Class that model_index.json names -> what opens its folder; `files.PIPELINES` says which parts each has.
FAMILIES: Mapping[str, Callable[[Folder], LatentDiffusion]] = {
    "StableDiffusionPipeline": _stable_diffusion,
    "StableDiffusionInpaintPipeline": _stable_diffusion,
    "LatentConsistencyModelPipeline": _stable_diffusion,
    "StableDiffusionXLPipeline": _stable_diffusion_xl,
    "StableDiffusionXLInpaintPipeline": _stable_diffusion_xl,
    "StableDiffusion3Pipeline": _stable_diffusion_3,
    "FluxPipeline": _flux,
    "Flux2KleinPipeline": _flux_2_klein,
    "PixArtAlphaPipeline": _pixart,
    "PixArtSigmaPipeline": _pixart,
}
