"""Small pictures of latents while a run is under way: decoded where that is cheap, else a linear guess.

The linear guess is fitted once per model: flat colours are encoded, and RGB is regressed on latents. It
needs no constants of a particular model and shows layout and colour, without detail.
"""

import cv2
import numpy as np
import torch

from inspector.models.protocols import DiffusionModel

CHEAP_DECODER = 5_000_000  # parameters; Stable Diffusion's has 49 million and costs 1.5 guided steps
PREVIEW_SIDE = 128  # pixels of the longer side of a shrunk preview
_PATCH = 4  # latent pixels per flat colour, so that most of a patch is free of its neighbours


class Previewer:
    """Latents in, a picture out; call it with one predicted x_0 (1, c, h, w) to get uint8 RGB."""

    def __init__(self, model: DiffusionModel) -> None:
        self.model = model
        decoder: torch.nn.Module = model.vae.decoder  # type: ignore[assignment]
        self.cheap = sum(parameter.numel() for parameter in decoder.parameters()) <= CHEAP_DECODER
        self._weights: np.ndarray | None = None

    def __call__(self, latents: torch.Tensor) -> np.ndarray:
        """uint8 (H, W, 3): the decoded image, or one pixel per latent pixel."""
        if self.cheap:
            return self.model.decode(latents)[0]
        if self._weights is None:
            self._weights = fit_linear(self.model)
        flat = latents[0].detach().float().cpu().flatten(1).numpy()
        colours = self._weights[:-1].T @ flat + self._weights[-1][:, None]
        return np.clip(np.rint(colours), 0, 255).astype(np.uint8).T.reshape(*latents.shape[-2:], 3)


def fit_linear(model: DiffusionModel, patches: int = 8) -> np.ndarray:
    """float64 (c + 1, 3): RGB in 0 to 255 is latents times the first rows plus the last; least squares.

    Fitted on patches x patches flat random colours, read at the middle of each patch.
    """
    colours = np.random.default_rng(0).integers(0, 256, (patches, patches, 3), np.uint8)
    side = _PATCH * model.latent_factor
    image = np.repeat(np.repeat(colours, side, 0), side, 1)
    latents = model.encode_images(image[None])[0].float().cpu().numpy()
    middle = latents[:, _PATCH // 2 :: _PATCH, _PATCH // 2 :: _PATCH].reshape(len(latents), -1).T
    known = np.concatenate([middle, np.ones((len(middle), 1))], 1)
    return np.linalg.lstsq(known, colours.reshape(-1, 3).astype(np.float64), rcond=None)[0]


def shrink(image: np.ndarray, side: int = PREVIEW_SIDE) -> np.ndarray:
    """uint8 (h, w, 3) with its longer side at most `side` pixels, aspect kept."""
    scale = side / max(image.shape[:2])
    if scale >= 1:
        return image
    height, width = (max(1, round(length * scale)) for length in image.shape[:2])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
