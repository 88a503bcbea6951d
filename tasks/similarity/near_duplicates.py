"""Texts that nearly repeat others: candidates by MinHash, each verified by the Jaccard similarity of its shingles."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tasks.similarity.bands import band_keys
from tasks.similarity.shingles import Keys, Numbers, Shingles, shingles

# How far apart in a bucket texts are compared: all of few, the nearest of many.
_NEIGHBOURS, _PAIRS = 16, 100_000
# How many kept texts a text meets in one place, and how many of all it met it is compared with.
_KEPT, _CANDIDATES = 64, 64
_ODD = np.uint64(0x9E3779B97F4A7C15)


class Repeat(NamedTuple):
    """The position of the text that is repeated, and how similar the two are."""

    original: int
    similarity: float


def clusters(texts: Sequence[str], similarity: float) -> list[int]:
    """The number of each text's cluster: connected by pairs that are at least this similar."""
    known = shingles(texts)
    return np.unique(_connected(known, known.first_equal(), similarity), return_inverse=True)[1].tolist()


def repeats(texts: Sequence[str], similarity: float, kept: int = 0) -> list[Repeat | None]:
    """For each text, in order, the most similar of the kept texts before it, as far as found; None: it is kept itself.

    The first `kept` texts are kept whatever they repeat.
    """
    known = shingles(texts)
    first = known.first_equal()
    labels = _connected(known, first, similarity)
    distinct = np.unique(first)
    connected = distinct[np.bincount(labels[distinct], minlength=len(labels))[labels[distinct]] > 1]
    found: list[Repeat | None] = [None] * len(texts)
    present: defaultdict[int, list[int]] = defaultdict(list)
    for text, meetings in zip(connected.tolist(), _meetings(known, connected, labels, similarity), strict=True):
        if text >= kept:
            met = Counter(each for meeting in meetings for each in present[meeting])
            found[text] = _most_similar(known, text, [each for each, _ in met.most_common(_CANDIDATES)], similarity)
        if found[text] is None:
            for meeting in meetings:
                if len(present[meeting]) < _KEPT:
                    present[meeting].append(text)
    for text in range(kept, len(texts)):
        if (original := int(first[text])) != text:
            found[text] = found[original] or Repeat(original, 1.0)
    return found


def _connected(known: Shingles, labels: Numbers, similarity: float) -> Numbers:
    """Labels where texts are connected by similar pairs: each has the lowest position among those it is connected to.

    In each band's buckets texts are compared with their neighbours, unless they are connected already: a bucket of
    texts that are all alike takes as many comparisons as it has texts. Large buckets of texts that are less
    alike than asked are not compared pair by pair; their order is that of the bands before, so those that share more
    come first.
    """
    order = np.unique(labels)
    for keys in band_keys(known, similarity):
        order = order[np.argsort(keys[order], kind="stable")]
        members = _unsettled(order, keys[order], labels)
        for distance in range(1, max(_NEIGHBOURS, _PAIRS // max(len(members), 1)) + 1):
            own = keys[members]
            together = np.flatnonzero(own[:-distance] == own[distance:])
            if not len(together):
                break
            first, second = members[together], members[together + distance]
            apart = labels[first] != labels[second]
            first, second = first[apart], second[apart]
            alike = known.alike(first, second, similarity)
            labels = _joined(labels, first[alike], second[alike])
            members = _unsettled(members, own, labels)
    return labels


def _unsettled(members: Numbers, own: Keys, labels: Numbers) -> Numbers:
    """The members, in order of their own keys, of buckets whose texts are not all connected."""
    label = labels[members]
    same = own[1:] == own[:-1]
    bucket = np.concatenate([[0], np.cumsum(~same)])[: len(members)]
    unsettled = np.bincount(bucket[1:][same & (label[1:] != label[:-1])], minlength=len(members)) > 0
    return members[unsettled[bucket]]


def _joined(labels: Numbers, first: Numbers, second: Numbers) -> Numbers:
    """Labels where each pair has the same one, the lowest of those it connects."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(first):
        return labels
    apart, ends = np.unique(np.concatenate([labels[first], labels[second]]), return_inverse=True)
    graph = coo_array((np.ones(len(first), np.bool_), np.split(ends, 2)), shape=(len(apart), len(apart)))
    component = connected_components(graph, directed=False)[1]
    lowest = np.unique(component, return_index=True)[1]
    renamed = np.arange(len(labels))
    renamed[apart] = apart[lowest[component]]
    return renamed[labels]


def _meetings(known: Shingles, texts: Numbers, labels: Numbers, similarity: float) -> list[list[int]]:
    """Where each text meets those it may repeat: in its cluster, or where that is large in its buckets within it."""
    own = labels[texts]
    meetings = [[-1 - label] for label in own.tolist()]
    large = np.flatnonzero(np.bincount(own)[own] > _KEPT) if len(own) else own
    for member in large.tolist():
        meetings[member] = []
    count = 0
    for keys in band_keys(known.only(texts[large]), similarity):
        keys = (keys ^ own[large].astype(np.uint64)) * _ODD
        order = np.argsort(keys, kind="stable")
        members = _unsettled(order, keys[order], large)
        numbers = count + np.cumsum(np.diff(keys[members], prepend=keys[members[:1]]) != 0)
        for member, number in zip(large[members].tolist(), numbers.tolist(), strict=True):
            meetings[member].append(number)
            count = number + 1
    return meetings


def _most_similar(known: Shingles, text: int, others: Sequence[int], similarity: float) -> Repeat | None:
    own = known.of(text)
    shared = ((each, len(own & other), len(own | other)) for each in others for other in [known.of(each)])
    found = [Repeat(each, both / either) for each, both, either in shared if both / either >= similarity]
    return max(found, key=lambda repeat: (repeat.similarity, -repeat.original), default=None)
