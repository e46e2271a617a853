"""The journal: a row is there whole or not at all, errors are tried again, and other questions are refused."""

import math

import pytest

from inspector.errors import ChoiceError
from inspector.evaluation.journal import open_journal


def row(key: str, error: str = "") -> dict:
    return {"key": key, "error": error, "numbers": {"miou": 1 / 3}}


def test_rows_come_back_to_the_last_digit_in_the_order_asked(tmp_path):
    journal = open_journal(tmp_path / "journal", {"subject": "segmentation"})
    for key in ("b", "a/../ä"):
        journal.write(row(key))
    assert journal.rows(["a/../ä", "missing", "b"]) == [row("a/../ä"), row("b")]
    assert journal.read("missing") is None
    assert {file.suffix for file in tmp_path.rglob("*") if file.is_file()} == {".json"}  # nothing half written


def test_what_is_no_number_comes_back_as_nothing(tmp_path):
    journal = open_journal(tmp_path, {})
    journal.write(row("a") | {"numbers": {"miou": math.nan}})
    assert journal.rows(["a"])[0]["numbers"] == {"miou": None}


def test_a_row_with_an_error_is_not_done_and_is_replaced(tmp_path):
    journal = open_journal(tmp_path, {})
    journal.write(row("a", "There is no mask."))
    assert not journal.done("a")
    journal.write(row("a"))
    assert journal.done("a")
    assert len(journal.rows(["a"])) == 1


def test_a_write_that_is_cut_off_leaves_the_row_as_it_was(tmp_path, monkeypatch):
    journal = open_journal(tmp_path, {})
    journal.write(row("a"))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    with pytest.raises(OSError, match="No space"):
        journal.write(row("a") | {"numbers": {}})
    assert journal.rows(["a"]) == [row("a")]


def test_a_journal_answers_one_question(tmp_path):
    about = {"subject": "segmentation", "options": {"method": "maskclip"}, "classes": (("cat",),)}
    open_journal(tmp_path, about).write(row("a"))
    assert open_journal(tmp_path, about).done("a")  # tuples and lists are one in JSON
    with pytest.raises(ChoiceError, match="another options; choose another --out"):
        open_journal(tmp_path, about | {"options": {"method": "gradcam"}})
