"""Sources of a run and the files the page sends."""

import base64
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from inspector.errors import ChoiceError, ImageError
from inspector.ui import scenes
from inspector.ui.pictures import data_url, resolve, save, upload, uploaded
from tests.views import samples


def test_a_scene_brings_its_masks_only_with_its_own_picture(tmp_path: Path) -> None:
    seed = scenes.STREET
    image, masks = resolve(scenes.file(seed), seed)
    assert (image == scenes.get(seed).image).all()
    assert set(masks) == set(scenes.get(seed).masks)
    Image.fromarray(scenes.get(seed).image[:, ::-1]).save(tmp_path / "mirrored.png")
    assert resolve(str(tmp_path / "mirrored.png"), seed)[1] == {}
    assert resolve(scenes.file(seed), None)[1] == {}


def test_a_script_may_name_the_scene_alone_but_the_page_may_not() -> None:
    assert resolve(None, scenes.STREET)[0].shape == (256, 256, 3)
    with pytest.raises(ImageError, match="choose a drawn scene or upload"):
        uploaded(resolve)(None, scenes.STREET)
    with pytest.raises(ImageError, match="There is no image"):
        resolve(None, None)


@pytest.mark.parametrize("seed", [-1, 1.5, 2**40])
def test_an_odd_scene_number_is_refused(seed: float) -> None:
    with pytest.raises(ChoiceError, match=r"scene is .*; use a whole number from 0"):
        resolve(None, seed)


def test_data_urls_are_decoded_under_the_same_limits() -> None:
    with open(scenes.file(scenes.STREET), "rb") as file:
        url = "data:image/png;base64," + base64.b64encode(file.read()).decode()
    assert (resolve(url, None)[0] == scenes.get(scenes.STREET).image).all()
    with pytest.raises(ImageError, match="is damaged"):
        resolve("data:image/png;base64,@@@", None)
    with pytest.raises(ImageError, match="not a picture"):
        resolve("data:image/png;base64,aGVsbG8=", None)
    with pytest.raises(ImageError, match="too large"):
        resolve("data:image/png;base64," + "A" * 30_000_000, None)


def test_an_upload_is_handed_over_undecoded(tmp_path: Path) -> None:
    from gradio.data_classes import ImageData

    component = upload(label="image")
    (tmp_path / "bad.png").write_text("no picture")
    assert component.preprocess(ImageData(path=str(tmp_path / "bad.png"))) == str(tmp_path / "bad.png")
    assert component.preprocess(ImageData(url="data:image/png;base64,AAAA")) == "data:image/png;base64,AAAA"
    assert component.preprocess(None) is None


def test_saved_pictures_are_named_by_content_and_exact_as_png(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8)
    path = save(pixels, tmp_path)
    assert save(pixels, tmp_path) == path
    assert (cv2.imread(path)[..., ::-1] == pixels).all()
    assert [item.name for item in Path(path).parent.iterdir()] == ["picture.png"]  # nothing half-written is left


def test_page_pictures_keep_the_borders_of_cells_sharp(tmp_path: Path) -> None:
    cells = np.zeros((64, 64, 3), np.uint8)
    cells[:, :33], cells[:, 33:] = (213, 94, 0), (0, 114, 178)
    seen = cv2.imread(save(cells, tmp_path, "jpg"))[..., ::-1].astype(int)
    assert np.abs(seen - cells).max() < 40


def test_previews_are_small() -> None:
    assert data_url(samples.image(128, 128)).startswith("data:image/jpeg;base64,")
    assert len(data_url(samples.image(128, 128))) < 8000
