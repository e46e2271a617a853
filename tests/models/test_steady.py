"""Values that are no numbers: the layer they begin in, and parts that run in float32 where half is too narrow."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from inspector.errors import NotFiniteError
from inspector.models import steady
from inspector.models.catalog import ModelSpec
from inspector.models.diffusion_adapter import open_diffusion_folder
from inspector.models.protocols import DiffusionModel
from tests.models.small_families import small_folder

PROMPT = "a horse on the grass"


def net(dtype: torch.dtype = torch.float16) -> nn.Sequential:
    """Ones times 400, twice: 160,000, which half precision does not hold, and a thousandth of it."""
    layers = [nn.Linear(1, 1, bias=False) for _ in range(3)]
    for layer, weight in zip(layers, (400.0, 400.0, 0.001), strict=True):
        layer.weight.data.fill_(weight)
    return nn.Sequential(*layers).to(dtype).requires_grad_(False)


def test_a_part_that_overflows_is_run_in_float32_and_stays_so() -> None:
    part = net()

    def run() -> torch.Tensor:
        return part(torch.ones(1, 1, dtype=part[0].weight.dtype))

    assert steady.broken_layer(part, run) == "1"
    values, widened = steady.run_steadily(part, "a part", run, "small")
    assert widened
    assert values.item() == pytest.approx(160, rel=1e-3)
    assert part[0].weight.dtype == torch.float32
    assert steady.run_steadily(part, "a part", run, "small")[1] is False


def test_weights_that_are_no_numbers_are_named_by_part_and_layer_and_not_widened_into_numbers() -> None:
    part = net(torch.float32)
    part[2].weight.data.fill_(float("nan"))
    with pytest.raises(NotFiniteError, match=r"small gives values .* in a part, first in its layer 2;"):
        steady.run_steadily(part, "a part", lambda: part(torch.ones(1, 1)), "small")


def test_without_room_nothing_is_widened(monkeypatch: pytest.MonkeyPatch) -> None:
    part = net()
    monkeypatch.setattr(steady, "free_gb", lambda device: 0.0)
    with pytest.raises(NotFiniteError, match="first in its layer 1"):
        steady.run_steadily(part, "a part", lambda: part(torch.ones(1, 1, dtype=torch.float16)), "small")
    assert part[0].weight.dtype == torch.float16


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, torch.dtype], DiffusionModel]:
    folders = {}

    def model(name: str, dtype: torch.dtype) -> DiffusionModel:
        folders.setdefault(name, small_folder(name, tmp_path_factory.mktemp("steady")))
        spec = ModelSpec(name, "diffusion", name, "local", str(folders[name]), "")
        return open_diffusion_folder(Path(folders[name]), spec, torch.device("cpu"), dtype, "")

    return model


def test_sdxls_autoencoder_is_float32_in_half_precision_from_the_start(
    opened: Callable[[str, torch.dtype], DiffusionModel],
) -> None:
    assert opened("sdxl", torch.float16).precision == "float16, the autoencoder in float32"
    assert opened("sdxl", torch.bfloat16).precision == "bfloat16"
    assert opened("stable-diffusion-2.1", torch.float16).precision == "float16"


def test_a_decoder_and_a_text_encoder_that_overflow_fall_back_and_say_so(
    opened: Callable[[str, torch.dtype], DiffusionModel],
) -> None:
    model = opened("stable-diffusion-2.1", torch.float16)
    vae, tower = model.vae, model.text_encoder  # type: ignore[attr-defined]
    vae.get_parameter("decoder.conv_in.weight").data *= 3e4  # group norm takes the factor out again
    picture = model.decode(torch.full((1, 4, 8, 8), 8.0))
    assert picture.std() > 0
    tower.get_parameter("encoder.layers.0.mlp.fc2.weight").data *= 6e4
    tower.get_parameter("encoder.layers.0.mlp.fc1.weight").data *= 3e3
    states = model.encode_prompts([PROMPT]).states
    assert states.dtype == torch.float16
    assert torch.isfinite(states).all()
    assert model.precision == "float16, the autoencoder and the text encoder in float32"
    images = np.zeros((1, 64, 64, 3), np.uint8)
    assert model.encode_images(images).dtype == torch.float16


def test_pictures_beyond_a_megapixel_are_decoded_one_by_one(
    opened: Callable[[str, torch.dtype], DiffusionModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspector.models.families import latent

    model, counts = opened("stable-diffusion-2.1", torch.float32), []
    latents = torch.randn(2, 4, 8, 8)
    model.vae.decoder.register_forward_pre_hook(lambda _m, args: counts.append(len(args[0])))  # type: ignore[union-attr]
    together = model.decode(latents)
    monkeypatch.setattr(latent, "LARGE", 64 * 64)
    assert np.abs(model.decode(latents).astype(int) - together).max() <= 1
    assert counts == [2, 1, 1]
