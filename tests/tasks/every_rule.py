"""What every rule there is says of the same seventy answers, among them one or two of each kind that a rule drops."""

import json
from typing import get_args

from pydantic import TypeAdapter

from tasks.judges import Rubric
from tasks.models import Request
from tasks.rules import Candidate, Drop, Judged, Rule
from tests.tasks.judges.toys import DIMENSIONS, ToyJudge, hand, levels
from tests.tasks.toys import an_output

RULES = [
    {"rule": "answered"},
    {"rule": "language"},
    {"rule": "json_object"},
    {"rule": "labels", "field": "intent", "labels": ["Status", "return", "warranty"]},
    {"rule": "pattern", "field": "intent", "pattern": "[a-v]+"},
    {"rule": "standard", "scorer": {"scorer": "words", "name": "length", "field": "reply", "at_most": 20}},
    {"rule": "agreement", "fields": ["intent"]},
    {"rule": "contradiction", "fields": ["intent"]},
    {"rule": "shape"},
    {"rule": "near_duplicate"},
    {"rule": "semantic_duplicate", "encoder": {"encoder": "tfidf"}, "similarity": 0.9},
]
THINGS = ["boots", "tent", "stove", "lamp", "rope", "jacket", "gloves", "bag", "bottle", "compass", "map", "knife"]
PARCEL = "Hello, my parcel has not come yet although it was sent on day 12 of the month. Where is it now?"


def an_answer(intent: str, reply: str) -> str:
    return json.dumps({"intent": intent, "reply": reply})


def candidates() -> list[Candidate]:
    """Sixty usual ones, and then what some rule drops, repairs or doubts."""
    usual = [
        (
            f"usual-{at}",
            f"{at} {THINGS[at % 12]}: {PARCEL[at:][:40]}",
            an_answer("status", f"Your order {at} left our warehouse on Monday."),
        )
        for at in range(60)
    ]
    german = "Ihr Paket hat unser Lager am Montag verlassen und ist am Donnerstag bei Ihnen."
    odd = [
        ("one", PARCEL, an_answer("status", "It is on its way to you.")),
        ("two", PARCEL.replace("Hello", "Hi"), an_answer("return", "Send it back to us, please.")),
        ("three", PARCEL.replace("12", "13"), an_answer("status", "It is on its way to you.")),
        ("four", "May I send my boots back?", an_answer("return", "Yes, you may, and here is how it is done. " * 9)),
        ("five", "My tent leaks.", f"```json\n{an_answer('warranty', 'Send it in.')}\n```"),
        ("six", "My stove is cold.", "I'm sorry, but I can't help with that."),
        ("seven", "Where is my lamp?", an_answer("status", german)),
        ("eight", "Where is my map?", an_answer("status", "- It left us.\n- It comes soon!\n# Thanks")),
        ("nine", "Can you mend my rope?", an_answer("Warranty ", "Yes.")),
        ("nine", "Can you mend my rope?", an_answer("Warranty ", "We do.")),
        ("nine", "Can you mend my rope?", an_answer("return", "No.")),
    ]
    return [Candidate(an_output(id, text, said), text, False) for id, said, text in [*usual, *odd]]


def _verdict(request: Request) -> str:
    return levels(1 + len(request.messages[-1]["content"]) % 5)


def verdicts() -> dict[str, list[str]]:
    """By rule: of each candidate that it does not simply keep, the row, and what is said of it."""
    rules: list[Rule] = TypeAdapter(list[Rule]).validate_python(RULES)
    rubric = Rubric.model_construct(
        model=ToyJudge(_verdict), instruction=None, max_output_tokens=99, dimensions=DIMENSIONS
    )
    judged = Judged.model_construct(
        rule="judged", rubric=rubric, at_least=3, max_unjudged_share=1.0, same_as_teacher=False
    )
    given, found = candidates(), dict[str, list[str]]()
    for rule in [*rules, judged]:
        ready = rule.asking(hand()) if isinstance(rule, Judged) else rule
        told = zip(given, ready.judge(given), strict=True)
        found[rule.rule] = [f"{each.row['id']}: {said}" for each, said in told if isinstance(said, Drop) or any(said)]
    union, _ = get_args(Rule)
    assert {type(rule) for rule in rules} | {Judged} == set(get_args(union)), "a rule is missing here"
    return found
