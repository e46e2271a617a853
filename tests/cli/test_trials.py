"""The trials, one by one."""

from pathlib import Path

import pytest

from tests.cli import trials


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trials")
    trials.make_files(folder)
    return folder


@pytest.mark.parametrize("trial", trials.TRIALS, ids=[f"{trial.kind}: {trial.name}" for trial in trials.TRIALS])
def test_a_trial_holds(trial: trials.Trial, folder: Path) -> None:
    found = trials.answer(trial, folder)
    assert trial.right(found), found.said
    assert "Traceback" not in found.said
