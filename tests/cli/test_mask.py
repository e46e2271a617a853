"""`mask`: a click on the command line, as a file that other commands score maps by."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inspector.cli import main
from inspector.views.annotations import read_masks
from inspector.world import scene

SEED = 504307


def test_a_box_gives_a_mask_that_maps_are_scored_by(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mask = scene(SEED).masks["building"]
    rows, columns = np.nonzero(mask)
    box = f"{columns.min()},{rows.min()},{columns.max() + 1},{rows.max() + 1}"
    words = ["mask", f"scene:{SEED}", "--box", box, "--word", "building", "--out", str(tmp_path)]
    assert main(words) == 0
    assert "of the picture, expected IoU 0." in capsys.readouterr().out
    found = read_masks(tmp_path / "masks.json")["building"]
    assert found.shape == mask.shape
    with Image.open(tmp_path / "mask.png") as drawn:
        assert np.array_equal(np.asarray(drawn)[..., 0] > 127, found)
        assert json.loads(drawn.info["inspector"])["request"]["model"] == "scenes-sam"
    told = json.loads((tmp_path / "result.json").read_text("utf-8"))
    assert told["mask"]["word"] == "building"
    assert told["mask"]["share"] == pytest.approx(found.mean())
    again = ["saliency", f"scene:{SEED}", "--classes", "building", "--masks", str(tmp_path / "masks.json")]
    assert main([*again, "--json", str(tmp_path / "scores.json")]) == 0
    assert json.loads((tmp_path / "scores.json").read_text("utf-8"))["rows"][0]["ap"] > 0


def test_points_say_more_together_and_json_goes_where_it_is_wanted(tmp_path: Path) -> None:
    file = tmp_path / "mask.json"
    assert main(["mask", "scene:7", "--point", "120,80", "--not-point", "5.5,9", "--json", str(file)]) == 0
    request = json.loads(file.read_text("utf-8"))["request"]
    assert request["points"] == [[120, 80], [5.5, 9]]
    assert request["labels"] == [1, 0]
    assert request["scene"] == 7


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["scene:7"], "Nothing says what the mask is of"),
        (["scene:7", "--point", "4"], "--point is '4'; give 2 numbers with commas, such as 120,80."),
        (["scene:7", "--box", "1,2,x,4"], "--box is '1,2,x,4'; give 4 numbers with commas, such as 40,60,200,180."),
        (["scene:7", "--point", "4,999"], "x of a point is 999"),
        (["scene:7", "--point", "4,4", "--segmenter", "clipseg"], "takes no points and boxes; use one of scenes-sam"),
        (["scene:7", "--point", "4,4", "--segmenter", "none"], "no segmenter model named 'none'"),
        (["scene:7", "--point", "4,4", "--word", "w" * 99], "--word has 99 characters"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mask", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) == 1
