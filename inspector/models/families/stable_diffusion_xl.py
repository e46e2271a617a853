"""Stable Diffusion XL and SDXL-Turbo: a UNet, two text encoders, and the picture's size among the conditions."""

from collections.abc import Sequence
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    StableDiffusionXLInpaintPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextModel, CLIPTextModelWithProjection, PreTrainedTokenizerBase

from inspector.models.catalog import ModelSpec
from inspector.models.conditions import Conditions, join
from inspector.models.families import latent
from inspector.models.families.latent import LatentDiffusion
from inspector.models.families.prompts import read_prompt
from inspector.models.families.stable_diffusion import UNetDiffusion
from inspector.models.protocols import TokenizedPrompt
from inspector.models.sampling import Sampling, sampling_of


def clip_states(
    model: LatentDiffusion,
    encoders: Sequence[Any],
    tokenizers: Sequence[PreTrainedTokenizerBase],
    prompts: Sequence[str],
    length: int,
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Of each of CLIP's towers the last layer but one (n, length, width), and its first output.

    The latter is the embedding (n, width) of a tower with a projection.
    """
    states, pooled = [], []
    for number, (tokenizer, encoder) in enumerate(zip(tokenizers, encoders, strict=True), 1):
        ids = torch.tensor([read_prompt(tokenizer, prompt, length).ids for prompt in prompts], device=model.device)
        found: dict[str, Any] = {}

        def run(encoder: Any = encoder, ids: torch.Tensor = ids, found: dict[str, Any] = found) -> torch.Tensor:
            found["output"] = output = encoder(ids, output_hidden_states=True)
            return torch.cat([output.hidden_states[-2].flatten(), output[0].flatten()])

        model.steady(encoder, f"text encoder {number}", run)
        states.append(found["output"].hidden_states[-2].to(model.dtype))
        pooled.append(found["output"][0].to(model.dtype))
    return states, pooled


class StableDiffusionXLAdapter(UNetDiffusion):
    """Satisfies `protocols.DiffusionModel`; its docstrings say what each method returns.

    zeros: guidance is against states of zeros instead of the empty prompt's (model_index.json's
    force_zeros_for_empty_prompt). Its micro-conditions are those of a picture that was neither scaled nor cropped
    (Podell et al. 2023, section 2.2).
    """

    def __init__(
        self,
        spec: ModelSpec,
        unet: UNet2DConditionModel,
        vae: AutoencoderKL,
        text_encoders: tuple[CLIPTextModel, CLIPTextModelWithProjection],
        tokenizers: tuple[PreTrainedTokenizerBase, PreTrainedTokenizerBase],
        scheduler_config: dict[str, Any],
        revision: str,
        zeros: bool = True,
    ) -> None:
        sampling: Sampling = spec.sampling or sampling_of("StableDiffusionXLPipeline", scheduler_config, unet.config)
        super().__init__(spec, unet, vae, text_encoders, scheduler_config, revision, sampling)
        self.text_encoders, self._tokenizers, self._zeros = text_encoders, tokenizers, zeros
        self.prompt_length = int(text_encoders[0].config.max_position_embeddings)

    @property
    def texts(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Both text encoders and their tokenizers."""
        return self.text_encoders, self._tokenizers

    def tokenize(self, prompt: str) -> TokenizedPrompt:
        """As `prompts.read_prompt`, by the first tokenizer; the second differs in its padding alone."""
        return read_prompt(self._tokenizers[0], prompt, self.prompt_length)

    @torch.no_grad()
    def encode_prompts(self, prompts: Sequence[str]) -> Conditions:
        """States (n, prompt_length, width) of both towers' last layer but one, side by side; pooled, the second's."""
        parts = [prompts[place : place + latent.TEXTS] for place in range(0, len(prompts), latent.TEXTS)]
        return join([self._encode(part) for part in parts])

    def _encode(self, prompts: Sequence[str]) -> Conditions:
        states, pooled = clip_states(self, self.text_encoders, self._tokenizers, prompts, self.prompt_length)
        return Conditions(torch.cat(states, -1), pooled[-1])

    def unconditional(self, count: int) -> Conditions:
        """Zeros, or the empty prompt's, as the model's folder says."""
        empty = super().unconditional(count)
        if not self._zeros:
            return empty
        assert empty.pooled is not None
        return Conditions(torch.zeros_like(empty.states), torch.zeros_like(empty.pooled))

    def _more(self, latents: torch.Tensor, conditions: Conditions) -> dict[str, Any]:
        height, width = (side * self.latent_factor for side in latents.shape[-2:])
        sizes = torch.tensor([[height, width, 0, 0, height, width]], dtype=conditions.states.dtype)
        told = {
            "text_embeds": conditions.pooled,
            "time_ids": sizes.to(latents.device).repeat(len(latents), 1),
        }
        return {"added_cond_kwargs": told, **super()._more(latents, conditions)}

    def pipeline(self, scheduler: str = "ddim") -> Any:
        """diffusers' own pipeline of the same parts, to compare with. Raises ChoiceError as `scheduler`."""
        kind = StableDiffusionXLInpaintPipeline if self.inpaints else StableDiffusionXLPipeline
        pipeline = kind(
            vae=self.vae,
            text_encoder=self.text_encoders[0],
            text_encoder_2=self.text_encoders[1],
            tokenizer=self._tokenizers[0],
            tokenizer_2=self._tokenizers[1],
            unet=self.network,
            scheduler=self.scheduler(scheduler),
            force_zeros_for_empty_prompt=self._zeros,
            add_watermarker=False,
        )
        pipeline.set_progress_bar_config(disable=True)
        return pipeline
