"""The pictures of the page for documents."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inspector.browser import open_browser
from inspector.errors import ChoiceError
from inspector.ui import screenshots

pytest.importorskip("playwright.sync_api")


def test_a_tab_twice_is_the_same_bytes_and_a_whole_screen(page: str, tmp_path: Path) -> None:
    try:
        with open_browser() as browser:
            files = [
                screenshots.picture(browser, page, "attention", screen, tmp_path / f"{index}.png")
                for index, screen in enumerate(["dark", "dark", "phone"])
            ]
    except ChoiceError as error:
        pytest.skip(str(error))
    first, second, phone = files
    assert first.read_bytes() == second.read_bytes()
    with Image.open(phone) as shot:
        width, height = shot.size
        assert width == 390
        assert height == 844
        assert len(np.unique(np.asarray(shot.convert("RGB").resize((64, 256))).reshape(-1, 3), axis=0)) > 500


def test_a_file_that_is_no_browser_is_told(tmp_path: Path) -> None:
    (tmp_path / "chromium").write_text("#!/bin/false\n")
    with pytest.raises(ChoiceError, match="--browser"), open_browser(str(tmp_path / "chromium")):
        pass
