"""The attention pipeline on a small random Stable Diffusion."""

import pickle
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from inspector.analysis import metrics
from inspector.errors import ChoiceError, PromptError, RecordingError
from inspector.pipelines import attention
from inspector.pipelines.common import INFERENCE_LOCK
from inspector.results import GENERATION, NOISE_ONCE, AttentionRequest, AttentionResult, Edit, Progress
from inspector.settings import Limits, Settings
from inspector.trace import trajectories
from inspector.trace.previews import Previewer
from inspector.views import attention as views
from tests.toys import ToyDiffusion

PROMPT = "a horse on the grass"


@pytest.fixture(autouse=True)
def model(attending: ToyDiffusion) -> ToyDiffusion:
    return attending


def picture(height: int = 64, width: int = 64) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def disc(height: int = 64, width: int = 64) -> np.ndarray:
    rows, columns = np.ogrid[:height, :width]
    return (rows - height / 2) ** 2 + (columns - width / 3) ** 2 < (height / 4) ** 2


def hooks_of(module: torch.nn.Module) -> int:
    return sum(len(item._forward_hooks) + len(item._forward_pre_hooks) for item in module.modules())


@pytest.fixture(scope="module")
def generated(toy: ToyDiffusion) -> Iterator[AttentionResult]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention, "load_diffusion", lambda name, report=None: toy)
        yield attention.run(AttentionRequest(PROMPT, steps=3, size=64, seed=5, masks={"horse": disc(), "cow": disc()}))


def test_two_arms_with_their_steps_tokens_and_sizes(generated: AttentionResult) -> None:
    assert generated.arms == (GENERATION, NOISE_ONCE)
    assert generated.steps == {GENERATION: (667, 334, 1), NOISE_ONCE: (100,)}
    assert [token.text for token in generated.tokens] == [
        "<start>",
        "a",
        "hors",
        "e",
        "on",
        "the",
        "gras",
        "s",
        "<end>",
    ]
    assert generated.token_indices("horse") == (2, 3)
    assert len(generated.layers) == 16
    assert generated.resolutions == (8, 4, 2, 1)
    for arm, steps in ((GENERATION, 3), (NOISE_ONCE, 1)):
        assert {maps.shape[:2] for maps in generated.maps[arm].values()} == {(steps, 9)}
        assert generated.images[arm].shape == (64, 64, 3)
        assert generated.previews[arm].shape == (steps, 64, 64, 3)
    assert generated.head_maps == {}
    assert generated.select(step=-1, layer=8, token="horse").shape == (2, 8, 8)


def test_the_image_is_what_the_model_draws_without_recording(model: ToyDiffusion, generated: AttentionResult) -> None:
    latents = trajectories.first_latents(model, 5, 64, 64)
    last = list(trajectories.denoise(model, latents, [PROMPT], 3, 7.5))[-1]
    assert np.array_equal(generated.images[GENERATION], model.decode(last.denoised)[0])
    assert np.array_equal(generated.images[NOISE_ONCE], generated.images[GENERATION])


def test_previews_are_guesses_and_at_last_what_was_made(model: ToyDiffusion, generated: AttentionResult) -> None:
    steps = list(trajectories.denoise(model, trajectories.first_latents(model, 5, 64, 64), [PROMPT], 3, 7.5))
    shown = generated.previews[GENERATION]
    guess = Previewer(model)
    assert all(np.array_equal(shown[step], guess(steps[step].predicted)) for step in (0, 1))
    assert np.array_equal(shown[2], generated.images[GENERATION])


def test_noise_once_reads_the_eight_bit_image_without_guidance(model: ToyDiffusion, generated: AttentionResult) -> None:
    latents = model.encode_images(generated.images[GENERATION][None])
    states = model.encode_prompts([PROMPT])
    recording, _ = trajectories.record_once(model, latents, states, 100, [5], range(9))
    for layer, maps in recording.stacked().items():
        assert np.array_equal(generated.maps[NOISE_ONCE][layer], maps)


def test_an_edit_that_keeps_nothing_is_an_ordinary_run_and_one_that_keeps_is_another(
    model: ToyDiffusion, generated: AttentionResult
) -> None:
    """To the bit, maps and other arms included; so is one whose source is its own prompt."""
    for edit in (Edit("a dog on the sea", 0, 0), Edit(PROMPT, 1, 1)):
        result = attention.run(replace(generated.request, edit=edit))
        for arm in generated.arms:
            assert np.array_equal(result.images[arm], generated.images[arm])
            for layer, maps in generated.maps[arm].items():
                assert np.array_equal(result.maps[arm][layer], maps)
    *news, kept = attention.stream(replace(generated.request, edit=Edit("a dog on the sea")))
    assert not np.array_equal(kept.images[GENERATION], generated.images[GENERATION])
    assert [item.step for item in news if isinstance(item, Progress) and item.moment] == [1, 2, 3]
    assert hooks_of(model.unet) == 0


