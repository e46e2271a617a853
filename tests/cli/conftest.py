"""Small real model folders with random weights, for sub-commands that run a model."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from inspector.models import loading
from tests.models.conftest import clip_folder, diffusion_folder, make_clip, tokenizer_folder

__all__ = ["clip_folder", "diffusion_folder", "make_clip", "tokenizer_folder"]


@pytest.fixture
def clip(clip_folder: Path) -> Iterator[list[str]]:
    """--clip and a folder; forgotten afterwards."""
    yield ["--clip", str(clip_folder)]
    forget()


@pytest.fixture
def diffusion(diffusion_folder: Path) -> Iterator[list[str]]:
    """--diffusion and a folder; forgotten afterwards."""
    yield ["--diffusion", str(diffusion_folder)]
    forget()


def forget() -> None:
    """Leave no loaded model to later tests."""
    loading._loaded.clear()
