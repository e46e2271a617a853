"""The evaluation of clusters: paired numbers by hand, and a run on two scenes with a small random model."""

import json

import numpy as np
import pytest

from inspector import world
from inspector.errors import ChoiceError
from inspector.evaluation import clusters
from inspector.pipelines import clusters as pipeline
from inspector.results import ClustersRequest
from tests.toys import ToyDiffusion

FIRST = world.EVALUATION_SEEDS.start


@pytest.fixture(scope="module")
def result():
    model = ToyDiffusion()
    told = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clusters, "load_diffusion", lambda name, report=None: model)
        patch.setattr(pipeline, "load_diffusion", lambda name, report=None: model)
        found = clusters.evaluate(2, FIRST, told.append, timesteps=(100, 300), presets=("A", "C"))
    assert [item.step for item in told] == [1, 2]
    return found


def test_differences_are_paired_and_their_interval_is_that_of_the_differences():
    found = clusters.difference(np.array([0.5, 0.9, 0.4]), np.array([0.4, 0.7, 0.1]))
    assert found["mean"] == pytest.approx(0.2)
    assert found["std"] == pytest.approx(0.1)
    assert found["ci95"] == pytest.approx(1.96 * 0.1 / 3**0.5)
    assert found["won"] == 1
    assert found["above"] is True
    worse = clusters.difference(np.array([0.5, 0.1]), np.array([0.4, 0.7]))
    assert worse["won"] == 0.5
    assert worse["above"] is False


def test_one_scene_proves_nothing():
    assert clusters.difference(np.array([0.9]), np.array([0.1]))["above"] is False


def test_the_grid_limit_counts_what_the_grid_cannot_show():
    target = np.zeros((8, 8), np.uint8)
    target[:, 4:] = 1
    assert clusters.grid_limit(target, (2, 2)) == 1
    target[3, 3] = 2
    assert clusters.grid_limit(target, (8, 8)) == 1
    assert clusters.grid_limit(target, (2, 2)) == pytest.approx((31 / 32 + 1 + 0) / 3)


def test_every_method_is_scored_on_every_scene(result):
    assert list(result["methods"]) == ["unet", "rgb", "xy", "rgb+xy", "latents"]
    for scores in result["methods"].values():
        assert set(scores) == set(clusters.SCORES)
        assert all(item["count"] == 2 for item in scores.values())
    assert set(result["differences"]) == {"rgb", "xy", "rgb+xy", "latents"}
    visible = [len(np.unique(world.scene(FIRST + index, 128).labels)) for index in range(2)]
    assert result["k"]["mean"] == np.mean(visible)
    assert 0.5 < result["grid_limit"]["mean"] < 1


def test_the_sweeps_default_row_is_the_headline(result):
    default = ClustersRequest(np.zeros((16, 16, 3), np.uint8))
    rows = {(row["preset"], row["timestep"]): row for row in result["sweep"]}
    assert set(rows) == {("A", 100), ("A", 300), ("C", 100), ("C", 300)}
    row = rows[default.preset, default.timestep]
    assert row["miou"]["mean"] == pytest.approx(result["methods"]["unet"]["miou"]["mean"], abs=0.02)
    assert row["differences"]["rgb"]["mean"] == pytest.approx(result["differences"]["rgb"]["mean"], abs=0.02)


def test_the_numbers_are_json_and_the_table_names_every_method(result):
    json.dumps(result, allow_nan=False)
    text = clusters.table(result)
    for word in (*result["methods"], "preset", "oracle", "±", "won"):
        assert word in text


def test_no_scenes_are_refused():
    with pytest.raises(ChoiceError, match="count is 0"):
        clusters.evaluate(0, FIRST)
