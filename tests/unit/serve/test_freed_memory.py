"""The daemon's memory: scikit-learn is not loaded, and freed blocks go back to the system."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest
from sklearn.feature_extraction.text import (  # type: ignore[import-untyped]  # it has no types
    ENGLISH_STOP_WORDS as LIST_OF_SCIKIT_LEARN,
)

from larkpost.ranking.words.tokenizer import ENGLISH_STOP_WORDS
from larkpost.serve.freed_memory import ARENAS, MemoryReturns

GLIBC = sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim")
IMPORTS = """
import sys
import larkpost.serve
import larkpost.ranking
print([name for name in sys.modules if name.split(".")[0] == "sklearn"])
"""
# The blocks are of a size that glibc would keep once the first of them was freed.
FREED = """
import sys
from pathlib import Path
from larkpost.serve.freed_memory import return_freed_memory, limit_kept_memory

def pages():
    return int(Path("/proc/self/statm").read_text().split()[1])

def use_blocks():
    blocks = [bytearray(b"x" * 2**23) for _ in range(4)]
    small = [bytearray(b"x" * 1000) for _ in range(30_000)]
    return small[-1]

assert limit_kept_memory()
use_blocks()
before = pages()
last = use_blocks()
return_freed_memory()
print((pages() - before) * 4096)
"""

# Twelve threads that need memory at the same time, each with an arena of its own if it gets one.
THREADS = """
import ctypes, sys, tempfile, threading
from pathlib import Path
from larkpost.serve.freed_memory import limit_kept_memory

def use_memory():
    blocks = [bytearray(5_000) for _ in range(1_000)]
    together.wait()

assert limit_kept_memory()
together = threading.Barrier(12)
threads = [threading.Thread(target=use_memory) for _ in range(12)]
for one in threads:
    one.start()
for one in threads:
    one.join()
library = ctypes.CDLL(None)
library.fopen.restype = ctypes.c_void_p
with tempfile.TemporaryDirectory() as folder:
    told = Path(folder, "told")
    file = ctypes.c_void_p(library.fopen(str(told).encode(), b"w"))
    library.malloc_info(0, file)
    library.fclose(file)
    print(told.read_text().count("<heap nr="))
"""


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_daemon_that_only_ranks_does_not_load_scikit_learn() -> None:
    assert run(IMPORTS) == "[]"


def test_stop_words_are_those_of_scikit_learn() -> None:
    assert ENGLISH_STOP_WORDS == LIST_OF_SCIKIT_LEARN


@pytest.mark.skipif(not GLIBC, reason="other C libraries return large blocks themselves")
def test_the_memory_of_a_large_morning_is_returned() -> None:
    assert int(run(FREED)) < 2**23


@pytest.mark.skipif(not GLIBC, reason="other C libraries have no arenas")
def test_the_threads_of_a_daemon_share_two_arenas() -> None:
    assert int(run(THREADS)) <= ARENAS


def test_memory_is_returned_every_ten_minutes_and_not_after_every_tick() -> None:
    clock = iter(range(0, 10_000, 100))
    returns = MemoryReturns(lambda: next(clock))

    done = [returns.return_if_due() for _ in range(13)]

    assert done == [False] * 5 + [True] + [False] * 5 + [True] + [False]
