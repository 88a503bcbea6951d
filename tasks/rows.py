"""What a row is at each stage: a plain dict, typed here and written to Parquet under the same names."""

from typing_extensions import TypedDict


class Message(TypedDict):
    """One turn of a conversation; the role is system, user or assistant."""

    role: str
    content: str


class Input(TypedDict):
    """What `sample` gives: a conversation whose last turn waits for an answer."""

    id: str
    messages: list[Message]
    slice: str
    group: str


class Unpicked(TypedDict):
    """A raw input that `sample` left out: what could not be read is named by where it stands."""

    id: str
    slice: str
    reason: str
    evidence: str


class Output(Input):
    """What `teach` gives: an input with a teacher's raw answer, or with the error that came instead of one.

    A row that several teachers answer, or one several times, stands here once an answer: `teacher` and `sample` tell.
    """

    teacher: str
    sample: int
    text: str
    reasoning: str
    finish_reason: str
    error: str


class Kept(Input):
    """What `filter` keeps and `split` sorts.

    `completion` is learned; `reference` is what answers are judged by: the approved answer where there is one.
    `reviewed` says that a review approved it, and not the gold file; `doubt` is what a rule was not sure of.
    """

    completion: str
    reference: str
    approved: bool
    reviewed: bool
    repaired: str
    doubt: str


class Dropped(Output):
    """What `filter` drops: the output, the rule's reason and what it saw."""

    reason: str
    evidence: str


class Scored(TypedDict):
    """What `evaluate` gives: one system's answer to one row, and a score in [0, 1] by metric.

    A row that got no answer has an `error` and scores 0 on every metric.
    """

    id: str
    slice: str
    group: str
    part: str
    system: str
    text: str
    reference: str
    approved: bool
    error: str
    finish_reason: str
    input_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    output_tokens: int
    seconds: float
    scores: dict[str, float]


def conversation(row: Input) -> str:
    """What was said in a row's conversation, as one text; what the system told the assistant is left out."""
    return "\n".join(message["content"] for message in row["messages"] if message["role"] != "system")
