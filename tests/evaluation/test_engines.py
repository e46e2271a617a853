"""The engines give the same rows, do nothing twice, and survive a worker or a driver that is killed."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest

from inspector.errors import InputError, InspectorError, ModelFilesError
from inspector.evaluation import engines, of_dataset
from inspector.evaluation.datasets import Entry, read_dataset
from inspector.evaluation.engines import Worker, plain
from inspector.evaluation.journal import open_journal
from inspector.evaluation.measuring import Task
from inspector.models import catalog
from inspector.results import Progress
from inspector.settings import ASSETS
from tests.evaluation.datasets import making
from tests.evaluation.ray_driver import COUNT, ENTRIES

ROOT = Path(__file__).parents[2]
with_ray = pytest.mark.skipif(
    find_spec("ray") is None, reason="Ray is not installed: pip install -r requirements-ray.txt"
)


def counting(asked: list[str]):
    def measure(entry: Entry) -> dict:
        asked.append(entry.key)
        error = "There is no mask." if entry.key == "k03" else ""
        return {"key": entry.key, "error": error, "models": {}, "numbers": {}, "parts": {}}

    return measure


def test_a_plain_loop_writes_every_row_at_once_and_says_how_far_it_is(tmp_path):
    journal, asked, told = open_journal(tmp_path, {}), [], []

    def report(progress: Progress) -> None:
        told.append((progress.step, progress.total))
        assert len(journal.rows(entry.key for entry in ENTRIES)) == progress.step

    plain(counting(asked), ENTRIES, journal, 1, report)
    assert asked == [entry.key for entry in ENTRIES]
    assert told[-1] == (COUNT, COUNT)


def test_a_plain_loop_has_one_worker(tmp_path):
    with pytest.raises(InputError, match="2 workers need --engine ray"):
        plain(counting([]), ENTRIES, open_journal(tmp_path, {}), 2, lambda _: None)


def test_a_second_run_measures_only_what_is_missing_or_failed(tmp_path, monkeypatch):
    making.folder(tmp_path / "set", 4)
    task, journal = Task("segmentation", read_dataset("folder", tmp_path / "set"), {}), open_journal(tmp_path / "j", {})
    asked: list[str] = []
    errors = {"p2": "There is no mask."}

    def measure(_: Task, entry: Entry) -> dict:
        asked.append(entry.key)
        return {"key": entry.key, "error": errors.get(entry.key, ""), "models": {}, "numbers": {}, "parts": {}}

    monkeypatch.setattr(of_dataset, "measure", measure)
    run = lambda count: of_dataset.evaluate(task, journal, "plain", 1, count, lambda _: None)  # noqa: E731
    assert [row["key"] for row in run(3)] == ["p0", "p1", "p2"]
    errors.clear()
    assert [row["key"] for row in run(None)] == ["p0", "p1", "p2", "p3"]
    assert asked == ["p0", "p1", "p2", "p2", "p3"]


def test_an_engine_that_leaves_pictures_out_is_noticed(tmp_path, monkeypatch):
    making.folder(tmp_path / "set", 2)
    task = Task("segmentation", read_dataset("folder", tmp_path / "set"), {})
    monkeypatch.setattr(of_dataset, "ENGINES", {"plain": lambda *_: None})
    with pytest.raises(InspectorError, match="2 pictures were not measured"):
        of_dataset.evaluate(task, open_journal(tmp_path / "j", {}), "plain", 1, None, lambda _: None)


def test_a_worker_leaves_alone_what_one_before_it_did(tmp_path):
    journal, asked = open_journal(tmp_path, {}), []
    worker = Worker(counting(asked), ENTRIES, journal, 1, ())
    assert [worker({"number": number})["stopped"] for number in (0, 0, 1)] == ["", "", ""]
    assert asked == ["k00", "k01"]


def test_a_worker_without_a_model_says_so_and_writes_nothing(tmp_path):
    def failing(_: Entry) -> dict:
        raise ModelFilesError("There are no weights.")

    journal = open_journal(tmp_path, {})
    assert Worker(failing, ENTRIES, journal, 1, ())({"number": 0}) == {"number": 0, "stopped": "There are no weights."}
    assert journal.read("k00") is None


def test_a_worker_has_the_folders_of_the_process_that_asks(tmp_path, monkeypatch):
    monkeypatch.setattr(catalog, "_LOCAL", {})
    name = catalog.register_local(ASSETS / "models" / "scenes-clip")
    folders = catalog.registered()
    monkeypatch.setattr(catalog, "_LOCAL", {})  # as in another process
    Worker(counting([]), ENTRIES, open_journal(tmp_path, {}), 1, folders)
    assert catalog.spec(name, "clip").source == str(ASSETS / "models" / "scenes-clip")


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is installed here")
def test_without_ray_the_remedy_is_named(tmp_path):
    with pytest.raises(InputError, match=r"pip install -r requirements-ray.txt"):
        engines.with_ray(counting([]), ENTRIES, open_journal(tmp_path, {}), 1, lambda _: None)


def start(folder: Path, *arguments: str) -> subprocess.Popen:
    """A driver in a process of its own: Ray opens sockets that these tests forbid to theirs."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.evaluation.ray_driver", str(folder), *arguments]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def finish(driver: subprocess.Popen) -> None:
    _, said = driver.communicate(timeout=400)
    assert driver.returncode == 0, said


