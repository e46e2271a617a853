"""Names for a reader: columns, methods, and the choices of a request."""

from dataclasses import replace

from inspector.views.naming import apart, header, named, said
from inspector.views.table import table
from tests.views import samples


def test_columns_have_names() -> None:
    assert [header(name) for name in ("ap_over_chance", "iou_best", "miou", "some_thing")] == [
        *("AP over chance", "best IoU", "mIoU", "some thing")
    ]
    shown = named(table([{"method": "rgb", "class": "unet"}]))
    assert shown.rows == (("colour only", "unet"),)  # a class may be called anything


def test_a_request_is_said_as_one_reads_it() -> None:
    request = samples.saliency().request
    assert dict(said(request)) == {
        "picture": "an own picture, 96 × 64 pixels",
        "true masks": "car",
        "classes": "car, building/house",
        "background words": "the 25 of CLIP-ES",
        "template": "a photo of {}.",
        "pooling": "mean",
        "threshold": "0.4",
        "model": "scenes-clip",
    }
    told = dict(said(replace(request, scene=7, background=("wall",), side=224)))
    assert told["picture"] == "drawn scene 7, 96 × 64 pixels"
    assert (told["background words"], told["longer side that the model sees"]) == ("wall", "224")
    assert dict(said(samples.segmentation().request))["background threshold"] == "0"
    assert dict(said(samples.attention().request))["t of the noise added once"] == "100"


def test_requests_are_set_apart_by_what_is_not_the_same() -> None:
    own = samples.attention().request
    other = replace(own, prompt="a dog", seed=9)
    assert apart([own, other]) == [f"{own.prompt}, seed {own.seed}", "a dog, seed 9"]
    assert apart([own, own]) == ["", ""]
    long = replace(own, prompt="dog " * 20)
    assert apart([own, long])[1] == f"{('dog ' * 20)[:39]}…"
