"""Previews: decoded by a small decoder, and a linear guess that finds the colours of a linear encoder."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from inspector.trace import previews
from tests.toys import ToyDiffusion


class LinearModel:
    """Latents are a known mixture of the mean colour of 8x8 px."""

    latent_factor = 8
    mixture = torch.tensor([[1.0, 0.5, 0.0], [0.0, 1.0, 0.5], [0.5, 0.0, 1.0], [1.0, 1.0, 1.0]])

    def encode_images(self, images: np.ndarray) -> torch.Tensor:
        pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
        return torch.einsum("kc,nchw->nkhw", self.mixture, torch.nn.functional.avg_pool2d(pixels, 8))


def test_a_small_decoder_is_used() -> None:
    model, latents = ToyDiffusion(), torch.randn(1, 4, 8, 16)
    assert np.array_equal(previews.Previewer(model)(latents), model.decode(latents)[0])


def test_the_linear_guess_inverts_a_linear_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    model = LinearModel()
    model.vae = SimpleNamespace(decoder=torch.nn.Linear(1, 1))
    monkeypatch.setattr(previews, "CHEAP_DECODER", 0)
    image = np.repeat(np.repeat(np.random.default_rng(1).integers(0, 256, (3, 5, 3), np.uint8), 8, 0), 8, 1)
    guess = previews.Previewer(model)(model.encode_images(image[None]))
    assert guess.shape == (3, 5, 3)
    assert abs(guess.astype(int) - image[::8, ::8]).max() <= 1


def test_shrinking_keeps_the_proportions_and_never_enlarges() -> None:
    assert previews.shrink(np.zeros((300, 600, 3), np.uint8)).shape == (64, 128, 3)
    small = np.zeros((20, 30, 3), np.uint8)
    assert previews.shrink(small) is small
