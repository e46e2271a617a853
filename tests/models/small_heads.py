"""Imported heads of random weights for the embedded plain pair, as `import` writes them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from inspector.models.catalog import PAIRS
from inspector.models.imported import turn, write_imported
from inspector.models.loading import load_clip, load_diffusion
from inspector.trace.taps import autoencoder_taps, tap_shapes, unet_taps
from tests.models import published
from tests.models.published import SMALL_ODISE, SMALL_SAN

PLAIN = PAIRS["plain"]


def write_head(family: str, sizes: Any, folder: Path) -> Path:
    """A folder of a head made of a checkpoint with the published names."""
    file = folder.with_suffix(".pth")
    state = published.checkpoint(family, sizes)
    torch.save(state, file)
    write_imported(turn(family, state, sizes), file, folder)
    return folder


@pytest.fixture(scope="session")
def head_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Family -> a head for the embedded plain pair, and under "other" a SAN's for another CLIP."""
    clip, diffusion = load_clip(PLAIN["clip"]), load_diffusion(PLAIN["diffusion"])
    unet: Any = diffusion.unet
    odise = replace(
        SMALL_ODISE,
        taps=dict(tap_shapes((*autoencoder_taps(diffusion), *unet_taps(diffusion)))),
        clip_embed=clip.embed,
        states=(diffusion.prompt_length, int(unet.config.cross_attention_dim)),
        time=int(unet.time_embedding.linear_2.out_features),
    )
    norm: Any = clip.last_block.ln_1
    san = replace(
        SMALL_SAN,
        clip_width=int(norm.normalized_shape[0]),
        clip_heads=clip.heads,
        clip_embed=clip.embed,
        clip_tokens=1 + (clip.image_size // clip.patch_size) ** 2,
    )
    parent = tmp_path_factory.mktemp("heads")
    return {
        "odise": write_head("odise", odise, parent / "my-odise"),
        "san": write_head("san", san, parent / "my-san"),
        "other": write_head("san", SMALL_SAN, parent / "other-san"),
    }
