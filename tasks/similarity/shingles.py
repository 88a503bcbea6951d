"""Texts as sets of shingles: the runs of five characters in each, letters, digits and symbols alone counting."""

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Numbers = NDArray[np.int64]
Codes = NDArray[np.uint32]
Keys = NDArray[np.uint64]

_LENGTH = 5
_END = "\0" * _LENGTH  # so that no shingle reaches from one text into the next
_BATCH = 1 << 18
_HASHES = 1 << 30
_GAP, _LETTER, _DIGIT = 0, 1, 2
_IDENTIFIER_DIGITS = 5
_OF_A_NUMBER = 5  # as many of its own as a letter has
_SPACE, _IDENTIFIER = np.uint32(ord(" ")), np.uint32(0xE000)  # the latter stands in no text: it counts as a gap
_MARKS = range(0x300, 0x1F000)  # combining marks stand in here
_ODD = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F)


class Shingles(NamedTuple):
    """Which shingles each text has: a row a text, a column a shingle's hash, in order and each once."""

    sets: "csr_array"

    @property
    def hashes(self) -> Numbers:
        """The shingles of all texts, end to end."""
        return self.sets.indices  # pyright: ignore[reportReturnType]: scipy's stubs leave its width open

    @property
    def starts(self) -> Numbers:
        """Where the shingles of each text start, and where the last one's end."""
        return self.sets.indptr  # pyright: ignore[reportReturnType]: likewise

    def only(self, texts: Numbers) -> "Shingles":
        """Those of some of the texts."""
        return Shingles(self.sets[texts])

    def of(self, text: int) -> set[int]:
        """One text's shingles."""
        return set(self.hashes[self.starts[text] : self.starts[text + 1]].tolist())

    def first_equal(self) -> Numbers:
        """For each text the first that has the same shingles."""
        sums = np.zeros(len(self.starts) - 1, np.uint64)
        for part in batches(self.starts[1:], _BATCH):
            starts = self.starts[part]
            hashes = self.hashes[starts[0] : self.starts[part.stop]]
            sums[part] = np.add.reduceat(scattered(hashes.astype(np.uint64)), starts - starts[0])
        _, first, number = np.unique(sums, return_index=True, return_inverse=True)
        return first[number]

    def alike(self, first: Numbers, second: Numbers, similarity: float) -> NDArray[np.bool_]:
        """Whether the Jaccard similarity of each pair of texts is at least this."""
        sizes = np.diff(self.starts)
        one, other = sizes[first], sizes[second]
        found = np.minimum(one, other) / np.maximum(one, other) >= similarity
        places = np.flatnonzero(found)
        both = one[places] + other[places]
        for part in batches(np.cumsum(both), _BATCH):
            chosen = places[part]
            shared = np.diff(self.sets[first[chosen]].multiply(self.sets[second[chosen]]).indptr)
            found[chosen] = shared / (both[part] - shared) >= similarity
        return found


def batches(ends: Numbers, size: int) -> Iterator[slice]:
    """Slices of about this size; `ends` says where each of the elements ends."""
    start = 0
    while start < len(ends):
        reached = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, reached + size, side="right")))
        yield slice(start, stop)
        start = stop


def shingles(texts: Sequence[str]) -> Shingles:
    """The shingles of each text, four bytes each; nothing else of the texts is held.

    Case, punctuation, white space and the way in which characters are composed (NFKC) make no difference; runs of five
    or more digits (order numbers, telephone numbers) count as equal. Each shorter number counts once more, as five
    shingles of its own: texts that differ in a size, a year or an amount differ by more than its letters. A text
    shorter than a shingle is its own, and so is one of punctuation alone. Two different shingles are taken for one in
    a case of a billion.
    """
    from scipy.sparse import csr_array

    hashes, sizes = bytearray(), [np.zeros(1, np.int64)]
    for part in batches(np.cumsum([len(text) + _LENGTH for text in texts]), _BATCH):
        found, counts = _hashed(texts[part])
        starts = np.concatenate([[0], np.cumsum(counts)])
        sets = csr_array((np.ones(len(found), np.bool_), found, starts), shape=(len(counts), _HASHES))
        sets.sum_duplicates()
        hashes += sets.indices.astype(np.int32).tobytes()
        sizes.append(np.diff(sets.indptr))
    starts, found = np.cumsum(np.concatenate(sizes)), np.frombuffer(hashes, np.int32)
    starts = starts.astype(np.int32) if starts[-1] < 1 << 31 else starts  # as scipy does not narrow them itself
    return Shingles(csr_array((np.ones(len(found), np.bool_), found, starts), shape=(len(texts), _HASHES)))


