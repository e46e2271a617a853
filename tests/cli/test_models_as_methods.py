"""Segmenters and imported heads as methods of `segmentation` and of `evaluate segmentation --dataset`."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from inspector.analysis.vocabulary import other_words
from inspector.cli import main
from inspector.models.checksums import fingerprint
from inspector.models.segmenters import sam
from inspector.results import CLIP_ES_BACKGROUND
from inspector.views.archive import load_result
from tests.evaluation.datasets import making
from tests.models.small_heads import PLAIN, head_folders
from tests.models.small_segmenters import COLOURS, PUBLISHED, SIZES, segmenter_folders

__all__ = ["head_folders", "segmenter_folders"]

STREET = ["segmentation", "scene:504307", "--classes", "cars, tree/palm, sky"]
PAIR = ["--clip", PLAIN["clip"], "--diffusion", PLAIN["diffusion"]]


@pytest.fixture
def all_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segment Anything of random weights is sure of nothing; here it keeps what three points a side give."""
    monkeypatch.setattr(sam, "Keeping", lambda: KEPT)


KEPT = sam.Keeping(points=3, sure=-9, stable=-1, overlap=0.9)


@pytest.mark.usefixtures("all_masks")
@pytest.mark.parametrize("family", ["clipseg", "maskformer", "mask2former", "sam"])
def test_a_segmenter_labels_a_street(
    family: str, segmenter_folders: dict[str, Path], clip: list[str], tmp_path: Path
) -> None:
    folder = segmenter_folders[family]
    asked = ["--method", "segmenter", "--segmenter", str(folder), "--out", str(tmp_path)]
    assert main([*STREET, *asked, *clip]) == 0
    told = json.loads((tmp_path / "result.json").read_text("utf-8"))
    name = told["request"]["segmenter"]
    assert name.startswith("local:")
    assert told["request"]["method"] == "segmenter"
    models = told["provenance"]["models"]
    assert models[name] == fingerprint(folder)
    by_clip = [other for other in models if other != name]
    assert bool(by_clip) == (family == "sam")
    result = load_result(tmp_path)
    assert result.labels.shape == (256, 256)
    assert set(np.unique(result.labels)) <= {0, 1, 2, 3}
    assert set(result.metrics["iou"]) <= {"cars", "tree", "sky"}
    assert (result.proposals is None) == (family == "clipseg")
    if result.proposals is not None:
        made = np.einsum("qk,qhw->khw", result.proposals.named((0, 0)), result.proposals.masks.astype(np.float32))
        np.testing.assert_allclose(result.grid_scores, made / max(1, made.max()), atol=2e-3)  # masks are kept in halves
    caption = (tmp_path / "caption.txt").read_text("utf-8")
    whose = {"clipseg": "a mask for each class", "sam": f"its masks named by {''.join(by_clip)}"}
    assert f"{name}, {whose.get(family, 'its masks named by its own labels')}" in caption


@pytest.mark.slow
@pytest.mark.usefixtures("all_masks")
@pytest.mark.parametrize("name", PUBLISHED)
def test_a_segmenter_of_the_published_configuration_labels_a_street(
    name: str, tokenizer_folder: Path, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    folder = tmp_path / name
    model = PUBLISHED[name]().eval()
    labels = model.config.id2label
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(SIZES[name] | COLOURS))
    if name == "clipseg":
        shutil.copytree(tokenizer_folder, folder, dirs_exist_ok=True)
    classes = "car, sky" if name in ("clipseg", "sam-vit-base") else ", ".join([labels[0], labels[3]])
    asked = ["--method", "segmenter", "--segmenter", str(folder), "--out", str(tmp_path / "out")]
    assert main(["segmentation", "scene:504307", "--classes", classes, *asked, *PAIR]) == 0
    result = load_result(tmp_path / "out")
    assert np.isfinite(result.grid_scores).all()
    sizes = {"clipseg": (352, 352), "maskformer-ade": (160, 160), "mask2former-ade": (96, 96)}
    assert result.grid_scores.shape[1:] == sizes.get(name, (256, 256))


