"""The rows that every peer is asked, the same for all."""

MODEL = "gpt-4o-mini"
MAX_TOKENS = 64
EDITED = "(edited)"
FILLER = ["still", "house", "copper", "grain", "water", "yeast", "barrel", "spirit", "cask", "oak", "peat", "malt"]


def prompt(row: int, words: int = 40, edited: bool = False) -> str:
    """Words in a row, the first two of which name the row: an answer that echoes the prompt says whose it is."""
    head = ["Row", f"{row}:"] + [EDITED] * edited
    return " ".join(head + [FILLER[(row + at) % len(FILLER)] for at in range(words - len(head))])


def prompts(requests: int, words: int, edited: int | None) -> list[str]:
    return [prompt(row, words, edited=row == edited) for row in range(requests)]
