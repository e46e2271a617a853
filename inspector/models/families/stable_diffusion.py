"""Stable Diffusion 1.x and 2.x, SD-Turbo and latent consistency models: a UNet and one of CLIP's text encoders.

The UNet of a model that inpaints takes beside the latents where to paint, and the latents of the picture that is left
there. Of a given picture nothing is masked, and the picture is itself; of one that is generated all is masked, and grey
is left of it, as StableDiffusionInpaintPipeline is told by a white mask.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    LatentConsistencyModelPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextModel, PreTrainedTokenizerBase

from inspector.models.catalog import ModelSpec
from inspector.models.conditions import Conditions
from inspector.models.families import latent
from inspector.models.families.latent import AUTOENCODER, LatentDiffusion
from inspector.models.families.prompts import read_prompt
from inspector.models.protocols import TokenizedPrompt
from inspector.models.sampling import Sampling, sampling_of


class UNetDiffusion(LatentDiffusion):
    """What families with a UNet share."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        # Latents must halve evenly at each level of the UNet.
        self.multiple = self.latent_factor * 2 ** (len(self.network.config.block_out_channels) - 1)
        self.inpaints = self.network.config.in_channels == inpainting_channels(self.latent_channels)

    @property
    def unet(self) -> Any:
        """What denoises."""
        return self.network

    @unet.setter
    def unet(self, unet: UNet2DConditionModel) -> None:
        self.network = unet

    def predict(self, latents: torch.Tensor, timestep: torch.Tensor | float, conditions: Conditions) -> torch.Tensor:
        """One pass of the UNet; of a model that inpaints as `unshown`, where nothing was said of a picture."""
        more = self._more(latents, conditions)
        if self.inpaints:
            if conditions.beside is None:
                conditions = self.unshown(conditions, (latents.shape[-2], latents.shape[-1]))
            assert conditions.beside is not None
            latents = torch.cat([latents, conditions.beside], 1)
        return self.network(latents, timestep, encoder_hidden_states=conditions.states, **more).sample

    def shown(self, conditions: Conditions, picture: torch.Tensor) -> Conditions:
        """With a mask of zeros and the picture's own latents, where the model inpaints."""
        return self._beside(conditions, torch.zeros_like(picture[:, :1]), picture) if self.inpaints else conditions

    @torch.no_grad()
    def unshown(
        self, conditions: Conditions, size: tuple[int, int], generator: torch.Generator | None = None
    ) -> Conditions:
        """With a mask of ones and grey's latents, where the model inpaints; by a generator with noise of their own."""
        if not self.inpaints:
            return conditions
        height, width = (side * self.latent_factor for side in size)
        # In memory as a picture read from a file is: kernels are chosen by that, and round differently.
        grey = torch.zeros(1, height, width, 3, device=self.device).permute(0, 3, 1, 2)

        def encode() -> torch.Tensor:
            found = self.vae.encode(grey.to(self.vae.dtype)).latent_dist
            return self._scaled(found.mode() if generator is None else found.sample(generator))

        latents = self.steady(self.vae, AUTOENCODER, encode).to(self.dtype)
        return self._beside(conditions, torch.ones_like(latents[:, :1]), latents)

    @staticmethod
    def _beside(conditions: Conditions, mask: torch.Tensor, picture: torch.Tensor) -> Conditions:
        beside = torch.cat([mask, picture], 1)
        return replace(conditions, beside=beside.repeat(len(conditions) // len(beside), 1, 1, 1))

    def _more(self, latents: torch.Tensor, conditions: Conditions) -> dict[str, Any]:
        """What the UNet takes beside latents, t and states."""
        width = self.network.config.time_cond_proj_dim
        if width is None:
            return {}
        scale = self.sampling.guidance_scale if conditions.guidance is None else conditions.guidance
        told = guidance_embedding(scale - 1, width).to(latents.device, latents.dtype)
        return {"timestep_cond": told.expand(len(latents), -1)}


class StableDiffusionAdapter(UNetDiffusion):
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
        sampling: Sampling = spec.sampling or sampling_of("StableDiffusionPipeline", scheduler_config, unet.config)
        super().__init__(spec, unet, vae, (text_encoder,), scheduler_config, revision, sampling)
        self.text_encoder = text_encoder
        self.prompt_length = int(text_encoder.config.max_position_embeddings)
        self._tokenizer = tokenizer

    @property
    def texts(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """The text encoder and its tokenizer."""
        return (self.text_encoder,), (self._tokenizer,)

    def tokenize(self, prompt: str) -> TokenizedPrompt:
        """As `prompts.read_prompt`."""
        return read_prompt(self._tokenizer, prompt, self.prompt_length)

    @torch.no_grad()
    def encode_prompts(self, prompts: Sequence[str]) -> Conditions:
        """Hidden states (n, prompt_length, width) that the UNet attends to: the text tower's last, normed."""
        ids = torch.tensor([self.tokenize(prompt).ids for prompt in prompts], device=self.device)
        encoder = self.text_encoder
        states = self.steady(
            encoder,
            "the text encoder",
            lambda: torch.cat([encoder(part).last_hidden_state for part in ids.split(latent.TEXTS)]),
        )
        return Conditions(states.to(self.dtype))

    def pipeline(self, scheduler: str = "ddim") -> Any:
        """diffusers' own pipeline of the same parts, to compare with. Raises ChoiceError as `scheduler`."""
        consistent = self.network.config.time_cond_proj_dim is not None and scheduler == "lcm"
        whole = StableDiffusionInpaintPipeline if self.inpaints else StableDiffusionPipeline
        kind = LatentConsistencyModelPipeline if consistent else whole
        pipeline = kind(
            vae=self.vae,
            text_encoder=self.text_encoder,
            tokenizer=self._tokenizer,
            unet=self.network,
            scheduler=self.scheduler(scheduler),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
        pipeline.set_progress_bar_config(disable=True)
        return pipeline


def inpainting_channels(latents: int) -> int:
    """What a UNet takes in that inpaints: latents, a mask, and the latents of a picture."""
    return 2 * latents + 1


def guidance_embedding(scale: float, width: int) -> torch.Tensor:
    """float32 (1, width): sine and cosine of a guidance scale less 1 (Meng et al. 2023, as diffusers embeds it)."""
    half = width // 2
    rates = torch.exp(torch.arange(half, dtype=torch.float32) * -(torch.log(torch.tensor(10000.0)) / (half - 1)))
    angles = (torch.tensor([scale]) * 1000.0)[:, None] * rates[None, :]
    told = torch.cat([torch.sin(angles), torch.cos(angles)], dim=1)
    return torch.nn.functional.pad(told, (0, width % 2))
