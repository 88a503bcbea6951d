import subprocess
import sys
from typing import TYPE_CHECKING, cast

import pytest
import typer
from typer.testing import CliRunner

from flows.cli import app

if TYPE_CHECKING:
    import click

HEAVY = {"torch", "transformers", "pandas", "prefect"}


def loaded_by(code: str) -> set[str]:
    """The top-level modules that are loaded once the code has run."""
    told = "import sys; print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    ended = subprocess.run([sys.executable, "-c", f"{code}\n{told}"], capture_output=True, text=True, check=True)
    return set(ended.stderr.split())


@pytest.mark.parametrize(
    "code",
    [
        "import tasks",
        "import flows, flows.cli",
        "from typer.testing import CliRunner; from flows.cli import app; CliRunner().invoke(app, ['--help'])",
        "from typer.testing import CliRunner; from flows.cli import app; CliRunner().invoke(app, ['run', '--help'])",
    ],
)
def test_what_answers_at_once_loads_nothing_heavy(code: str) -> None:
    loaded = loaded_by(code)
    assert "sys" in loaded
    assert not loaded & HEAVY


def test_checking_a_project_loads_no_model_library() -> None:
    loaded = loaded_by(
        "from pathlib import Path; from flows.project import load; load(Path('deployments/support.yaml'))"
    )
    assert not loaded & {"torch", "transformers", "pandas"}


def test_a_run_loads_what_its_stages_need_only_where_they_work() -> None:
    loaded = loaded_by("import flows.console, flows.distill")
    assert "prefect" in loaded
    assert not loaded & {"torch", "transformers", "pandas", "sklearn", "matplotlib", "openai", "anthropic", "pyarrow"}


def test_every_command_and_every_argument_has_help() -> None:
    commands = cast("click.Group", typer.main.get_command(app)).commands
    assert {"run", "plan", "report", "history", "rollback"} <= set(commands)
    whole = CliRunner().invoke(app, ["--help"])
    for name, command in commands.items():
        own = CliRunner().invoke(app, [name, "--help"])
        assert (whole.exit_code, own.exit_code) == (0, 0)
        assert command.help
        assert command.help.split(",")[0][:30] in own.output
        assert name in whole.output
        assert all(getattr(parameter, "help", None) for parameter in command.params)


@pytest.mark.parametrize("arguments", [["run"], ["fly"], ["run", "a.yaml", "--fast"]])
def test_a_command_that_is_wrong_is_an_error_without_a_traceback(arguments: list[str]) -> None:
    ended = subprocess.run([sys.executable, "-m", "flows.cli", *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert "Usage" in ended.stderr
