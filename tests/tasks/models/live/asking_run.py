"""A process that asks a service a number of rows, to be killed: prints what came of it as one line of JSON."""

import json
import sys

from tasks.models import Budget, Hand, OpenAI, Question, Request
from tasks.rows import Message

PRICE = {"input_usd": 1.0, "output_usd": 3.0}


def question(number: int, edited: int = -1) -> Question:
    text = f"Row {number}: " + "where is my parcel " * (1 + number % 7) + ("today" if number == edited else "")
    return Question(f"r{number}", Request(messages=[Message(role="user", content=text)], max_output_tokens=64))


def teacher(url: str, **pace: float) -> OpenAI:
    return OpenAI.model_validate(
        {"provider": "openai", "model": "gpt-4o-mini", "base_url": f"{url}/v1", "price": PRICE, "pace": pace}
    )


def main(url: str, rows: int, in_flight: int, edited: int = -1) -> None:
    model = teacher(url, max_in_flight=in_flight, timeout_seconds=3)
    hand = Hand("teach", Budget(project="chaos", run=str(id(model)), project_usd=1000.0))
    questions = [question(number, edited) for number in range(rows)]
    asked = hand.ask(model, questions, rows)
    aligned = sum(
        answer.text == f"answer to: {each.request.messages[0]['content']}"
        for each, answer in zip(questions, asked.answers(), strict=True)
    )
    print(json.dumps({"aligned": aligned, "asked": asked.asked, "failed": len(asked.failed)}))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
