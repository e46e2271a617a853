"""The evaluation of saliency agrees with the pipeline, and its baselines with what is known of them."""

import json

import numpy as np
import pytest

from inspector import world
from inspector.evaluation import saliency as evaluation
from inspector.evaluation.colours import ClassColours
from inspector.pipelines import saliency as pipeline
from inspector.results import SaliencyRequest
from tests.toy_clip import ToyClip

SEED = world.EVALUATION_SEEDS.start


@pytest.fixture(autouse=True)
def model(monkeypatch):
    toy = ToyClip()
    monkeypatch.setattr(evaluation, "load_clip", lambda name, report=None: toy)
    monkeypatch.setattr(pipeline, "load_clip", lambda name, report=None: toy)
    count = len(world.CLASSES)
    colours = ClassColours(np.random.default_rng(0).uniform(0, 255, (count, 3)), np.arange(count) / count)
    monkeypatch.setattr(evaluation, "class_colours", lambda: colours)
    return toy


@pytest.mark.parametrize("pooling", ["class", "mean"])
def test_numbers_are_those_of_the_pipeline(pooling):
    scene = world.scene(SEED)
    rows = pipeline.run(SaliencyRequest(scene.image, tuple(scene.masks), pooling=pooling, masks=scene.masks)).metrics
    result = evaluation.evaluate(1, SEED)
    method = f"{pooling}, present"
    assert {row["class"] for row in rows} == set(result["classes"]) == set(scene.masks)
    for row in rows:
        assert result["classes"][row["class"]][method] == pytest.approx(row["ap"])
        assert result["classes"][row["class"]]["chance"] == pytest.approx(row["chance"])
    assert result["iou"][method]["mean"] == pytest.approx(np.mean([row["iou"] for row in rows]))
    assert result["pointing"][method]["mean"] == pytest.approx(np.mean([row["pointing"] for row in rows]))


def test_all_words_compete_when_the_vocabulary_is_the_world():
    scene = world.scene(SEED)
    shown = tuple(scene.masks)
    everything = pipeline.run(SaliencyRequest(scene.image, world.CLASSES, masks=scene.masks))
    expected = {row["class"]: row["ap"] for row in everything.metrics}
    result = evaluation.evaluate(1, SEED)
    assert {word: result["classes"][word]["mean, all"] for word in shown} == pytest.approx(expected)


def test_perfect_maps_score_one(monkeypatch):
    def perfect(model, texts, image, words):
        scene = next(item for item in (world.scene(SEED), world.scene(SEED + 1)) if (item.image == image).all())
        return {"perfect": np.stack([scene.masks[word] for word in words]).astype(np.float32)}

    monkeypatch.setattr(evaluation, "cam_maps", perfect)
    result = evaluation.evaluate(2, SEED)
    for measure in ("pointing_things", "pointing", "ap", "iou", "iou_best"):
        assert result[measure]["perfect"]["mean"] == 1
        assert result[measure]["perfect"]["ci95"] == 0
        assert result[measure]["baselines"]["chance"]["mean"] < 1
    assert "perfect" in evaluation.table(result)


def test_result_is_json_with_progress_and_spread():
    seen = []
    result = evaluation.evaluate(2, SEED, seen.append)
    assert [item.step for item in seen] == [0, 1]
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert set(result["ap"]["mean, present"]) == {"mean", "std", "ci95", "count"}
    assert set(result["ap"]["baselines"]) == {"centre prior", "class colour", "chance"}
