"""Every test, and every process it starts, computes on one thread: threads that wait for each other cost CPU time."""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
