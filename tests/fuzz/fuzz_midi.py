"""Mutation fuzzer of the MIDI readers: damaged files must give a song or one `MidiError`, soon and in little memory.

    python tests/fuzz/fuzz_midi.py --inputs 1000000
    python tests/fuzz/fuzz_midi.py --first 123456 --inputs 1     # one input again

Input n is made by the seed n alone: some files written by the project, or noise, and up to eight mutations. What
counts as a failure: any other exception, an error that does not name the file or has more than one line, more than 2
CPU seconds, an allocation beyond 256 MiB. Failures are kept in --out; the exit status is 1 if there is one.
"""

import argparse
import multiprocessing
import random
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

from songs.catalog import default_folder, read_entry
from songs.midi import MidiError, read_midi
from vae.melody import read_piece

CPU_SECONDS, MEMORY_BYTES, MAX_BYTES = 2.0, 256 * 2**20, 2**20
MEMORY_FOLDER = Path("/dev/shm")
"""Where there is one, inputs are written to memory: disks take milliseconds to open a file."""
BLOCK = 2000
"""Inputs between two lines of progress."""
QUANTITIES = (b"\x00", b"\x7f", b"\x81\x00", b"\xff\x7f", b"\x81\x80\x00", b"\xff\xff\xff\x7f", b"\xff" * 5)
"""Numbers as MIDI writes them: small, large, too large, too long."""
EVENTS = (
    b"\x00\x90\x3c\x40",  # note on
    b"\x10\x80\x3c\x00",  # note off
    b"\x00\x99\x24\x40",  # drums
    b"\x05\xff\x51\x03\x07\xa1\x20",  # tempo
    b"\x00\xff\x51\x03\x00\x00\x00",  # a tempo of 0
    b"\x00\xff\x58\x04\x03\x02\x18\x08",  # time signature 3/4
    b"\x00\xff\x59\x02\x09\x07",  # a key that does not exist
    b"\x00\xff\x03\x04\xf0\x9f\xa6\x97",  # track name
    b"\x00\xff\x2f\x00",  # end of track
    b"\x00\xff\x7f\x02\x00\x01",  # sequencer specific
    b"\x00\xf0\x03\x7d\x01\xf7",  # system exclusive
    b"\x00\xf7\x01\xf8",  # escape
    b"\x00\xe0\x00\x40",  # pitch bend
    b"\x00\x3c\x40",  # running status
)
WORDS = (b"MThd", b"MTrk", b"RIFF", b"\0\0\0\0", b"\0\0\0\6", b"\xff\xff\xff\xff", b"\x80\0\0\0", b"\xe7\x28")


class TooSlow(BaseException):
    """Not an Exception, so that no reader catches it."""


def seeds() -> list[bytes]:
    """Return files to begin with: the project's own, a file of every kind of event, an empty track."""
    own = [path.read_bytes() for path in sorted(default_folder().rglob("*.mid*"))]
    track = b"".join(EVENTS[:8] + EVENTS[9:13] + EVENTS[8:9])
    empty = b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk\0\0\0\0"
    every = b"MThd\0\0\0\6\0\1\0\2\0\x60" + (b"MTrk" + len(track).to_bytes(4, "big") + track) * 2
    return [*own, empty, *[every] * len(own)]


