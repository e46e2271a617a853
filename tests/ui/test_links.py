"""Addresses: what they say of a run is what the run was, and nothing in them is taken on trust."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from inspector.errors import ChoiceError, InputError
from inspector.results import parse_classes
from inspector.ui import attention, clusters, links, saliency, scenes, segmentation
from inspector.ui.pictures import UPLOADS, picture_hash
from inspector.ui.session import fingerprint
from inspector.ui.shell import TABS
from tests.views import samples

NAMES = tuple(TABS)
SUBJECTS = {name: tab.SUBJECT for name, tab in TABS.items()}
# One request per tab that differs from the first example in every field that an address tells.
OTHERS: dict[str, Any] = {
    "saliency": lambda: saliency.make(None, 500_004, "ö&b/c d, =e", "class", "the {}?", "sky, sea", 128, "local:x"),
    "attention": lambda: attention.make(
        None,
        scenes.HORSE,
        "a & b = c?",
        9,
        3.5,
        11,
        50,
        True,
        "euler",
        "local:x",
        "noise once, inversion",
        3,
        "1, 101",
        "single heads",
        "every",
        "dog, cow",
        reading="output",
    ),
    "clusters": lambda: clusters.make(None, 500_004, 3, "C", 7, "a prompt", 4, 9, "local:x"),
    "segmentation": lambda: segmentation.make(
        None,
        500_004,
        "a, b",
        "gradcam",
        0.25,
        "{}",
        9,
        3,
        96,
        "local:x",
        "local:y",
        "power",
        3.5,
        0.5,
        "odise-no-unet",
        0.2,
        0.9,
        "ground, land",
        "sam-vit-base",
    ),
}


def address(parameters: dict[str, str]) -> str:
    from urllib.parse import urlencode

    return "?" + urlencode(parameters)


@pytest.mark.parametrize("name", NAMES)
def test_an_address_leads_back_to_its_request(name: str) -> None:
    subject = SUBJECTS[name]
    for request in (subject.first(), OTHERS[name]()):
        told = subject.link(request)
        link = links.read(address(told), NAMES)
        assert link.tab == name
        assert fingerprint(subject.request(link)) == fingerprint(request)


@pytest.mark.parametrize("name", NAMES)
def test_every_field_but_those_of_the_first_example_is_told(name: str) -> None:
    subject = SUBJECTS[name]
    told = subject.link(OTHERS[name]())
    fields = set(subject.fields(subject.first())) - {
        *("noise_timestep", "mode"),  # which "matched" and a picture stand for
        *("source", "cross_kept", "self_kept", "weights"),  # of a generated picture
        *("lora", "lora_scale", "embeddings"),  # of files that are offered, as in test_own_models
    }
    assert set(told) - {"tab", "scene"} == fields
    picture = {"scene": str(subject.first().scene)} if subject.first().image is not None else {}
    assert subject.link(subject.first()) == {"tab": name} | picture


@pytest.mark.parametrize("name", NAMES)
def test_the_fields_are_the_page_s_controls_in_the_order_of_make(name: str) -> None:
    subject, first = SUBJECTS[name], SUBJECTS[name].first()
    made = subject.make(None, first.scene, *subject.fields(first).values())
    assert fingerprint(made) == fingerprint(first)


def test_an_upload_is_told_by_its_content() -> None:
    image = samples.image()
    request = replace(clusters.first_request(), image=image, masks={}, scene=None)
    UPLOADS.put(image)
    told = SUBJECTS["clusters"].link(request)
    assert told["image"] == picture_hash(image)
    assert "scene" not in told
    back = SUBJECTS["clusters"].request(links.read(address(told), NAMES))
    assert np.array_equal(back.image, image)


def test_an_attention_address_with_a_picture_means_that_picture() -> None:
    subject = SUBJECTS["attention"]
    assert subject.request(links.read("?tab=attention&scene=501212", NAMES)).image is not None
    assert subject.request(links.read("?tab=attention&prompt=a+dog", NAMES)).image is None


@pytest.mark.parametrize("query", ["", None, 5, "?", "?tab=", "?tab=nothing", "tab=saliency&tab=clusters"])
def test_an_address_that_says_nothing_useful_is_the_first_tab(query: Any) -> None:
    assert links.read(query, NAMES).tab == "saliency"


@pytest.mark.parametrize("query", ["?" + "a=1&" * 100, "?classes=" + "%D0%B4" * 2000])
def test_an_address_that_is_too_long_is_a_sentence(query: str) -> None:
    with pytest.raises(ChoiceError, match="The address is too long: at most 8,000 characters and 60 parameters"):
        links.read(query, NAMES)


def test_what_an_address_cannot_say_has_none() -> None:
    request = saliency.first_request()
    assert SUBJECTS["saliency"].link(request)
    assert SUBJECTS["saliency"].link(replace(request, threshold=0.3)) == {}
    assert SUBJECTS["saliency"].link(replace(request, image=samples.image(96, 80), masks={}, scene=None)) == {}


@pytest.mark.parametrize(
    ("text", "like", "value"),
    [("on", False, True), ("OFF", True, False), ("7", 3, 7), ("7.5", 3, 7.5), ("1e2", 0.5, 100), (" x ", "", " x ")],
)
def test_a_parameter_is_read_as_its_field_is(text: str, like: Any, value: Any) -> None:
    found = links.parse("name", text, like)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(("text", "like"), [("maybe", True), ("seven", 3), ("", 0.5), ("0x10", 1)])
def test_a_parameter_of_another_kind_is_a_sentence(text: str, like: Any) -> None:
    with pytest.raises(ChoiceError, match=r"name is .* in the address; use"):
        links.parse("name", text, like)


NUMBERS = [
    (name, field)
    for name, subject in SUBJECTS.items()
    for field, value in subject.fields(subject.first()).items()
    if isinstance(value, int | float) and not isinstance(value, bool)
]


@pytest.mark.parametrize(("name", "field"), NUMBERS)
@pytest.mark.parametrize("text", ["nan", "inf", "1e400", "-11", "2.5e9"])
def test_infinite_and_missing_numbers_reach_no_model(name: str, field: str, text: str) -> None:
    with pytest.raises(InputError, match=f"{field} is"):
        SUBJECTS[name].request(links.read(f"?tab={name}&{field}={text}", NAMES))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "attention"])
def test_an_address_made_by_hand_leads_to_its_result_again(name: str) -> None:
    """A browser says 0 where the address left 0.0 open."""
    subject = SUBJECTS[name]
    values = subject.fields(subject.request(links.read(f"?tab={name}&scene=500012", NAMES)))
    sent = [int(value) if isinstance(value, float) and value.is_integer() else value for value in values.values()]
    assert subject.link(subject.make(None, 500_012, *sent))["scene"] == "500012"


def test_classes_are_written_as_they_are_read() -> None:
    from inspector.ui.parts import classes

    assert classes(parse_classes("trees/palms, car")) == "trees/palms, car"
