"""Stable Diffusion 3 and 3.5: a transformer over text and patches, two of CLIP's towers, and T5 where it is there."""

from collections.abc import Sequence
from typing import Any

import torch
from diffusers import AutoencoderKL, SD3Transformer2DModel, StableDiffusion3Pipeline
from transformers import CLIPTextModelWithProjection, PreTrainedTokenizerBase, T5EncoderModel

from inspector.models.catalog import ModelSpec
from inspector.models.conditions import Conditions
from inspector.models.families.latent import LatentDiffusion
from inspector.models.families.prompts import read_prompt
from inspector.models.families.t5 import encode_t5, read_t5, rest
from inspector.models.protocols import PromptToken, TokenizedPrompt
from inspector.models.sampling import Sampling, sampling_of

TOKENS = 256  # that T5 reads


class StableDiffusion3Adapter(LatentDiffusion):
    """Satisfies `protocols.DiffusionModel`; its docstrings say what each method returns.

    text_encoders, tokenizers: of CLIP two, then T5's or none; without T5 its states are zeros. The joint text is CLIP's
    tokens, then T5's: a word has tokens in both.
    """

    def __init__(
        self,
        spec: ModelSpec,
        transformer: SD3Transformer2DModel,
        vae: AutoencoderKL,
        text_encoders: tuple[CLIPTextModelWithProjection, CLIPTextModelWithProjection, T5EncoderModel | None],
        tokenizers: tuple[PreTrainedTokenizerBase, PreTrainedTokenizerBase, PreTrainedTokenizerBase | None],
        scheduler_config: dict[str, Any],
        revision: str,
    ) -> None:
        sampling: Sampling = spec.sampling or sampling_of("StableDiffusion3Pipeline", scheduler_config, {})
        texts = [encoder for encoder in text_encoders if encoder is not None]
        super().__init__(spec, transformer, vae, texts, scheduler_config, revision, sampling)
        self.text_encoders, self._tokenizers = text_encoders, tokenizers
        self._clip_length = int(text_encoders[0].config.max_position_embeddings)
        self.prompt_length = self._clip_length + TOKENS
        self.multiple = int(transformer.config.patch_size) * self.latent_factor

    def tokenize(self, prompt: str) -> TokenizedPrompt:
        """CLIP's tokens, then T5's; what is cut is what neither reads."""
        clip = read_prompt(self._tokenizers[0], prompt, self._clip_length)
        words: tuple[PromptToken, ...] = (rest(), *clip.tokens[1:])
        if self._tokenizers[2] is None:
            return TokenizedPrompt(prompt, clip.ids, words, clip.truncated)
        t5 = read_t5(self._tokenizers[2], prompt, TOKENS, self._clip_length)
        cut = min(clip.truncated, t5.truncated, key=len)
        return TokenizedPrompt(prompt, (*clip.ids, *t5.ids), (*words[:-1], *t5.tokens[1:]), cut)

    @torch.no_grad()
    def encode_prompts(self, prompts: Sequence[str]) -> Conditions:
        """Both of CLIP's last layer but one side by side, padded to T5's width, then T5's; pooled, both of CLIP's."""
        states, pooled = [], []
        for tokenizer, encoder in zip(self._tokenizers[:2], self.text_encoders[:2], strict=True):
            read = [read_prompt(tokenizer, prompt, self._clip_length).ids for prompt in prompts]
            found = encoder(torch.tensor(read, device=self.device), output_hidden_states=True)
            states.append(found.hidden_states[-2])
            pooled.append(found[0])
        joint, width = torch.cat(states, -1), int(self.network.config.joint_attention_dim)
        padded = torch.nn.functional.pad(joint, (0, width - joint.shape[-1]))
        told = torch.cat([padded, self._t5(prompts, width, joint.dtype)], -2)
        return Conditions(
            self._finite(told, "the text encoders' states"), self._finite(torch.cat(pooled, -1), "CLIP's embeddings")
        )

    def _t5(self, prompts: Sequence[str], width: int, dtype: torch.dtype) -> torch.Tensor:
        encoder, tokenizer = self.text_encoders[2], self._tokenizers[2]
        if encoder is None or tokenizer is None:
            return torch.zeros(len(prompts), TOKENS, width, device=self.device, dtype=dtype)
        return encode_t5(encoder, [read_t5(tokenizer, prompt, TOKENS) for prompt in prompts], self.device)

    def predict(self, latents: torch.Tensor, timestep: torch.Tensor | float, conditions: Conditions) -> torch.Tensor:
        """One pass of the transformer."""
        return self.network(
            hidden_states=latents,
            timestep=torch.as_tensor(timestep, device=latents.device).expand(len(latents)),
            encoder_hidden_states=conditions.states,
            pooled_projections=conditions.pooled,
        ).sample

    def pipeline(self, scheduler: str = "flow") -> Any:
        """diffusers' own pipeline of the same parts, to compare with. Raises ChoiceError as `scheduler`."""
        pipeline = StableDiffusion3Pipeline(
            transformer=self.network,
            scheduler=self.scheduler(scheduler),
            vae=self.vae,
            text_encoder=self.text_encoders[0],
            tokenizer=self._tokenizers[0],
            text_encoder_2=self.text_encoders[1],
            tokenizer_2=self._tokenizers[1],
            text_encoder_3=self.text_encoders[2],
            tokenizer_3=self._tokenizers[2],
        )
        pipeline.set_progress_bar_config(disable=True)
        return pipeline
