"""Masks of points and boxes measured: prompts and GrabCut's by hand, and a run with a model that knows the answers."""

import json
from typing import Any

import numpy as np
import pytest

from inspector import world
from inspector.errors import ChoiceError
from inspector.evaluation import prompted, prompted_readme
from inspector.models.checksums import fingerprint
from inspector.models.protocols import PictureEmbedding
from inspector.settings import ASSETS

FIRST = world.EVALUATION_SEEDS.start


class Knowing:
    """Answers a box with itself, and a point with the true mask it is innermost in, second of three."""

    revision = "abc"

    def embed(self, image: np.ndarray) -> PictureEmbedding:
        self.image = image
        self.masks = next(
            [item.mask for item in scene.instances]
            for scene in map(world.scene, range(FIRST, FIRST + 2))
            if np.array_equal(scene.image, image)
        )
        return PictureEmbedding(None, image.shape[:2])  # type: ignore[arg-type]

    def ask(self, embedding: Any, points_yx: Any = None, labels: Any = None, box_xyxy: Any = None) -> Any:
        if box_xyxy is not None:
            return prompted.filled(box_xyxy, embedding.size)[None], np.array([0.5])
        (true,) = [mask for mask in self.masks if prompted.innermost(mask) == tuple(points_yx[0])][:1]
        none = np.zeros_like(true)
        return np.stack([none, true, none]), np.array([0.9, 0.8, 0.7])


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    told: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prompted, "load_promptable", lambda name: Knowing())
        found = prompted.evaluate(2, FIRST, told.append)
    assert [item.step for item in told] == [1, 2]
    return found


def test_what_is_surest_counts_and_the_best_of_three_stands_beside_it(result: dict[str, Any]) -> None:
    point, box = result["found"]["point"], result["found"]["box"]
    assert point["segmenter"]["all"]["mean"] == 0
    assert point["best of three"]["all"]["mean"] == 1
    assert point["error of the expected IoU"]["all"]["mean"] == pytest.approx(0.9)
    assert box["segmenter"] == box["the box, filled"]
    assert 0.2 < box["segmenter"]["all"]["mean"] < 0.9
    assert 0.2 < box["GrabCut"]["all"]["mean"] < 1
    assert point["GrabCut"]["all"]["count"] == 2  # scenes
    assert sum(result["masks"][size] for size in prompted.SIZES) == result["masks"]["all"]
    assert json.loads(json.dumps(result)) == result


def test_the_table_has_a_row_for_each_prompt_and_method(result: dict[str, Any]) -> None:
    rows = list(prompted.told(result | {"model": "scenes-sam"}))
    assert [(row["prompt"], row["method"]) for row in rows][:2] == [("point", "scenes-sam"), ("point", "best of three")]
    assert rows[1]["all"] == "1.000 ± 0.000"
    assert "GrabCut" in prompted.table(result)
    lines = prompted_readme.render(result).splitlines()
    assert lines[2].count("|") == lines[3].count("|") == lines[-1].count("|")
    numbers = prompted.card_numbers(result)
    assert list(numbers)[:2] == ["mIoU of a point", "mIoU of a point, GrabCut"]


def test_the_innermost_pixel_and_the_box_of_a_mask() -> None:
    mask = np.zeros((9, 12), bool)
    mask[2:7, 3:8] = True
    assert prompted.innermost(mask) == (4, 5)
    assert prompted.box_around(mask) == (3, 2, 8, 7)
    edge = np.zeros((9, 12), bool)
    edge[:, 9:] = True
    assert prompted.innermost(edge)[1] == 10  # what is beyond the picture is not in the mask
    assert prompted.filled((3, 2, 8, 7), mask.shape).sum() == mask.sum()


def test_grabcut_takes_a_square_of_another_colour_out_of_a_box_and_around_a_point() -> None:
    image = np.random.default_rng(0).integers(0, 20, (64, 64, 3), np.uint8)
    image[20:40, 24:44] += 200
    mask = np.zeros((64, 64), bool)
    mask[20:40, 24:44] = True
    assert np.array_equal(prompted.grabcut_of_box(image, (18, 14, 50, 48)), mask)
    assert np.array_equal(prompted.grabcut_of_point(image, (30, 34)), mask)
    assert np.array_equal(prompted.grabcut_of_box(image, (18, 14, 50, 48)), mask)  # the same each time
    assert prompted.grabcut_of_box(image, (0, 0, 64, 64)).all()  # nothing is known to be background


def test_a_count_that_is_none_is_refused() -> None:
    with pytest.raises(ChoiceError, match="count is 0"):
        prompted.evaluate(0, FIRST)


def test_readme_tells_what_was_measured_on_the_weights_that_are_shipped() -> None:
    kept = prompted_readme.read()
    assert kept["revision"] == fingerprint(ASSETS / "models" / kept["model"])
    text = prompted_readme.README.read_text("utf-8")
    assert f"{prompted_readme.START}\n{prompted_readme.render(kept)}{prompted_readme.STOP}" in text
