"""Near-duplicates beside semhash, datasketch and text-dedup: how many are found, at what speed, in what memory.

`make bench` prints the tables. Each peer runs in a process of its own, on the same texts. Labelled: three sets of
bibliographic records whose duplicates were checked by hand; a peer's links are closed to clusters, and pairs within
clusters are judged, at each peer's default threshold (ours 0.8, text-dedup 0.7, the others 0.9) and at the best of one
sweep, the same for all. Speed: real texts cut and joined anew, a fifth of them repeats with a word or two changed;
recall is over the planted repeats whose true Jaccard similarity of 5-character shingles reaches the threshold, and
found is what ends up in one cluster. (`repeats` keeps a text whose original is itself dropped and which is not that
similar to what was kept instead: that is its task, and lowers this figure.) semhash runs with a stand-in encoder (see
peer_semhash.py): its figures are no verdict on its own model, and its threshold is one of cosine. Memory is that of
each engine's own process: text-dedup's workers are not in it. BENCH_TEXTS: how many texts, in thousands, with commas
between; BENCH_PEERS: who takes part.
"""

import csv
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.peers.install import install

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv" / "peers"
DATA = ROOT.parent / "shared" / "data"
DEFAULTS = {"clusters": 0.8, "repeats": 0.8, "datasketch": 0.9, "semhash": 0.9, "text_dedup": 0.7}
SWEEP = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
SIZES = [int(size) * 1000 for size in os.environ.get("BENCH_TEXTS", "100").split(",")]
SIMILARITY = 0.7
FIELDS = ("title", "author", "year", "journal", "volume", "number", "pages")


def python(peer: str) -> str:
    if peer in {"clusters", "repeats"}:
        return sys.executable
    PEERS.mkdir(parents=True, exist_ok=True)
    install(PEERS, peer)
    return str(PEERS / peer / "bin" / "python")


def run(peer: str, texts: Path, *thresholds: float) -> list[dict[str, Any]]:
    command = [python(peer), "-m", f"tests.benchmarks.peers.peer_{peer}", str(texts), *map(str, thresholds)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(lines) == len(thresholds), done.stderr[-2000:]
    return lines


def closed(count: int, links: Iterable[tuple[int, int]]) -> list[int]:
    """The number of each position's cluster."""
    parents = list(range(count))

    def root(position: int) -> int:
        while parents[position] != position:
            parents[position] = position = parents[parents[position]]
        return position

    for one, two in links:
        parents[root(two)] = root(one)
    return [root(position) for position in range(count)]


def pairs(clusters: Iterable[Any]) -> int:
    return sum(size * (size - 1) // 2 for size in Counter(clusters).values())


def scores(found: list[int], gold: list[int]) -> tuple[float, float, float]:
    """Precision, recall and F1 of the pairs within clusters."""
    both = pairs(zip(found, gold, strict=True))
    precision, recall = both / max(1, pairs(found)), both / pairs(gold)
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


def labelled(folder: Path) -> tuple[list[str], list[int]]:
    with (folder / "records_pre_merged.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    places = {row["ID"]: place for place, row in enumerate(rows)}
    with (folder / "merged_record_ids.csv").open(encoding="utf-8") as file:
        merged = [line["merged_ids"].split(";") for line in csv.DictReader(file)]
    links = [(places[ids[0]], places[other]) for ids in merged for other in ids[1:]]
    return [" ".join(row.get(name) or "" for name in FIELDS) for row in rows], closed(len(rows), links)


@pytest.mark.parametrize("name", ["cytology_screening", "digital_work", "respiratory"])
def test_duplicates_that_people_checked(name: str, tmp_path: Path) -> None:
    if not (DATA / "dedup" / name).is_dir():
        pytest.skip(f"{DATA / 'dedup' / name} is not there")
    texts, gold = labelled(DATA / "dedup" / name)
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    print(f"\n{name}: {len(texts)} records, {pairs(gold)} pairs; precision, recall, F1")
    for peer in ("clusters", "datasketch", "semhash", "text_dedup"):
        lines = run(peer, tmp_path / "texts.json", *SWEEP)
        found = {line["threshold"]: scores(closed(len(texts), line["links"]), gold) for line in lines}
        chosen = max(found, key=lambda threshold: found[threshold][2])
        for threshold in (DEFAULTS[peer], chosen):
            print(f"{peer:<12} at {threshold}: " + " ".join(f"{each:.3f}" for each in found[threshold]), flush=True)
        assert found[chosen][1] > 0.3


def real_texts() -> list[list[str]]:
    if not (DATA / "banking77").is_dir():
        pytest.skip(f"{DATA} is not there")
    with (DATA / "banking77" / "train.csv").open(encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    texts += [
        said for rows in json.loads((DATA / "clinc150" / "data_full.json").read_text()).values() for said, _ in rows
    ]
    for folder in sorted((DATA / "dedup").glob("*/records_pre_merged.csv")):
        with folder.open(encoding="utf-8") as file:
            texts += [row["title"] for row in csv.DictReader(file)]
    return [text.split() for text in sorted(set(texts)) if len(text.split()) > 5]


def planted(count: int) -> tuple[list[str], list[tuple[int, int]]]:
    """Texts, and for each repeat where it and what it repeats stand."""
    draw, real = random.Random(0), real_texts()
    texts: list[str] = []
    for _ in range(count * 4 // 5):
        one, two = draw.choice(real), draw.choice(real)
        texts.append(" ".join(one[: len(one) // 2] + two[len(two) // 2 :]))
    links: list[tuple[int, int]] = []
    while len(texts) < count:
        original = draw.randrange(count * 4 // 5)
        words = texts[original].split()
        for _ in range(draw.choice([1, 1, 2])):
            place = draw.randrange(len(words))
            words[place : place + draw.randrange(2)] = [draw.choice(["please", "just", words[place].upper(), "now"])]
        links.append((original, len(texts)))
        texts.append(" ".join(words))
    return texts, links


def jaccard(one: str, two: str) -> float:
    own, other = ({text[at : at + 5] for at in range(max(1, len(text) - 4))} for text in (one.lower(), two.lower()))
    return len(own & other) / len(own | other)


@pytest.mark.parametrize("size", SIZES)
def test_speed_memory_and_recall(size: int, tmp_path: Path) -> None:
    texts, links = planted(size)
    links = [(one, two) for one, two in links if jaccard(texts[one], texts[two]) >= SIMILARITY]
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    print(f"\n{size} texts, {len(links)} planted repeats, threshold {SIMILARITY}")
    print(f"{'engine':<12} {'seconds':>8} {'CPU s':>7} {'MiB more':>9} {'recall':>7}")
    found: dict[str, Any] = {}
    for peer in os.environ.get("BENCH_PEERS", "clusters,repeats,datasketch,semhash,text_dedup").split(","):
        line = run(peer, tmp_path / "texts.json", SIMILARITY)[0]
        clusters = closed(size, line["links"])
        line["recall"] = sum(clusters[one] == clusters[two] for one, two in links) / len(links)
        found[peer] = line
        print(
            f"{peer:<12} {line['seconds']:8.1f} {line['cpu_seconds']:7.1f} {line['mib']:9.0f} {line['recall']:7.3f}",
            flush=True,
        )
    assert "clusters" not in found or found["clusters"]["recall"] >= 0.99
