"""README's verdict and its pictures: as measured, on the weights that are shipped, and nothing typed."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from inspector.errors import ChoiceError
from inspector.evaluation import verdict_readme
from inspector.models.catalog import CATALOG
from inspector.models.checksums import fingerprint
from inspector.settings import ASSETS
from inspector.views import curves

STORED = verdict_readme.read()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MEASURED", "FIGURES"):
        monkeypatch.setattr(verdict_readme, name, tmp_path / name.lower())
        (tmp_path / name.lower()).mkdir()
    monkeypatch.setattr(verdict_readme, "README", tmp_path / "README.md")
    return tmp_path


def test_writing_renews_the_verdict_and_nothing_else(folder: Path) -> None:
    page = folder / "README.md"
    page.write_text(f"before\n{verdict_readme.START}\nold\n{verdict_readme.STOP}\nafter\n")
    for result in STORED:
        verdict_readme.write(result)
    text = page.read_text()
    assert text.startswith(f"before\n{verdict_readme.START}\n**`")
    assert text.endswith(f"{verdict_readme.STOP}\nafter\n")
    assert "old" not in text
    assert verdict_readme.read() == STORED
    for name in verdict_readme.PICTURES:
        with Image.open(folder / "figures" / name) as picture:
            assert picture.width == round(curves.WIDTH * curves.DPI)
            made = json.loads(picture.info["inspector"])["provenance"]["models"]
        assert made == {result["model"]: result["revision"] for result in STORED}


@pytest.mark.parametrize("text", ["", f"{verdict_readme.STOP}\n{verdict_readme.START}", verdict_readme.START * 2])
def test_a_readme_without_its_place_is_refused_before_anything_is_kept(folder: Path, text: str) -> None:
    (folder / "README.md").write_text(text)
    with pytest.raises(ChoiceError, match="no single pair of lines"):
        verdict_readme.write(STORED[0])
    assert not list((folder / "measured").iterdir())


@pytest.mark.usefixtures("folder")
def test_nothing_kept_is_said() -> None:
    with pytest.raises(ChoiceError, match="--readme"):
        verdict_readme.read()


def test_rows_and_sentences_by_hand() -> None:
    """The t, the arm and the layer of each number are those that it stands beside."""
    result = STORED[0]
    lines = verdict_readme.render([result]).splitlines()

    def cell(line: int, timestep: int) -> str:
        return lines[line].strip("|").split("|")[1 + result["timesteps"].index(timestep)].strip()

    def told(value: dict[str, float]) -> str:
        return f"{value['mean']:.3f} ± {value['ci95']:.3f}"

    def line_of(start: str) -> int:
        return next(number for number, line in enumerate(lines) if line.startswith(f"| {start} |"))

    for row in result["given"]["curves"]:
        if row["layer"] == "mean":
            assert cell(line_of(f"given, AP: {row['arm']}"), row["timestep"]) == told(row["ap"])
    losses = {"correlation": "at the same t lost", "correlation_last": "with the last step lost"}
    for row in result["generated"]["attribution"]["rows"]:
        if row["layer"] == "mean" and row["metric"] in losses:
            whole = line_of(f"generated, correlation {losses[row['metric']]}")
            assert cell(whole, row["timestep"]) == told(row["whole"])
            for below, (name, part) in enumerate(row["parts"].items(), 1):
                assert lines[whole + below].startswith(f"| — of which {name} |")
                assert cell(whole + below, row["timestep"]) == told(part)


@pytest.mark.parametrize("result", STORED, ids=[result["model"] for result in STORED])
def test_the_numbers_are_those_of_the_shipped_weights(result: dict[str, Any]) -> None:
    assert CATALOG[result["model"]].origin == "embedded"
    folder = ASSETS / "models" / result["model"]
    assert result["revision"] == fingerprint(folder), "measure again: evaluate attention --verdict --readme"
    file = verdict_readme.MEASURED / f"verdict-{result['model']}.json"
    assert file.stat().st_size < 400_000


def test_the_verdict_is_what_was_measured() -> None:
    text = verdict_readme.README.read_text(encoding="utf-8")
    block = text.partition(verdict_readme.START)[2].partition(verdict_readme.STOP)[0]
    assert block.strip() == verdict_readme.render(STORED).strip()
    for name in verdict_readme.PICTURES:
        assert f"](assets/figures/{name})" in text
        with Image.open(verdict_readme.FIGURES / name) as picture:
            made = json.loads(picture.info["inspector"])["provenance"]["models"]
        assert made == {result["model"]: result["revision"] for result in STORED}
