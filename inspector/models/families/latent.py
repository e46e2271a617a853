"""What the families share: an autoencoder's latents, schedulers of the model's noise levels, checks of numbers."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from accelerate import cpu_offload
from diffusers import AutoencoderKL, DDIMInverseScheduler
from torch import nn

from inspector.errors import ChoiceError, ImageError, UnsupportedModelError
from inspector.models.catalog import ModelSpec
from inspector.models.conditions import Conditions
from inspector.models.diffusion import SCHEDULERS
from inspector.models.sampling import Sampling
from inspector.models.steady import broken_layer, run_steadily

INVERTED_SPACINGS = ("leading", "trailing")  # what DDIMInverseScheduler knows
AUTOENCODER, LARGE = "the autoencoder", 1024 * 1024  # pixels of a picture that is decoded by itself
TEXTS = 32  # prompts encoded at once: 0.15 GB for Stable Diffusion 1.5's text encoder


class LatentDiffusion(ABC):
    """The common part of `protocols.DiffusionModel`, whose docstrings say what each method returns.

    texts: the text encoders. side: latents a side that it was trained at, None where the network's config.json says.
    multiple: what the sides of a picture are multiples of.
    """

    def __init__(
        self,
        spec: ModelSpec,
        network: Any,
        vae: AutoencoderKL,
        texts: Sequence[nn.Module],
        scheduler_config: Mapping[str, Any],
        revision: str,
        sampling: Sampling,
        side: int | None = None,
    ) -> None:
        self.spec, self.revision, self.sampling = spec, revision, sampling
        self.network, self.vae = network, vae
        self._parts = (network, vae, *texts)
        for part in self._parts:
            part.eval().requires_grad_(False)
        self.device, self.dtype = network.device, network.dtype
        self.widened: dict[str, None] = {}  # names of parts that run in float32, since half precision is too narrow
        if vae.dtype != network.dtype:
            self.widened[AUTOENCODER] = None
        self.parameters = sum(weight.numel() for part in self._parts for weight in part.parameters())
        self.latent_factor = 2 ** (len(vae.config.block_out_channels) - 1)
        self.latent_channels = int(vae.config.latent_channels)
        size = side or network.config.sample_size
        self.image_size = int(size if isinstance(size, int) else min(size)) * self.latent_factor
        self.multiple = self.latent_factor
        self._scheduler_config = dict(scheduler_config)

    def offload(self, device: torch.device) -> None:
        """Leave the weights in main memory, and move each layer's to `device` while it runs, slowly."""
        for part in self._parts:
            cpu_offload(part, execution_device=device, offload_buffers=len(part._parameters) > 0)
        self.device = device

    @property
    def precision(self) -> str:
        """The dtype in words, with what departs from it."""
        name = str(self.dtype).removeprefix("torch.")
        return f"{name}, {' and '.join(self.widened)} in float32" if self.widened else name

    def steady(self, part: Any, name: str, run: Callable[[], torch.Tensor]) -> torch.Tensor:
        """What a part makes, widened where half precision overflows in it; NotFiniteError as `run_steadily`."""
        values, widened = run_steadily(part, name, run, self.spec.name)
        if widened:
            self.widened[name] = None
        return values

    def broken_layer(self, run: Callable[[], Any]) -> str:
        """The first layer of the network that gives what is no number while `run()` runs it, "" where none does."""
        return broken_layer(self.network, run)

    @property
    def unet(self) -> Any:
        """The UNet; UnsupportedModelError where something else denoises."""
        raise UnsupportedModelError(
            f"{self.spec.title} has no UNet but a transformer, which this question is not defined for; choose a Stable "
            "Diffusion model with a UNet."
        )

    @property
    def texts(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """CLIP's towers and their tokenizers; UnsupportedModelError where other encoders read the prompt too."""
        raise UnsupportedModelError(
            f"{self.spec.title} is read by more than CLIP's text encoders, which embeddings are not defined for; leave "
            "them out, or choose a Stable Diffusion model with a UNet."
        )

    @abstractmethod
    def encode_prompts(self, prompts: Sequence[str]) -> Conditions:
        """As the protocol says; each family's own."""

    def unconditional(self, count: int) -> Conditions:
        """The empty prompt's."""
        return self.encode_prompts([""] * count)

    def shown(self, conditions: Conditions, picture: torch.Tensor) -> Conditions:
        """As they are: no picture is told of."""
        return conditions

    def unshown(
        self, conditions: Conditions, size: tuple[int, int], generator: torch.Generator | None = None
    ) -> Conditions:
        """Likewise."""
        return conditions

    @torch.no_grad()
    def encode_images(self, images: np.ndarray) -> torch.Tensor:
        """uint8 (n, h, w, 3), sides multiples of `multiple` -> scaled latents, posterior mode.

        Raises ImageError when a side is no such multiple: resizing is the caller's choice.
        """
        height, width = images.shape[1:3]
        if height % self.multiple or width % self.multiple:
            raise ImageError(
                f"The picture is {width} x {height} pixels, and {self.spec.title} needs multiples of {self.multiple}; "
                "scale it to such a size."
            )
        pixels = torch.tensor(images, device=self.device).permute(0, 3, 1, 2).float() / 127.5 - 1
        return self.encode_pixels(pixels)

    @torch.no_grad()
    def encode_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        """Pixels (n, 3, h, w) from -1 to 1 -> scaled latents, posterior mode."""
        return self.steady(
            self.vae,
            AUTOENCODER,
            lambda: self._scaled(self.vae.encode(pixels.to(self.vae.dtype)).latent_dist.mode()),
        ).to(self.dtype)

    @torch.no_grad()
    def decode_pixels(self, latents: torch.Tensor) -> torch.Tensor:
        """Scaled latents (n, c, h, w) -> pixels (n, 3, H, W) from about -1 to 1, not clipped.

        Large pictures are decoded one by one, since each takes gigabytes. Raises NotFiniteError as `run_steadily`.
        """
        if len(latents) > 1 and latents[0, 0].numel() * self.latent_factor**2 >= LARGE:
            return torch.cat([self.decode_pixels(one) for one in latents.split(1)])
        return self.steady(
            self.vae,
            AUTOENCODER,
            lambda: self.vae.decode(self._unscaled(latents.to(self.dtype).to(self.vae.dtype))).sample,
        )

    @torch.no_grad()
    def decode(self, latents: torch.Tensor) -> np.ndarray:
        """Scaled latents (n, c, h, w) -> uint8 (n, H, W, 3). Raises NotFiniteError where the picture is no numbers."""
        pixels = self.decode_pixels(latents).float()
        pixels = ((pixels / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
        return pixels.permute(0, 2, 3, 1).cpu().numpy()

    def _scaled(self, latents: torch.Tensor) -> torch.Tensor:
        """Latents as the network takes them."""
        config = self.vae.config
        if config.latents_mean is not None and config.latents_std is not None:
            mean, std = self._by_channel(config.latents_mean, latents), self._by_channel(config.latents_std, latents)
            return (latents - mean) * config.scaling_factor / std
        return (latents if config.shift_factor is None else latents - config.shift_factor) * config.scaling_factor

    def _unscaled(self, latents: torch.Tensor) -> torch.Tensor:
        """Latents as the decoder takes them, by the operations of diffusers' pipelines, in their order."""
        config = self.vae.config
        if config.latents_mean is not None and config.latents_std is not None:
            mean, std = self._by_channel(config.latents_mean, latents), self._by_channel(config.latents_std, latents)
            return latents * std / config.scaling_factor + mean
        latents = latents / config.scaling_factor
        return latents if config.shift_factor is None else latents + config.shift_factor

    @staticmethod
    def _by_channel(values: Sequence[float], like: torch.Tensor) -> torch.Tensor:
        return torch.tensor(values).view(1, -1, 1, 1).to(like.device, like.dtype)

    def scheduler(self, name: str = "ddim") -> Any:
        """A fresh diffusers scheduler with the model's own noise levels. Raises ChoiceError for one it has not."""
        known = [known for known in self.sampling.schedulers if known in SCHEDULERS]
        if name not in known:
            raise ChoiceError(f"There is no scheduler {name!r}; choose one of {', '.join(known)}.")
        kind, settings = SCHEDULERS[name]
        return _made(kind, {**self._scheduler_config, **settings})

    def set_steps(self, sampler: Any, steps: int, size: tuple[int, int]) -> None:
        """As the family's pipeline does."""
        sampler.set_timesteps(steps, device=self.device)

    def inverse_scheduler(self) -> Any:
        """A fresh DDIMInverseScheduler with the model's own betas, its steps spaced as `scheduler("ddim")`'s."""
        if not self.sampling.inverts:
            raise UnsupportedModelError(
                f"DDIM inversion is not defined for {self.spec.title}; leave out the arm inversion, or choose a Stable "
                "Diffusion model that is no consistency or flow model."
            )
        config = self.scheduler("ddim").config
        known = config.timestep_spacing in INVERTED_SPACINGS
        return _made(
            DDIMInverseScheduler, {**config, "timestep_spacing": config.timestep_spacing if known else "leading"}
        )


def _made(kind: Any, config: Mapping[str, Any]) -> Any:
    """A scheduler of a class from another's configuration, less what it does not know and diffusers warns of."""
    known = inspect.signature(kind.__init__).parameters
    return kind.from_config({name: value for name, value in config.items() if name in known or name.startswith("_")})
