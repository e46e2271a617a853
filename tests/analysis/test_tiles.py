"""Tiles and their mean, by numbers a person can check."""

import torch

from inspector.analysis.tiles import join_tiles, tile_places


def test_tiles_cover_the_picture_and_the_last_is_flush_with_the_edge():
    assert tile_places((4, 10), 4) == ((0, 0), (0, 4), (0, 6))
    assert tile_places((5, 8), 4) == ((0, 0), (0, 4), (1, 0), (1, 4))
    assert tile_places((4, 4), 4) == ((0, 0),)
    assert tile_places((3, 2), 4) == ((0, 0),)


def test_what_is_constant_stays_so():
    places = tile_places((6, 10), 4)
    joined = join_tiles([torch.full((2, 4, 4), 0.7)] * len(places), places, (6, 10))
    assert joined.shape == (2, 6, 10)
    assert torch.allclose(joined, torch.tensor(0.7))


def test_an_overlap_is_the_mean_of_its_tiles():
    places = tile_places((2, 3), 2)
    joined = join_tiles([torch.full((2, 2), 1.0), torch.full((2, 2), 5.0)], places, (2, 3))
    assert joined.tolist() == [[1, 3, 5], [1, 3, 5]]


def test_a_picture_that_is_cut_is_put_together_as_it_was():
    picture = torch.arange(70.0).reshape(7, 10)
    places = tile_places((7, 10), 4)
    parts = [picture[y : y + 4, x : x + 4] for y, x in places]
    assert torch.equal(join_tiles(parts, places, (7, 10)), picture)
