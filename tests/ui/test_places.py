"""Places: the process's own folder, what others left, and what nobody used for long."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from inspector.errors import ChoiceError
from inspector.settings import settings
from inspector.ui import places

OTHER = """
import sys
from inspector.ui import places
print(places.settle(), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where processes make their folders; this one has none yet."""
    monkeypatch.setattr(places, "_own", {})
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    places.leave()
    settings.cache_clear()


def started(base: Path) -> tuple[subprocess.Popen, Path]:
    other = subprocess.Popen(
        [sys.executable, "-c", OTHER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"GRADIO_TEMP_DIR": str(base)},
    )
    return other, Path(other.stdout.readline().strip())


def ended(other: subprocess.Popen) -> None:
    other.stdin.close()
    other.wait(30)
    other.stdout.close()


def test_a_killed_process_s_folder_is_swept_at_the_next_start_and_a_living_one_s_is_not(base: Path) -> None:
    living, own = started(base)
    killed, left = started(base)
    (left / "uploads").mkdir()
    (left / "uploads" / "picture.png").write_bytes(b"x")
    killed.kill()
    ended(killed)
    assert left.is_dir()
    mine = places.settle()
    assert not left.exists()
    assert own.is_dir()
    assert places.settle() == mine  # once per process
    assert os.environ["GRADIO_TEMP_DIR"] == str(mine)
    ended(living)
    assert not own.exists()  # it ended by itself


def test_leaving_takes_everything_along(base: Path) -> None:
    mine = places.settle()
    (mine / "a" / "b").mkdir(parents=True)
    (mine / "a" / "b" / "c").write_bytes(b"x")
    places.leave()
    places.leave()
    assert list(base.iterdir()) == []


def test_what_cannot_be_written_to_is_a_sentence(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "file"))
    settings.cache_clear()
    with pytest.raises(ChoiceError, match=r"Nothing can be written to .*file: .*; free some space there, or name"):
        places.settle()


def make(path: Path, used: float, size: int = 10) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (used, used))
    return path


def test_what_nobody_used_goes_and_with_it_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new, kept = make(tmp_path / "a/b/old", 0), make(tmp_path / "c/new", 0), make(tmp_path / "d/kept", 0)
    now = old.lstat().st_ctime
    os.utime(new, (now + 1000, now + 1000))
    (tmp_path / "empty" / "inner").mkdir(parents=True)
    places.sweep(tmp_path, {kept}, age=1500, now=now + 2000)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["c", "d", "kept", "new"]


def test_a_folder_made_a_moment_ago_stays_for_its_file(tmp_path: Path) -> None:
    (tmp_path / "soon").mkdir()
    places.sweep(tmp_path)
    assert (tmp_path / "soon").is_dir()


def test_too_much_goes_oldest_first(tmp_path: Path) -> None:
    now = make(tmp_path / "first", 0).lstat().st_ctime
    for number, name in enumerate(("first", "second", "third")):
        make(tmp_path / name, now + 10 + number)
    places.sweep(tmp_path, size=20, now=now + 20)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["second", "third"]


def test_too_many_go_oldest_first_but_what_is_kept(tmp_path: Path) -> None:
    now = make(tmp_path / "first", 0).lstat().st_ctime
    for number, name in enumerate(("first", "second", "third", "fourth")):
        make(tmp_path / name, now + 10 + number)
    places.sweep(tmp_path, {tmp_path / "first"}, count=2, now=now + 20)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "fourth", "third"]


def test_a_used_file_counts_as_new(tmp_path: Path) -> None:
    path = make(tmp_path / "a", 0)
    places.touch(path)
    assert path.stat().st_mtime > 1e9
    places.touch(tmp_path / "nothing")


def test_uploads_between_two_sweeps_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "SIZE", 100)
    places.sweep(tmp_path)
    assert [places.room(90) for _ in range(3)] == [True, True, False]
    places.sweep(tmp_path)
    assert places.room(90)
    places.sweep(tmp_path)
