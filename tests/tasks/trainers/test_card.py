import yaml

from tasks.evidence import CurvePoint, Estimate, Training, Tried
from tasks.trainers import Origin, Teacher, card

TRAINING = Training(
    rows=1200,
    watched=40,
    too_long=3,
    tokens=60_000,
    answer_tokens=20_000,
    longest_row=300,
    trained_parameters=4_884_480,
    steps=300,
    seconds=100.0,
    example="⟦one⟧",
    curve=[
        CurvePoint(step=150, epoch=1, train_loss=1.0, validation_loss=0.5),
        CurvePoint(step=300, epoch=2, train_loss=0.5, validation_loss=0.75),
    ],
    method="lora",
    epochs=2,
    learning_rate=0.0013,
    best_step=150,
    searched=[Tried(learning_rate=0.0013, validation_loss=0.5), Tried(learning_rate=0.1, validation_loss=2.0)],
)
ORIGIN = Origin("owner/base@main", "apache-2.0", "")
SCORES = [
    Estimate(system=system, metric="intent", part="holdout", slice=name, mean=0.75, low=0.6, high=0.9, n=40, groups=40)
    for system in ("student", "teacher")
    for name in ("all", "gift")
]


def metadata(text: str) -> dict[str, object]:
    return yaml.safe_load(text.split("---")[1])


def test_the_metadata_is_what_the_hub_reads() -> None:
    given = metadata(card("support version 1", ORIGIN, TRAINING))
    assert given["license"] == "apache-2.0"
    assert given["base_model"] == "owner/base"
    assert metadata(card("one", Origin("package:a/b: c.gguf", "", ""), TRAINING))["license"] == "other"


def test_how_it_was_made_is_said_in_figures() -> None:
    said = card("support version 1", ORIGIN, TRAINING)
    assert "Method lora: 4,884,480 parameters, 2 epochs, learning rate 0.0013, 300 steps." in said
    assert "The weights are those of step 150." in said
    assert "1,200 rows of 60,000 tokens, 20,000 of them learned; 40 rows watched; 3 rows too long and left out." in said
    assert "Mean loss a token: 1.000 in training, 0.500 on the validation rows." in said
    assert "Learning rate 0.1 came to a validation loss of 2.000." in said


def test_the_student_s_own_scores_are_shown_over_all_slices() -> None:
    said = card("one", ORIGIN, TRAINING, scores=SCORES)
    assert said.count("| holdout | intent | 75.0 % | 60.0 % to 90.0 % | 40 |") == 1
    assert "How good it was" not in card("one", ORIGIN, TRAINING)


def test_the_prompt_that_it_needs_is_quoted() -> None:
    assert "It needs no instruction" in card("one", ORIGIN, TRAINING)
    assert "system message:\n\n```\nBe brief.\n```" in card("one", ORIGIN._replace(prompt="Be brief."), TRAINING)


def test_whoever_taught_it_is_named_with_the_terms() -> None:
    said = card("one", ORIGIN, TRAINING, [Teacher("openai", "gpt-5-mini"), Teacher("recorded", "support-teacher")])
    assert "gpt-5-mini (openai)" in said
    assert "https://openai.com/policies" in said
    assert "support-teacher (recorded)" in said
    assert "the terms that they were given under" in said
