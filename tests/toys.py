"""A small Stable Diffusion with random weights that satisfies `DiffusionModel`, without files or tokenizer."""

import re
import zlib
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import diffusers
import numpy as np
import torch

from inspector.models.protocols import Conditions, PromptToken, Sampling, TokenizedPrompt

WIDTH = 12  # of the text states
SCHEDULERS = {
    "ddim": diffusers.DDIMScheduler,
    "pndm": diffusers.PNDMScheduler,
    "euler": diffusers.EulerDiscreteScheduler,
}
BETAS: dict[str, Any] = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}


class ToyDiffusion:
    """SD 1.5's layout and module names at widths 8 to 16: 128 px images, 16x16 latents, prompts of 16 tokens.

    Words are cut into tokens of at most four letters, so "horse" has two ("hors", "e"). Queries are drawn wide, so
    that attention is uneven.
    """

    def __init__(self, dtype: torch.dtype = torch.float32, seed: int = 0) -> None:
        torch.manual_seed(seed)
        self.unet = diffusers.UNet2DConditionModel(
            sample_size=16,
            down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
            up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
            block_out_channels=(8, 16, 16, 16),
            layers_per_block=2,
            cross_attention_dim=WIDTH,
            attention_head_dim=(1, 2, 2, 2),
            norm_num_groups=4,
        )
        self.vae = diffusers.AutoencoderKL(
            sample_size=128,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(4, 8, 8, 8),
            layers_per_block=1,
            norm_num_groups=4,
            scaling_factor=0.5,
        )
        for name, parameter in self.unet.named_parameters():
            if name.endswith("to_q.weight"):
                parameter.data *= 4
        self.unet.to(dtype).eval().requires_grad_(False)
        self.vae.to(dtype).eval().requires_grad_(False)
        self.embedding = torch.randn(512, WIDTH, dtype=dtype) * 2
        self.positions = torch.randn(16, WIDTH, dtype=dtype)
        self.spec = SimpleNamespace(name="toy-diffusion", title="Toy", origin="local", told="")
        self.parameters = 10
        self.device, self.dtype, self.revision = torch.device("cpu"), dtype, "toy"
        self.image_size, self.latent_factor, self.latent_channels, self.prompt_length = 128, 8, 4, 16
        self.sampling = Sampling()

    @property
    def network(self) -> Any:
        """The UNet."""
        return self.unet

    def tokenize(self, prompt: str) -> TokenizedPrompt:
        """Start, pieces of at most four letters or one sign, end, padding with end."""
        pieces = list(re.finditer(r"\w{1,4}|[^\w\s]", prompt))
        kept, dropped = pieces[: self.prompt_length - 2], pieces[self.prompt_length - 2 :]
        ids = [0, *(2 + zlib.crc32(piece[0].lower().encode()) % 510 for piece in kept)]
        ids += [1] * (self.prompt_length - len(ids))
        words = [PromptToken(index, piece[0], *piece.span()) for index, piece in enumerate(kept, 1)]
        last = PromptToken(len(kept) + 1, "<end>", 0, 0)
        cut = prompt[dropped[0].start() :] if dropped else ""
        return TokenizedPrompt(prompt, tuple(ids), (PromptToken(0, "<start>", 0, 0), *words, last), cut)

    def encode_prompts(self, prompts: Sequence[str]) -> Conditions:
        """A fixed random vector per token plus one per position."""
        ids = torch.tensor([self.tokenize(prompt).ids for prompt in prompts])
        return Conditions(self.embedding[ids] + self.positions)

    def unconditional(self, count: int) -> Conditions:
        """The empty prompt's."""
        return self.encode_prompts([""] * count)

    def shown(self, conditions: Conditions, picture: torch.Tensor) -> Conditions:
        """It does not inpaint."""
        return conditions

    def unshown(self, conditions: Conditions, size: Any, generator: Any = None) -> Conditions:
        """It does not inpaint."""
        return conditions

    def predict(self, latents: torch.Tensor, timestep: Any, conditions: Conditions) -> torch.Tensor:
        """One pass of the UNet."""
        return self.unet(latents, timestep, encoder_hidden_states=conditions.states).sample

    def broken_layer(self, run: Any) -> str:
        """Not looked for."""
        return ""

    @torch.no_grad()
    def encode_images(self, images: np.ndarray) -> torch.Tensor:
        """The posterior's mode, scaled."""
        return self.encode_pixels(torch.from_numpy(images).to(self.dtype).permute(0, 3, 1, 2) / 127.5 - 1)

    @torch.no_grad()
    def encode_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        """The posterior's mode, scaled."""
        return self.vae.encode(pixels).latent_dist.mode() * self.vae.config.scaling_factor

    @torch.no_grad()
    def decode(self, latents: torch.Tensor) -> np.ndarray:
        """uint8 images."""
        return ((self.decode_pixels(latents) / 2 + 0.5).clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy()

    @torch.no_grad()
    def decode_pixels(self, latents: torch.Tensor) -> torch.Tensor:
        """From about -1 to 1."""
        return self.vae.decode(latents / self.vae.config.scaling_factor).sample

    def set_steps(self, sampler: Any, steps: int, size: tuple[int, int]) -> None:
        """As Stable Diffusion's pipeline does."""
        sampler.set_timesteps(steps, device=self.device)

    def scheduler(self, name: str = "ddim") -> Any:
        """A fresh scheduler with Stable Diffusion's betas."""
        extra = {"clip_sample": False, "set_alpha_to_one": False} if name == "ddim" else {}
        extra = {"skip_prk_steps": True} if name == "pndm" else extra
        return SCHEDULERS[name](**BETAS, **extra)

    def inverse_scheduler(self) -> Any:
        """A fresh inversion scheduler, of DDIM's own configuration."""
        return diffusers.DDIMInverseScheduler.from_config(self.scheduler("ddim").config)