def mutated(data: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """Return the data with one change."""
    at = chance.randrange(len(data) + 1)
    end = min(len(data), at + int(2 ** chance.uniform(0, 8)))
    kind = chance.randrange(10)
    if kind == 0 and data:  # one bit
        changed = bytearray(data)
        changed[at - 1] ^= 1 << chance.randrange(8)
        return bytes(changed)
    if kind == 1:
        return data[:at]
    if kind == 2:
        return data[:at] + data[end:]
    if kind == 3:  # again
        return data[:end] + data[at:end] * int(2 ** chance.uniform(0, 6)) + data[end:]
    if kind == 4:
        other = chance.choice(others)
        return data[:at] + other[chance.randrange(len(other)) :]
    if kind == 5:
        return data[:at] + chance.choice(QUANTITIES) + data[at:]
    if kind == 6:
        return data[:at] + chance.choice(EVENTS) + data[at:]
    if kind == 7:
        word = chance.choice(WORDS)
        return data[:at] + word + data[at + len(word) :]
    if kind == 8:
        return data[:at] + chance.randbytes(end - at) + data[end:]
    return with_lengths(data)


def with_lengths(data: bytes) -> bytes:
    """Return the data with the number and the lengths of all tracks made right, so that what is inside is looked at."""
    head, *tracks = data.split(b"MTrk")
    return (
        head[:10]
        + len(tracks).to_bytes(2, "big")
        + head[12:]
        + b"".join(b"MTrk" + max(0, len(track) - 4).to_bytes(4, "big") + track[4:] for track in tracks)
    )


def fuzz_input(number: int, files: list[bytes]) -> bytes:
    """Return the input of a number."""
    chance = random.Random(number)
    if chance.random() < 0.02:
        return chance.randbytes(int(2 ** chance.uniform(0, 20)))
    data = chance.choice(files)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 5, 8))):
        data = mutated(data, files, chance)[:MAX_BYTES]
    return with_lengths(data) if chance.random() < 0.8 else data


def judge(path: Path) -> str:
    """Read a file in every way; return 'song', 'silence' or 'refused', or what went wrong."""
    try:
        notes = read_midi(path, allow_silence=True)
        entry = read_entry(path)
        if len(notes.onsets):
            read_piece(path)
    except MidiError as error:
        text = str(error)
        return "refused" if text.startswith(str(path)) and "\n" not in text else f"a strange error: {text}"
    except TooSlow:
        return f"took more than {CPU_SECONDS} CPU seconds"
    except MemoryError:
        return f"needed more than {MEMORY_BYTES // 2**20} MiB"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if bool(entry.reason) == entry.playable:
        return "an entry without song and without reason"
    return "song" if len(notes.onsets) else "silence"


def judge_in_time(path: Path) -> str:
    """Judge a file, and stop where that takes too long."""
    signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
    verdict = judge(path)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return verdict


def run_block(first: int, inputs: int, out: Path) -> Counter:
    """Judge some inputs; keep those that fail."""
    files = seeds()
    found: Counter = Counter()
    with tempfile.TemporaryDirectory(dir=MEMORY_FOLDER if MEMORY_FOLDER.is_dir() else None) as folder:
        path = Path(folder) / "input.mid"
        for number in range(first, first + inputs):
            path.write_bytes(fuzz_input(number, files))
            verdict = judge_in_time(path)
            if verdict not in ("song", "silence", "refused"):
                out.mkdir(parents=True, exist_ok=True)
                (out / f"{number}.mid").write_bytes(path.read_bytes())
                print(f"input {number}: {verdict}", flush=True)
                verdict = "failed"
            found[verdict] += 1
    return found


def _stop(*_) -> None:
    raise TooSlow


def _limit_memory() -> None:
    """Let this process allocate no more than the limit beyond what it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=100_000, help="how many [100000]")
    parser.add_argument("--first", type=int, default=0, help="number of the first [0]")
    parser.add_argument("--workers", type=int, default=1, help="processes [1]")
    parser.add_argument("--out", type=Path, default=Path("runs/fuzz"), help="folder for inputs that fail [runs/fuzz]")
    args = parser.parse_args()
    begin, found, last = time.monotonic(), Counter(), args.first + args.inputs
    blocks = [(first, min(BLOCK, last - first), args.out) for first in range(args.first, last, BLOCK)]
    with multiprocessing.get_context("spawn").Pool(args.workers, _limit_memory) as pool:
        for number, counts in enumerate(pool.imap_unordered(partial(_run, run_block), blocks), 1):
            found += counts
            if number % 10 == 0 or number == len(blocks):
                rate = found.total() / (time.monotonic() - begin)
                print(f"{found.total()} of {args.inputs} inputs, {rate:.0f} a second: {dict(found)}", flush=True)
    print(f"{found['failed']} of {found.total()} inputs failed")
    return 1 if found["failed"] else 0


def _run(function, arguments):
    return function(*arguments)


if __name__ == "__main__":
    sys.exit(main())
