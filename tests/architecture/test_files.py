"""What lies in the repository: no file too large for hosting, no path of somebody's machine, no address of a mirror."""

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIMIT = 10_000_000  # bytes; hosting needs a large-file store above it
# A folder that exists on one machine only, such as somebody's home.
MACHINE_PATH = re.compile(r"(?<![\w.~<>}])(?:/(?:root|home|Users|work|mnt|tmp|scratch)/\w|[A-Z]:\\\\?(?:Users|Temp)\b)")


@pytest.fixture(scope="module")
def files() -> list[Path]:
    """Files that are in git or would be added."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    found = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in found if path.is_file()]


def machine_paths(text: str) -> list[str]:
    """Lines that name such a folder."""
    return [line.strip() for line in text.splitlines() if MACHINE_PATH.search(line)]


def test_every_file_is_under_ten_megabytes(files):
    assert {str(path.relative_to(ROOT)): path.stat().st_size for path in files if path.stat().st_size >= LIMIT} == {}


def test_no_file_names_a_path_of_one_machine(files):
    found = {}
    for path in files:
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # pictures and weights
        if lines := machine_paths(text):
            found[str(path.relative_to(ROOT))] = lines
    assert found == {}


def test_the_lock_of_the_browser_codes_tools_takes_them_from_whatever_registry_is_set():
    packages = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    assert len(packages) > 50
    assert [name for name, package in packages.items() if "resolved" in package] == []  # .npmrc leaves it out
    assert all("integrity" in package for name, package in packages.items() if name)


@pytest.mark.parametrize("head", ["root", "home", "Users", "tmp"])
def test_a_machine_path_is_noticed_and_others_are_not(head):
    assert machine_paths(f'open("/{head}/someone/x")')
    assert not machine_paths(f"https://example.org/{head}/x and src/{head}/x and /{head} alone, /usr/bin/env")
