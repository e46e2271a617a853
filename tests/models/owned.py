"""What a person may own of a published model, with random weights: its folders, its single file, its hub's repository.

Full width is the published configuration in half precision. Small width keeps kinds of blocks, levels and tokenizers.
"""

import copy
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import open_clip
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from open_clip.tokenizer import DEFAULT_CONTEXT_LENGTH, SimpleTokenizer
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel, CLIPTextModel, CLIPTextModelWithProjection

from inspector.models import catalog
from inspector.models.catalog import Kind, ModelSpec
from inspector.models.clip import build_clip, save_clip
from inspector.models.configuration_parts import Configuration
from inspector.models.configurations import PUBLISHED
from inspector.models.files import CLIP_CONFIG, CLIP_WEIGHTS, read_json
from inspector.models.listed import LISTED
from inspector.models.single_files import OPEN_CLIP, UNET, XL_FIRST, XL_SECOND
from inspector.models.tokenizer import MERGES_FILE, write_tokenizer
from inspector.models.written import PROJECTED, count_parameters, write_pipeline
from tests.models.hub import COMMIT
from tests.models.single import open_clip_names, openai_names, unet_names, vae_names
from tests.models.small_families import small_folder, write_chat, write_t5

CLIPS = {spec.name: spec.architecture for spec in LISTED if spec.kind == "clip" and spec.origin == "hub"}
NAMES = (*CLIPS, *PUBLISHED)
UNLISTED = {  # published configurations that the catalog has no name for -> their repositories
    "stable-diffusion-2.0": "stabilityai/stable-diffusion-2",
    "stable-diffusion-3-medium": "stabilityai/stable-diffusion-3-medium-diffusers",
    "stable-diffusion-3.5-large": "stabilityai/stable-diffusion-3.5-large",
    "stable-diffusion-3.5-large-turbo": "stabilityai/stable-diffusion-3.5-large-turbo",
    "flux2-klein-base": "black-forest-labs/FLUX.2-klein-base-4B",
    "pixart-alpha-512": "PixArt-alpha/PixArt-XL-2-512x512",
}
# How the names begin in the single files of pipelines that are not read from one; such a file is refused by them.
OTHER_FILES = {"StableDiffusion3Pipeline": f"{UNET}joint_blocks.0.", "FluxPipeline": "double_blocks.0."}
# Those that are published as one file, too.
FILES = ("StableDiffusionPipeline", "StableDiffusionInpaintPipeline", "StableDiffusionXLPipeline", *OTHER_FILES)
WIDE = 10  # times as wide are a UNet's levels at full width
TEXT = 64  # width of a text encoder at small width, which is one head of a single file