def test_a_class_without_a_label_is_told(
    segmenter_folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--method", "segmenter", "--segmenter", str(segmenter_folders["maskformer"])]
    assert main(["segmentation", "scene:504307", "--classes", "car, house, sun", *asked, "--out", str(tmp_path)]) == 0
    warning = json.loads((tmp_path / "result.json").read_text("utf-8"))["provenance"]["warning"]
    assert warning.endswith("has no label for house, sun: their scores are nought.")
    assert main(["segmentation", "scene:504307", "--classes", "house, sun", *asked]) == 2
    told = capsys.readouterr().err
    assert "knows 4 labels, and none of the classes is one of them; ask for some of sky, car, tree, palm, or" in told
    assert told.count("\n") == 2  # that, and what was told of the first


@pytest.mark.parametrize("family", ["odise", "san"])
def test_an_imported_head_labels_a_street(family: str, head_folders: dict[str, Path], tmp_path: Path) -> None:
    asked = ["--method", family, "--head", str(head_folders[family]), "--side", "128", "--out", str(tmp_path)]
    assert main([*STREET, "--classes", "cars, palm, sky", *asked, *PAIR]) == 0
    told = json.loads((tmp_path / "result.json").read_text("utf-8"))
    name = f"local:my-{family}"
    assert told["request"]["head"] == name
    assert told["provenance"]["models"][name] == fingerprint(head_folders[family])
    assert len(told["provenance"]["models"]) == (3 if family == "odise" else 2)
    assert "weights " + ("CC BY-NC-SA 4.0" if family == "odise" else "MIT") in told["provenance"]["told"][name]
    result = load_result(tmp_path)
    found = result.proposals
    assert found.seen.tolist() == [1, 1 if family == "san" else 0, 1]  # SAN weighs none by it
    assert (found.clip is None) == (family == "san")
    # Masks at a quarter of the size, or at one of the side network's patches.
    assert found.masks.shape[1:] == ((32, 32) if family == "odise" else (8, 8))
    made = np.einsum("qk,qhw->khw", found.named((0.3, 0.7), shares=True), found.masks.astype(np.float32))
    np.testing.assert_allclose(result.grid_scores, made / max(1, made.max()), atol=2e-3)
    assert f"the imported head {name}, on " in (tmp_path / "caption.txt").read_text("utf-8")


def test_background_words_compete_with_the_labels_and_names_there_are(
    segmenter_folders: dict[str, Path], head_folders: dict[str, Path], tmp_path: Path
) -> None:
    for number, asked in enumerate(
        (
            ["--method", "segmenter", "--segmenter", str(segmenter_folders["mask2former"])],
            ["--method", "san", "--head", str(head_folders["san"])],
        )
    ):
        out = tmp_path / str(number)
        assert main([*STREET, *asked, "--background-rule", "words", *PAIR, "--out", str(out)]) == 0
        result = load_result(out)
        assert len(result.grid_scores) == 3
        words = len(other_words(CLIP_ES_BACKGROUND, result.request.classes)) if number else 0  # labels are its own
        assert result.proposals.head.shape[1] == 3 + words


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            ["--method", "segmenter", "--segmenter", "sd3"],
            "no segmenter model named 'sd3'; choose one of scenes-sam, clipseg",
        ),
        (
            ["--method", "segmenter", "--segmenter", "CLIP"],
            "holds a CLIP; give it by --clip, and a",
        ),
        (["--method", "odise", "--head", "odise-2"], "head is 'odise-2'; use one of odise, odise-no-captioner"),
        (["--method", "odise", "--head", "SAN"], "is of san, and the method is odise; choose the method san"),
        (["--method", "san", "--head", "OTHER"], "and the head was trained on 12, 2 and 5; choose the CLIP it was"),
        (["--method", "odise", "--head", "local:gone"], "There is no imported head named 'local:gone'"),
        (
            ["--method", "odise", "--head", "head.safetensors"],
            "There is no file 'head.safetensors'; give",
        ),
        (["--method", "odise", "--head", "EMPTY"], "is empty; give a folder that holds a model."),
        (["--method", "odise", "--head", "ODISE", "--diffusion", "DIFFUSION"], "has other features than the head's;"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(
    asked: list[str],
    told: str,
    head_folders: dict[str, Path],
    clip_folder: Path,
    diffusion_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folders = {"SAN": head_folders["san"], "OTHER": head_folders["other"], "ODISE": head_folders["odise"]}
    places = folders | {"CLIP": clip_folder, "DIFFUSION": diffusion_folder, "EMPTY": tmp_path}
    assert main([*STREET, *PAIR, *(str(places.get(word, word)) for word in asked)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert told in said[-1]
    assert sum(not line.startswith("inspector: --") for line in said) == 1


def test_options_of_other_methods_are_told(
    segmenter_folders: dict[str, Path], clip: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--segmenter", str(segmenter_folders["sam"]), "--head", "odise-no-unet"]
    assert main([*STREET, *clip, *asked]) == 0
    assert "--head, --segmenter is not used by maskclip, and is ignored" in capsys.readouterr().err
    assert main([*STREET, *PAIR, "--method", "san", "--head", "odise-no-unet"]) == 0
    assert "--diffusion, --head is not used by san, and is ignored" in capsys.readouterr().err


@pytest.mark.usefixtures("all_masks")
@pytest.mark.parametrize(("method", "option", "name"), [("segmenter", "--segmenter", "sam"), ("san", "--head", "san")])
def test_a_data_set_is_measured_by_them(
    method: str,
    option: str,
    name: str,
    segmenter_folders: dict[str, Path],
    head_folders: dict[str, Path],
    tmp_path: Path,
) -> None:
    making.folder(tmp_path / "set", 2, side=4)
    folder = {**segmenter_folders, **({"san": head_folders["san"]} if name == "san" else {})}[name]
    of = ["evaluate", "segmentation", "--dataset", "folder", "--root", str(tmp_path / "set")]
    assert main([*of, "--method", method, option, str(folder), *PAIR, "--out", str(tmp_path / "out")]) == 0
    told: dict[str, Any] = json.loads((tmp_path / "out/result.json").read_text("utf-8"))
    assert told["options"][option[2:]].startswith("local:")
    assert told["models"][told["options"][option[2:]]] == fingerprint(folder)
    assert 0 <= told["metrics"]["pixel_accuracy"]["mean"] <= 1


def test_a_folder_that_the_page_is_to_offer_is_looked_at_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--model", str(tmp_path / "nowhere")]) == 2
    assert "is no folder and no model; choose one of scenes-clip" in capsys.readouterr().err
    assert main(["serve", "--model", str(tmp_path)]) == 2
    assert "is empty; give a folder that holds a model." in capsys.readouterr().err
