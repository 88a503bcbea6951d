import os
import signal
import subprocess
import sys

from tasks.processes import host, surely_dead

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
