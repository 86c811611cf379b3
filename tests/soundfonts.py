"""A SoundFont of one instrument, a sine, built chunk by chunk.

Source:
    SoundFont Technical Specification 2.04, chapters 5 to 8.
"""

import struct

import numpy as np

RATE, ROOT, PERIODS = 44_100, 69, 440
SAMPLE_ID, INSTRUMENT, SAMPLE_MODES, LOOPS = 53, 41, 54, 1


def sine_font(bank: int = 0, program: int = 0) -> bytes:
    """Return an .sf2 file whose only instrument is a sine for ever, which is A4 at its root key."""
    wave = np.rint(20_000 * np.sin(2 * np.pi * PERIODS * np.arange(RATE) / RATE)).astype("<i2").tobytes()
    header = struct.Struct("<20sHHHIII")
    presets = header.pack(b"Sine", program, bank, 0, 0, 0, 0) + header.pack(b"EOP", 0, 0, 1, 0, 0, 0)
    sample = struct.Struct("<20sIIIIIBbHH")
    samples = sample.pack(b"Sine", 0, RATE, 0, RATE, RATE, ROOT, 0, 0, 1) + bytes(sample.size)
    data = {
        "phdr": presets,
        "pbag": struct.pack("<4H", 0, 0, 1, 0),
        "pmod": bytes(10),
        "pgen": struct.pack("<4H", INSTRUMENT, 0, 0, 0),
        "inst": struct.pack("<20sH20sH", b"Sine", 0, b"EOI", 1),
        "ibag": struct.pack("<4H", 0, 0, 2, 0),
        "imod": bytes(10),
        "igen": struct.pack("<6H", SAMPLE_MODES, LOOPS, SAMPLE_ID, 0, 0, 0),
        "shdr": samples,
    }
    information = {"ifil": struct.pack("<2H", 2, 1), "isng": b"EMU8000\0", "INAM": b"Sine\0\0"}
    lists = (b"INFO", information), (b"sdta", {"smpl": wave + bytes(2 * 46)}), (b"pdta", data)
    parts = (name + b"".join(chunk(key.encode(), each) for key, each in content.items()) for name, content in lists)
    return chunk(b"RIFF", b"sfbk" + b"".join(chunk(b"LIST", part) for part in parts))


def chunk(name: bytes, content: bytes) -> bytes:
    """Return a chunk of a RIFF file; its content has an even length."""
    return name + struct.pack("<I", len(content)) + content
