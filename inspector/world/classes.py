"""The words of the drawn world: which classes exist, how they are written, and what colours they take."""

from typing import NamedTuple

VERSION = 1

STUFF = ("sky", "cloud", "sun", "mountain", "grass", "road", "sand", "sea", "snow")
THINGS = (
    "car", "bus", "boat", "horse", "dog", "cow", "sheep", "bird", "person", "house", "building", "tree", "palm",
    "flower",
)  # fmt: skip
PARTS = ("windows", "door", "wheel")
CLASSES = STUFF + THINGS + PARTS
CLASS_IDS = {word: index for index, word in enumerate(CLASSES, 1)}
GROUNDS = ("grass", "road", "sand", "sea", "snow")

TRAINING_SEEDS = range(500_000)
EVALUATION_SEEDS = range(500_000, 1_000_000)

Colour = tuple[int, int, int]

COLOURS: dict[str, Colour] = {
    "red": (206, 54, 50),
    "orange": (238, 134, 44),
    "yellow": (246, 204, 66),
    "green": (78, 152, 76),
    "blue": (58, 110, 194),
    "purple": (142, 88, 178),
    "pink": (240, 144, 174),
    "brown": (136, 90, 56),
    "black": (46, 46, 54),
    "white": (240, 238, 232),
    "grey": (142, 147, 154),
}


class Kind(NamedTuple):
    """What a thing is like, whatever its pose.

    metres: usual height, compressed so that a dog and a building fit one picture.
    aspect: width over height.  fill: its area when its height is 1.
    grounds: where it may stand; birds also fly.
    """

    metres: float
    aspect: float
    fill: float
    colours: tuple[str, ...]
    grounds: tuple[str, ...] = ("grass", "road", "sand", "snow")


KINDS: dict[str, Kind] = {
    "car": Kind(1.25, 2.4, 1.72, ("red", "blue", "green", "yellow", "white", "black", "grey", "orange")),
    "bus": Kind(2.3, 2.2, 2, ("red", "yellow", "blue", "green", "white", "orange", "purple")),
    "boat": Kind(2.2, 1.25, 0.63, ("red", "blue", "white", "green", "yellow", "brown", "orange"),
                 ("sea", "sea", "sand", "grass", "snow")),
    "horse": Kind(1.6, 1.15, 0.48, ("brown", "black", "white", "grey")),
    "dog": Kind(0.8, 1.22, 0.44, ("brown", "black", "white", "grey")),
    "cow": Kind(1.3, 1.4, 0.74, ("brown", "black", "white", "grey")),
    "sheep": Kind(0.9, 1.33, 0.93, ("white", "grey", "black", "brown")),
    "bird": Kind(0.5, 1.3, 0.45, ("red", "blue", "yellow", "white", "black", "grey", "green", "orange")),
    "person": Kind(1.5, 0.52, 0.3, ("red", "blue", "green", "yellow", "white", "black", "purple", "orange", "pink")),
    "house": Kind(3.0, 1.25, 0.95, ("red", "white", "yellow", "blue", "brown", "grey", "pink", "green")),
    "building": Kind(5.0, 0.6, 0.52, ("grey", "brown", "white", "blue", "red", "yellow", "orange")),
    "tree": Kind(3.2, 0.82, 0.47, ("green", "green", "green", "green", "orange", "yellow", "red")),
    "palm": Kind(3.6, 0.9, 0.27, ("green",)),
    "flower": Kind(0.45, 0.66, 0.3, ("red", "pink", "yellow", "white", "purple", "blue", "orange")),
}  # fmt: skip

# Written forms by class; a caption may use any of them and its span carries the class.
PLURALS = {
    "cloud": "clouds", "mountain": "mountains", "car": "cars", "bus": "buses", "boat": "boats", "horse": "horses",
    "dog": "dogs", "cow": "cows", "sheep": "sheep", "bird": "birds", "person": "people", "house": "houses",
    "building": "buildings", "tree": "trees", "palm": "palms", "flower": "flowers", "door": "doors",
    "wheel": "wheels", "windows": "windows", "road": "roads",
}  # fmt: skip
SYNONYMS = {
    "sea": ("ocean",), "sand": ("beach",), "palm": ("palm tree",), "road": ("street",), "building": ("tower",),
    "grass": ("meadow",),
}  # fmt: skip
