"""`check-space`: this repository passes, and a copy that is broken in each way is found."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from inspector import hosting
from inspector.cli import main
from inspector.hosting import CHECKS, TABS, check_space
from inspector.models.checksums import fingerprint
from inspector.views.archive import take_apart
from tests.views import samples

ROOT = Path(__file__).resolve().parents[2]
MODELS = ("scenes-clip", "scenes-diffusion")
LENT = "import spaces\n\n@spaces.GPU(duration=60)\ndef stream(request):\n    yield request.image\n"


@pytest.fixture
def space(tmp_path: Path) -> Path:
    """The repository's own front matter and pins, with weights and examples of a few bytes; there is no git."""
    for name in ("README.md", "requirements.txt", "packages.txt", "app.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in MODELS:
        (tmp_path / "assets" / "models" / name).mkdir(parents=True)
        (tmp_path / "assets" / "models" / name / "model.safetensors").write_bytes(name.encode())
    (tmp_path / "assets" / "examples").mkdir()
    for tab in TABS:
        example(tmp_path, tab)
    return tmp_path


def example(folder: Path, tab: str, made_by: str = "") -> None:
    """A result of a tab in its place, or of another."""
    models = {name: fingerprint(folder / "assets" / "models" / name) for name in MODELS}
    result = getattr(samples, made_by or tab)(provenance=replace(samples.PROVENANCE, models=models))
    np.savez_compressed(folder / "assets" / "examples" / f"{tab}.npz", **take_apart(result))


def problems(folder: Path, check: str) -> list[str]:
    return list(CHECKS[check](folder))


def change(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {file}"
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")


def test_this_repository_can_be_pushed() -> None:
    found = {check.name: check.problems for check in check_space(ROOT)}
    assert found.keys() == CHECKS.keys()
    assert {name: told for name, told in found.items() if told} == {}


@pytest.mark.parametrize("check", [name for name in CHECKS if name != "start"])
def test_the_copy_is_good_before_it_is_broken(space: Path, check: str) -> None:
    assert problems(space, check) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("title: Dense Inspector\n", "", "title is missing"),
        ("license: apache-2.0\n", "", "license is missing"),
        ("sdk: gradio", "sdk: docker", "sdk is 'docker'; write gradio"),
        ("sdk_version: 6", "sdk_version: 5", "and gradio in requirements.txt 6"),
        ("sdk_version: 6", "sdk_version: 5", "and gradio in this environment 6"),
        ('python_version: "3.12"', 'python_version: "3.11"', "a ZeroGPU host and this program run on \"3.12\""),
        ('python_version: "3.12"', "python_version: 3.12", "python_version is 3.12"),
        ('python_version: "3.12"', 'python_version: "3.120"', "python_version is '3.120'"),
        ("app_file: app.py", "app_file: main.py", "app_file 'main.py' does not exist"),
        ("short_description: ", f"short_description: {'very ' * 9}", "short_description needs 1 to 60"),
        ("colorTo: yellow", "colorTo: orange", "colorTo is 'orange'; use one of red, yellow"),
        ("emoji: 🔎", "emoji: ok", "emoji is 'ok'; use one emoji"),
        ("  - CompVis/stable-diffusion-v1-4\n", "", "models are not those of the catalog; list CIDAS/"),
        ("sdk: gradio", "sdk: [gradio", "is no YAML"),
        ("---\ntitle", "title", "has no front matter"),
    ],
)  # fmt: skip
def test_front_matter(space: Path, old: str, new: str, told: str) -> None:
    change(space, "README.md", old, new)
    assert any(told in problem for problem in problems(space, "front matter"))


def test_elsewhere_any_python_of_the_program_will_do(space: Path) -> None:
    change(space, "README.md", "suggested_hardware: zero-a10g", "suggested_hardware: cpu-basic")
    change(space, "README.md", 'python_version: "3.12"', 'python_version: "3.11.7"')
    assert problems(space, "front matter") == []


def test_without_a_readme_there_is_one_problem(space: Path) -> None:
    (space / "README.md").unlink()
    assert len(problems(space, "front matter")) == 1
    assert problems(space, "start") == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("torch>=2.8", "torch must stay within 2.8 to 2.11"),
        ("torch>=2.7,<2.12", "torch must stay within 2.8 to 2.11"),
        ("torch==2.7.1", "torch must stay within 2.8 to 2.11"),
        ("gradio>=6.31", "gradio needs one exact version"),
        ("gradio==6.*", "gradio needs one exact version"),
        ("scipy @ https://example.org/scipy.whl", "comes from an address"),
        ("numpy @ git+https://example.org/numpy", "comes from an address"),
        ("git+https://example.org/numpy", "is no package with its versions"),
        ("--extra-index-url https://example.org", "is no package with its versions"),
        ("-r more.txt", "is no package with its versions"),
    ],
)
def test_pins(space: Path, line: str, told: str) -> None:
    with (space / "requirements.txt").open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")  # the last line of a package is the one that is read
    (problem,) = problems(space, "pins")
    assert told in problem


def test_a_torch_that_is_not_named(space: Path) -> None:
    change(space, "requirements.txt", "torch>=2.8,<2.12", "")
    (problem,) = problems(space, "pins")
    assert "torch must stay within" in problem


@pytest.mark.parametrize("pin", ["torch==2.8.0", "torch>=2.9,<2.11", "torch~=2.10.0"])
def test_a_narrower_torch_is_fine(space: Path, pin: str) -> None:
    change(space, "requirements.txt", "torch>=2.8,<2.12", pin)
    assert problems(space, "pins") == []


