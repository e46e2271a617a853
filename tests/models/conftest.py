"""Small real folders with random weights: the loader that opens the full-size models opens these."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from inspector.models import loading
from inspector.models.clip import build_clip, save_clip
from inspector.models.diffusion import SCENES_AUTOENCODER, SCENES_UNET, build_autoencoder, build_unet, save_diffusion
from inspector.models.tokenizer import learn_merges, open_tokenizer, write_tokenizer
from inspector.settings import settings

WORDS = {"horse": 9, "grass": 8, "a photo of the": 7, "house": 5, "green": 4, "car": 9, "cars": 2}
CONTEXT = 16


@pytest.fixture(scope="session")
def tokenizer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer that knows a handful of words."""
    folder = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(folder, learn_merges(WORDS, 60), CONTEXT)
    return folder


def small_clip_config(vocabulary: int, quick_gelu: bool = False, **vision: Any) -> dict[str, Any]:
    """A CLIP of two blocks of width 32, 8 px patches, 4 x 4 of them, with a 16-token text tower of width 16."""
    return {
        "embed_dim": 12,
        "quick_gelu": quick_gelu,
        "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 32, "layers": 2, "head_width": 8, **vision},
        "text_cfg": {"context_length": CONTEXT, "vocab_size": vocabulary, "width": 16, "heads": 2, "layers": 2},
    }


@pytest.fixture(scope="session")
def make_clip(tokenizer_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Writes a float32 CLIP folder with random weights: make_clip(quick_gelu=..., pool_type=...)."""
    vocabulary = open_tokenizer(tokenizer_folder).vocab_size

    def make(quick_gelu: bool = False, **vision: Any) -> Path:
        torch.manual_seed(0)
        config = small_clip_config(vocabulary, quick_gelu, **vision)
        folder = tmp_path_factory.mktemp("clip")
        save_clip(build_clip(config), folder, config, tokenizer_folder, dtype=torch.float32)
        return folder

    return make


@pytest.fixture(scope="session")
def clip_folder(make_clip: Callable[..., Path]) -> Path:
    """A CLIP folder; not to be written to."""
    return make_clip()


@pytest.fixture(scope="session")
def diffusion_folder(tokenizer_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Stable Diffusion folder of SD 1.5's layout with one layer per block; not to be written to."""
    torch.manual_seed(0)
    config = small_clip_config(open_tokenizer(tokenizer_folder).vocab_size)
    small = {"layers_per_block": 1, "norm_num_groups": 4}
    widths = {"block_out_channels": (8, 8, 16, 16)}
    unet = {**copy.deepcopy(SCENES_UNET), **small, **widths, "cross_attention_dim": 16, "sample_size": 8}
    vae = {**copy.deepcopy(SCENES_AUTOENCODER), **small, **widths, "scaling_factor": 0.5, "sample_size": 64}
    folder = tmp_path_factory.mktemp("diffusion")
    save_diffusion(
        folder, build_unet(unet), build_autoencoder(vae), build_clip(config), tokenizer_folder, dtype=torch.float32
    )
    return folder


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test starts with nothing loaded, nothing registered, and the environment's defaults on the CPU."""
    monkeypatch.setenv("INSPECTOR_DEVICE", "cpu")
    settings.cache_clear()
    loading._loaded.clear()  # not unload(), whose garbage collection takes longer than most tests
    yield
    settings.cache_clear()
    loading._loaded.clear()
