"""What several threads want at once is done once."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ironpost.once import Once


def test_whoever_comes_later_waits_for_the_first_and_gets_the_same() -> None:
    """Eight threads, one question."""
    asked: list[str] = []
    once: Once[str] = Once()
    together = threading.Barrier(8)

    def ask(number: int) -> str:
        together.wait()
        return once("name", lambda: slowly(asked, number))

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(ask, range(8)))
    assert len(asked) == 1 and answers == {asked[0]}


def slowly(asked: list[str], number: int) -> str:
    asked.append(f"answer {number}")
    time.sleep(0.05)
    return f"answer {number}"


def test_each_thing_is_asked_by_itself_and_an_error_is_an_answer() -> None:
    """A server that failed is not asked again by those who waited."""
    once: Once[int] = Once()
    tried: list[int] = []

    def fail() -> int:
        tried.append(1)
        raise OSError("no route")

    for _ in range(3):
        with pytest.raises(OSError, match="no route"):
            once("one", fail)
    assert once("two", lambda: 2) == 2 and len(tried) == 1
