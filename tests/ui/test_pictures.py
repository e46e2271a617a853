"""Sources of a run and the files the page sends."""

import hashlib
from pathlib import Path

import cv2
import gradio as gr
import numpy as np
import pytest
from PIL import Image

from inspector.errors import ChoiceError, ImageError
from inspector.ui import scenes
from inspector.ui.pictures import UPLOADS, Uploads, data_url, picture_hash, resolve, save
from tests.views import samples


@pytest.fixture(autouse=True)
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The upload folder, in which pictures may lie."""
    monkeypatch.setattr(gr.utils, "get_upload_folder", lambda: str(tmp_path))
    monkeypatch.setattr(scenes, "folder", lambda: tmp_path)
    return tmp_path


def test_a_scene_brings_its_masks_only_with_its_own_picture(tmp_path: Path) -> None:
    seed = scenes.STREET
    found = resolve(scenes.file(seed), seed)
    assert (found["image"] == scenes.get(seed).image).all()
    assert set(found["masks"]) == set(scenes.get(seed).masks)
    assert found["scene"] == seed
    Image.fromarray(scenes.get(seed).image[:, ::-1]).save(tmp_path / "mirrored.png")
    for other in (resolve(str(tmp_path / "mirrored.png"), seed), resolve(scenes.file(seed), None)):
        assert other["masks"] == {}
        assert "scene" not in other


def test_a_number_that_was_just_typed_wins_over_the_scene_before_it() -> None:
    found = resolve(scenes.file(scenes.STREET), scenes.HORSE)
    assert found["scene"] == scenes.HORSE
    assert (found["image"] == scenes.get(scenes.HORSE).image).all()


def test_a_picture_that_was_swept_away_is_drawn_again() -> None:
    assert resolve("/nowhere/picture.png", scenes.HORSE)["scene"] == scenes.HORSE
    with pytest.raises(ImageError):
        resolve("/nowhere/picture.png", None)


def test_a_scene_may_be_named_alone_and_nothing_at_all_is_refused() -> None:
    assert resolve(None, scenes.STREET)["image"].shape == (256, 256, 3)
    with pytest.raises(ImageError, match="There is no image"):
        resolve(None, None)


@pytest.mark.parametrize("seed", [-1, 1.5, 2**40])
def test_an_odd_scene_number_is_refused(seed: float) -> None:
    with pytest.raises(ChoiceError, match=r"scene is .*; use a whole number from 0"):
        resolve(None, seed)


def test_a_picture_elsewhere_is_not_read(tmp_path: Path) -> None:
    outside = tmp_path.parent / "outside.png"
    Image.fromarray(samples.image()).save(outside)
    with pytest.raises(ImageError, match="was not uploaded here"):
        resolve(str(outside), None)


def test_saved_pictures_have_a_name_that_nobody_can_work_out_and_are_exact_as_png(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8)
    path = save(pixels, tmp_path)
    assert save(pixels, tmp_path) == path
    with open(path, "rb") as file:
        content = hashlib.sha256(file.read()).hexdigest()
    assert Path(path).parent.name not in (content, picture_hash(pixels), hashlib.sha256(pixels.tobytes()).hexdigest())
    assert (cv2.imread(path)[..., ::-1] == pixels).all()
    assert [item.name for item in Path(path).parent.iterdir()] == ["picture.png"]  # nothing half-written is left


def test_an_upload_is_kept_under_its_content(tmp_path: Path) -> None:
    image = samples.image()
    Image.fromarray(image).save(tmp_path / "own.png")
    resolve(str(tmp_path / "own.png"), None)
    assert (UPLOADS.get(picture_hash(image)) == image).all()
    assert picture_hash(image) != picture_hash(image[:, ::-1])
    assert picture_hash(image) != picture_hash(image.reshape(image.shape[1], image.shape[0], 3))


def test_uploads_are_bounded_and_ask_for_what_is_gone() -> None:
    kept = Uploads(size=2 * samples.image().nbytes)
    keys = [kept.put(np.full_like(samples.image(), value)) for value in (1, 2)]
    kept.get(keys[0])
    kept.put(np.full_like(samples.image(), 3))
    assert kept.get(keys[0]).max() == 1
    with pytest.raises(ImageError, match="no longer kept here; upload it again"):
        kept.get(keys[1])


def test_previews_are_small() -> None:
    assert data_url(samples.image(128, 128)).startswith("data:image/jpeg;base64,")
    assert len(data_url(samples.image(128, 128))) < 8000
