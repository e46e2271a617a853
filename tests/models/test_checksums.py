"""Embedded models open only as they were made: any changed, missing or added file is one sentence with its name."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from inspector.cli import main
from inspector.errors import ModelFilesError
from inspector.models import catalog, checksums, loading
from inspector.models.borrowing import borrowed
from inspector.models.checksums import CHECKSUMS, checked_fingerprint, fingerprint
from inspector.models.files import read_json
from inspector.models.loading import load_clip, load_diffusion
from inspector.settings import ASSETS

WEIGHTS = "open_clip_model.safetensors"
SHIPPED = sorted(path.name for path in (ASSETS / "models").iterdir())


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """A function that copies a shipped folder, from which the embedded model of that name is then opened."""
    monkeypatch.setattr(loading, "ASSETS", tmp_path)
    return lambda name: Path(shutil.copytree(ASSETS / "models" / name, tmp_path / "models" / name))


def flip(file: Path, place: float = 0.5) -> None:
    """Change one bit of a file."""
    data = bytearray(file.read_bytes())
    data[int(place * len(data))] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_files_are_as_they_were_made(name: str) -> None:
    folder = ASSETS / "models" / name
    assert checked_fingerprint(folder) == fingerprint(folder)
    described = {"README.md", "card.json", CHECKSUMS}
    shipped = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    shared = {f"{part}/{file.name}" for part, place in borrowed(folder).items() for file in place.iterdir()}
    assert set(read_json(folder / CHECKSUMS)) == shipped - described | shared


def test_an_unchanged_copy_opens(copy: Callable[[str], Path]) -> None:
    folder = copy("scenes-clip")
    assert load_clip().revision == fingerprint(folder)


@pytest.mark.parametrize("place", [0.01, 0.5, 0.999999])
def test_one_flipped_bit_of_the_weights(copy: Callable[[str], Path], place: float) -> None:
    flip(copy("scenes-clip") / WEIGHTS, place)
    with pytest.raises(
        ModelFilesError, match=rf"{WEIGHTS} was changed since it was made: .* match scenes-clip/{CHECKSUMS}; get"
    ):
        load_clip()


@pytest.mark.parametrize(
    "file",
    [
        "unet/diffusion_pytorch_model-00002-of-00002.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
        "text_encoder/model.safetensors",
        "tokenizer/tokenizer.json",
        "scheduler/scheduler_config.json",
        "unet/config.json",
    ],
)
def test_any_part_of_a_pipeline(copy: Callable[[str], Path], file: str) -> None:
    flip(copy("scenes-diffusion") / file)
    with pytest.raises(ModelFilesError, match=f"{file} was changed since it was made"):
        load_diffusion()


@pytest.mark.parametrize("file", ["bpe.txt.gz", "tokenizer.json", "tokenizer_config.json", "open_clip_config.json"])
def test_a_changed_tokenizer_or_configuration(copy: Callable[[str], Path], file: str) -> None:
    flip(copy("scenes-clip") / file)
    with pytest.raises(ModelFilesError, match=f"{file} was changed since it was made"):
        load_clip()


def test_whole_weights_of_another_model(copy: Callable[[str], Path]) -> None:
    """They open without a word by themselves: names and shapes fit."""
    folder = copy("scenes-clip")
    state = load_file(folder / WEIGHTS)
    state["logit_scale"] -= 1
    save_file(state, folder / WEIGHTS)
    with pytest.raises(ModelFilesError, match=f"{WEIGHTS} was changed"):
        load_clip()
    assert load_clip(catalog.register_local(folder)).revision == fingerprint(folder)  # a folder of the visitor's own


def test_missing_and_added_files(copy: Callable[[str], Path]) -> None:
    folder = copy("scenes-clip")
    shutil.copy(folder / WEIGHTS, folder / "open_clip_pytorch_model.safetensors")
    with pytest.raises(ModelFilesError, match=r"open_clip_pytorch_model.safetensors is no part of the model.*remove"):
        load_clip()
    (folder / WEIGHTS).rename(folder / "open_clip_pytorch_model.safetensors")
    with pytest.raises(ModelFilesError, match=f"{WEIGHTS} is missing; get the repository's files again"):
        load_clip()
    (folder / CHECKSUMS).unlink()
    with pytest.raises(ModelFilesError, match=f"scenes-clip has no {CHECKSUMS}.*or train them anew, which writes it"):
        load_clip()


def test_the_lines_of_a_text_may_end_as_on_windows(copy: Callable[[str], Path]) -> None:
    folder = copy("scenes-clip")
    for file in folder.glob("*.json"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert checked_fingerprint(folder) == fingerprint(folder)


def test_every_file_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read, blocks = Counter[str](), checksums._blocks

    def counted(file: Path):
        read[file.name] += 1
        return blocks(file)

    monkeypatch.setattr(checksums, "_blocks", counted)
    folder = ASSETS / "models" / "scenes-clip"
    checked_fingerprint(folder)
    assert read == dict.fromkeys(read_json(folder / CHECKSUMS), 1)


def test_the_command_line_says_it_with_code_2(copy: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    flip(copy("scenes-clip") / WEIGHTS)
    assert main(["saliency", "scene:1", "--classes", "car, tree"]) == 2
    told = capsys.readouterr().err
    assert WEIGHTS in told
    assert told.count("\n") == 1
