"""The results that come with the program: those of the tabs' examples, made with the shipped weights."""

from pathlib import Path

import numpy as np
import pytest

from inspector.models.checksums import fingerprint as fingerprint_of
from inspector.settings import ASSETS
from inspector.ui import examples
from inspector.ui.session import Store, fingerprint
from inspector.views.archive import load_result


@pytest.mark.parametrize("name", examples.REQUESTS)
def test_each_is_the_answer_to_its_tab_s_example(name: str) -> None:
    result = load_result(examples.FOLDER / f"{name}.npz")
    _, request = examples.REQUESTS[name]
    assert fingerprint(result.request) == fingerprint(request())
    for model, revision in result.provenance.models.items():
        assert revision == fingerprint_of(ASSETS / "models" / model)


def test_what_is_there_is_kept_and_what_is_not_is_left_to_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store()
    monkeypatch.setattr(examples, "RESULTS", store)
    examples.load(tmp_path)
    assert not store.find(examples.REQUESTS["saliency"][1]())
    (tmp_path / "saliency.npz").write_bytes((examples.FOLDER / "saliency.npz").read_bytes())
    examples.load(tmp_path)
    assert store.find(examples.REQUESTS["saliency"][1]())
    assert not store.find(examples.REQUESTS["clusters"][1]())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half of a file", b"no archive at all"])
def test_one_that_is_damaged_is_left_out_with_its_name(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store()
    monkeypatch.setattr(examples, "RESULTS", store)
    (tmp_path / "saliency.npz").write_bytes(content)
    (tmp_path / "clusters.npz").write_bytes((examples.FOLDER / "clusters.npz").read_bytes())
    examples.load(tmp_path)
    assert store.find(examples.REQUESTS["clusters"][1]())
    assert "saliency.npz is left out: " in caplog.text


def test_making_them_again_gives_the_same_maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "REQUESTS", {"saliency": examples.REQUESTS["saliency"]})
    (file,) = examples.make(tmp_path)
    made, shipped = load_result(file), load_result(examples.FOLDER / "saliency.npz")
    assert np.allclose(made.grid_signed, shipped.grid_signed, rtol=1e-3, atol=1e-3 * shipped.grid_signed.max())
