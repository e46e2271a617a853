"""The verdict as a whole on a random model: what must hold of any model, and that it says the same twice."""

import json
from typing import Any

import pytest

from inspector.errors import ChoiceError
from inspector.evaluation import verdict, verdict_passes, verdict_readme
from inspector.results import GENERATION, LATENT, MEAN_OF_SEEDS, NOISE_ONCE, Progress
from tests.toys import ToyDiffusion


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A random model under every name, with short schedules."""
    few(monkeypatch)


def few(patch: pytest.MonkeyPatch) -> None:
    model = ToyDiffusion()
    patch.setattr(verdict, "load_diffusion", lambda name: model)
    patch.setattr(verdict_passes, "STEPS", 4)
    patch.setattr(verdict_passes, "INVERSION_STEPS", 4)
    patch.setattr(verdict_passes, "AGAIN_STEPS", 2)


@pytest.fixture(scope="module")
def measured() -> tuple[dict[str, Any], list[Progress]]:
    items: list[Progress] = []
    with pytest.MonkeyPatch.context() as patch:
        few(patch)
        return verdict.evaluate(2, 500_000, items.append, "toy", (501, 1), seeds=2), items


def test_it_is_json_and_its_packed_form_is_the_same(measured: tuple[dict[str, Any], list[Progress]]) -> None:
    result, _ = measured
    assert json.loads(json.dumps(result)) == result
    assert json.loads(verdict_readme.packed(result)) == result
    assert (result["timesteps"], result["seeds"]) == ([1, 501], 2)


def test_progress_counts_every_pass(measured: tuple[dict[str, Any], list[Progress]]) -> None:
    _, items = measured
    ends = [item for item in items if item.step == item.total]
    assert [item.total for item in ends] == [2 * (2 + 4), 1 + 2 * (3 * 2 + 3)]


def test_generation_agrees_with_itself_and_its_own_end(measured: tuple[dict[str, Any], list[Progress]]) -> None:
    made = measured[0]["generated"]
    own = [row for row in made["curves"] if row["arm"] == GENERATION]
    assert {row["timestep"] for row in own} == {1, 501}
    for row in own:
        assert row["correlation"]["mean"] == row["agreement"]["mean"] == 1
        assert (row["correlation_last"]["mean"] == 1) == (row["timestep"] == 1)
    walked = made["coarse"]
    assert [row["timestep"] for row in walked] == [751, 501, 251, 1]
    assert walked[-1]["correlation"]["mean"] == 1
    mean = {row["timestep"]: row["correlation_last"]["mean"] for row in own if row["layer"] == "mean"}
    assert walked[1]["correlation"]["mean"] == pytest.approx(mean[501], abs=2e-4)
    features = [row for row in made["features"]["curves"] if row["arm"] == GENERATION]
    assert all(row["cka"]["mean"] == row["ari"]["mean"] == 1 for row in features)


def test_at_the_lowest_t_the_exact_latents_show_what_generation_did(
    measured: tuple[dict[str, Any], list[Progress]],
) -> None:
    """So that a wrong step, the unconditional half or another z_0 would show."""
    rows = measured[0]["generated"]["curves"]
    (found,) = (row for row in rows if (row["arm"], row["timestep"], row["layer"]) == (LATENT, 1, "mean"))
    assert found["correlation"]["mean"] > 0.999


def test_parts_add_up(measured: tuple[dict[str, Any], list[Progress]]) -> None:
    given, made = measured[0]["given"], measured[0]["generated"]
    every = (given["attribution"]["rows"], given["again"]["rows"], made["attribution"]["rows"])
    rows = [*(row for some in every for row in some), *given["features"]["attribution"]]
    rows += made["features"]["attribution"]
    assert len(rows) > 40
    for row in rows:
        parts = sum(part["mean"] for part in row["parts"].values())
        assert parts == pytest.approx(row["whole"]["mean"], abs=3e-4)


def test_every_point_names_its_examples(measured: tuple[dict[str, Any], list[Progress]]) -> None:
    for kind, metric in (("given", "ap"), ("generated", "correlation")):
        samples = measured[0][kind]["samples"]
        for row in samples["rows"]:
            assert len(row[metric]) == len(samples["words"]) == len(samples["scenes"]) == len(samples["seeds"])
        assert {str(scene) for scene in samples["scenes"]} <= set(samples["captions"])
        repeats = [row["repeat"] for row in samples["rows"] if (row["arm"], row["timestep"]) == (NOISE_ONCE, 501)]
        assert repeats == [0, 1]
    (mean,) = (
        row["ap"]
        for row in measured[0]["given"]["curves"]
        if (row["arm"], row["timestep"], row["layer"]) == (MEAN_OF_SEEDS, 501, "mean")
    )
    assert "seeds" not in mean


def test_the_table_shows_every_part(measured: tuple[dict[str, Any], list[Progress]]) -> None:
    text = verdict.table(measured[0])
    shown = (
        "noise once", "denoised again", "latent noised", "8 bits", "brought back", "Chance", "t=501",
        "cycles per picture", "resolution 2", "spread of ap", "dB", "cka last",
    )  # fmt: skip
    for part in shown:
        assert part in text, part


@pytest.mark.usefixtures("toy")
def test_the_same_scenes_give_the_same_numbers(measured: tuple[dict[str, Any], list[Progress]]) -> None:
    """Whatever the order of t."""
    assert verdict.evaluate(2, 500_000, None, "toy", (1, 501), seeds=2) == measured[0]


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"timesteps": (1, 1)}, "once"),
        ({"timesteps": (1, 100)}, "t = 100"),
        ({"timesteps": (1,), "seeds": 0}, "seeds"),
        ({"timesteps": (1,), "generated": 9}, "generated"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ChoiceError, match=said):
        verdict.evaluate(2, 500_000, lambda _: pytest.fail("it ran"), "toy", **options)
