"""--masks: annotations that were corrected elsewhere are what maps are scored by."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inspector.cli import main
from inspector.world import scene


def test_annotations_of_a_result_score_another_method(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "street.png"
    Image.fromarray(scene(504307).image).save(picture)
    asked = ["segmentation", str(picture), "--classes", "car, sky, building"]
    assert main([*asked, "--out", str(tmp_path / "first")]) == 0
    assert "mIoU" not in capsys.readouterr().out  # a file has no masks
    for name in ("coco.json", "label-studio.json"):
        assert main([*asked, "--masks", str(tmp_path / "first" / name)]) == 0
        assert "mIoU 1.000, pixel accuracy 1.000" in capsys.readouterr().out  # the same method, scored by itself
    assert main([*asked, "--method", "gradcam", "--masks", str(tmp_path / "first" / "coco.json")]) == 0
    told = capsys.readouterr().out
    assert 0 < float(told.partition("mIoU ")[2][:5]) < 1


def test_masks_that_cannot_be_are_refused_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture, small = tmp_path / "picture.png", tmp_path / "small.png"
    Image.fromarray(np.zeros((64, 96, 3), np.uint8)).save(picture)
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(small)
    assert main(["segmentation", str(small), "--classes", "car, sky", "--out", str(tmp_path / "small")]) == 0
    capsys.readouterr()
    masks = str(tmp_path / "small" / "coco.json")
    for words, said in (
        (["segmentation", str(picture), "--classes", "car", "--masks", masks], "96"),
        (["segmentation", str(picture), str(small), "--classes", "car", "--masks", masks], "one picture"),
        (["saliency", str(picture), "--classes", "car", "--masks", str(picture)], "annotations"),
        (["attention", "--prompt", "a car", "--masks", masks], "--image"),
    ):
        assert main(words) == 2
        error = capsys.readouterr().err
        assert said in error
        assert len(error.strip().splitlines()) == 1
