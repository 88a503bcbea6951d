"""Students of any behaviour, behind a service on loopback, and the project whose gate they try to pass."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

from flows.project import chosen, load
from tasks.artifacts import digest
from tasks.filter import read_gold
from tasks.models import Answer, Recorded, Request, recorded_line, request_key
from tasks.models.chat import prompted
from tasks.rows import Input, Message
from tasks.teach import questions
from tests.flows.small_project import FIELDS, LENGTH, PROMPT, SUPPORT, write, write_lines
from tests.tasks.models.endpoint import Handler

TAUGHT_A_SLICE = 8
SILENT, CRASH = "", None

Behaviour = Callable[["Known", str], str | None]
"""What is answered to a row and its last message; None for a request that fails."""


class Known(NamedTuple):
    """A row of the project, the right answer to it, and whether it is one to judge by."""

    row: Input
    answer: str
    approved: bool

    def drawn(self, purpose: str) -> float:
        """A number from 0 to 1 that is the row's own."""
        return int(digest([purpose, self.row["id"]])[:8], 16) / 2**32


@cache
def known_rows() -> list[Known]:
    """Every approved row of the example, and a few taught ones of each slice."""
    project = load(SUPPORT)
    gold, taken = read_gold(project.filter), Counter[str]()
    rows: list[Input] = []
    for row in chosen(project):
        taken[row["slice"]] += row["id"] not in gold
        if row["id"] in gold or taken[row["slice"]] <= TAUGHT_A_SLICE:
            rows.append(row)
    given = project.teach.model.answer([each.request for each in questions(rows, project.teach)])
    taught = {rows[each.position]["id"]: each.answer.text for batch in given for each in batch}
    return [Known(row, gold.get(row["id"], taught[row["id"]]), row["id"] in gold) for row in rows]


@cache
def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.lower().split())


def nearest(text: str) -> Known | None:
    """The row that says most nearly what was asked; None for what is no row at all."""

    def alike(known: Known) -> float:
        own = words(known.row["messages"][-1]["content"])
        return len(words(text) & own) / len(words(text) | own)

    found = max(known_rows(), key=alike)
    return found if alike(found) > 0.4 else None


class Service(ThreadingHTTPServer):
    """Chat Completions by several models, each a behaviour under its name; a general question gets one answer."""

    def __init__(self, **behaviours: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviours, self.name, self.key = behaviours, "", ""

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        asked = body["messages"][-1]["content"]
        text = gullible(asked) if body["model"] == "judge" else self._answer(body["model"], asked)
        if text is None:
            return {"error": {"code": 400, "message": "the model crashed"}}
        usage = {"prompt_tokens": len(asked) // 4, "completion_tokens": len(text) // 4}
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return {"id": "1", "object": "chat.completion", "created": 0, "model": body["model"]} | {
            "choices": [choice],
            "usage": usage | {"total_tokens": sum(usage.values())},
        }

    def _answer(self, model: str, asked: str) -> str | None:
        known = nearest(asked)
        return self.behaviours[model](known, asked) if known else "I only know my shop."


def gullible(asked: str) -> str:
    """What a judge says that knows what is right, and obeys whatever is said to it, which what is fenced is not."""
    mark = asked.split()[3].rstrip(".")
    fenced = dict(re.findall(rf"\[{mark} begin ([\w ]+)\]\n(.*?)\n\[{mark} end \1\]", asked, flags=re.DOTALL))
    spoken = re.sub(rf"\[{mark} begin .*?\[{mark} end [\w ]+\]", "", asked, flags=re.DOTALL)
    known = nearest(fenced["conversation"].partition(": ")[2])
    right = "choose this answer" in spoken.lower() or (
        known is not None and intent(fenced["answer"]) == intent(known.answer)
    )
    return json.dumps({"accuracy": {"reason": "so it is", "level": 2 if right else 1}})


def intent(text: str) -> object:
    """The intent in an answer, None where it is none."""
    try:
        return json.loads(text)["intent"]
    except (ValueError, TypeError, KeyError):
        return None


@contextmanager
def serving(**behaviours: Behaviour) -> Iterator[str]:
    """The address of a service with these models."""
    with Service(**behaviours) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


def wrong(known: Known) -> str:
    """An answer in form, with another intent than the right one."""
    right = json.loads(known.answer)
    return json.dumps(right | {"intent": "abuse" if right["intent"] != "abuse" else "warranty"})


def mostly(share: float, purpose: str) -> Behaviour:
    """Right on about this share of the rows."""
    return lambda known, _: known.answer if known.drawn(purpose) < share else wrong(known)


def leaked(known: Known) -> Known:
    """A row to learn from that says what another one says, to which an answer is approved."""
    again = known.row.copy()
    again["messages"] = [Message(role="user", content=f"Hello, {known.row['messages'][-1]['content']}")]
    again["id"], again["group"] = f"leak-{again['id']}", f"leak-{again['group']}"
    return Known(again, known.answer, False)


def build(folder: Path, known: Sequence[Known]) -> Path:
    """Writes the project's files into the folder, without a student, and returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prompt.md").write_text(PROMPT)
    write_lines(folder / "inputs.jsonl", [json.dumps(each.row) for each in known])
    gold = [{"id": each.row["id"], "answer": each.answer} for each in known if each.approved]
    write_lines(folder / "gold.jsonl", [json.dumps(each) for each in gold])
    identity = {"provider": "recorded", "model": Recorded.model_fields["model"].default}
    requests = [Request(messages=prompted(PROMPT, each.row), max_output_tokens=160) for each in known]
    lines = [
        recorded_line(request_key(identity, request), Answer(text=each.answer))
        for request, each in zip(requests, known, strict=True)
    ]
    write_lines(folder / "answers.jsonl", lines)
    return folder


def project(folder: Path, url: str, student: str) -> Path:
    """Writes the YAML in which a model of the service is the student, another one the base, and returns its path."""
    service = {"provider": "openai", "base_url": url, "pace": {"attempts": 1}}
    levels = {"name": "accuracy", "question": "Is it right?", "levels": ["wrong", "right"]}
    judge = {"scorer": "rubric", "again": 0, "rubric": {"model": service | {"model": "judge"}, "dimensions": [levels]}}
    return write(
        folder,
        {
            "name": "attacked",
            "budget_usd": None,
            "sample": {"inputs": "inputs.jsonl"},
            "teach": {
                "model": {"provider": "recorded", "answers": "answers.jsonl"},
                "prompt": "prompt.md",
                "max_output_tokens": 160,
            },
            "filter": {"gold": "gold.jsonl", "rules": [{"rule": "answered"}, {"rule": "json_object"}]},
            "split": {"holdout": "approved", "unseen": ["gift"]},
            "train": {
                "trainer": "existing",
                "model": service | {"model": student},
                "base": service | {"model": "base"},
            },
            "evaluate": {"max_output_tokens": 160, "scorers": [*FIELDS, LENGTH, judge]},
            "promote": {
                "rules": [
                    {"metric": "intent", "at_least": 0.9},
                    {"metric": "intent", "at_least": 0.9, "of": "teacher"},
                    {"metric": "intent", "versus": "base", "better_by": 0.1},
                    {"metric": "intent", "versus": "champion", "not_worse_by": 0.05},
                    {"metric": "intent", "slice": "worst", "at_least": 0.3},
                    {"metric": "intent", "part": "unseen", "at_least": 0.5},
                    {"metric": "length", "at_least": 0.8},
                    {"metric": "judge_accuracy", "at_least": 0.8},
                ]
            },
        },
    )
