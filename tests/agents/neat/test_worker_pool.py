"""Workers are not interrupted by the terminal, and end when asked to."""

import os
import signal
import subprocess
import sys

import pytest

from agents.neat.worker_pool import WorkerPool


def interrupt_itself() -> int:
    os.kill(os.getpid(), signal.SIGINT)
    return os.getpid()


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="this system blocks no signals")
def test_a_worker_is_not_interrupted_and_its_owner_still_is():
    with WorkerPool(1) as pool:
        assert pool.submit(interrupt_itself).result() == pool.submit(os.getpid).result()
    with pytest.raises(KeyboardInterrupt):
        interrupt_itself()


@pytest.mark.skipif(not hasattr(signal, "pause"), reason="this system has no call that waits for ever")
def test_a_worker_ends_in_the_middle_of_what_it_does():
    pool = WorkerPool(1)
    worker = pool.submit(os.getpid).result()
    endless, later = pool.submit(signal.pause), pool.submit(os.getpid)
    pool.end_at_once()
    assert endless.done()
    assert later.done()
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


OWNER = """
import signal
from agents.neat.worker_pool import WorkerPool
if __name__ == "__main__":
    pool = WorkerPool(2)
    print(pool.submit(abs, -1).result(), flush=True)
    pool.submit(signal.pause).result()
"""


@pytest.mark.skipif(not hasattr(signal, "pause"), reason="this system has no call that waits for ever")
def test_workers_end_when_their_owner_is_killed(tmp_path):
    (tmp_path / "owner.py").write_text(OWNER)
    command = [sys.executable, str(tmp_path / "owner.py")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    owner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert owner.stdout.readline() == "1\n"
    owner.kill()
    # the workers hold the pipe too: it is closed when the last of them has ended
    assert owner.communicate(timeout=60)[0] == ""