def _hashed(texts: Sequence[str]) -> tuple[NDArray[np.int32], Numbers]:
    """The hashes of all shingles, and how many each text has."""
    codes = _plain(texts)
    ends = np.flatnonzero(codes == 0)[::_LENGTH]
    starts = np.concatenate([[0], ends[:-1] + _LENGTH])
    last = len(codes) - _LENGTH + 1
    whole = (codes[:last] != 0) & (codes[-last:] != 0)
    whole[starts] = True
    hashes = np.zeros(last, np.uint64)
    for place, odd in enumerate(_ODD):
        hashes += codes[place : place + last] * np.uint64(odd)
    found = _narrowed(hashes[whole])
    counts = np.maximum(ends - starts - _LENGTH + 1, 1)
    for number in np.flatnonzero(starts == ends).tolist():
        found[counts[:number].sum()] = crc32(texts[number].strip().encode("utf-8", "surrogatepass")) % _HASHES
    numbers, places = _numbers(codes)
    owners = np.searchsorted(ends, places)
    found = np.insert(found, np.repeat(np.cumsum(counts)[owners], _OF_A_NUMBER), numbers)
    return found, counts + _OF_A_NUMBER * np.bincount(owners, minlength=len(counts))


def _numbers(codes: Codes) -> tuple[NDArray[np.int32], Numbers]:
    """What each number adds, end to end, and where the numbers stand."""
    starts, sizes = _runs(_kinds()[codes] == _DIGIT)
    hashes = np.zeros(len(starts), np.uint64)
    for place, odd in enumerate(_ODD[: _IDENTIFIER_DIGITS - 1]):
        hashes += np.where(sizes > place, codes[starts + place], 0) * np.uint64(odd)
    own = scattered(hashes)[:, None] + np.arange(_OF_A_NUMBER, dtype=np.uint64)
    return _narrowed(own.ravel()), starts


def _narrowed(hashes: Keys) -> NDArray[np.int32]:
    return (scattered(hashes) >> np.uint64(34)).astype(np.int32)


def scattered(hashes: Keys) -> Keys:
    """Each number by another of 64 bits in which all its bits tell."""
    for odd in _ODD[:2]:
        hashes = (hashes ^ hashes >> np.uint64(29)) * np.uint64(odd)
    return hashes ^ hashes >> np.uint64(32)


def _plain(texts: Sequence[str]) -> Codes:
    """The code points that count, with one space where others stood between them, and an end after each text."""
    joined = "".join(text.replace("\0", " ") + _END for text in texts).casefold()
    folded = unicodedata.normalize("NFKC", joined).casefold()
    codes = np.frombuffer(folded.encode("utf-32-le", "surrogatepass"), np.uint32).copy()
    kinds, ends = _kinds()[codes], codes == 0
    gaps = (kinds == _GAP) & ~ends
    codes[gaps] = _SPACE
    dropped = _without_identifiers(codes, kinds == _DIGIT)
    dropped[0] |= gaps[0]
    dropped[1:] |= gaps[1:] & (gaps[:-1] | ends[:-1])
    codes = codes[~dropped]
    return codes[~((codes == _SPACE) & (np.roll(codes, -1) == 0))]


def _without_identifiers(codes: Codes, digits: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Writes one mark where a long run of digits begins; what is left of the run is to be dropped."""
    starts, sizes = _runs(digits)
    starts, sizes = starts[sizes >= _IDENTIFIER_DIGITS], sizes[sizes >= _IDENTIFIER_DIGITS]
    codes[starts] = _IDENTIFIER
    dropped = np.zeros(len(codes), np.bool_)
    dropped[_ranges(starts + 1, sizes - 1)] = True
    return dropped


def _runs(digits: NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
    """Where runs of digits start, and how long they are."""
    turns = np.flatnonzero(np.diff(digits, prepend=False, append=False))
    return turns[::2], turns[1::2] - turns[::2]


def _ranges(starts: Numbers, sizes: Numbers) -> Numbers:
    """Each start counted up as often as its size says, end to end."""
    return np.arange(sizes.sum()) + np.repeat(starts - np.cumsum(sizes) + sizes, sizes)


@cache
def _kinds() -> NDArray[np.uint8]:
    """What each code point is: a letter or digit, a mark or a symbol such as an emoji, or nothing that counts."""
    every = np.arange(0x110000, dtype=np.uint32)
    characters = every.view("<U1")
    kinds = np.where(np.strings.isalnum(characters), _LETTER, _GAP).astype(np.uint8)
    for code in (*_MARKS, *range(0x1F000, 0x20000)):
        if unicodedata.category(chr(code)) in {"Mn", "Mc", "Me", "So"}:
            kinds[code] = _LETTER
    kinds[np.strings.isdecimal(characters)] = _DIGIT
    return kinds
