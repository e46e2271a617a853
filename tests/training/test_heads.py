"""Rows of the table of heads: which of them share a training, and with what weights."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors.torch import load_file

from inspector.evaluation.heads_readme import MEASURED, read
from inspector.models import load_clip
from inspector.models.heads.specs import HEADS
from inspector.settings import ASSETS
from inspector.training.heads import SEEDS, shared_head

SHIPPED = ASSETS / "models"


def shared(name: str, folder: Path, seed: int = SEEDS[0], out: Path = SHIPPED) -> tuple[Any, float] | None:
    """Of the plain pair."""
    held_out: Any = SimpleNamespace(clip=load_clip("scenes-clip-plain"), diffusion=None)
    return shared_head(HEADS[name], seed, "plain", held_out, folder, out, MEASURED)


def test_ovsegs_pattern_is_measured_on_the_shipped_weights_of_the_row_it_shares(tmp_path: Path) -> None:
    found = shared("ovseg", tmp_path)
    assert found is not None
    head, seconds = found
    for name, values in load_file(SHIPPED / "heads-plain" / "maskclip-masks.safetensors").items():
        assert torch.equal(head.state_dict()[name], values.float())
    rows = [row for row in read() if (row["row"], row["seed"], row["pair"]) == ("maskclip-masks", 0, "plain")]
    assert seconds == rows[0]["training_seconds"]


def test_another_seed_or_a_row_of_its_own_is_trained(tmp_path: Path) -> None:
    assert shared("ovseg", tmp_path, seed=SEEDS[1]) is None
    assert shared("maskclip-masks", tmp_path) is None
    assert shared("ovseg", tmp_path, out=tmp_path) is None
