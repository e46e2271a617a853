"""`evaluate --dataset`: what it writes, what is wrong with pictures, and options that do not go together."""

import csv
import json
import shlex

import numpy as np
import pytest

from inspector.cli import datasets, main
from inspector.evaluation.datasets import FORMATS
from inspector.views.archive import load_result
from tests.evaluation.datasets import making


@pytest.fixture
def root(tmp_path):
    making.folder(tmp_path / "set", 8, side=4)
    return tmp_path / "set"


def evaluate(root, out, *more: str, subject: str = "segmentation") -> int:
    return main(["evaluate", subject, "--dataset", "folder", "--root", str(root), "--out", str(out), *more])


def lines(out) -> dict[str, dict[str, str]]:
    with (out / "pictures.csv").open(encoding="utf-8", newline="") as opened:
        return {row["key"]: row for row in csv.DictReader(opened)}


def test_a_data_set_is_measured_and_its_extremes_open_again(root, tmp_path, clip, capsys):
    out = tmp_path / "out"
    assert evaluate(root, out, *clip, "--method", "gradcam", "--count", "4") == 0
    found, told = lines(out), capsys.readouterr().out
    assert list(found) == ["p0", "p1", "p2", "p3"]
    result = json.loads((out / "result.json").read_text("utf-8"))
    assert f"miou            {result['metrics']['miou']['mean']:.3f}" in told
    assert all(row["error"] == "" and float(row["seconds"]) > 0 for row in found.values())
    worst = min(found, key=lambda key: float(found[key]["miou"]))
    assert float(found[result["worst"][0]]["miou"]) == float(found[worst]["miou"])
    shown = load_result(out / "worst" / "1")  # the file that the page opens
    assert shown.request.method == "gradcam"
    assert set(shown.request.masks) <= {"cat", "dog"}
    with np.load(out / "worst/1/maps.npz") as kept:  # grids, and nothing of a class at the picture's size but masks
        assert "scores" not in kept
    summary = (out / "summary.md").read_text("utf-8")
    commands = [shlex.split(line) for line in summary.splitlines() if line.startswith("python -m inspector")]
    assert len(commands) == 6
    file = str(root / "images" / f"{result['worst'][0]}.png")
    assert commands[0][:5] == ["python", "-m", "inspector", "segmentation", file]
    assert "worst/1/figure.png" in summary


def test_what_is_wrong_with_pictures_is_a_line_each_and_the_exit_code_says_so(root, tmp_path, clip, capsys):
    expected, out = making.spoil(root), tmp_path / "out"
    assert evaluate(root, out, *clip) == 2
    found, said = lines(out), capsys.readouterr()
    for key, row in found.items():
        assert expected.get(key, "") in row["error"]
        assert bool(row["error"]) == (key in expected)
        assert (row["miou"] == "") == (key in expected)
    assert [line for line in said.err.splitlines() if line] == [
        "inspector: 6 of 8 pictures could not be measured, as said above; the others are done."
    ]
    assert all(f"{key}: " in said.out for key in expected)
    making.mask(root / "masks/p1.png", making.halves(0, 1).repeat(4, 0).repeat(4, 1))  # mended, and asked again
    assert evaluate(root, out, *clip) == 2
    assert lines(out)["p1"]["error"] == ""


@pytest.mark.parametrize("subject", ["attention", "clusters"])
def test_other_subjects_have_their_own_scores(root, tmp_path, diffusion, subject):
    out = tmp_path / "out"
    assert evaluate(root, out, *diffusion, "--count", "1", "--timestep", "50", subject=subject) == 0
    name = {"attention": "pointing", "clusters": "ari"}[subject]
    assert float(lines(out)["p0"][name]) <= 1
    assert (out / "best/1/maps.npz").is_file()


def test_another_question_in_the_same_folder_is_refused(root, tmp_path, clip, capsys):
    assert evaluate(root, tmp_path / "out", *clip, "--count", "1") == 0
    assert evaluate(root, tmp_path / "out", *clip, "--count", "1", "--background", "0.5") == 2
    assert "another options; choose another --out" in capsys.readouterr().err


GIVEN = ["--dataset", "voc", "--root", "nowhere", "--out", "OUT"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["segmentation", "--root", "x"], "--root goes with --dataset"),
        (["segmentation", *GIVEN[:4]], "--dataset needs --out DIR"),
        (["models", *GIVEN], "measures a tab"),
        (["saliency", *GIVEN, "--method", "gradcam"], "--method goes with segmentation"),
        (["saliency", *GIVEN], "There is no folder 'nowhere'"),
        (["saliency", *GIVEN, "--readme"], "--readme goes with drawn scenes"),
        (["saliency", "--dataset", "kitti"], "invalid choice: 'kitti'"),
    ],
)
def test_options_that_cannot_be_used_are_told(arguments, told, tmp_path, capsys):
    assert main(["evaluate", *(item.replace("OUT", str(tmp_path)) for item in arguments)]) == 2
    assert told in capsys.readouterr().err


def test_the_options_name_the_formats_that_there_are(capsys):
    assert tuple(FORMATS) == datasets.FORMATS
    assert main(["evaluate", "--help"]) == 0
    help_ = " ".join(capsys.readouterr().out.split())
    for name, (_, sizes) in FORMATS.items():
        assert not sizes or f"{name} {', '.join(map(str, sizes))}" in help_


def test_an_unknown_engine_and_workers_of_a_loop_are_told(root, tmp_path, clip, capsys):
    assert evaluate(root, tmp_path / "out", *clip, "--engine", "spark") == 2
    assert "use one of plain, ray" in capsys.readouterr().err
    assert evaluate(root, tmp_path / "out", *clip, "--workers", "2") == 2
    assert "2 workers need --engine ray" in capsys.readouterr().err
