"""text-dedup: MinHash of 250 permutations over words, its own bands for the threshold, and what its union-find joins.

Its shingles are runs of five words, which short texts that repeat each other hardly share: here each word is one.
"""

import tempfile
from collections.abc import Iterator, Sequence

from datasets import Dataset
from text_dedup import minhash

from tests.benchmarks.peers.deduplicating import measure


def find(texts: Sequence[str], threshold: float) -> Iterator[tuple[int, int]]:
    with tempfile.TemporaryDirectory() as folder:
        Dataset.from_dict({"text": [text or " " for text in texts]}).save_to_disk(f"{folder}/texts")
        given = {"path": f"{folder}/texts", "output": f"{folder}/kept", "cache_dir": f"{folder}/cache"}
        given |= {"column": "text", "ngram": "1", "min_length": "1", "threshold": str(threshold), "num_proc": "1"}
        minhash.main(
            ["--local", *(part for name, value in given.items() for part in (f"--{name}", value))],
            standalone_mode=False,
        )
    for position in range(len(texts)):
        if (first := minhash.uf.find(position)) != position:
            yield first, position


if __name__ == "__main__":
    measure(find)
