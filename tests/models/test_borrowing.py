"""Borrowed parts: a sibling's, the same tensors and checked alike; whatever is wrong with one is a sentence."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch

from inspector.cli import main
from inspector.errors import ModelFilesError
from inspector.models import catalog, loading
from inspector.models.borrowing import BORROWED, PARTS, borrowed, files_of, lend, place_of
from inspector.models.checksums import checked_fingerprint, fingerprint
from inspector.models.loading import load_diffusion
from inspector.models.parts import open_autoencoder
from inspector.settings import ASSETS

SHIPPED = ASSETS / "models"
PLAIN = SHIPPED / "scenes-diffusion-plain"


@pytest.fixture
def pair(diffusion_folder: Path, tmp_path: Path) -> Path:
    """A folder that has a UNet alone and borrows the rest from `whole` beside it."""
    whole, folder = tmp_path / "whole", tmp_path / "thin"
    shutil.copytree(diffusion_folder, whole)
    shutil.copytree(diffusion_folder, folder, ignore=lambda path, names: [name for name in names if name in PARTS])
    borrow(folder, dict.fromkeys(PARTS, "whole"))
    return folder


def borrow(folder: Path, told: object) -> None:
    (folder / BORROWED).write_text(json.dumps(told))


def test_borrowed_parts_are_the_siblings_tensors(pair: Path) -> None:
    thin, whole = (load_diffusion(catalog.register_local(folder)) for folder in (pair, pair.parent / "whole"))
    for part in ("vae", "text_encoder"):
        own, theirs = getattr(thin, part).state_dict(), getattr(whole, part).state_dict()
        assert own.keys() == theirs.keys()
        assert all(torch.equal(value, theirs[name]) for name, value in own.items())
    assert thin.tokenize("a horse").ids == whole.tokenize("a horse").ids
    assert open_autoencoder(pair).config.scaling_factor == whole.vae.config.scaling_factor  # type: ignore[attr-defined]


def test_its_revision_is_that_of_a_folder_that_holds_all(pair: Path) -> None:
    assert fingerprint(pair) == fingerprint(pair.parent / "whole")
    names = [name for name, _ in files_of(pair)]
    assert names == sorted(names, key=lambda name: Path(name).parts)
    assert set(names) - {BORROWED} == {name for name, _ in files_of(pair.parent / "whole")}


def test_all_its_weights_are_counted(pair: Path) -> None:
    specs = [catalog.spec(catalog.register_local(folder)) for folder in (pair, pair.parent / "whole")]
    assert specs[0].parameters == specs[1].parameters > 0


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (["vae"], "is damaged: it is not a JSON object; copy it again."),
        ({"unet": "whole"}, "borrows 'unet', which is no part; name vae, text_encoder, tokenizer, scheduler alone."),
        ({"vae": "../whole"}, "borrows vae from '../whole', which is no name of a folder beside it; name one."),
        ({"vae": "thin"}, "borrows vae from 'thin', which is no name of a folder beside it; name one."),
        ({"vae": ".."}, "borrows vae from '..', which is no name of a folder beside it; name one."),
        ({"vae": 3}, "borrows vae from '3', which is no name of a folder beside it; name one."),
        ({"vae": "C:whole"}, "borrows vae from 'C:whole', which is no name of a folder beside it; name one."),
        ({"vae": "gone"}, "gone/vae is missing; copy that folder beside it."),
    ],
)
def test_what_cannot_be_borrowed_is_one_sentence(pair: Path, told: object, said: str) -> None:
    borrow(pair, told)
    with pytest.raises(ModelFilesError, match=re.escape(said)) as caught:
        load_diffusion(catalog.register_local(pair))
    assert "\n" not in str(caught.value)


def test_no_text_at_all(pair: Path) -> None:
    (pair / BORROWED).write_bytes(b"\xff\xfe{")
    with pytest.raises(ModelFilesError, match="is damaged"):
        borrowed(pair)


def test_a_part_that_is_there_and_borrowed(pair: Path) -> None:
    shutil.copytree(pair.parent / "whole" / "vae", pair / "vae")
    with pytest.raises(ModelFilesError, match=r"borrows vae, which .*thin also holds; remove one of the two\.$"):
        place_of(pair, "unet")


def test_a_borrowed_part_of_another_model_does_not_fit(pair: Path) -> None:
    shutil.copytree(SHIPPED / "scenes-diffusion", pair.parent / "other")
    borrow(pair, dict.fromkeys(PARTS, "whole") | {"tokenizer": "other"})
    with pytest.raises(ModelFilesError, match=r"The tokenizer of .* tokens and its text encoder"):
        load_diffusion(catalog.register_local(pair))


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the two shipped diffusion folders, from which the embedded models are then opened."""
    for name in ("scenes-diffusion", "scenes-diffusion-plain"):
        shutil.copytree(SHIPPED / name, tmp_path / "models" / name)
    monkeypatch.setattr(loading, "ASSETS", tmp_path)
    return tmp_path / "models"


