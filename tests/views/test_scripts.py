"""The viewer's modules as one script."""

import re
from pathlib import Path

import pytest

from inspector.views import scripts as linking
from inspector.views.scripts import FOLDER, scripts


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(linking, "FOLDER", tmp_path)
    return tmp_path


def test_a_module_comes_once_and_after_what_it_imports(folder: Path) -> None:
    (folder / "a.js").write_text('import { two } from "./b.js";\nimport * as c from "./c.js";\nexport class Own {}\n')
    (folder / "b.js").write_text('import * as c from "./c.js";\nexport const two = 2 * c.one();\n')
    (folder / "c.js").write_text("export function one() { return 1; }\n")
    text = scripts.__wrapped__("a")
    assert re.findall(r"^const module_(\w) =", text, re.M) == ["c", "b", "a"]
    assert "const { two } = module_b;\nconst c = module_c;" in text
    assert "return { Own };" in text
    assert "import " not in text
    assert "export " not in text


def test_a_circle_is_refused(folder: Path) -> None:
    (folder / "a.js").write_text('import { two } from "./b.js";\n')
    (folder / "b.js").write_text('import * as a from "./a.js";\n')
    with pytest.raises(ValueError, match="a -> b -> a: modules must not import each other"):
        scripts.__wrapped__("a")


def test_all_modules_are_linked_and_use_what_the_linker_knows() -> None:
    text = scripts("shell")
    assert set(re.findall(r"^const module_(\w+) =", text, re.M)) == {path.stem for path in FOLDER.glob("*.js")}
    assert not re.findall(r"^\s*(?:import|export)\b.*", text, re.M)
