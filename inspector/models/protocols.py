"""What analyses may ask of a model; nothing outside `inspector.models` knows more than this.

Adapters in `models/clip_adapter.py` and `models/families` satisfy these protocols for the embedded and
for the full-size models alike. Tensors live on the model's device in the model's dtype.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from inspector.models.catalog import ModelSpec
from inspector.models.conditions import Conditions as Conditions
from inspector.models.conditions import join as join
from inspector.models.sampling import Sampling as Sampling
from inspector.results import ClassNames


@dataclass(frozen=True)
class Trunk:
    """Tokens that enter the last transformer block.

    tokens: (1, prefix + grid_h * grid_w, width); prefix counts class and register tokens.
    grid: (grid_h, grid_w) patches; patches are the last grid_h * grid_w tokens, row by row.
    """

    tokens: torch.Tensor
    grid: tuple[int, int]
    prefix: int


@dataclass(frozen=True)
class Layers:
    """Tokens (n, 1 + grid_h * grid_w, width) that enter each transformer block, then those that leave the last one."""

    tokens: tuple[torch.Tensor, ...]
    grid: tuple[int, int]

    def patches(self, layer: int) -> torch.Tensor:
        """(n, width, grid_h, grid_w) of one layer."""
        return self.tokens[layer][:, 1:].transpose(1, 2).unflatten(-1, self.grid)


REST = -1  # index of what stands for all that a place of joint attention attends to beside the prompt's tokens


@dataclass(frozen=True)
class PromptToken:
    """One token of a prompt: its index in the sequence, or REST, and its span of characters.

    Start, end and padding tokens have an empty span (start == stop).
    """

    index: int
    text: str
    start: int
    stop: int


@dataclass(frozen=True)
class TokenizedPrompt:
    """A prompt as the text encoder reads it. `ids` has the encoder's full length, padding included."""

    prompt: str
    ids: tuple[int, ...]
    tokens: tuple[PromptToken, ...]  # start token or REST, the words' tokens, the first end token
    truncated: str  # the part of the prompt that did not fit, "" if all fitted


class ClipModel(Protocol):
    """An image-text model with a vision transformer."""

    spec: ModelSpec
    device: torch.device
    dtype: torch.dtype
    revision: str  # resolved commit, or the weights' hash for embedded and local models
    parameters: int  # weights of both towers
    patch_size: int
    image_size: int  # side it was trained at
    logit_scale: float  # exp of the learned parameter
    poolings: tuple[str, ...]  # of "class", "mean": the first is the one it was trained with
    blocks: Sequence[nn.Module]  # of the image tower, all of the last one's kind
    last_block: nn.Module  # open_clip's ResidualAttentionBlock: ln_1, attn, ln_2, mlp, ...
    heads: int  # attention heads of the last block
    embed: int  # width of embeddings

    def pixels(self, image: np.ndarray, side: int | None = None) -> torch.Tensor:
        """uint8 RGB (h, w, 3) -> normalised (1, 3, H, W), aspect kept, H and W multiples of the patch.

        side: length the shorter side is scaled to; default `image_size`.
        """
        ...

    def normalised(self, image: np.ndarray) -> torch.Tensor:
        """uint8 RGB (h, w, 3) -> normalised (1, 3, h, w) at its own size, which need not be whole patches."""
        ...

    def text(self, texts: Sequence[str], unit: bool = True) -> torch.Tensor:
        """Text embeddings (n, embed), no gradient, of unit length unless asked for as they leave the model."""
        ...

    def unread(self, text: str) -> str:
        """The words at the end of a text that the model does not read, "" for none."""
        ...

    def trunk(self, pixels: torch.Tensor) -> Trunk:
        """All blocks but the last, without gradient; positions interpolated to the grid."""
        ...

    def layers(self, pixels: torch.Tensor, positions: torch.Tensor | None = None) -> Layers:
        """Tokens between all blocks of a batch (n, 3, H, W), without gradient; positions interpolated to the grid.

        positions: (1 + patches, width) at the size the model was trained at, used instead of its own.
        """
        ...

    def steered(self, tokens: torch.Tensor, first: int, biases: torch.Tensor, sees_class: bool) -> torch.Tensor:
        """Embeddings (n, query, embed), not unit length, of copies of the class token that enter at block `first`.

        tokens: (n, 1 + patches, width) that enter that block. biases: (n, head or 1, query, patches), added to the
        copies' scores. sees_class: whether a copy sees the class token, and not itself. The picture's own tokens do not
        see the copies. With a gradient to `biases` where torch records one.
        """
        ...

    def head(self, tokens: torch.Tensor, trunk: Trunk, pooling: str) -> torch.Tensor:
        """Last block's output (b, n, width) -> pooled, normed, projected (b, embed), not unit length.

        "class" reads the first token alone, so `tokens` may be that one row.
        """
        ...

    def dense(self, tokens: torch.Tensor, trunk: Trunk) -> torch.Tensor:
        """Last block's output (b, n, width) -> per-patch embeddings (b, grid_h * grid_w, embed)."""
        ...