def calls(folder: Path) -> Counter:
    """key -> how often it was begun."""
    return Counter(line.split()[0] for line in (folder / "calls").read_text("utf-8").splitlines())


def rows(folder: Path) -> dict[str, float]:
    return {
        row["key"]: row["numbers"]["miou"] for row in open_journal(folder / "journal", {}).rows(e.key for e in ENTRIES)
    }


CLIP = str(ASSETS / "models" / "scenes-clip")  # a folder, which workers know by no name of the catalog
EXPECTED = {entry.key: number / 3 for number, entry in enumerate(ENTRIES)}


@with_ray
@pytest.mark.slow
def test_a_killed_worker_loses_the_picture_under_way_and_no_other(tmp_path):
    finish(start(tmp_path, "ray", "2", "0.05", "k05"))
    assert rows(tmp_path) == EXPECTED  # to the last digit
    assert calls(tmp_path) == Counter({**dict.fromkeys(EXPECTED, 1), "k05": 2})
    dead = (tmp_path / "killed").read_text("utf-8")
    workers = {line.split()[1] for line in (tmp_path / "calls").read_text("utf-8").splitlines()}
    assert dead in workers
    assert len(workers) >= 2


@with_ray
@pytest.mark.slow
def test_a_killed_driver_goes_on_where_it_was(tmp_path):
    driver = start(tmp_path, "ray", "1", "1")
    deadline = time.monotonic() + 300
    while not (tmp_path / "journal").is_dir() or len(rows(tmp_path)) < 3:
        assert driver.poll() is None, driver.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.1)
    os.kill(driver.pid, signal.SIGKILL)
    driver.communicate()
    time.sleep(15)  # its worker notices and ends
    done = set(rows(tmp_path))
    assert 3 <= len(done) < COUNT
    finish(start(tmp_path, "ray", "1", "0.01"))
    assert rows(tmp_path) == EXPECTED
    begun = calls(tmp_path)
    assert {key: begun[key] for key in done} == dict.fromkeys(done, 1)
    assert sum(begun.values()) <= COUNT + 1  # the one under way


@with_ray
@pytest.mark.slow
def test_more_workers_than_there_are_processors_are_refused(tmp_path):
    driver = start(tmp_path, "ray", "999", "0")
    _, said = driver.communicate(timeout=400)
    assert "999 workers need a " in said
    assert driver.returncode


@with_ray
@pytest.mark.slow
def test_both_engines_give_the_same_numbers_to_the_last_digit(tmp_path):
    making.folder(tmp_path / "set", 6, side=4)
    found = {}
    for engine, workers in (("plain", "1"), ("ray", "2")):
        out = tmp_path / engine
        arguments = ["--dataset", "folder", "--root", str(tmp_path / "set"), "--out", str(out), "--clip", CLIP]
        command = [sys.executable, "-m", "inspector", "evaluate", "segmentation", *arguments]
        subprocess.run([*command, "--engine", engine, "--workers", workers], cwd=ROOT, check=True, capture_output=True)
        lines = [line.split(",") for line in (out / "pictures.csv").read_text("utf-8").splitlines()]
        place = lines[0].index("seconds")
        found[engine] = [line[:place] for line in lines]
    assert found["plain"] == found["ray"]
    assert len(found["ray"]) == 7
