"""Masks as run lengths: COCO's, as numbers and as text, and the bits of Label Studio's brush."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from inspector.errors import InputError

PIXELS = 64_000_000  # of one mask


def run_lengths(mask: np.ndarray) -> list[int]:
    """COCO's run lengths of a mask bool (h, w): down the columns, beginning with how many are False."""
    flat = mask.ravel(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    counts = np.diff([0, *changes, flat.size]).tolist()
    return [0, *counts] if flat.size and flat[0] else counts


def from_run_lengths(counts: Sequence[int], size: tuple[int, int]) -> np.ndarray:
    """bool (h, w) of COCO's run lengths. Raises InputError where they do not fill the size."""
    height, width = size
    if not 0 < height * width <= PIXELS or min(counts, default=0) < 0 or sum(counts) != height * width:
        raise InputError(f"Run lengths of a mask do not fill its {width} x {height} pixels; write the file again.")
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape((height, width), order="F")


def compressed(counts: Sequence[int]) -> str:
    """Run lengths as COCO's text: from the third on the difference to the one two before; five bits a character."""
    text = []
    for index, count in enumerate(counts):
        value = int(count) - (int(counts[index - 2]) if index > 2 else 0)
        more = True
        while more:
            bits = value & 31
            value >>= 5
            more = value != (-1 if bits & 16 else 0)
            text.append(chr(bits + 32 * more + 48))
    return "".join(text)


def decompressed(text: str) -> list[int]:
    """The run lengths of `compressed`. Raises InputError for a text that is none."""
    counts: list[int] = []
    value = shift = 0
    for sign in text:
        code = ord(sign) - 48
        if not 0 <= code < 64 or shift > 40:
            raise InputError("Run lengths of a mask are damaged; write the file again.")
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = shift = 0
    if shift:
        raise InputError("Run lengths of a mask are cut off; write the file again.")
    return counts


# Label Studio's brush format: runs and literals of the bytes R, G, B, A of every pixel, packed bit by bit.
WORD, SIZES = 8, (3, 4, 8, 16)  # bits of a value; bits of a run's length less one, of which two bits choose


def brush(mask: np.ndarray) -> list[int]:
    """A mask bool (h, w) as Label Studio's brush bytes: 32 bits of how many values, word size, four sizes, runs."""
    flat = np.repeat(mask.ravel(), 4)  # four bytes a pixel
    bits = [f"{flat.size:032b}", f"{WORD - 1:05b}", *(f"{size - 1:04b}" for size in SIZES)]
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges = [0, *changes.tolist(), flat.size]
    for start, stop in pairwise(edges):
        left, value = stop - start, 255 if flat[start] else 0
        while left:
            length = min(left, 1 << SIZES[-1])
            which = next(index for index, size in enumerate(SIZES) if length <= 1 << size)
            bits.append(f"1{which:02b}{length - 1:0{SIZES[which]}b}{value:08b}")
            left -= length
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    return [int(text[place : place + 8], 2) for place in range(0, len(text), 8)]


def from_brush(data: Sequence[int], size: tuple[int, int]) -> np.ndarray:
    """bool (h, w) of Label Studio's brush bytes, where alpha is above half. Raises InputError for damaged ones."""
    reader = _Bits(bytes(data))
    count, word = reader.take(32), reader.take(5) + 1
    sizes = [reader.take(4) + 1 for _ in range(4)]
    height, width = size
    if count != 4 * height * width or not 0 < height * width <= PIXELS:
        raise InputError(f"A brush region is not of its {width} x {height} pixels; export it again.")
    values, done = np.zeros(count, np.uint16), 0
    while done < count:
        is_run = reader.take(1)
        length = reader.take(sizes[reader.take(2)]) + 1
        if done + length > count:
            raise InputError("A brush region is damaged; export it again.")
        if is_run:
            values[done : done + length] = reader.take(word)
        else:
            values[done : done + length] = [reader.take(word) for _ in range(length)]
        done += length
    return values.reshape(height, width, 4)[..., 3] > (1 << word) // 2


class _Bits:
    """Bits of bytes, the highest first."""

    def __init__(self, data: bytes) -> None:
        self.bits, self.place = np.unpackbits(np.frombuffer(data, np.uint8)), 0

    def take(self, count: int) -> int:
        """The next bits as a number. Raises InputError at the end."""
        if self.place + count > self.bits.size:
            raise InputError("A brush region is cut off; export it again.")
        found = self.bits[self.place : self.place + count]
        self.place += count
        return int(found @ (1 << np.arange(count - 1, -1, -1, dtype=np.int64)))