def test_large_files_and_pickled_weights(space: Path) -> None:
    with (space / "large.png").open("wb") as file:
        file.truncate(10_000_000)
    for name in ("a.pt", "b.pth", "c.ckpt", "d.bin", "e.PKL"):
        (space / "assets" / name).write_bytes(b"x")
    large, *pickled = sorted(problems(space, "files"), key=lambda problem: "pickled" in problem)
    assert large == "large.png has 10.0 MB and less than 10 are taken; split it or leave it out"
    assert [problem.split()[0] for problem in pickled] == [
        f"assets/{name}" for name in ("a.pt", "b.pth", "c.ckpt", "d.bin", "e.PKL")
    ]


def test_with_git_only_what_it_tracks_is_pushed(space: Path) -> None:
    for name in ("tracked.bin", "other.bin"):
        (space / name).write_bytes(b"x")
    for command in (["init", "-q"], ["add", "tracked.bin"]):
        subprocess.run(["git", "-C", str(space), *command], check=True)
    (problem,) = problems(space, "files")
    assert problem.startswith("tracked.bin is pickled")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("libgl1\n", "", "packages.txt lacks libgl1; add"),
        ("libglib2.0-0", "libglib2.0-0 curl", "packages.txt lacks libglib2.0-0"),
        ("libgl1\n", "libgl1\n# for opencv\n", "'# for opencv' is no Debian package"),
        ("libgl1\n", "libgl1\n--force-yes\n", "'--force-yes' is no Debian package"),
    ],
)
def test_system_packages(space: Path, old: str, new: str, told: str) -> None:
    change(space, "packages.txt", old, new)
    assert told in problems(space, "system packages")[0]


def lost(space: Path) -> None:
    (space / "assets" / "examples" / "clusters.npz").unlink()


def cut_off(space: Path) -> None:
    file = space / "assets" / "examples" / "clusters.npz"
    file.write_bytes(file.read_bytes()[:100])


def exchanged(space: Path) -> None:
    example(space, "clusters", made_by="segmentation")


def outdated(space: Path) -> None:
    example(space, "clusters")
    (space / "assets" / "models" / "scenes-diffusion" / "model.safetensors").write_bytes(b"trained again")
    for tab in ("saliency", "attention", "segmentation"):
        example(space, tab)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (lost, "assets/examples/clusters.npz is missing; run python -m inspector clusters"),
        (cut_off, "assets/examples/clusters.npz cannot be shown: This cannot be read"),
        (exchanged, "assets/examples/clusters.npz holds a SegmentationResult"),
        (outdated, "assets/examples/clusters.npz was made with other weights (scenes-diffusion "),
    ],
)
def test_examples(space: Path, broken: Callable[[Path], None], told: str) -> None:
    broken(space)
    (problem,) = problems(space, "examples")
    assert problem.startswith(told)


@pytest.fixture
def program(space: Path) -> Path:
    """A program of empty modules whose streams ask for the GPU."""
    for package in ("inspector", "inspector/ui", "inspector/pipelines"):
        (space / package).mkdir()
        (space / package / "__init__.py").touch()
    (space / "inspector" / "ui" / "shell.py").touch()
    for tab in TABS:
        (space / "inspector" / "pipelines" / f"{tab}.py").write_text(LENT)
    (space / "app.py").write_text('if __name__ == "__main__":\n    raise SystemExit("served")\n')
    return space


def test_a_program_that_starts_and_borrows_its_gpu(program: Path) -> None:
    assert problems(program, "start") == []


def test_a_program_that_touches_cuda_at_once(program: Path) -> None:
    (program / "app.py").write_text('import torch\n\ntorch.zeros(1, device="cuda")\n')
    (problem,) = problems(program, "start")
    assert problem.startswith("app.py, or the page it starts, cannot be imported (RuntimeError: CUDA is touched")


def test_a_stream_that_asks_for_no_gpu(program: Path) -> None:
    for tab in ("saliency", "clusters"):
        change(program, f"inspector/pipelines/{tab}.py", "@spaces.GPU(duration=60)\n", "")
    assert [problem.split(";")[0] for problem in problems(program, "start")] == [
        f"the stream of inspector/pipelines/{tab}.py asks for no GPU" for tab in ("saliency", "clusters")
    ]


@pytest.mark.skipif(torch.version.cuda is None, reason="a torch without CUDA")
def test_a_program_that_asks_for_cuda_before_the_host_is_ready(program: Path) -> None:
    first = "import torch\n\ntorch.cuda.is_available()\n"
    (program / "inspector" / "pipelines" / "saliency.py").write_text(first + LENT)
    (problem,) = problems(program, "start")
    assert "CUDA was asked for before spaces was imported" in problem


def test_a_page_that_cannot_be_imported(program: Path) -> None:
    (program / "inspector" / "ui" / "shell.py").write_text("import a_module_that_is_nowhere\n")
    (problem,) = problems(program, "start")
    assert "No module named 'a_module_that_is_nowhere'" in problem


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosting, "CHECKS", {name: CHECKS[name] for name in ("pins", "system packages")})


@pytest.mark.usefixtures("quick")
def test_a_good_folder_is_told_line_by_line(space: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-space", str(space)]) == 0
    assert capsys.readouterr() == ("pins: ok\nsystem packages: ok\n", "")


@pytest.mark.usefixtures("quick")
def test_problems_end_in_code_1(space: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (space / "packages.txt").unlink()
    assert main(["check-space", str(space)]) == 1
    shown = capsys.readouterr()
    assert shown.out.splitlines()[1:] == [
        f"system packages: problem: packages.txt lacks {name}; add a line with it" for name in hosting.PACKAGES
    ]
    assert shown.err == "inspector: 2 problems found; mend what is listed, then check again.\n"


def test_no_such_folder_is_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-space", str(tmp_path / "nowhere")]) == 2
    assert "is no folder; give the one that will be pushed" in capsys.readouterr().err
