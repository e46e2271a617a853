"""Animation: a frame for each step, as the viewer shows it."""

import io
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from inspector.errors import ChoiceError, InputError
from inspector.views.animation import REST, animation, caption
from inspector.views.attention_atlas import of_attention
from inspector.views.look import Look
from inspector.views.raster import draw
from inspector.views.shown import sheet
from tests.views import samples

STATE = {"panels": [{"arm": "generation", "word": "horse", "step": "3"}], "show": "heat"}


def test_a_gif_has_the_figure_of_every_step_and_says_where_it_is_from() -> None:
    result = samples.attention()
    with Image.open(io.BytesIO(animation(result, Look(), STATE, "gif"))) as film:
        assert film.info["loop"] == 0
        assert json.loads(film.info["comment"])["tab"] == "attention"
        assert film.n_frames == len(result.steps["generation"])  # the last, which stays, is one frame that lasts
        for index in range(film.n_frames):
            film.seek(index)
            frame = np.asarray(film.convert("RGB")).astype(int)
            state = {**STATE, "panels": [{**STATE["panels"][0], "step": str(index + 1)}]}
            expected = draw(sheet(result, Look(), state))
            part = frame[-expected.shape[0] :, : expected.shape[1]]
            assert np.abs(part - expected).mean() < 6  # 256 colours
            near, far = (cv2.blur(item.astype(np.float32), (9, 9)) for item in (part, expected))
            assert np.abs(near - far).max() < 30  # dithered: from a step away it is the same, without bands


@pytest.mark.parametrize("kind", ["webm", "mp4"])
def test_a_film_plays_the_same(tmp_path: Path, kind: str) -> None:
    (tmp_path / f"steps.{kind}").write_bytes(animation(samples.attention(), Look(), STATE, kind))
    film = cv2.VideoCapture(str(tmp_path / f"steps.{kind}"))
    frames = []
    while (read := film.read())[0]:
        frames.append(read[1])
    assert len(frames) == 3 + REST
    expected = draw(sheet(samples.attention(), Look(), STATE))
    last = frames[-1][-expected.shape[0] :, : expected.shape[1], ::-1]
    assert np.abs(last.astype(int) - expected).mean() < 12


def test_the_map_lies_over_the_picture_of_its_step_if_the_viewer_shows_it_so() -> None:
    greys = (10, 120, 250)
    previews = {"generation": np.stack([np.full((32, 32, 3), grey, np.uint8) for grey in greys])}
    result, clear = samples.attention(previews=previews), Look(opacity=0.0)
    for follow, expected in ((True, set(greys)), (False, set())):
        state = {**STATE, "follow": follow}
        assert ("predicted at the step" in caption(result, clear, state)) is follow
        with Image.open(io.BytesIO(animation(result, clear, state, "gif"))) as film:
            found = set()
            for index in range(film.n_frames):
                film.seek(index)
                cell = np.asarray(film.convert("RGB"))[100:260, 140:340].reshape(-1, 3).astype(int)
                found |= {grey for grey in greys if (np.abs(cell - grey) < 4).all()}
        assert found == expected


def test_a_phrase_can_be_what_is_shown() -> None:
    result = samples.attention()
    (panel,) = sheet(result, Look(), {"panels": [{"step": "2"}]}, atlas=of_attention(result, "a horse")).rows[0].panels
    grid = result.select("generation", 1, None, "a horse")
    assert (panel.bar.low, panel.bar.high) == (pytest.approx(grid.min()), pytest.approx(grid.max()))
    assert panel.title.startswith("a horse · 2 of 3, t = ")
    with pytest.raises(InputError, match="'cow' is not in the prompt"):
        of_attention(result, "cow")


def test_a_caption_says_what_plays() -> None:
    told = caption(samples.attention(), Look("magma"), STATE)
    assert told.startswith("Cross-attention. Cross-attention of “a horse”; ")
    assert "magma" in told
    assert told.endswith("A film of 3 steps, from noise to picture, each 0.25 s; the last one stays.")


def test_what_has_no_steps_does_not_move() -> None:
    with pytest.raises(ChoiceError, match="this result has none"):
        animation(samples.saliency(), Look(), {}, "gif")
    with pytest.raises(ChoiceError, match="this result has none"):
        caption(samples.clusters(), Look(), {})
    with pytest.raises(ChoiceError, match="kind"):
        animation(samples.attention(), Look(), {}, "mov")


def test_a_film_that_would_take_all_memory_is_refused_before_it_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.views.animation.draw", lambda *_: pytest.fail("it was drawn"))
    monkeypatch.setattr("inspector.views.animation.PIXELS", 100_000)
    with pytest.raises(ChoiceError, match="a smaller scale"):
        animation(samples.attention(), Look(), STATE, "gif")


def test_a_state_that_says_nothing_plays_every_arm() -> None:
    with Image.open(io.BytesIO(animation(samples.attention(), Look(), {"panels": [None, 3]}, "gif"))) as film:
        assert film.n_frames >= 3


def test_a_film_of_several_results_has_the_steps_of_the_longest() -> None:
    own = samples.attention()
    twice = {arm: {name: np.repeat(maps, 2, 0) for name, maps in layers.items()} for arm, layers in own.maps.items()}
    steps = {arm: tuple(step for step in told for _ in range(2)) for arm, told in own.steps.items()}
    longer = replace(own, request=replace(own.request, seed=5, steps=6), maps=twice, steps=steps)
    state = {"panels": [{"arm": "generation"}, {"arm": "generation", "of": "1"}]}
    with Image.open(io.BytesIO(animation(own, Look(), state, "gif", held=[longer]))) as film:
        assert film.n_frames in (6, 6 + REST)
    told = caption(own, Look(), state, [longer])
    assert "A film of 6 steps" in told
    assert "rest at their last" in told
    assert "rest at their last" not in caption(own, Look(), {"panels": [{"arm": "generation"}]}, [longer])