def test_noise_matched_to_the_last_step() -> None:
    result = attention.run(AttentionRequest(PROMPT, steps=2, size=64, noise_timestep=None))
    assert result.steps[NOISE_ONCE] == result.steps[GENERATION][-1:] == (1,)


def test_the_same_request_gives_the_same_result(generated: AttentionResult) -> None:
    again = attention.run(generated.request)
    assert np.array_equal(again.images[GENERATION], generated.images[GENERATION])
    assert again.metrics == generated.metrics
    for arm in again.arms:
        assert np.array_equal(again.previews[arm], generated.previews[arm])
        for layer in again.layers:
            assert np.array_equal(again.maps[arm][layer], generated.maps[arm][layer])


def test_the_seed_matters_to_both_arms(generated: AttentionResult) -> None:
    image = generated.images[GENERATION]
    first, second = (attention.run(AttentionRequest(PROMPT, image, seed=seed)) for seed in (1, 2))
    layer = first.layers[0]
    assert not np.array_equal(first.maps[NOISE_ONCE][layer], second.maps[NOISE_ONCE][layer])


def test_rows_for_every_cell_of_the_words_in_the_prompt(generated: AttentionResult) -> None:
    rows = generated.metrics
    assert len(rows) == (3 + 1) * (16 + 4 + 1)
    assert {row["word"] for row in rows} == {"horse"}
    row = next(row for row in rows if row["layer"] == "resolution 4" and row["step"] == 1)
    assert (row["arm"], row["timestep"]) == (GENERATION, 334)
    map_ = generated.select(arm=GENERATION, step=1, layer=4, token="horse", size=(64, 64))
    assert row["ap"] == pytest.approx(metrics.average_precision(map_, disc()), abs=1e-6)
    assert row["iou"] == pytest.approx(metrics.iou_at(map_, disc(), 0.4))
    assert row["chance"] == pytest.approx(disc().mean())


def test_a_given_image_has_one_arm_and_keeps_its_own_size(model: ToyDiffusion) -> None:
    image = picture(50, 170)
    result = attention.run(AttentionRequest("the sea", image, size=64, masks={"sea": disc(50, 170)}))
    assert result.arms == (NOISE_ONCE,)
    assert np.array_equal(result.images[NOISE_ONCE], image)
    assert result.resolutions == (8, 4, 2, 1)
    assert {maps.shape[-2:] for maps in result.maps[NOISE_ONCE].values()} == {(8, 16), (4, 8), (2, 4), (1, 2)}
    assert result.select(arm=NOISE_ONCE, step=0, token="sea", size=image.shape[:2]).shape == (50, 170)
    assert len(result.metrics) == 21


@pytest.mark.parametrize(("asked", "side"), [(None, 128), (64, 64), (128, 128), (1024, 1024)])
def test_generated_sides_are_those_that_were_asked_for(model: ToyDiffusion, asked: int | None, side: int) -> None:
    assert attention.generated_size(AttentionRequest(PROMPT, size=asked), model) == side


def test_a_side_that_cannot_be_made_is_refused_and_a_given_picture_takes_the_nearest(model: ToyDiffusion) -> None:
    with pytest.raises(ChoiceError, match=r"^size is 100; .* multiple of 64, such as 64 or 128\.$"):
        attention.generated_size(AttentionRequest(PROMPT, size=100), model)
    given = np.zeros((64, 64, 3), np.uint8)
    assert attention.generated_size(AttentionRequest(PROMPT, given, size=100), model) == 128


@pytest.mark.parametrize("scale", [0, 1])
def test_no_guidance_has_two_names(model: ToyDiffusion, scale: float) -> None:
    result = attention.run(AttentionRequest(PROMPT, steps=2, size=64, guidance_scale=scale))
    assert "no guidance" in views.how(result)
    with pytest.raises(ChoiceError, match=r"guidance_scale is 0\.5"):
        AttentionRequest(PROMPT, guidance_scale=0.5)


