"""The garbage collector's settings bound how long it stops the event loop."""

from __future__ import annotations

import gc
import subprocess
import sys

SCRIPT = """
import gc, time
from service_kit.garbage import settle_garbage_collector
settle_garbage_collector()
pauses, started = [], 0.0
def watch(phase, info):
    global started
    if phase == "start":
        started = time.thread_time()
    elif info["generation"] < 2:
        pauses.append(time.thread_time() - started)
gc.callbacks.append(watch)
kept = [{"n": [number]} for number in range(200_000)]
print(len(pauses), max(pauses))
"""


def test_no_young_collection_walks_so_much_that_others_notice():
    count, longest = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    ).stdout.split()
    assert int(count) > 50
    assert float(longest) < 0.03  # of processor time; 50,000 objects at once take 35 to 70 ms
    assert gc.get_threshold()[0] != 2_000  # the process that tests is left alone
