"""Listeners and priors that options name; errors name the option."""

from agents.prior import MakePrior
from experiments.config.settings import ConfigError
from experiments.runs.plans import FORM
from listener.listener import Listener
from listener.registry import listener_named
from songs.plan import Plans

NO_PRIOR = "none"
LONGEST_FOLLOWED = 4096
"""Steps for which a prior follows a melody; its predictions do not change after that."""


def named_listener(name: str, option: str) -> Listener:
    """Return the listener that an option names; raise ConfigError if it does not exist or cannot be read."""
    try:
        return listener_named(name)
    except ImportError as error:
        raise ConfigError(
            f"{option} = {name!r} needs the package {error.name}: pip install 'kuznechik[torch]'"
        ) from None
    except (ValueError, OSError) as error:
        raise ConfigError(f"{option} = {name!r}: {error}") from None


def melody_prior(name: str, option: str, steps: int = LONGEST_FOLLOWED, plans: Plans | None = None) -> MakePrior | None:
    """Return a factory for the prior that an option names, or None without one.

    The prior follows melodies for `steps` steps. The prior `form` follows plans, which must be given.

    Raises:
        ConfigError: The melody model does not exist.
    """
    if name in ("", "auto", NO_PRIOR):
        return None
    if name == FORM and plans is not None:
        from listener.form.planning import following

        return following(plans)
    listener = named_listener(name, option)
    from listener.melody_model import Expected, MelodyReader  # here, as it loads torch

    if not isinstance(listener, Expected):
        raise ConfigError(f"{option} = {name!r}: it is not a melody model; use melody, or the file of one")
    return lambda melodies, first=0: MelodyReader(listener.model, melodies, steps)
