"""Previews: a linear guess that finds what a linear autoencoder decodes, and nearly what the embedded one does."""

import numpy as np
import pytest
import torch

from inspector import world
from inspector.models import load_diffusion
from inspector.settings import ASSETS
from inspector.trace import previews
from tests.toys import ToyDiffusion


class LinearModel:
    """Latents are a known mixture of the mean colour of 8x8 px, and decode to flat squares of that colour."""

    latent_factor, device = 8, torch.device("cpu")
    mixture = torch.tensor([[1.0, 0.5, 0.0], [0.0, 1.0, 0.5], [0.5, 0.0, 1.0], [1.0, 1.0, 1.0]])

    def __init__(self) -> None:
        self.decodes = 0

    def encode_images(self, images: np.ndarray) -> torch.Tensor:
        pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
        return torch.einsum("kc,nchw->nkhw", self.mixture, torch.nn.functional.avg_pool2d(pixels, 8))

    def decode(self, latents: torch.Tensor) -> np.ndarray:
        self.decodes += len(latents)
        colours = torch.einsum("ck,nkhw->nchw", torch.linalg.pinv(self.mixture), latents)
        pixels = torch.nn.functional.interpolate(colours, scale_factor=8)
        return ((pixels / 2 + 0.5).clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy()


def test_the_guess_is_what_a_linear_autoencoder_decodes() -> None:
    model = LinearModel()
    image = np.repeat(np.repeat(np.random.default_rng(1).integers(90, 166, (3, 5, 3), np.uint8), 8, 0), 8, 1)
    guess = previews.Previewer(model)(model.encode_images(image[None]))
    assert guess.shape == image.shape == (24, 40, 3)
    assert abs(guess.astype(int) - image).max() <= 3  # noise that leaves the range is clipped, which is not linear


def test_a_guess_is_fitted_once_per_model_and_runs_decode_nothing() -> None:
    model = LinearModel()
    pictures = [previews.Previewer(model)(torch.full((1, 4, 8, 8), 0.1)) for _ in range(3)]
    assert model.decodes == 4
    assert all(np.array_equal(picture, pictures[0]) for picture in pictures)
    previews.Previewer(LinearModel())  # what another model decodes is another's


def test_the_same_weights_give_the_same_guess() -> None:
    """Stored previews are part of a result, and the same request gives the same result."""
    latents = torch.randn(1, 4, 8, 16)
    models = [ToyDiffusion(seed=3), ToyDiffusion(seed=3)]  # made first: each sets the seed that all draw from
    one, two = (previews.Previewer(model)(latents) for model in models)
    assert np.array_equal(one, two)
    assert not np.array_equal(one, previews.Previewer(ToyDiffusion(seed=4))(latents))


@pytest.mark.skipif(not (ASSETS / "models" / "scenes-diffusion").is_dir(), reason="no embedded weights yet")
def test_the_guess_looks_like_what_the_embedded_model_decodes() -> None:
    """Mean squared error of a drawn scene's guess against its decode, and against a picture of one grey."""
    model = load_diffusion()
    latents = model.encode_images(world.scene(500_123, 128).image[None])
    decoded, guess = model.decode(latents)[0].astype(float), previews.Previewer(model)(latents).astype(float)
    assert ((guess - decoded) ** 2).mean() < 0.2 * decoded.var()


def test_shrinking_keeps_the_proportions_and_never_enlarges() -> None:
    assert previews.shrink(np.zeros((300, 600, 3), np.uint8)).shape == (64, 128, 3)
    small = np.zeros((20, 30, 3), np.uint8)
    assert previews.shrink(small) is small
