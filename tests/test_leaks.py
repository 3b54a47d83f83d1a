"""What a test leaves open is found, and nothing else is."""

import os
import socket
import subprocess
import sys

from leaks import left_open, open_now


def test_an_open_socket_is_found_and_a_closed_one_is_not(monkeypatch):
    monkeypatch.setattr("leaks._PATIENCE_S", 0.0)
    before = open_now()
    with socket.socket():
        (left,) = left_open(before)
        assert left.startswith("socket:[")
        assert left_open(before, keep_sockets=True) == []
    assert left_open(before) == []


def test_a_running_process_is_found_and_so_is_one_that_nobody_awaited(monkeypatch):
    monkeypatch.setattr("leaks._PATIENCE_S", 0.0)
    before = open_now()
    command = [sys.executable, "-c", "print(flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        (left,) = left_open(before)
        assert "input()" in left
        process.stdin.write(b"\n")
        process.stdin.flush()
        while process.stdout.read():
            pass
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        (left,) = left_open(before)
        assert left.endswith("ended, and not awaited")
    assert left_open(before) == []