@dataclass(frozen=True)
class Segmented:
    """What a segmenter finds in a picture, at a size of its own, aspect kept.

    masks: float32 (q, h, w) in [0, 1]. named: float32 (q, k) in [0, 1], what each is called among k classes if it is
    anything, or None where the model knows no words. sure: float32 (q,) in [0, 1], how likely each is something, or a
    good mask.
    """

    masks: np.ndarray
    named: np.ndarray | None
    sure: np.ndarray


class Segmenter(Protocol):
    """A model that was trained on masks."""

    spec: ModelSpec
    device: torch.device
    dtype: torch.dtype
    revision: str
    labels: ClassNames  # the only words it knows, synonyms together; empty where it takes any word, or knows none
    wordless: bool  # whether its masks have no names
    queries: bool  # whether its masks are proposals, and not one for each class

    def segment(self, image: np.ndarray, classes: ClassNames, template: str) -> Segmented:
        """Masks in a picture uint8 (h, w, 3), and which of the classes they are; template: of a word, with one "{}".

        A class that is none of its labels is what no mask is called. Raises PromptError where a text is too long for
        it.
        """
        ...


@dataclass(frozen=True)
class PictureEmbedding:
    """A picture as a promptable segmenter has read it. values: (1, channel, gh, gw); size: (h, w) of the picture."""

    values: torch.Tensor
    size: tuple[int, int]


