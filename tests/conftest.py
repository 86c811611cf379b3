"""What holds for every test: one thread, fewer examples, and interrupts.

Threads that wait for each other cost CPU time, in processes that tests start, too.
"""

import os
import signal

from hypothesis import settings

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

settings.register_profile("suite", max_examples=30, deadline=None)
settings.register_profile("thorough", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a job that a shell has put in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)
