"""Several pictures in one command: each has its folder, and one that is refused does not stop the others."""

import json
from pathlib import Path

import pytest
from PIL import Image

from inspector.cli import main
from inspector.world import scene


def test_each_picture_has_its_folder_and_its_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(scene(5).image).save(tmp_path / "own.png")
    (tmp_path / "words.png").write_text("no picture")
    pictures = ["scene:11", str(tmp_path / "words.png"), str(tmp_path / "own.png"), str(tmp_path / "gone.png")]
    out, numbers = tmp_path / "out", tmp_path / "numbers.json"
    code = main(["saliency", *pictures, "--classes", "sheep, sky", "--out", str(out), "--json", str(numbers)])
    said = capsys.readouterr().err
    assert code == 2
    assert "words.png: The file is not a picture" in said
    assert "gone.png: Cannot read 'gone.png'" in said
    assert said.rstrip().endswith("2 of 4 pictures were refused, as said above; the others are done.")
    assert sorted(path.name for path in out.iterdir()) == ["01-scene-11", "03-own"]
    for folder in out.iterdir():
        assert {path.name for path in folder.iterdir()} == {"figure.png", "maps.npz", "result.json", "caption.txt"}
    told = json.loads(numbers.read_text())["pictures"]
    assert [item["image"] for item in told] == [pictures[0], pictures[2]]
    assert [row["class"] for row in told[0]["rows"]] == ["sheep", "sky"]


def test_all_well_is_exit_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clusters", "scene:5", "scene:6", "--restarts", "2"]) == 0
    assert capsys.readouterr().out.count("inertia") == 2


@pytest.mark.parametrize("option", ["--figure", "--page"])
def test_one_file_is_for_one_picture(option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / ("a.png" if option == "--figure" else "a.html")
    assert main(["saliency", "scene:1", "scene:2", "--classes", "car, sky", option, str(file)]) == 2
    assert f"{option} is one file, and 2 pictures are given; use --out." in capsys.readouterr().err
    assert not file.exists()


def test_options_that_do_not_apply_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    given = ["attention", "--image", "scene:5", "--prompt", "a car"]
    assert main([*given, "--steps", "5", "--guidance-scale", "3"]) == 0
    said = capsys.readouterr().err
    assert "--steps, --guidance-scale would say how a picture is generated; --image gives one, so it" in said
    assert main(["segmentation", "scene:5", "--classes", "car, sky", "--timestep", "5"]) == 0
    assert "--timestep is not used by maskclip, and is ignored." in capsys.readouterr().err
    assert main([*given, "--steps", "5", "--noise-timestep", "match"]) == 0
    assert "ignored" not in capsys.readouterr().err  # the schedule says which t is matched


@pytest.mark.parametrize("name", ["model.safetensors", "model.ckpt", "ViT-B-16.pt"])
def test_a_single_file_is_told_what_is_needed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Of one that is not there; those that are there are tests/models/test_single_files.py's and test_forms.py's."""
    assert main(["clusters", "scene:5", "--diffusion", name]) == 2
    said = capsys.readouterr().err
    assert f"There is no file '{name}'; give the path of one of safetensors, or a folder" in said


def test_heads_are_kept_and_all_maps_written_as_a_zip(tmp_path: Path) -> None:
    import zipfile

    import numpy as np

    asked = ["--heads", "--out", str(tmp_path), "--zip", str(tmp_path / "maps.zip")]
    assert main(["attention", "--prompt", "a car", "--steps", "1", *asked]) == 0
    with zipfile.ZipFile(tmp_path / "maps.zip") as packed:
        assert any("a-single-head" in name for name in packed.namelist())
    with np.load(tmp_path / "maps.npz") as arrays:
        heads = [name for name in arrays.files if name.startswith("head_maps/generation/")]
        assert len(heads) == len([name for name in arrays.files if name.startswith("maps/generation/")]) > 0
        assert arrays[heads[0]].ndim == 5  # (step, head, token, h, w)
