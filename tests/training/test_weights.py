"""What is shipped in assets/models: made on this world, small, safetensors, and described."""

import ast
import hashlib
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from inspector import world
from inspector.errors import ModelFilesError
from inspector.models.checksums import CHECKSUMS, checked_fingerprint, fingerprint
from inspector.models.files import read_json
from inspector.models.heads.specs import head_spec
from inspector.settings import ASSETS
from inspector.training import diffusion, head_cards
from inspector.training.cards import render, write_card, write_measured
from inspector.training.loop import Schedule

PARTS = {
    "scenes-clip": {"clip"},
    "scenes-diffusion": {"autoencoder", "unet"},
    "scenes-clip-plain": {"clip"},
    "scenes-diffusion-plain": {"unet"},
}
HEADS = ("heads-plain", "heads-taught")
SEGMENTERS = ("scenes-sam",)
# Heads and the segmenter are taught by masks; what heads stand on is not.
OF_MASKS = ("head_data.py", "mask_heads.py", "mask_losses.py", "prompts.py", "segmenter.py")


@pytest.mark.parametrize("name", PARTS)
def test_weights_are_not_older_than_the_world(name):
    card = json.loads((ASSETS / "models" / name / "card.json").read_text())
    assert card["world"] == {"version": world.VERSION, "fingerprint": world.fingerprint()}, (
        "the drawn world has changed since these weights were trained: train them again (python -m inspector train)"
    )
    assert set(card["parts"]) == PARTS[name]
    assert all(part["steps"] > 0 for part in card["parts"].values())


@pytest.mark.parametrize("name", PARTS)
def test_the_card_is_rendered_from_its_numbers(name):
    folder = ASSETS / "models" / name
    assert (folder / "README.md").read_text() == render(name, json.loads((folder / "card.json").read_text()))


def test_training_writes_the_checksums_of_what_it_wrote(tmp_path):
    folder = tmp_path / "scenes-clip"
    folder.mkdir()
    (folder / "open_clip_model.safetensors").write_bytes(b"weights")
    run = SimpleNamespace(schedule=Schedule(2, 1e-3), step=2, seconds=1.0)
    write_card(folder, "clip", "cpu", run, torch.nn.Linear(2, 2))
    assert read_json(folder / CHECKSUMS) == {"open_clip_model.safetensors": hashlib.sha256(b"weights").hexdigest()}
    write_measured(folder, {"pointing": 0.5})  # changes the card, which computes nothing
    assert checked_fingerprint(folder) == fingerprint(folder)


def test_training_does_not_go_on_from_shipped_files_that_were_changed(tmp_path, monkeypatch):
    folder = Path(shutil.copytree(ASSETS / "models" / "scenes-clip", tmp_path / "models" / "scenes-clip"))
    monkeypatch.setattr(diffusion, "ASSETS", tmp_path)
    assert diffusion.shipped_or_new(tmp_path / "out", "scenes-clip") == folder
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelFilesError, match=r"tokenizer.json was changed"):
        diffusion.shipped_or_new(tmp_path / "out", "scenes-clip")


def test_only_small_safetensors_are_shipped():
    files = [path for path in (ASSETS / "models").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} <= {".safetensors", ".json", ".md", ".gz"}
    assert max(path.stat().st_size for path in files) < 10_000_000
    of_heads = {path for path in files if path.relative_to(ASSETS / "models").parts[0] in HEADS}
    assert sum(path.stat().st_size for path in files if path not in of_heads) < 60_000_000
    assert sum(path.stat().st_size for path in of_heads) < 20_000_000
    assert {path.name for path in (ASSETS / "models").iterdir()} == {*PARTS, *HEADS, *SEGMENTERS}


@pytest.mark.parametrize("name", HEADS)
def test_heads_are_of_the_shipped_models_and_told_of_by_their_card(name):
    folder = ASSETS / "models" / name
    card = json.loads((folder / "card.json").read_text())
    assert card["world"] == {"version": world.VERSION, "fingerprint": world.fingerprint()}
    for model, revision in card["models"].items():
        assert fingerprint(ASSETS / "models" / model) == revision, f"train {name} again: its {model} has changed"
    shipped = {file.stem for file in folder.glob("*.safetensors")}
    assert {head_spec(row["row"]).weights for row in card["rows"]} == shipped
    assert (folder / "README.md").read_text() == head_cards.render(name, card)
    checked_fingerprint(folder)


def test_training_of_models_never_reads_a_mask():
    for path in (ASSETS.parent / "inspector" / "training").glob("*.py"):
        if path.name in OF_MASKS:
            continue
        tree = ast.parse(path.read_text())
        read = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not read & {"masks", "labels", "instances"}, f"{path.name} reads a scene's masks"
