"""FLUX.2 [klein]: a transformer over text and patches of latents, and three layers of Qwen3's states of a chat.

Latents here are what the transformer sees and noise is added to: two by two of the autoencoder's, packed into 128
channels and brought to mean 0 and deviation 1. A prompt is read as a user's message, whose frame and padding the
picture attends to as to any token.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKLFlux2, Flux2KleinPipeline, Flux2Transformer2DModel
from diffusers.pipelines.flux2.pipeline_flux2_klein import compute_empirical_mu
from transformers import PreTrainedTokenizerBase, Qwen3ForCausalLM

from inspector.models.catalog import ModelSpec
from inspector.models.conditions import Conditions
from inspector.models.families.chat import read_chat
from inspector.models.families.latent import LatentDiffusion
from inspector.models.families.t5 import padding_mask
from inspector.models.protocols import TokenizedPrompt
from inspector.models.sampling import Sampling, sampling_of

TOKENS = 512  # that Qwen3 reads, the frame of a chat included
LAYERS = (9, 18, 27)  # of Qwen3, whose states are read side by side
SIDE = 64  # packed latents a side that it was trained at; its config.json does not say


class Flux2KleinAdapter(LatentDiffusion):
    """Satisfies `protocols.DiffusionModel`; its docstrings say what each method returns.

    distilled: as model_index.json's is_distilled, made to be used without guidance.
    """

    def __init__(
        self,
        spec: ModelSpec,
        transformer: Flux2Transformer2DModel,
        vae: AutoencoderKLFlux2,
        text_encoders: tuple[Qwen3ForCausalLM],
        tokenizers: tuple[PreTrainedTokenizerBase],
        scheduler_config: dict[str, Any],
        revision: str,
        distilled: bool = False,
    ) -> None:
        index = {"is_distilled": distilled}
        sampling: Sampling = spec.sampling or sampling_of("Flux2KleinPipeline", scheduler_config, {}, index)
        super().__init__(spec, transformer, vae, text_encoders, scheduler_config, revision, sampling, SIDE)
        (self.text_encoder,), (self._tokenizer,) = text_encoders, tokenizers
        self.prompt_length, self._distilled = TOKENS, distilled
        self.latent_factor, self.latent_channels = 2 * self.latent_factor, 4 * self.latent_channels
        self.multiple, self.image_size = self.latent_factor, SIDE * self.latent_factor

    def tokenize(self, prompt: str) -> TokenizedPrompt:
        """As `chat.read_chat`."""
        return read_chat(self._tokenizer, prompt, self.prompt_length)

    @torch.no_grad()
    def encode_prompts(self, prompts: Sequence[str]) -> Conditions:
        """Qwen3's states (n, 512, width) after three of its layers, side by side."""
        read = [self.tokenize(prompt) for prompt in prompts]
        ids = torch.tensor([one.ids for one in read], device=self.device)
        mask = padding_mask(read, int(self._tokenizer.pad_token_id)).to(self.device)
        encoder = self.text_encoder.model  # without the head that predicts words

        def encode() -> torch.Tensor:
            found = encoder(input_ids=ids, attention_mask=mask, output_hidden_states=True, use_cache=False)
            return torch.cat([found.hidden_states[layer] for layer in LAYERS], -1)

        return Conditions(self.steady(encoder, "Qwen3", encode).to(self.dtype))

    def predict(self, latents: torch.Tensor, timestep: torch.Tensor | float, conditions: Conditions) -> torch.Tensor:
        """One pass of the transformer."""
        height, width = latents.shape[-2:]
        time = torch.as_tensor(timestep, device=latents.device).expand(len(latents)).to(latents.dtype)
        places = (torch.arange(1), torch.arange(height), torch.arange(width), torch.arange(1))
        words = (torch.arange(1), torch.arange(1), torch.arange(1), torch.arange(conditions.states.shape[1]))
        output = self.network(
            hidden_states=latents.flatten(2).permute(0, 2, 1),
            timestep=time / 1000,
            guidance=None,
            encoder_hidden_states=conditions.states,
            txt_ids=torch.cartesian_prod(*words).to(latents.device),
            img_ids=torch.cartesian_prod(*places).to(latents.device),
        ).sample
        return output.permute(0, 2, 1).unflatten(-1, (height, width))

    def set_steps(self, sampler: Any, steps: int, size: tuple[int, int]) -> None:
        """Evenly spaced noise, shifted by the number of places and steps, unless the scheduler has its own spacing."""
        sigmas = {"sigmas": np.linspace(1.0, 1 / steps, steps)}
        spaced = {"num_inference_steps": steps} if sampler.config.get("use_flow_sigmas") else sigmas
        sampler.set_timesteps(**spaced, mu=compute_empirical_mu(size[0] * size[1], steps), device=self.device)

    def _scaled(self, latents: torch.Tensor) -> torch.Tensor:
        count, channels, height, width = latents.shape
        parts = latents.view(count, channels, height // 2, 2, width // 2, 2).permute(0, 1, 3, 5, 2, 4)
        mean, deviation = self._statistics(latents)
        return (parts.reshape(count, channels * 4, height // 2, width // 2) - mean) / deviation

    def _unscaled(self, latents: torch.Tensor) -> torch.Tensor:
        mean, deviation = self._statistics(latents)
        count, channels, height, width = latents.shape
        parts = (
            (latents * deviation + mean).reshape(count, channels // 4, 2, 2, height, width).permute(0, 1, 4, 2, 5, 3)
        )
        return parts.reshape(count, channels // 4, height * 2, width * 2)

    def _statistics(self, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and deviation (1, c, 1, 1) of packed latents, by the operations of diffusers' pipeline."""
        norm = self.vae.bn
        mean = norm.running_mean.view(1, -1, 1, 1).to(like.device, like.dtype)
        deviation = torch.sqrt(norm.running_var.view(1, -1, 1, 1) + self.vae.config.batch_norm_eps)
        return mean, deviation.to(like.device, like.dtype)

    def pipeline(self, scheduler: str = "flow") -> Any:
        """diffusers' own pipeline of the same parts, to compare with. Raises ChoiceError as `scheduler`."""
        pipeline = Flux2KleinPipeline(
            scheduler=self.scheduler(scheduler),
            vae=self.vae,
            text_encoder=self.text_encoder,
            tokenizer=self._tokenizer,
            transformer=self.network,
            is_distilled=self._distilled,
        )
        pipeline.set_progress_bar_config(disable=True)
        return pipeline