def test_the_shipped_one_shares_what_it_says_it_shares(shipped: Path) -> None:
    plain, taught = load_diffusion("scenes-diffusion-plain"), load_diffusion("scenes-diffusion")
    assert plain.revision == fingerprint(PLAIN) != taught.revision
    for part in ("vae", "text_encoder"):
        pairs = zip(getattr(plain, part).parameters(), getattr(taught, part).parameters(), strict=True)
        assert all(torch.equal(*two) for two in pairs)
    assert not any((PLAIN / part).exists() for part in PARTS)


def test_a_shared_part_that_was_changed_changes_its_borrowers(shipped: Path) -> None:
    file = shipped / "scenes-diffusion" / "vae" / "diffusion_pytorch_model.safetensors"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    assert fingerprint(shipped / PLAIN.name) != fingerprint(PLAIN)
    said = rf"{re.escape(str(file))} was changed since it was made: .* match {PLAIN.name}/checksums.json"
    with pytest.raises(ModelFilesError, match=said):
        load_diffusion("scenes-diffusion-plain")
    file.unlink()
    with pytest.raises(ModelFilesError, match=rf"{re.escape(str(file))} is missing"):
        checked_fingerprint(shipped / PLAIN.name)
    shutil.rmtree(shipped / "scenes-diffusion")
    with pytest.raises(ModelFilesError, match=r"scenes-diffusion/\w+ is missing; copy that folder beside it"):
        load_diffusion("scenes-diffusion-plain")


def test_the_command_line_takes_such_a_folder_and_says_what_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = Path(shutil.copytree(PLAIN, tmp_path / "alone"))
    asked = ["attention", "--prompt", "a horse", "--steps", "1", "--json", str(tmp_path / "told.json")]
    assert main([*asked, "--diffusion", str(alone)]) == 2
    told = capsys.readouterr().err
    assert "alone borrows" in told
    assert told.count("\n") == 1
    assert main([*asked, "--diffusion", str(PLAIN)]) == 0
    written = json.loads((tmp_path / "told.json").read_text())
    assert written["provenance"]["models"] == {f"local:{PLAIN.name}": fingerprint(PLAIN)}


def test_lent_parts_are_named_where_both_lie_side_by_side_and_copied_elsewhere(pair: Path, tmp_path: Path) -> None:
    for folder, own in ((tmp_path / "next", set()), (tmp_path / "away" / "next", set(PARTS))):
        shutil.copytree(pair.parent / "whole" / "vae", folder / "vae")  # what lies there is replaced
        lend(pair.parent / "whole", folder)
        assert {path.name for path in folder.iterdir()} - {BORROWED} == own
        assert place_of(folder, "vae").is_dir()
    lend(pair, tmp_path / "third")  # what is lent on comes from its owner
    assert place_of(tmp_path / "third", "vae") == tmp_path / "whole" / "vae"
