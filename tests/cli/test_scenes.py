"""`scenes` writes what it says, and the labels it writes are those of the scenes."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inspector import world
from inspector.cli import scenes
from inspector.errors import InputError


def run(*arguments: str) -> None:
    parser = argparse.ArgumentParser()
    scenes.add_arguments(parser)
    scenes.run(parser.parse_args(arguments))


def test_pictures_masks_captions_and_a_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("--count", "3", "--seed", "500000", "--size", "64", "--out", str(tmp_path))
    lines = [json.loads(line) for line in (tmp_path / "captions.jsonl").read_text().splitlines()]
    assert [line["seed"] for line in lines] == [500_000, 500_001, 500_002]
    for line in lines:
        drawn = world.scene(line["seed"], 64)
        assert line["caption"] == drawn.caption
        with Image.open(tmp_path / "images" / line["file"]) as picture:
            assert np.array_equal(np.asarray(picture), drawn.image)
        with Image.open(tmp_path / "masks" / line["file"]) as labels:
            assert labels.mode == "P"
            assert np.array_equal(np.asarray(labels), drawn.labels)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 2 * 192
    told = capsys.readouterr().out
    assert "3 scenes of 64 px" in told
    assert all(word in told for word in world.CLASSES)


@pytest.mark.parametrize("wrong", [("--count", "0"), ("--seed", "-1"), ("--size", "32")])
def test_bad_numbers_are_refused_before_anything_is_written(tmp_path: Path, wrong: tuple[str, str]) -> None:
    with pytest.raises(InputError):
        run(*wrong, "--out", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
