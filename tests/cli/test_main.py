"""Dispatch: what the exit codes mean, what is said, and what is not imported."""

import re
import subprocess
import sys
from dataclasses import fields

import pytest

from inspector import __version__, cli
from inspector.cli import attention, clusters, saliency, segmentation
from inspector.errors import Cancelled, ChoiceError, ModelFetchError, ModelFilesError
from inspector.results import AttentionRequest, ClustersRequest, SaliencyRequest, SegmentationRequest


def test_help_names_every_command_and_their_own_help_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(re.search(rf"^ +{stem}\b", text, re.MULTILINE) for stem in cli.COMMANDS)
    for stem in cli.COMMANDS:
        assert cli.main([stem, "--help"]) == 0
        assert f"python -m inspector {stem}" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


def test_asking_for_help_loads_neither_torch_nor_gradio() -> None:
    code = (
        "import sys; from inspector.cli import main; main(['--help']);"
        "print(sorted({'torch', 'gradio', 'diffusers', 'open_clip'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ChoiceError("k is 0;\nuse a whole number."), 2),
        (ModelFilesError("The folder lacks a file."), 2),
        (ModelFetchError("No network."), 1),
        (Cancelled("Stopped."), 1),
    ],
)
def test_known_errors_are_one_line_and_a_code(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(clusters, "run", fail)
    assert cli.main(["clusters", "scene:1"]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "inspector: " + " ".join(str(error).split()) + "\n"


def test_an_interrupt_is_130_and_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    def stumble(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(clusters, "run", interrupt)
    assert cli.main(["clusters", "scene:1"]) == 130
    monkeypatch.setattr(clusters, "run", stumble)
    with pytest.raises(ZeroDivisionError):
        cli.main(["clusters", "scene:1"])


@pytest.mark.parametrize(
    ("module", "request_type"),
    [
        (saliency, SaliencyRequest),
        (attention, AttentionRequest),
        (clusters, ClustersRequest),
        (segmentation, SegmentationRequest),
    ],
)
def test_the_defaults_told_are_those_of_the_request(module: object, request_type: type) -> None:
    """Where the help names a plain default, it is the request's own."""
    known = {field.name: field.default for field in fields(request_type)}
    told = 0
    for name, (_, text) in module.FIELDS.items():  # type: ignore[attr-defined]
        assert name in known
        found = re.search(r"\(default: ([^ ()]+|a photo of \{\}\.)\)$", text)
        if found and found[1] != "none":
            assert found[1] == str(known[name]), name
            told += 1
    assert told >= 3
