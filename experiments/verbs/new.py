"""Write a starter file for your own listener, which already works, and a test for it.

Change its method `rewards` and listen to what evolution makes of it; docs/own-listener.md explains it step by step.
"""

import argparse
import keyword
from pathlib import Path
from string import Template

from experiments.options import UsageError, add_actions, add_force, refuse_existing

HELP = "write a starter file for your own listener"
GROUP, ORDER = "Judge", 5
EXAMPLES = (
    "kuznechik new listener likes_steps",
    "kuznechik new listener likes_steps --force",
)

LISTENER = Template('''"""A listener of your own: it rewards small steps. Change `rewards` to what you like.

Audit it:          kuznechik listener audit $file:$name --quick
Evolve for it:     kuznechik evolve grasshopper --listener $file:$name
With an argument:  kuznechik evolve grasshopper --listener "$file:$name(widest=4)"
"""

import numpy as np


class $name:
    """Rewards each note that is close to the previous one, but not the same."""

    def __init__(self, widest=2):
        self.widest = widest  # semitones

    def rewards(self, rolls, targets=None):
        """Return the rewards, (B, T) float32, of B melodies of T steps.

        rolls is (B, T, K) bool: True where a key is pressed; key 0 is the lowest of K.
        The reward of a step may depend on this step and earlier ones, never on later ones.
        """
        rewards = np.zeros(rolls.shape[:2], dtype=np.float32)
        before = np.full(len(rolls), -1)  # the previous key of each melody; -1 before its first note
        for step in range(rolls.shape[1]):
            keys = rolls[:, step]
            plays = keys.any(axis=1)
            key = np.where(plays, keys.argmax(axis=1), before)  # the lowest key of the step
            interval = abs(key - before)
            rewards[:, step] = plays & (before >= 0) & (interval > 0) & (interval <= self.widest)
            before = key
        return rewards
''')
TEST = Template("""import numpy as np
from $module import $name


def test_a_step_is_rewarded_and_a_leap_is_not():
    roll = np.zeros((1, 4, 13), dtype=bool)
    roll[0, [0, 1, 3], [0, 2, 9]] = True  # C, D, a rest, A

    assert $name().rewards(roll).tolist() == [[0, 1, 0, 0]]
""")


def add_options(parser: argparse.ArgumentParser) -> None:
    add_actions(parser, {"listener": _listener})


def _listener(parser: argparse.ArgumentParser) -> None:
    """Write NAME.py, a working listener, and test_NAME.py, a test for it (run it with pytest)."""
    parser.add_argument("name", metavar="NAME", help="name of the file, as in likes_steps; the class is LikesSteps")
    add_force(parser)


def run(options: argparse.Namespace) -> int:
    from songs.files import write_atomically

    module = options.name.removesuffix(".py")
    if not module.isidentifier() or keyword.iskeyword(module):
        raise UsageError(f"{options.name!r}: a name has only letters, digits and underscores, as in likes_steps")
    name = "".join(part[:1].upper() + part[1:] for part in module.split("_"))
    listener, test = Path(f"{module}.py"), Path(f"test_{module}.py")
    refuse_existing(options, listener, test)
    for path, template in ((listener, LISTENER), (test, TEST)):
        write_atomically(path, template.substitute(file=listener, module=module, name=name))
        print(path)
    print(f"Next: kuznechik evolve grasshopper --listener {listener}:{name}")
    return 0