def tenth(configuration: Configuration) -> Configuration:
    """A UNet's family at small width, with the settings that a single file's header does not tell left as they are."""
    parts = {name: dict(part) for name, part in configuration.parts.items()}
    unet, texts = parts["unet"], [name for name in parts if name.startswith("text_encoder")]
    for place, name in enumerate(texts, 1):
        width = place * TEXT
        parts[name] |= {"hidden_size": width, "intermediate_size": 2 * width, "projection_dim": width}
        parts[name] |= {"num_attention_heads": place, "num_hidden_layers": 3}
    parts["vae"]["block_out_channels"] = (32,) * 4
    widths = tuple(width // WIDE for width in unet["block_out_channels"])
    unet |= {"block_out_channels": widths, "cross_attention_dim": sum(parts[name]["hidden_size"] for name in texts)}
    unet["sample_size"] = 8  # in the folder; a single file's is the published one, so that its clusters take longer
    if isinstance(unet["attention_head_dim"], tuple):
        unet["attention_head_dim"] = tuple(max(1, width // TEXT) for width in widths)
    if "addition_time_embed_dim" in unet:
        pooled = parts[texts[-1]]["projection_dim"]
        unet["projection_class_embeddings_input_dim"] = 6 * unet["addition_time_embed_dim"] + pooled
    return replace(configuration, parts=parts)


def narrow_clip(config: dict[str, Any]) -> dict[str, Any]:
    """An open_clip `model_cfg` at small width: its patches, sizes and vocabulary, two blocks, four heads."""
    small = copy.deepcopy(config)
    small["embed_dim"] = 32
    small["vision_cfg"] |= {"width": 64, "head_width": 16, "layers": 2}
    small["text_cfg"] |= {"width": 32, "heads": 2, "layers": 2}
    return small


def transformers_config(config: dict[str, Any]) -> CLIPConfig:
    """The settings of transformers' CLIPModel that an open_clip `model_cfg` has."""
    vision, text = config["vision_cfg"], config["text_cfg"]
    shared = {"hidden_act": "quick_gelu" if config.get("quick_gelu") else "gelu"}
    return CLIPConfig(
        vision_config={
            **shared,
            "hidden_size": vision["width"],
            "intermediate_size": 4 * vision["width"],
            "num_hidden_layers": vision["layers"],
            "num_attention_heads": vision["width"] // vision.get("head_width", 64),
            "image_size": vision["image_size"],
            "patch_size": vision["patch_size"],
        },
        text_config={
            **shared,
            "hidden_size": text["width"],
            "intermediate_size": 4 * text["width"],
            "num_hidden_layers": text["layers"],
            "num_attention_heads": text["heads"],
            "max_position_embeddings": text["context_length"],
            "vocab_size": text["vocab_size"],
            "eos_token_id": text["vocab_size"] - 1,
        },
        projection_dim=config["embed_dim"],
    )


def weights_needed(name: str) -> tuple[int, float]:
    """How many weights a model has at full width, and GB of memory beside them for a picture of its usual size."""
    spec = catalog.CATALOG.get(name)
    if spec is not None:
        return spec.parameters, spec.working_gb
    return sum(count_parameters(PUBLISHED[name]).values()), 4.0


@dataclass(frozen=True)
class Owned:
    """A model under `at`, built when it is asked for; `full`: at the published width."""

    name: str
    at: Path
    full: bool

    @property
    def spec(self) -> ModelSpec | None:
        """The catalog's entry; None for a published model that it has no name for."""
        return catalog.CATALOG.get(self.name)

    @property
    def kind(self) -> Kind:
        """Which kind of model it is."""
        return "clip" if self.name in CLIPS else "diffusion"

    @property
    def source(self) -> str:
        """Its repository's name on the hub."""
        return UNLISTED[self.name] if self.spec is None else self.spec.source

    @property
    def commit(self) -> str:
        """The commit that the repository is at."""
        return (self.spec.revision if self.spec else "") or COMMIT

    @property
    def variant(self) -> str:
        """Suffix of the repository's weights that are fetched."""
        return self.spec.variant if self.spec else ""

    @cached_property
    def folder(self) -> Path:
        """A folder of diffusers, or of open_clip."""
        torch.manual_seed(0)
        place = self.at / self.name
        if self.kind == "clip":
            config = self._clip_config
            save_clip(build_clip(config), place, config, self._tokenizer)
            told = read_json(place / CLIP_CONFIG)
            del told["model_cfg"]["text_cfg"]["hf_tokenizer_name"]  # the published ones leave it to be CLIP's own
            (place / CLIP_CONFIG).write_text(json.dumps(told), "utf-8")
            (place / MERGES_FILE).unlink()
            return place
        published = PUBLISHED[self.name]
        if not self.full and "unet" not in published.parts:
            return small_folder(self.name, self.at)
        configuration = published if self.full else tenth(published)
        tokenizers = {
            part.replace("text_encoder", "tokenizer"): self._tokenizer_of(config)
            for part, config in configuration.parts.items()
            if part.startswith("text_encoder")
        }
        return write_pipeline(place, configuration, tokenizers, torch.float16)

    @cached_property
    def transformers(self) -> Path:
        """A CLIP's folder as transformers lays it out."""
        torch.manual_seed(0)
        model = CLIPModel(transformers_config(self._clip_config))
        (model.half() if self.full else model).save_pretrained(self.at / "transformers")
        for file in self._tokenizer.iterdir():
            if file.suffix == ".json":
                os.link(file, self.at / "transformers" / file.name)
        return self.at / "transformers"

    @cached_property
    def file(self) -> Path:
        """The single file, with its makers' names of weights; of a family that is not read from one, one of them."""
        if self.kind == "clip":
            return self.folder / CLIP_WEIGHTS[0]
        place, pipeline = self.at / f"{self.name}.safetensors", PUBLISHED[self.name].pipeline
        if pipeline in OTHER_FILES:
            save_file({f"{OTHER_FILES[pipeline]}weight": torch.zeros(2, 2)}, place)
            return place
        unet = UNet2DConditionModel.from_pretrained(self.folder / "unet", torch_dtype=torch.float16)
        vae = AutoencoderKL.from_pretrained(self.folder / "vae", torch_dtype=torch.float16)
        state = {**unet_names(unet), **vae_names(vae)}
        if pipeline == "StableDiffusionXLPipeline":
            state |= openai_names(self._text("text_encoder"), XL_FIRST)
            state |= open_clip_names(self._text("text_encoder_2"), XL_SECOND)
        elif self.name in ("stable-diffusion-1.5", "stable-diffusion-inpainting"):
            state |= openai_names(self._text("text_encoder"))
        else:
            state |= open_clip_names(self._text("text_encoder"), OPEN_CLIP)
        save_file({name: value.contiguous() for name, value in state.items()}, place)
        return place

    def _text(self, part: str) -> Any:
        projected = part in PROJECTED.get(PUBLISHED[self.name].pipeline, ())
        kind = CLIPTextModelWithProjection if projected else CLIPTextModel
        return kind.from_pretrained(self.folder / part, dtype=torch.float16)

    @cached_property
    def repository(self) -> Path:
        """What the hub has of it: the folder's files, weights under the variant's names."""
        place, suffix = self.at / "repository", f".{self.variant}.safetensors" if self.variant else ".safetensors"
        for file in self.folder.rglob("*"):
            if file.is_file():
                name = file.relative_to(self.folder).as_posix().replace(".safetensors", suffix)
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                os.link(file, place / name)
        return place

    @property
    def _clip_config(self) -> dict[str, Any]:
        config = open_clip.get_model_config(CLIPS[self.name])
        return dict(config) if self.full else narrow_clip(config)

    def _tokenizer_of(self, encoder: Mapping[str, Any]) -> Path:
        if "d_model" in encoder:
            place = self.at / "t5-tokenizer"
            if not place.is_dir():
                write_t5(place)
            return place
        if encoder.get("model_type") == "qwen3":
            write_chat(self.at / "chat-tokenizer")
            return self.at / "chat-tokenizer"
        return self._tokenizer

    @cached_property
    def _tokenizer(self) -> Path:
        place = self.at / "clip-tokenizer"
        if not place.is_dir():
            write_tokenizer(place, list(SimpleTokenizer().bpe_ranks), DEFAULT_CONTEXT_LENGTH)
        return place
