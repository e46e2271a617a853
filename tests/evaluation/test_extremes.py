"""What is written of the worst and best pictures, and the table of all."""

import csv
from types import SimpleNamespace

import numpy as np

from inspector.evaluation.extremes import of_seen, write_table
from inspector.views.figure import Panel, Row, Sheet


def test_a_figure_of_many_classes_has_the_scores_of_those_that_are_seen():
    """Of four classes the labels show the second, the masks the third; image and labels stay."""
    blank, colour = np.zeros((2, 2, 3), np.uint8), np.zeros(3, np.uint8)
    names = ("sky", "car", "bus", "dog")
    result = SimpleNamespace(
        names=names, labels=np.array([[0, 2]]), request=SimpleNamespace(masks={"bus": np.array([[True, False]])})
    )
    panels = [Panel(blank, title) for title in ("image", "labels", *names)]
    legend = [*((name, colour) for name in names), ("background", colour)]
    found = of_seen(Sheet([Row(panels)], note="note", legend=legend), result)
    assert [panel.title for panel in found.rows[0].panels] == ["image", "labels", "car", "bus"]
    assert [name for name, _ in found.legend] == ["car", "bus", "background"]


def test_a_table_has_a_line_a_picture_and_every_digit(tmp_path):
    good = {"key": 'a "1", b', "numbers": {"miou": 1 / 3, "iou": None}, "seconds": 0.5, "error": ""}
    bad = {"key": "c", "numbers": {}, "seconds": 0.1, "error": "There is no mask, sorry."}
    write_table([bad, good], tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert rows[0] == {"key": "c", "miou": "", "iou": "", "seconds": "0.1", "error": "There is no mask, sorry."}
    assert (rows[1]["key"], float(rows[1]["miou"]), rows[1]["iou"]) == ('a "1", b', 1 / 3, "")
