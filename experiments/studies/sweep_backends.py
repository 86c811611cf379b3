"""Backends of a sweep: processes on this machine, or a Ray cluster.

A run is set up in its folder in advance, and continues from whatever is there with bit-identical results. So it does
not matter where it runs, or whether a part of it was done before. Each backend yields folders as their runs end, with
the reason if one has failed.
"""

import io
import tempfile
import zipfile
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from agents.neat.worker_pool import WorkerPool
from agents.neat.workers import lend_ray
from experiments.runs.folder import RunFolder
from experiments.runs.lifecycle import Supervision, resume

Outcomes = Generator[tuple[Path, str], None, None]
"""Run folders, each with the reason if its run failed, or else an empty text."""
INCOMING = ".incoming"
"""Suffix of hidden folders that are about to replace a run folder."""
KILLED = "its process was killed; was there too little memory?"


def continue_run(path: Path) -> None:
    """Carry out the rest of the run in a folder."""
    folder = RunFolder.open(path)
    with folder.writing():
        resume(folder, (), Supervision())


def run_here(folders: Sequence[Path], jobs: int) -> Outcomes:
    """Carry out runs in `jobs` processes on this machine; those in progress are interrupted when the iterator closes.

    Each process is its own pool, so that if one is killed, only its own run fails.
    """
    waiting, running = deque(folders), dict[Future, tuple[Path, WorkerPool]]()
    idle = [WorkerPool(1) for _ in range(min(jobs, len(waiting)))]
    try:
        while waiting or running:
            while waiting and idle:
                folder, pool = waiting.popleft(), idle.pop()
                running[pool.submit(continue_run, folder)] = folder, pool
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                folder, pool = running.pop(future)
                reason = _reason(future.result)
                if reason == KILLED:
                    pool.shutdown()
                    pool = WorkerPool(1)
                idle.append(pool)
                yield folder, reason
    finally:
        pools = [*idle, *(pool for _, pool in running.values())]
        for pool in pools:
            pool.terminate()
        for pool in pools:
            pool.end_at_once()


def _reason(result: Callable[[], object]) -> str:
    """Return why a run failed, or an empty text."""
    try:
        result()
    except BrokenProcessPool:
        return KILLED
    except Exception as error:
        return str(error) if isinstance(error, ValueError) else repr(error)
    return ""


def run_on_ray(folders: Sequence[Path], jobs: int, address: str | None) -> Outcomes:
    """Carry out runs on a Ray cluster without a shared disk: run folders are sent there and returned as bytes.

    If a machine is lost, its run starts again on another one. Without an address, Ray starts here with `jobs` cores.
    """
    with lend_ray(jobs, address) as ray:
        task = ray.remote(num_cpus=1, max_retries=5)(run_packed)
        pending = {task.remote(folder.name, pack(folder)): folder for folder in folders}
        while pending:
            (done,), _ = ray.wait(list(pending), num_returns=1)
            folder = pending.pop(done)
            yield folder, _reason(lambda: unpack(ray.get(done), folder))  # noqa: B023, it is called at once


def run_packed(name: str, content: bytes) -> bytes:
    """Carry out the run of a packed folder, and return the folder packed."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent, name)
        unpack(content, folder)
        continue_run(folder)
        return pack(folder)


def pack(folder: Path) -> bytes:
    """Return the files of a run folder as the bytes of a zip file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name != ".lock":
                archive.write(path, path.relative_to(folder))
    return content.getvalue()


def unpack(content: bytes, folder: Path) -> None:
    """Write packed files to a run folder; an existing one is replaced as a whole."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".", suffix=INCOMING) as parent:
        new, old = Path(parent, "new"), Path(parent, "old")
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            archive.extractall(new)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
