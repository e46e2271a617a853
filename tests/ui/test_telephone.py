"""A telephone's photograph, 24 megapixels, HEIC, lying on its side: through the page and the command line alike."""

from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image

from inspector.cli import main
from inspector.ui.session import RESULTS
from inspector.views.archive import load_result
from tests.cli.trials import sheep_picture
from tests.ui.driving import LONG, VIEWER, Open, run, source, until

SIZE = 6928, 3464
playwright = pytest.importorskip("playwright.sync_api")


@pytest.fixture(scope="module")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sheep at the left edge, upright once the file's mark is obeyed; stored on its side."""
    pillow_heif.register_heif_opener()
    image, _ = sheep_picture()
    exif = Image.Exif()
    exif[274] = 6  # to be turned by a quarter clockwise
    lying = Image.fromarray(np.ascontiguousarray(np.rot90(image))).resize(SIZE[::-1])
    file = tmp_path_factory.mktemp("telephone") / "IMG_0001.heic"
    lying.save(file, quality=90, exif=exif.tobytes())
    return file


@pytest.mark.slow
def test_page_and_command_line_see_the_same_pixels(visit: Open, photograph: Path, tmp_path: Path) -> None:
    words = ["--classes", "sheep, grass, sky"]
    assert main(["saliency", str(photograph), *words, "--out", str(tmp_path)]) == 0
    own = load_result(tmp_path)

    tab = visit("?tab=saliency")
    source(tab)
    tab.get_by_role("button", name="Remove Image").click()
    tab.locator(".source input[type=file]").first.set_input_files(str(photograph))
    playwright.expect(tab.locator(".left .caption").first).to_contain_text("Your own picture", timeout=LONG)
    tab.get_by_label("Classes").first.fill("sheep, grass, sky")
    run(tab)
    tab.wait_for_function(f"{VIEWER}.atlas?.axes[0].values.join() === 'sheep,grass,sky'", timeout=LONG)
    until(tab)

    result = RESULTS.get(tab.evaluate("DenseViewer.shell.slots.get('saliency').value.key"))
    assert np.array_equal(result.request.image, own.request.image)
    assert np.array_equal(result.grid_signed, own.grid_signed)
    height, width = own.request.image.shape[:2]
    assert width / height == pytest.approx(2, abs=0.01)

    # What the page draws is that picture, pixel for pixel, and its map's peak lies where the command line's lies.
    shown = tab.evaluate(
        f"""async () => {{
          const bitmap = await {VIEWER}.atlas.picture("picture");
          const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
          context.drawImage(bitmap, 0, 0);
          return [bitmap.height, bitmap.width, ...context.getImageData(0, 0, bitmap.width, 1).data];
        }}"""
    )
    assert shown[:2] == [height, width]
    assert np.array_equal(np.reshape(shown[2:], (1, width, 4))[..., :3], own.request.image[:1])
    map_ = own.maps[0]
    peak = np.unravel_index(map_.argmax(), map_.shape)
    read = f"([y, x]) => {VIEWER}.panels[0].map.at(y, x, {height}, {width})"
    assert tab.evaluate(read, list(map(int, peak))) == pytest.approx(map_.max(), rel=0.01)
    mask = cv2.resize(sheep_picture()[1].astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    assert cv2.dilate(mask, np.ones((9, 9), np.uint8))[peak]
