"""The pictures of the page for documents."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inspector.browser import open_browser
from inspector.errors import ChoiceError
from inspector.ui import screenshots

pytest.importorskip("playwright.sync_api")


@pytest.mark.filterwarnings("ignore:.*no_silent_downcasting")
def test_one_tab_on_a_phone_is_a_whole_page(page: str, tmp_path: Path) -> None:
    try:
        with open_browser() as browser:
            file = screenshots._one(browser, page, "segmentation", "phone", tmp_path / "shot.png")
    except ChoiceError as error:
        pytest.skip(str(error))
    with Image.open(file) as shot:
        width, height = shot.size
        assert width == 390
        assert height > 2000
        assert len(np.unique(np.asarray(shot.convert("RGB").resize((64, 256))).reshape(-1, 3), axis=0)) > 500


def test_a_file_that_is_no_browser_is_told(tmp_path: Path) -> None:
    (tmp_path / "chromium").write_text("#!/bin/false\n")
    with pytest.raises(ChoiceError, match="--browser"), open_browser(str(tmp_path / "chromium")):
        pass
