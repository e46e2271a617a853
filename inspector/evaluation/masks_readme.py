"""README's tables of generated pictures against masks of a promptable segmenter, of what `evaluate masks` kept."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from inspector.evaluation import readme_place
from inspector.evaluation.masks import heading, told
from inspector.settings import ASSETS
from inspector.views.export import dumps

MEASURED = ASSETS / "measured"
README = ASSETS.parent / "README.md"
START, STOP = "<!-- masks: python -m inspector evaluate masks --readme -->", "<!-- /masks -->"


def check() -> None:
    """Raise ChoiceError unless README has the place of the tables, once."""
    readme_place.check(README, START, STOP)


def read() -> list[dict[str, Any]]:
    """What was measured last, a diffusion model each, those nobody told where words are first."""
    files = sorted(MEASURED.glob("masks-*.json"), key=lambda file: file.stem, reverse=True)
    return [json.loads(file.read_text("utf-8")) for file in files]


def write(result: Mapping[str, Any]) -> None:
    """Keep a model's numbers and put the tables into README anew. Raises ChoiceError as `check`."""
    check()
    file = MEASURED / f"masks-{result['models']['diffusion']}.json"
    file.write_text(dumps(result, indent=1) + "\n", encoding="utf-8")
    readme_place.fill(README, START, STOP, render())


def render() -> str:
    """The tables as Markdown."""
    return "\n".join(line for result in read() for line in _of_model(result))


def _of_model(result: Mapping[str, Any]) -> Iterator[str]:
    yield f"{heading(result)}\n"
    yield f"| AP of | {' | '.join(f't = {timestep}' for timestep in result['timesteps'])} |"
    yield "|---|" + "---|" * len(result["timesteps"])
    for what, cells in told(result):
        yield f"| {what} | {' | '.join(cells[timestep] for timestep in result['timesteps'])} |"
    yield ""
