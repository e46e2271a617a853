"""A ZIP of all maps: every map once, in order, in true values, with the ends of its colours."""

import csv
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inspector.errors import ChoiceError
from inspector.views import zipped
from inspector.views.color import lut
from tests.views import samples


def opened(path: Path) -> tuple[zipfile.ZipFile, list[dict[str, str]]]:
    packed = zipfile.ZipFile(path)
    return packed, list(csv.DictReader(io.StringIO(packed.read("maps.csv").decode())))


def test_every_map_of_attention_is_there_once_and_in_order(tmp_path: Path) -> None:
    result = samples.attention_asked()
    count = zipped.write_zip(result, tmp_path / "maps.zip")
    packed, rows = opened(tmp_path / "maps.zip")
    assert count == len(rows) == len({row["file"] for row in rows})
    words = [row for row in rows if row["view"] == "word" and row["arm"] == "generation" and row["layer"] == "mean"]
    assert [row["file"] for row in words] == sorted(row["file"] for row in words)
    assert words[1]["file"].endswith("/01-mean-of-all-layers/1-1-of-3-t-900 2-horse.png")
    array = np.load(io.BytesIO(packed.read(words[0]["file"].rpartition("/")[0] + "/maps.npy")))
    true = result.select("generation", layer="mean", token="horse")
    np.testing.assert_allclose(array[:, 1], true, atol=1e-6)
    own = words[1]
    assert float(own["low"]) == pytest.approx(true[0].min(), abs=1e-6)
    assert float(own["high"]) == pytest.approx(true[0].max(), abs=1e-6)
    picture = Image.open(io.BytesIO(packed.read(own["file"])))
    assert picture.size == (128, 128)
    assert picture.getpalette()[:768] == lut("viridis").ravel().tolist()
    assert np.asarray(picture).max() >= 240
    views = {row["view"] for row in rows}
    assert views == {"word", "without start", "head", "probe"}
    assert json.loads(packed.read("about.json"))["tab"] == "attention"


def test_signed_maps_and_labels_have_colours_of_their_own(tmp_path: Path) -> None:
    zipped.write_zip(samples.saliency(), tmp_path / "saliency.zip")
    packed, rows = opened(tmp_path / "saliency.zip")
    signed = next(row for row in rows if row["map"] == "signed")
    assert float(signed["low"]) == -float(signed["high"])
    picture = Image.open(io.BytesIO(packed.read(signed["file"])))
    assert picture.getpalette()[:768] == lut("diverging").ravel().tolist()
    zipped.write_zip(samples.clusters(), tmp_path / "clusters.zip")
    packed, rows = opened(tmp_path / "clusters.zip")
    labels = next(row for row in rows if row["view"] == "clusters")
    found = np.asarray(Image.open(io.BytesIO(packed.read(labels["file"]))))
    assert np.array_equal(found, samples.clusters().grid_labels)


def test_too_many_pictures_are_refused_before_a_file_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipped, "MOST", 10)
    with pytest.raises(ChoiceError, match="at most 10 are written"):
        zipped.write_zip(samples.attention(), tmp_path / "maps.zip")
    assert not list(tmp_path.iterdir())