class PromptableSegmenter(Segmenter, Protocol):
    """A segmenter that is asked by points and boxes: the picture is read once, and each question then costs little."""

    def embed(self, image: np.ndarray) -> PictureEmbedding:
        """What questions about a picture uint8 (h, w, 3) are answered from."""
        ...

    def ask(
        self,
        embedding: PictureEmbedding,
        points_yx: np.ndarray | None = None,
        labels: np.ndarray | None = None,
        box_xyxy: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Masks bool (m, h, w) of the picture's size, the surest first, and the IoU expected of each, float32 (m,).

        points_yx: (n, 2), in pixels of the picture; labels: (n,), 1 for a point in the mask, 0 for one that is not, all
        1 where None; box_xyxy: (4,), x0, y0, x1, y1 around it, in pixels of the picture. One point alone may mean
        several things, so m is 3 for it, and 1 for everything else. Give points, a box, or both.
        """
        ...


@dataclass(frozen=True)
class ImportedHead:
    """A head of the published size, in float32 on its device; `spec.architecture` says of which family.

    module: `heads.full_odise.FullOdise` or `heads.full_san.FullSan`.
    """

    spec: ModelSpec
    module: Any
    revision: str
    device: torch.device
    dtype: torch.dtype = torch.float32


class DiffusionModel(Protocol):
    """A latent text-to-image model: a network that predicts, an autoencoder, text encoders.

    Nothing outside `inspector.models` knows its family: what a pass takes is in `Conditions`, and `predict` makes it.
    """

    spec: ModelSpec
    device: torch.device
    dtype: torch.dtype
    revision: str
    parameters: int  # weights of all parts
    sampling: Sampling  # how it makes pictures, and what is usual
    vae: nn.Module  # diffusers AutoencoderKL
    image_size: int  # side it was trained at
    latent_factor: int  # image pixels per latent pixel
    latent_channels: int
    prompt_length: int  # tokens the text encoder reads

    @property
    def network(self) -> nn.Module:
        """What predicts: diffusers' UNet2DConditionModel, or a transformer."""
        ...

    @property
    def unet(self) -> nn.Module:
        """The network, where it is a UNet; its cross-attention modules end in `attn2`.

        Raises UnsupportedModelError, in one sentence, where it is none.
        """
        ...

    def tokenize(self, prompt: str) -> TokenizedPrompt:
        """Ids and character spans of a prompt."""
        ...

    def encode_prompts(self, prompts: Sequence[str]) -> Conditions:
        """What the network is told of each prompt; states (n, prompt_length, width)."""
        ...

    def unconditional(self, count: int) -> Conditions:
        """What classifier-free guidance is against, of so many images."""
        ...

    def shown(self, conditions: Conditions, picture: torch.Tensor) -> Conditions:
        """Conditions of finished pictures, z_0 (n, c, h, w), or of one for all: a model that inpaints is told that
        nothing of them is masked; for the others they stay as they are.
        """
        ...

    def unshown(
        self, conditions: Conditions, size: tuple[int, int], generator: torch.Generator | None = None
    ) -> Conditions:
        """Conditions of a picture that is to be generated, latents of (h, w): a model that inpaints is told that all
        of it is masked; for the others they stay as they are.

        generator: of the noise that diffusers' pipeline adds to the latents of what is masked; None for none.
        """
        ...

    def predict(self, latents: torch.Tensor, timestep: torch.Tensor | float, conditions: Conditions) -> torch.Tensor:
        """What the network predicts at x_t (n, c, h, w): noise, v or velocity, whatever its schedulers take.

        timestep: t on the schedule of 1,000, one for all images or (n,). With a gradient where torch records one.
        """
        ...

    def broken_layer(self, run: Callable[[], Any]) -> str:
        """The first layer of the network that gives what is no number while `run()` runs it, "" where none does."""
        ...

    def encode_images(self, images: np.ndarray) -> torch.Tensor:
        """uint8 (n, h, w, 3), sides multiples of latent_factor * 8 -> scaled latents, posterior mode."""
        ...

    def encode_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        """Pixels (n, 3, h, w) from -1 to 1 -> scaled latents, posterior mode."""
        ...

    def decode(self, latents: torch.Tensor) -> np.ndarray:
        """Scaled latents (n, c, h, w) -> uint8 (n, H, W, 3)."""
        ...

    def decode_pixels(self, latents: torch.Tensor) -> torch.Tensor:
        """Scaled latents (n, c, h, w) -> pixels (n, 3, H, W) from about -1 to 1, not clipped."""
        ...

    def scheduler(self, name: str = "ddim") -> Any:
        """A fresh diffusers scheduler with the model's own noise levels. Names: `sampling.schedulers`."""
        ...

    def set_steps(self, sampler: Any, steps: int, size: tuple[int, int]) -> None:
        """Set a scheduler to so many steps for latents of (h, w), as the family's pipeline does."""
        ...

    def inverse_scheduler(self) -> Any:
        """A fresh DDIM inversion scheduler with the model's own betas, its steps spaced as `scheduler("ddim")`'s.

        Raises UnsupportedModelError where inversion is not defined (`sampling.inverts`).
        """
        ...

    def pipeline(self, scheduler: str = "ddim") -> Any:
        """diffusers' own text-to-image pipeline of the same parts, to compare with."""
        ...
