"""README's table: numbers as they were measured, on the weights that are shipped."""

import pytest

from inspector.evaluation import readme
from inspector.models.files import fingerprint
from inspector.settings import ASSETS

FOUND = {"mean": 0.5, "ci95": 0.0314, "count": 3}


def test_rows_of_a_subject_by_hand():
    miou = {"maskclip": FOUND, "baselines": {"class colour": {"mean": 0.25, "ci95": None}, "blank": {"mean": None}}}
    assert readme.render({"segmentation": {"count": 7, "present": {"miou": miou}}}).splitlines()[2:] == [
        "| segmentation: mIoU, maskclip | 7 | 0.500 ± 0.031 | class colour 0.250 | .45 for the best |"
    ]


def test_writing_renews_the_table_and_nothing_else(tmp_path, monkeypatch):
    page = tmp_path / "README.md"
    page.write_text(f"before\n{readme.START}\nold\n{readme.STOP}\nafter\n")
    monkeypatch.setattr(readme, "README", page)
    monkeypatch.setattr(readme, "MEASURED", tmp_path / "measured")
    result = {"count": 7, "present": {"miou": {"maskclip": FOUND, "baselines": {}}}}
    readme.write("segmentation", result)
    text = page.read_text()
    assert text.startswith(f"before\n{readme.START}\n| `evaluate`")
    assert text.endswith(f"|\n{readme.STOP}\nafter\n")
    assert "old" not in text
    assert readme.read() == {"segmentation": result}


def revisions(result):
    """Model name -> fingerprint of the weights that a subject was measured on."""
    if "models" in result:
        return result["models"]
    if isinstance(result["model"], dict):
        return {result["model"]["name"]: result["model"]["revision"]}
    return {result["model"]: result["revision"]}


@pytest.mark.parametrize("subject", readme.SUBJECTS)
def test_the_numbers_are_those_of_the_shipped_weights(subject):
    result = readme.read()[subject]
    assert result["count"] >= 256
    for name, revision in revisions(result).items():
        assert revision == fingerprint(ASSETS / "models" / name), f"measure {subject} again: evaluate --readme"


def test_the_table_is_what_was_measured():
    block = readme.README.read_text(encoding="utf-8").partition(readme.START)[2].partition(readme.STOP)[0]
    assert block.strip() == readme.render(readme.read()).strip()
