"""Animation: a frame for each step, as the viewer shows it."""

import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from inspector.errors import ChoiceError
from inspector.views.animation import REST, animation
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


def test_a_film_plays_the_same(tmp_path: Path) -> None:
    (tmp_path / "steps.webm").write_bytes(animation(samples.attention(), Look(), STATE, "webm"))
    film = cv2.VideoCapture(str(tmp_path / "steps.webm"))
    frames = []
    while (read := film.read())[0]:
        frames.append(read[1])
    assert len(frames) == 3 + REST
    expected = draw(sheet(samples.attention(), Look(), STATE))
    last = frames[-1][-expected.shape[0] :, : expected.shape[1], ::-1]
    assert np.abs(last.astype(int) - expected).mean() < 12


def test_what_has_no_steps_does_not_move() -> None:
    with pytest.raises(ChoiceError, match="this result has none"):
        animation(samples.saliency(), Look(), {}, "gif")
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
