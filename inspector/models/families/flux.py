"""FLUX.1: a transformer over text and packed latents, T5's states, and CLIP's one vector a text."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL, FluxPipeline, FluxTransformer2DModel
from transformers import CLIPTextModel, PreTrainedTokenizerBase, T5EncoderModel

from inspector.models.catalog import ModelSpec
from inspector.models.conditions import Conditions
from inspector.models.families.latent import LatentDiffusion
from inspector.models.families.prompts import read_prompt
from inspector.models.families.t5 import encode_t5, read_t5
from inspector.models.protocols import TokenizedPrompt
from inspector.models.sampling import Sampling, sampling_of

TOKENS = 512  # that T5 reads
SIDE = 128  # latents a side that it was trained at, at most; its config.json does not say


class FluxAdapter(LatentDiffusion):
    """Satisfies `protocols.DiffusionModel`; its docstrings say what each method returns."""

    def __init__(
        self,
        spec: ModelSpec,
        transformer: FluxTransformer2DModel,
        vae: AutoencoderKL,
        text_encoders: tuple[CLIPTextModel, T5EncoderModel],
        tokenizers: tuple[PreTrainedTokenizerBase, PreTrainedTokenizerBase],
        scheduler_config: dict[str, Any],
        revision: str,
    ) -> None:
        sampling: Sampling = spec.sampling or sampling_of("FluxPipeline", scheduler_config, transformer.config)
        super().__init__(spec, transformer, vae, text_encoders, scheduler_config, revision, sampling, SIDE)
        self.text_encoders, self._tokenizers, self.prompt_length = text_encoders, tokenizers, TOKENS
        self.multiple = 2 * self.latent_factor

    def tokenize(self, prompt: str) -> TokenizedPrompt:
        """As `t5.read_t5`: CLIP's tokens are attended to by none."""
        return read_t5(self._tokenizers[1], prompt, self.prompt_length)

    @torch.no_grad()
    def encode_prompts(self, prompts: Sequence[str]) -> Conditions:
        """T5's states (n, 512, width); pooled, CLIP's at the end token."""
        clip, t5 = self.text_encoders
        length = int(clip.config.max_position_embeddings)
        ids = torch.tensor([read_prompt(self._tokenizers[0], prompt, length).ids for prompt in prompts])
        pooled = clip(ids.to(self.device)).pooler_output
        states = encode_t5(t5, [self.tokenize(prompt) for prompt in prompts], self.device)
        return Conditions(
            self._finite(states, "T5's states"), self._finite(pooled, "CLIP's embedding").to(states.dtype)
        )

    def predict(self, latents: torch.Tensor, timestep: torch.Tensor | float, conditions: Conditions) -> torch.Tensor:
        """One pass of the transformer over packed latents."""
        height, width = latents.shape[-2:]
        guidance = None
        if self.network.config.guidance_embeds:
            scale = self.sampling.guidance_scale if conditions.guidance is None else conditions.guidance
            guidance = torch.full([1], scale, device=latents.device, dtype=torch.float32).expand(len(latents))
        time = torch.as_tensor(timestep, device=latents.device).expand(len(latents)).to(latents.dtype)
        states = conditions.states
        output = self.network(
            hidden_states=pack(latents),
            timestep=time / 1000,
            guidance=guidance,
            pooled_projections=conditions.pooled,
            encoder_hidden_states=states,
            txt_ids=torch.zeros(states.shape[1], 3, device=latents.device, dtype=states.dtype),
            img_ids=_places(height // 2, width // 2).to(latents.device, states.dtype),
        ).sample
        return unpack(output, (height, width))

    def set_steps(self, sampler: Any, steps: int, size: tuple[int, int]) -> None:
        """Evenly spaced noise, shifted by the number of packed latents where the scheduler says so."""
        config, packed = sampler.config, size[0] * size[1] // 4
        sigmas = None if config.get("use_flow_sigmas") else np.linspace(1.0, 1 / steps, steps)
        low, high = config.get("base_image_seq_len", 256), config.get("max_image_seq_len", 4096)
        base, most = config.get("base_shift", 0.5), config.get("max_shift", 1.15)
        slope = (most - base) / (high - low)
        sampler.set_timesteps(
            **({"num_inference_steps": steps} if sigmas is None else {"sigmas": sigmas}),
            mu=packed * slope + (base - slope * low),
            device=self.device,
        )

    def pipeline(self, scheduler: str = "flow") -> Any:
        """diffusers' own pipeline of the same parts, to compare with. Raises ChoiceError as `scheduler`."""
        pipeline = FluxPipeline(
            scheduler=self.scheduler(scheduler),
            vae=self.vae,
            text_encoder=self.text_encoders[0],
            tokenizer=self._tokenizers[0],
            text_encoder_2=self.text_encoders[1],
            tokenizer_2=self._tokenizers[1],
            transformer=self.network,
        )
        pipeline.set_progress_bar_config(disable=True)
        return pipeline


def pack(latents: torch.Tensor) -> torch.Tensor:
    """(n, c, h, w) -> (n, h / 2 * w / 2, 4 c), row by row, of two by two latents each."""
    count, channels, height, width = latents.shape
    parts = latents.view(count, channels, height // 2, 2, width // 2, 2).permute(0, 2, 4, 1, 3, 5)
    return parts.reshape(count, height // 2 * width // 2, channels * 4)


def unpack(packed: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """The inverse of `pack`, of latents (h, w)."""
    height, width = size
    parts = packed.view(len(packed), height // 2, width // 2, -1, 2, 2).permute(0, 3, 1, 4, 2, 5)
    return parts.reshape(len(packed), -1, height, width)


def _places(height: int, width: int) -> torch.Tensor:
    """float32 (h * w, 3): nothing, row and column of each packed latent."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([torch.zeros_like(rows), rows, columns], -1).flatten(0, 1).float()
