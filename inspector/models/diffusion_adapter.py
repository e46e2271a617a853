"""A Stable Diffusion pipeline's parts as analyses ask for them: `protocols.DiffusionModel`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL, DDIMInverseScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextModel, PreTrainedTokenizerBase

from inspector.errors import ChoiceError, ImageError, ModelFilesError, NotFiniteError, UnsupportedModelError
from inspector.models.borrowing import place_of
from inspector.models.catalog import ModelSpec
from inspector.models.diffusion import SCHEDULERS
from inspector.models.files import pipeline_variant, read_json
from inspector.models.opening import open_part
from inspector.models.protocols import PromptToken, TokenizedPrompt
from inspector.models.tokenizer import open_fast_tokenizer, plain

INVERTED_SPACINGS = ("leading", "trailing")  # what DDIMInverseScheduler knows
TEXTS = 32  # prompts encoded at once: 0.15 GB for Stable Diffusion 1.5's text encoder


class StableDiffusionAdapter:
    """Satisfies `protocols.DiffusionModel`; its docstrings say what each method returns."""

    def __init__(
        self,
        spec: ModelSpec,
        unet: UNet2DConditionModel,
        vae: AutoencoderKL,
        text_encoder: CLIPTextModel,
        tokenizer: PreTrainedTokenizerBase,
        scheduler_config: dict[str, Any],
        revision: str,
    ) -> None:
        self.spec, self.revision = spec, revision
        self.unet = unet.eval().requires_grad_(False)
        self.vae = vae.eval().requires_grad_(False)
        self.text_encoder = text_encoder.eval().requires_grad_(False)
        self.device, self.dtype = unet.device, unet.dtype
        parts = (self.unet, self.vae, text_encoder)
        self.parameters = sum(weight.numel() for part in parts for weight in part.parameters())
        self.latent_factor = 2 ** (len(vae.config.block_out_channels) - 1)
        size = unet.config.sample_size
        self.image_size = int(size if isinstance(size, int) else min(size)) * self.latent_factor
        self.prompt_length = int(text_encoder.config.max_position_embeddings)
        # Latents must halve evenly at each level of the UNet.
        self.multiple = self.latent_factor * 2 ** (len(unet.config.block_out_channels) - 1)
        self._tokenizer, self._scheduler_config = tokenizer, scheduler_config

    def tokenize(self, prompt: str) -> TokenizedPrompt:
        """Ids and character spans of a prompt; spans index the prompt as given, whatever its case or spacing.

        Control tokens that were typed out, such as <|endoftext|>, are left out, as blanks would be.
        """
        tokenizer = self._tokenizer
        read = tokenizer(
            plain(prompt), add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False
        )
        room = self.prompt_length - 2
        ids, spans = read["input_ids"][:room], read["offset_mapping"][:room]
        start, stop = tokenizer.bos_token_id, tokenizer.eos_token_id
        words = [
            PromptToken(index, prompt[first:last], first, last) for index, (first, last) in enumerate(spans, start=1)
        ]
        tokens = (
            PromptToken(0, str(tokenizer.bos_token), 0, 0),
            *words,
            PromptToken(len(words) + 1, str(tokenizer.eos_token), len(prompt), len(prompt)),
        )
        padding = (tokenizer.pad_token_id,) * (room - len(ids))
        cut = prompt[spans[-1][1] :].strip() if len(read["input_ids"]) > room else ""
        return TokenizedPrompt(prompt, (start, *ids, stop, *padding), tokens, cut)

    @torch.no_grad()
    def encode_prompts(self, prompts: Sequence[str]) -> torch.Tensor:
        """Hidden states (n, prompt_length, width) that the UNet attends to: the text tower's last, normed."""
        ids = torch.tensor([self.tokenize(prompt).ids for prompt in prompts], device=self.device)
        states = torch.cat([self.text_encoder(part).last_hidden_state for part in ids.split(TEXTS)])
        return self._finite(states, "the text encoder's states")

    @torch.no_grad()
    def encode_images(self, images: np.ndarray) -> torch.Tensor:
        """uint8 (n, h, w, 3), sides multiples of latent_factor * 8 -> scaled latents, posterior mode.

        Raises ImageError when a side is no such multiple: resizing is the caller's choice.
        """
        height, width = images.shape[1:3]
        if height % self.multiple or width % self.multiple:
            raise ImageError(
                f"The picture is {width} x {height} pixels, and {self.spec.title} needs multiples of {self.multiple}; "
                "scale it to such a size."
            )
        pixels = torch.tensor(images, device=self.device).permute(0, 3, 1, 2).float() / 127.5 - 1
        latents = self.vae.encode(pixels.to(self.dtype)).latent_dist.mode() * self.vae.config.scaling_factor
        return self._finite(latents, "the autoencoder's latents")

    @torch.no_grad()
    def decode(self, latents: torch.Tensor) -> np.ndarray:
        """Scaled latents (n, c, h, w) -> uint8 (n, H, W, 3). Raises NotFiniteError where the picture is no numbers."""
        pixels = self.vae.decode(latents.to(self.dtype) / self.vae.config.scaling_factor).sample.float()
        self._finite(pixels, "the autoencoder's picture")
        pixels = ((pixels / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
        return pixels.permute(0, 2, 3, 1).cpu().numpy()

    def _finite(self, values: torch.Tensor, part: str) -> torch.Tensor:
        """The values, or NotFiniteError that names the model's part."""
        if not values.is_meta and not torch.isfinite(values).all():
            raise NotFiniteError.of(self.spec.name, part)
        return values

    def scheduler(self, name: str = "ddim") -> Any:
        """A fresh diffusers scheduler with the model's own betas. Raises ChoiceError for an unknown name."""
        if name not in SCHEDULERS:
            raise ChoiceError(f"There is no scheduler {name!r}; choose one of {', '.join(SCHEDULERS)}.")
        kind, settings = SCHEDULERS[name]
        return kind.from_config({**self._scheduler_config, **settings})

    def inverse_scheduler(self) -> Any:
        """A fresh DDIMInverseScheduler with the model's own betas, its steps spaced as `scheduler("ddim")`'s."""
        config = self.scheduler("ddim").config
        known = config.timestep_spacing in INVERTED_SPACINGS
        return DDIMInverseScheduler.from_config(
            {**config, "timestep_spacing": config.timestep_spacing if known else "leading"}
        )

    def pipeline(self, scheduler: str = "ddim") -> Any:
        """diffusers' own pipeline of the same parts, to compare with. Raises ChoiceError as `scheduler`."""
        pipeline = StableDiffusionPipeline(
            self.vae,
            self.text_encoder,
            self._tokenizer,
            self.unet,
            self.scheduler(scheduler),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
        pipeline.set_progress_bar_config(disable=True)
        return pipeline


def open_diffusion_folder(
    folder: Path, spec: ModelSpec, device: torch.device, dtype: torch.dtype, revision: str
) -> StableDiffusionAdapter:
    """Build the adapter of a Stable Diffusion folder, every part in one explicit dtype.

    Raises ModelFilesError when files or weights are missing, damaged or do not fit, UnsupportedModelError
    when it is another kind of pipeline.
    """
    variant = pipeline_variant(folder)
    unet = open_part(UNet2DConditionModel, place_of(folder, "unet"), dtype, variant)
    if unet.config.in_channels != 4 or unet.config.class_embed_type or unet.config.addition_embed_type:
        raise UnsupportedModelError(
            f"{spec.title} is conditioned on more than a text; choose a plain text-to-image model."
        )
    adapter = StableDiffusionAdapter(
        spec,
        unet.to(device),
        open_part(AutoencoderKL, place_of(folder, "vae"), dtype, variant).to(device),
        open_part(CLIPTextModel, place_of(folder, "text_encoder"), dtype, variant).to(device),
        open_fast_tokenizer(place_of(folder, "tokenizer")),
        read_json(place_of(folder, "scheduler") / "scheduler_config.json"),
        revision,
    )
    expected = adapter.text_encoder.config.vocab_size
    if len(adapter._tokenizer) != expected:
        raise ModelFilesError(
            f"The tokenizer of {folder} has {len(adapter._tokenizer)} tokens and its text encoder {expected}; "
            "copy the tokenizer that belongs to it."
        )
    return adapter
