"""The models' numbers: presence and reconstruction by hand, and a whole evaluation of small random models."""

import json

import numpy as np
import pytest

from inspector import world
from inspector.evaluation import models
from inspector.results import AttentionRequest
from tests.toy_clip import ToyClip
from tests.toys import ToyDiffusion

FIRST = world.EVALUATION_SEEDS.start


def test_a_class_in_every_picture_has_no_area():
    scores = np.array([[0.1, 0.5, 0.3], [0.2, 0.5, 0.3], [0.3, 0.1, 0.3]])
    present = np.array([[False, True, True], [False, True, True], [True, True, False]])
    areas = models.class_aucs(scores, present)
    assert areas[0] == 1
    assert np.isnan(areas[1])
    assert areas[2] == 0.5
    assert models.mean_area(scores, present) == 0.75
    assert np.isnan(models.mean_area(scores[:, 1:2], present[:, 1:2]))


def test_decibels():
    """An error of 25.5 everywhere is 20 dB; of 255 everywhere 0 dB; each picture by itself."""
    images = np.zeros((2, 4, 4, 3), np.uint8)
    copies = np.full((2, 4, 4, 3), 255, np.uint8)
    copies[0] = 0
    copies[0, :2] = 51  # half of the pixels wrong by a fifth: MSE 51^2 / 2
    assert models.decibels(images, copies) == pytest.approx([10 * np.log10(2 * 25), 0])


def test_the_baseline_of_the_autoencoder_keeps_the_means_of_blocks():
    image = np.zeros((1, 16, 16, 3), np.uint8)
    image[:, :8] = 200
    flat = np.full((1, 16, 16, 3), 77, np.uint8)
    assert (models.shrunk(flat) == 77).all()
    coarse = models.shrunk(image)
    assert coarse.shape == image.shape
    assert coarse[0, 0].mean() > 190
    assert coarse[0, -1].mean() < 10
    stripes = np.zeros((1, 16, 16, 3), np.uint8)
    stripes[:, ::2] = 200
    assert (models.shrunk(stripes) == 100).all()


def test_metrics_of_pictures_alone_agree_with_those_of_evaluate(result):
    clip, diffusion = ToyClip(), ToyDiffusion()
    scenes = [world.scene(FIRST + row) for row in range(3)]
    for name, detail in (models.clip_metrics(clip, scenes) | models.autoencoder_metrics(diffusion, scenes)).items():
        assert detail["mean"] == pytest.approx(result[name])


@pytest.fixture(scope="module")
def result():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "load_clip", lambda name, report=None: ToyClip())
        patch.setattr(models, "load_diffusion", lambda name, report=None: ToyDiffusion())
        patch.setattr(AttentionRequest, "steps", 2)
        return models.evaluate(3, FIRST)


def test_every_promised_number_is_there_with_its_spread_and_baselines(result):
    promised = ("retrieval_top1", "presence_auc", "psnr", "found", "found_on_drawn", "colour_right")
    for name in promised:
        assert result[name] is None or isinstance(result[name], float)
        detail = result["details"][name]
        assert {"mean", "std", "ci95", "count", "baselines"} <= set(detail)
        assert detail["mean"] == result[name]
        assert detail["baselines"]
    assert (result["count"], result["seed"]) == (3, FIRST)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    shown = models.table(result)
    assert all(name in shown for name in promised)
