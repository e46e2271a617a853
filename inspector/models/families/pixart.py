"""PixArt-alpha and PixArt-Sigma: a transformer over patches that attends to T5's states (Chen et al. 2023 and 2024).

Text and picture meet in cross-attention, as in a UNet, and padding is masked. Prompts are read in small letters, as
diffusers' pipelines read them; what these do beside that where BeautifulSoup is installed, taking links and markup out
of a prompt (`clean_caption`), is not done.
"""

from collections.abc import Sequence
from typing import Any

import torch
from diffusers import AutoencoderKL, PixArtAlphaPipeline, PixArtSigmaPipeline, PixArtTransformer2DModel
from transformers import PreTrainedTokenizerBase, T5EncoderModel

from inspector.models.catalog import ModelSpec
from inspector.models.conditions import Conditions
from inspector.models.families.latent import LatentDiffusion
from inspector.models.families.t5 import encode_t5, padding_mask, read_t5
from inspector.models.protocols import TokenizedPrompt
from inspector.models.sampling import Sampling, sampling_of

PIPELINES = {"PixArtAlphaPipeline": (PixArtAlphaPipeline, 120), "PixArtSigmaPipeline": (PixArtSigmaPipeline, 300)}


class PixArtAdapter(LatentDiffusion):
    """Satisfies `protocols.DiffusionModel`; its docstrings say what each method returns.

    kind: the pipeline's class, which says how many tokens T5 reads.
    """

    def __init__(
        self,
        spec: ModelSpec,
        transformer: PixArtTransformer2DModel,
        vae: AutoencoderKL,
        text_encoders: tuple[T5EncoderModel],
        tokenizers: tuple[PreTrainedTokenizerBase],
        scheduler_config: dict[str, Any],
        revision: str,
        kind: str = "PixArtAlphaPipeline",
    ) -> None:
        sampling: Sampling = spec.sampling or sampling_of(kind, scheduler_config, transformer.config)
        super().__init__(spec, transformer, vae, text_encoders, scheduler_config, revision, sampling)
        (self.text_encoder,), (self._tokenizer,) = text_encoders, tokenizers
        self._kind, self.prompt_length = PIPELINES[kind]
        self.multiple = int(transformer.config.patch_size) * self.latent_factor

    def tokenize(self, prompt: str) -> TokenizedPrompt:
        """As `t5.read_t5`, in small letters."""
        return read_t5(self._tokenizer, prompt, self.prompt_length, small=True)

    @torch.no_grad()
    def encode_prompts(self, prompts: Sequence[str]) -> Conditions:
        """T5's states (n, prompt_length, width), and which of them are padding, which is attended to by none."""
        read = [self.tokenize(prompt) for prompt in prompts]
        mask = padding_mask(read, int(self._tokenizer.pad_token_id)).to(self.device)
        encoder = self.text_encoder
        states = self.steady(encoder, "T5", lambda: encode_t5(encoder, read, self.device, mask))
        return Conditions(states.to(self.dtype), mask=mask)

    def predict(self, latents: torch.Tensor, timestep: torch.Tensor | float, conditions: Conditions) -> torch.Tensor:
        """One pass of the transformer; the variance that it predicts beside the noise is left out."""
        sizes: dict[str, Any] = {"resolution": None, "aspect_ratio": None}
        if self.network.use_additional_conditions:
            height, width = (side * self.latent_factor for side in latents.shape[-2:])
            told = {"resolution": [height, width], "aspect_ratio": [height / width]}
            sizes = {
                name: torch.tensor(values).repeat(len(latents), 1).to(latents.device, conditions.states.dtype)
                for name, values in told.items()
            }
        output = self.network(
            latents,
            encoder_hidden_states=conditions.states,
            encoder_attention_mask=conditions.mask,
            timestep=torch.as_tensor(timestep, device=latents.device).expand(len(latents)),
            added_cond_kwargs=sizes,
        ).sample
        return output.chunk(2, 1)[0] if output.shape[1] == 2 * latents.shape[1] else output

    def pipeline(self, scheduler: str = "dpm++") -> Any:
        """diffusers' own pipeline of the same parts, to compare with. Raises ChoiceError as `scheduler`."""
        pipeline = self._kind(
            tokenizer=self._tokenizer,
            text_encoder=self.text_encoder,
            vae=self.vae,
            transformer=self.network,
            scheduler=self.scheduler(scheduler),
        )
        pipeline.set_progress_bar_config(disable=True)
        return pipeline
