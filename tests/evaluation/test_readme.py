"""README's table: numbers as they were measured, on the weights that are shipped."""

import pytest

from inspector.errors import ChoiceError
from inspector.evaluation import readme
from inspector.models.catalog import PAIRS
from inspector.models.checksums import fingerprint
from inspector.settings import ASSETS

FOUND = {"mean": 0.5, "ci95": 0.0314, "count": 3}


def test_rows_of_a_subject_by_hand():
    miou = {"maskclip": FOUND, "baselines": {"class colour": {"mean": 0.25, "ci95": None}, "blank": {"mean": None}}}
    taught = {"count": 7, "present": {"miou": miou}}
    assert readme.render({"segmentation": {"taught": taught}}).splitlines() == [
        "| `evaluate` | drawn scenes | taught | plain | beside them | aim |",
        "|---|---|---|---|---|---|",
        "| segmentation: mIoU, maskclip | 7 | 0.500 ± 0.031 |  | class colour 0.250 | .45 for the best |",
    ]
    other = {"count": 5, "present": {"miou": {"maskclip": FOUND | {"mean": 0.4}, "baselines": {"blank": 0.5}}}}
    assert readme.render({"segmentation": {"taught": taught, "plain": other}}).splitlines()[2] == (
        "| segmentation: mIoU, maskclip | taught: 7; plain: 5 | 0.500 ± 0.031 | 0.400 ± 0.031 "
        "| taught: class colour 0.250; plain: blank 0.500 | .45 for the best |"
    )
    same = readme.render({"segmentation": {"taught": taught, "plain": taught}}).splitlines()[2]
    assert same.endswith("| 7 | 0.500 ± 0.031 | 0.500 ± 0.031 | class colour 0.250 | .45 for the best |")


def test_a_pair_is_known_by_all_its_names():
    assert readme.pair_of(["scenes-clip"]) == "taught"
    assert readme.pair_of(["scenes-diffusion-plain", "scenes-clip-plain"]) == "plain"
    with pytest.raises(ChoiceError, match=r"measure scenes-clip and scenes-diffusion \(taught\) or .* \(plain\), or"):
        readme.pair_of(["scenes-diffusion-plain", "scenes-clip"])
    with pytest.raises(ChoiceError, match="README tells of pairs of embedded models"):
        readme.pair_of(["laion-vit-b-16"])


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
    assert readme.read() == {"segmentation": {"taught": result}}
    readme.write("segmentation", result, "plain")
    assert readme.read() == {"segmentation": {"taught": result, "plain": result}}


def revisions(result):
    """Model name -> fingerprint of the weights that a subject was measured on."""
    if "models" in result:
        return result["models"]
    if isinstance(result["model"], dict):
        return {result["model"]["name"]: result["model"]["revision"]}
    return {result["model"]: result["revision"]}


@pytest.mark.parametrize("subject", readme.SUBJECTS)
def test_the_numbers_are_those_of_the_shipped_weights(subject):
    measured = readme.read()[subject]
    assert set(measured) == set(PAIRS)
    assert measured["taught"]["count"] >= 256
    for pair, result in measured.items():
        assert readme.pair_of(revisions(result)) == pair
        for name, revision in revisions(result).items():
            assert revision == fingerprint(ASSETS / "models" / name), f"measure {subject} again: evaluate --readme"


def test_the_table_is_what_was_measured():
    block = readme.README.read_text(encoding="utf-8").partition(readme.START)[2].partition(readme.STOP)[0]
    assert block.strip() == readme.render(readme.read()).strip()
