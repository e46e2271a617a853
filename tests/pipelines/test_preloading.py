"""Preloading: both embedded models are there before they are asked for, on the thread that asked."""

import threading

import pytest

from inspector.errors import ModelFilesError
from inspector.models import loading
from inspector.pipelines import preloading
from inspector.settings import ASSETS


@pytest.fixture(autouse=True)
def nothing_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "_loaded", type(loading._loaded)())


@pytest.mark.skipif(not (ASSETS / "models" / "scenes-clip").is_dir(), reason="no embedded weights yet")
def test_the_embedded_models_are_loaded_where_the_caller_is(monkeypatch: pytest.MonkeyPatch) -> None:
    build, threads = loading._build, []

    def watched(*args):
        threads.append(threading.current_thread())
        return build(*args)

    monkeypatch.setattr(loading, "_build", watched)
    preloading.preload()
    assert loading.loaded() == ("scenes-diffusion", "scenes-clip")
    assert set(threads) == {threading.current_thread()}


def test_a_model_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr(loading, "ASSETS", tmp_path)
    with pytest.raises(ModelFilesError, match="get the whole repository"):
        preloading.preload()
