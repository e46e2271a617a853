"""Where a region looks, by hand, and which cells a region is."""

import numpy as np
import pytest

from inspector.errors import ChoiceError
from inspector.results import Region, read_region, row
from inspector.results.projections import cells_of, kept_at


def test_a_row_is_the_softmax_of_a_place_by_hand() -> None:
    # One head of one channel, a grid of 1 x 2: scores of the first place are 0 and log 3, of the second 0 and 2 log 3.
    projected = np.array([[[1.0, 2.0]], [[0.0, np.log(3)]]], np.float32)[:, None].astype(np.float16)
    first, second = np.array([[True, False]]), np.array([[False, True]])
    np.testing.assert_allclose(row(projected, 1, first), [[0.25, 0.75]], atol=1e-3)
    np.testing.assert_allclose(row(projected, 1, second), [[0.1, 0.9]], atol=1e-3)
    np.testing.assert_allclose(row(projected, 1, first | second), [[0.175, 0.825]], atol=1e-3)


def test_heads_have_channels_of_their_own_and_are_averaged() -> None:
    projected = np.zeros((2, 2, 1, 2), np.float16)
    projected[0, :, 0, 0] = 1  # the first place's query of both heads
    projected[1, 0, 0], projected[1, 1, 0] = [0, np.log(3)], [np.log(3), 0]
    cells = np.array([[True, False]])
    np.testing.assert_allclose(row(projected, 2, cells), [[0.5, 0.5]], atol=1e-3)
    np.testing.assert_allclose(row(projected, 1, cells), [[0.5, 0.5]], atol=1e-3)  # log 3 either way
    projected[1, 1, 0] = [0, np.log(3)]
    np.testing.assert_allclose(row(projected, 2, cells), [[0.25, 0.75]], atol=1e-3)
    np.testing.assert_allclose(row(projected, 1, cells), [[0.1, 0.9]], atol=1e-3)


def test_a_large_grid_is_worked_off_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    projected = np.random.default_rng(0).normal(size=(2, 4, 6, 5)).astype(np.float16)
    cells = np.ones((6, 5), bool)
    whole = row(projected, 2, cells)
    monkeypatch.setattr("inspector.results.projections.AT_ONCE", 1)
    np.testing.assert_allclose(row(projected, 2, cells), whole, atol=1e-6)
    assert whole.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        (Region("pixel", ((0.5, 0.99),)), [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]),
        (Region("pixel", ((1.0, 1.0),)), [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]]),
        (Region("box", ((0.6, 0.1), (0.1, 0.6))), [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]),
        (Region("box", ((0.26, 0.26), (0.3, 0.3))), [[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]),
        (
            Region("polygon", ((0.0, 0.0), (0.0, 1.0), (0.99, 0.0))),
            [[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]],
        ),
    ],
)
def test_the_cells_of_a_region(region: Region, expected: list[list[int]]) -> None:
    assert region.cells((4, 4)).astype(int).tolist() == expected


def test_the_cells_of_a_mask_are_those_it_covers_by_half_or_most() -> None:
    mask = np.zeros((8, 8), bool)
    mask[:4, :3] = True
    assert cells_of(mask, (2, 2)).tolist() == [[True, False], [False, False]]
    mask[:] = False
    mask[7, 0] = True
    assert cells_of(mask, (2, 2)).tolist() == [[False, False], [True, False]]
    with pytest.raises(ChoiceError, match="empty"):
        cells_of(np.zeros((8, 8), bool), (2, 2))


def test_a_region_is_read_in_pixels() -> None:
    assert read_region("10,20", (20, 40)) == Region("pixel", ((0.525, 0.5125),))
    assert read_region("0,0,20,10", (20, 40)) == Region("box", ((0.0, 0.0), (1.0, 0.25)))
    assert read_region("0,0 20,0 20,40", (20, 40)).kind == "polygon"


@pytest.mark.parametrize(
    "text", ["", "1", "1,2,3", "a,b", "1,2 3,4", "1,2 3", "0,0 30,0 0,9", "-1,2", "nan,1", "1,2,3,4,5"]
)
def test_what_is_no_region_is_refused(text: str) -> None:
    with pytest.raises(ChoiceError):
        read_region(text, (20, 40))


def test_a_step_that_was_not_kept_is_refused() -> None:
    every, last = np.arange(3), np.array([7])
    assert [kept_at(every, step, 3, "It") for step in (0, -1)] == [0, 2]
    assert [kept_at(last, step, 3, "It") for step in (2, -1)] == [7, 7]
    with pytest.raises(ChoiceError, match="It was kept of the last step alone"):
        kept_at(last, 0, 3, "It")
