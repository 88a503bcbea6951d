"""Stillhouse itself: every answer claimed before it is asked and durable in the ledger before it is used."""

import os
import sys
from collections.abc import Callable

from tasks.models import Budget, Hand, OpenAI, Question, Request
from tasks.rows import Message
from tests.benchmarks.peers.asking import Answers, Asked, measure
from tests.benchmarks.peers.rows import MAX_TOKENS, MODEL


def prepare(asked: Asked) -> Callable[[], Answers]:
    os.environ["STILLHOUSE_LEDGER"] = str(asked.work / "ledger.sqlite")
    model = OpenAI.model_validate(
        {
            "provider": "openai",
            "model": MODEL,
            "base_url": asked.url,
            "price": {"input_usd": 0.15, "output_usd": 0.6},
            "pace": {"max_in_flight": asked.concurrency},
        }
    )
    assert model.sdk().AsyncOpenAI  # imported now, as every peer's is
    hand = Hand("teach", Budget(project="bench", run="bench", project_usd=1000.0))

    def ask() -> Answers:
        questions = (
            Question(str(row), Request(messages=[Message(role="user", content=said)], max_output_tokens=MAX_TOKENS))
            for row, said in enumerate(asked.prompts)
        )
        answers = hand.ask(model, questions, len(asked.prompts)).answers()
        return [None if answer.error else answer.text for answer in answers]

    return ask


if __name__ == "__main__":
    sys.exit(measure("stillhouse", "stillhouse", prepare))
