"""The table of memory said and taken: how a process is watched, and which row counts as near enough."""

import os
import sys
from pathlib import Path

import pytest

from tests.models.memory import Row, crowded, most_private_gb

HELD = "import numpy, time; held = numpy.ones(40_000_000); time.sleep(0.3)"


def test_what_a_process_holds_at_its_highest_point_is_seen() -> None:
    took, said = most_private_gb([sys.executable, "-c", HELD])
    idle, _ = most_private_gb([sys.executable, "-c", HELD.replace("40_000_000", "1")])
    assert took - idle == pytest.approx(0.32, rel=0.1)
    assert said == ""


def test_a_command_that_fails_takes_nothing_and_says_why() -> None:
    assert most_private_gb([sys.executable, "-c", "raise SystemExit('no room')"]) == (0.0, "no room")


@pytest.mark.parametrize(("said", "took", "holds"), [(1.2, 1.0, True), (1.21, 1.0, False), (0.8, 1.0, True)])
def test_a_fifth_apart_is_near_enough(said: float, took: float, holds: bool) -> None:
    row = Row("a", "as it is", said, took)
    assert row.holds is holds
    assert f"{said / took:.2f}" in str(row)
    assert not Row("a", "as it is", 1.0, 0.0, "failed").holds


def test_a_crowded_folder_has_each_weight_twice_and_one_at_its_root(tmp_path: Path) -> None:
    (tmp_path / "unet").mkdir()
    file = tmp_path / "unet" / "weights.safetensors"
    file.write_bytes(b"12")
    names = {path.relative_to(tmp_path).as_posix() for path in crowded(tmp_path).rglob("*") if path.is_file()}
    assert names == {"unet/weights.safetensors", "unet/weights.fp16.safetensors", "v1-pruned.safetensors"}
    assert os.stat(file).st_nlink == 3
