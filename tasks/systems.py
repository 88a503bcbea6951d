"""Who is judged, and the one code path by which every system is asked and scored."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tasks.models import Answer, Batched, Hand, Local, Question, Request, Service
from tasks.models.chat import prompted
from tasks.rows import Input, Kept, Message, Scored
from tasks.scorers import Scorer, marks


class System(NamedTuple):
    """Who is judged: a name, a model, the instruction that it is given, and solved conversations that it is shown.

    `served` are the weights of a local model that a service answers for: its likelihoods are read from them.
    """

    name: str
    model: Batched | Service
    prompt: str
    max_output_tokens: int
    temperature: float | None = 0.0
    output_schema: dict[str, Any] | None = None
    examples: tuple[Message, ...] = ()
    served: Local | None = None

    @property
    def weights(self) -> Local | None:
        """The model whose likelihoods can be read on this machine, whoever answers; None where there is none."""
        return self.model if isinstance(self.model, Local) else self.served

    def request(self, row: Input, instructed: bool = True) -> Request:
        """What the system is asked for a row; nothing but the conversation where it is not `instructed`."""
        messages = prompted(self.prompt, row, self.examples) if instructed else row["messages"]
        return Request(
            messages=messages,
            max_output_tokens=self.max_output_tokens,
            temperature=self.temperature,
            output_schema=self.output_schema if instructed else None,
        )


class Systems:
    """The systems of a run, asked through the ledger; `asked` counts what it did not know."""

    def __init__(self, systems: Sequence[System], scorers: Sequence[Scorer], hand: Hand) -> None:
        self.scorers, self.asked, self._hand = scorers, 0, hand
        self._systems = {system.name: system for system in systems}

    def __iter__(self) -> Iterator[System]:
        """Every system, in order."""
        return iter(self._systems.values())

    def __getitem__(self, name: str) -> System:
        """The system of that name."""
        return self._systems[name]

    def __contains__(self, name: str) -> bool:
        """Whether there is such a system: there is no champion in the first run."""
        return name in self._systems

    def put(self, system: System) -> None:
        """Take a system in, in the place of the one of its name."""
        self._systems[system.name] = system

    def answers(
        self,
        name: str,
        rows: Sequence[Input],
        about: str = "",
        instructed: bool = True,
        max_output_tokens: int | None = None,
    ) -> list[Answer]:
        """A system's answers to any rows, in their order, no longer than it or the call says. Raises as `Hand.ask`."""
        system = self._systems[name]
        if max_output_tokens is not None:
            system = system._replace(max_output_tokens=max_output_tokens)
        questions = [Question(row["id"], system.request(row, instructed)) for row in rows]
        label = " ".join(filter(None, [self._hand.stage, name, about]))
        asked = self._hand.ask(system.model, questions, len(questions), label)
        self.asked += asked.asked
        return list(asked.answers())

    def scored(self, name: str, parts: Mapping[str, Sequence[Kept]], about: str = "") -> list[Scored]:
        """A system's answers to rows that have a reference, each with its scores, part by part and in their order."""
        rows = [(part, row) for part, own in parts.items() for row in own]
        answers = self.answers(name, [row for _, row in rows], about)
        found = score(self.scorers, [row for _, row in rows], answers)
        together = zip(rows, answers, found, strict=True)
        return [scored(name, row, part, answer, scores) for (part, row), answer, scores in together]


def score(scorers: Sequence[Scorer], rows: Sequence[Kept], answers: Sequence[Answer]) -> list[dict[str, float]]:
    """Each answer's scores against its row's reference, in order. An answer with an error scores 0 on every metric."""
    texts, references = [answer.text for answer in answers], [row["reference"] for row in rows]
    by_metric = {scorer.name: marks(scorer, texts, references) for scorer in scorers}
    return [
        {metric: 0.0 if answer.error else given[at].value for metric, given in by_metric.items()}
        for at, answer in enumerate(answers)
    ]


def scored(system: str, row: Kept, part: str, answer: Answer, scores: dict[str, float]) -> Scored:
    """A system's answer to a row, with its scores."""
    return Scored(
        id=row["id"],
        slice=row["slice"],
        group=row["group"],
        part=part,
        system=system,
        text=answer.text,
        reference=row["reference"],
        approved=row["approved"],
        error=answer.error,
        finish_reason=answer.finish_reason,
        input_tokens=answer.input_tokens,
        cached_tokens=answer.cached_tokens,
        cache_write_tokens=answer.cache_write_tokens,
        output_tokens=answer.output_tokens,
        seconds=answer.seconds,
        scores=scores,
    )
