"""Running time of a run."""

import time


class Clock:
    """Running time of a run, including the time before it was resumed."""

    def __init__(self, wall_before: float = 0.0, cpu_before: float = 0.0):
        self._wall = time.monotonic() - wall_before
        self._cpu = time.process_time() - cpu_before

    @property
    def wall_seconds(self) -> float:
        return round(time.monotonic() - self._wall, 3)

    @property
    def cpu_seconds(self) -> float:
        return round(time.process_time() - self._cpu, 3)