def test_a_caption_says_what_was_done_and_nothing_else(model: ToyDiffusion) -> None:
    made = attention.run(AttentionRequest(PROMPT, steps=2, size=64, guidance_scale=3, scheduler="pndm"))
    assert views.how(made) == "2 steps of pndm, guidance 3; noise added once at t = 100"
    given = attention.run(AttentionRequest(PROMPT, np.zeros((64, 64, 3), np.uint8), steps=5, guidance_scale=3))
    assert views.how(given) == "noise added once at t = 100"


def test_progress_counts_to_the_total_with_previews_and_time() -> None:
    *items, _ = attention.stream(AttentionRequest(PROMPT, steps=3, size=64))
    assert all(isinstance(item, Progress) for item in items)
    assert [(item.step, item.total) for item in items] == [(0, 100), (1, 4), (2, 4), (3, 4), (3, 4)]
    assert [item.message for item in items[2:]] == [
        "Step 2 of 3, t = 334",
        "Step 3 of 3, t = 1",
        "Adding noise once, t = 100",
    ]
    assert [item.moment for item in items] == [None, (1, 3, 667), (2, 3, 334), (3, 3, 1), None]
    for item in items[1:]:
        assert item.preview is not None
        assert item.preview.shape == (64, 64, 3)
    assert items[1].seconds_left is not None
    assert items[1].seconds_left >= 0


@pytest.mark.filterwarnings("error")
def test_pndm_counts_its_extra_call() -> None:
    *items, result = attention.stream(AttentionRequest(PROMPT, steps=3, size=64, scheduler="pndm"))
    assert isinstance(result, AttentionResult)
    assert len(result.steps[GENERATION]) == 4
    assert (items[-1].step, items[-1].total) == (4, 5)


def test_stop_takes_effect_within_a_step_and_leaves_nothing_behind(model: ToyDiffusion) -> None:
    calls: list[int] = []
    handle = model.unet.register_forward_hook(lambda *_: calls.append(1))
    before = hooks_of(model.unet)
    run = attention.stream(AttentionRequest(PROMPT, steps=50, size=64))
    for _ in range(3):
        next(run)
    run.close()
    handle.remove()
    assert len(calls) == 2
    assert hooks_of(model.unet) == before - 1
    assert INFERENCE_LOCK.acquire(blocking=False)
    INFERENCE_LOCK.release()


def test_two_runs_that_alternate_do_not_disturb_each_other(generated: AttentionResult) -> None:
    other = attention.stream(AttentionRequest("the sea", steps=4, size=64))
    *_, result = (pair[0] for pair in zip(attention.stream(generated.request), other, strict=False))
    other.close()
    assert isinstance(result, AttentionResult)
    for layer, maps in generated.maps[GENERATION].items():
        assert np.array_equal(result.maps[GENERATION][layer], maps)


def test_heads_on_request(generated: AttentionResult) -> None:
    result = attention.run(AttentionRequest(PROMPT, steps=2, size=64, heads=True))
    for arm in result.arms:
        for layer, maps in result.maps[arm].items():
            heads = result.head_maps[arm][layer]
            assert heads.shape[0:1] + heads.shape[2:] == maps.shape
            assert np.allclose(heads.astype(np.float32).mean(1), maps, atol=1e-3)


def test_a_run_too_large_for_memory_is_refused_before_it_starts(
    monkeypatch: pytest.MonkeyPatch, model: ToyDiffusion
) -> None:
    monkeypatch.setattr(attention, "settings", lambda: Settings(limits=Limits(max_recording=10_000)))
    monkeypatch.setattr(model.unet, "forward", None)
    with pytest.raises(RecordingError, match="record with fewer steps or a smaller size"):
        attention.run(AttentionRequest(PROMPT, size=64))
    with pytest.raises(RecordingError, match="record without single heads"):
        attention.run(AttentionRequest(PROMPT, size=64, heads=True))


def test_bad_choices_are_one_sentence(generated: AttentionResult) -> None:
    with pytest.raises(ChoiceError, match="steps is 0"):
        AttentionRequest(PROMPT, steps=0)
    with pytest.raises(PromptError, match="'cow' is not in the prompt"):
        generated.select(arm=GENERATION, token="cow")


def test_a_result_survives_pickling(generated: AttentionResult) -> None:
    copy = pickle.loads(pickle.dumps(generated))
    assert copy.steps == generated.steps
    assert copy.provenance == generated.provenance
    assert copy.provenance.models == {"toy-diffusion": "toy"}


def test_a_long_prompt_says_what_was_cut_off() -> None:
    result = attention.run(AttentionRequest("one two " * 10, picture()))
    assert result.truncated.startswith("one two one")
    assert len(result.tokens) == 16
