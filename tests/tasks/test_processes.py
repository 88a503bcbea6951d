import os
import signal
import subprocess
import sys
from pathlib import Path

from tasks.processes import at_work, at_work_since, host, surely_dead

HOST = "from tasks.processes import host; print(host())"


def test_the_living_are_not_dead() -> None:
    assert not surely_dead(host(), os.getpid())
    assert not surely_dead(host(), 1)  # which belongs to somebody else


def test_who_was_killed_is_dead() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert not surely_dead(host(), process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert surely_dead(host(), process.pid)


def test_of_another_machine_nobody_knows() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert surely_dead(host(), process.pid)
    assert not surely_dead("another", process.pid)


def test_two_processes_of_a_machine_call_it_the_same() -> None:
    said = subprocess.run([sys.executable, "-c", HOST], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert said.strip() == host()
    assert "/" not in host()  # it is part of a folder's name


def killed_at_work(folder: str) -> None:
    with at_work(Path(folder)):
        os._exit(9)


def test_who_is_at_work_is_known_until_the_process_ends_however_it_ends(tmp_path: Path) -> None:
    assert at_work_since(tmp_path) is None
    with at_work(tmp_path), at_work(tmp_path):
        first = min(marker.stat().st_mtime for marker in tmp_path.iterdir())
        assert at_work_since(tmp_path) == first
    assert list(tmp_path.iterdir()) == []
    code = "from tests.tasks.test_processes import killed_at_work; import sys; killed_at_work(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    assert at_work_since(tmp_path) is None
