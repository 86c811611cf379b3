"""The configuration of deep Q-learning: options, presets and the true names of the regimes."""

import dataclasses

import pytest

from agents.dqn.options import HEADS, TD_LOSSES
from experiments.config.dqn import DqnConfig
from experiments.config.renamed import RENAMED
from experiments.config.settings import ConfigError

OPTIONS = [
    (section.name, option)
    for section in dataclasses.fields(DqnConfig)
    for option in dataclasses.fields(section.default_factory)
]
NAMES = [f"{section}.{option.name}" for section, option in OPTIONS]


@pytest.mark.parametrize(("section", "option"), OPTIONS, ids=NAMES)
def test_every_option_is_documented_and_has_limits_it_keeps(section, option):
    assert len(option.metadata["help"]) > 5
    assert DqnConfig().change(section, **{option.name: option.default}) == DqnConfig()
    with pytest.raises(ConfigError, match="it must be"):
        DqnConfig().change(section, **{option.name: None})
    if option.type in (int, float):
        low, high = option.metadata["low"], option.metadata["high"]
        for value in (low - 1, 2 * (high or 1e18) + 1):
            if value < low or (high is not None and value > high):
                with pytest.raises(ConfigError, match=f"^{section}.{option.name} = .*: it must be "):
                    DqnConfig().change(section, **{option.name: option.type(value)})
    for choice in option.metadata["choices"]:
        changed = DqnConfig().change(section, **{option.name: choice})
        assert DqnConfig.from_toml(changed.to_toml()) == changed


def test_the_presets_are_the_regimes():
    regimes = {name: name for name in ("bandit", "episodic", "form", "improvisation")}
    regimes["form"] = regimes["prior"] = "improvisation beside a prior, form g"
    assert DqnConfig.presets() == list(regimes)
    assert DqnConfig.load("bandit") == DqnConfig()
    for name, regime in regimes.items():
        config = DqnConfig.load(name)
        assert config.regime == regime
        assert DqnConfig.from_toml(config.to_toml()) == config


@pytest.mark.parametrize("preset", ["dqn-bandit", "plain-neat", "xor"])
def test_presets_of_evolution_are_not_ours(preset):
    with pytest.raises(ConfigError, match="no such file or preset; presets are bandit, episodic, form, improvisation"):
        DqnConfig.load(preset)


@pytest.mark.parametrize(
    ("preset", "change", "regime"),
    [
        ("bandit", {"gamma": 0.5}, "custom"),
        ("bandit", {"td_loss": "step"}, "custom"),
        ("bandit", {"teacher_forcing": False}, "custom"),
        ("bandit", {"listener": "exact_steps"}, "custom"),
        ("bandit", {"learning_rate": 0.1}, "bandit"),
        ("improvisation", {"soft": 0.5}, "improvisation, soft maximum 0.5"),
        ("episodic", {"random_start": 0.5}, "episodic with random starts"),
        ("episodic", {"teacher_forcing": True}, "custom"),
        ("episodic", {"stop_at_error": False}, "custom"),
        ("episodic", {"td_loss": "key"}, "custom"),
        ("episodic", {"listener": "right_keys"}, "custom"),
        ("episodic", {"gamma": 0.9}, "episodic"),
    ],
)
def test_a_regime_is_called_by_its_true_name(preset, change, regime):
    config, (name, value) = DqnConfig.load(preset), *change.items()
    section = "environment" if hasattr(config.environment, name) else "dqn"
    assert config.change(section, **change).regime == regime
    assert getattr(getattr(config.change(section, **change), section), name) == value


def test_every_renamed_option_has_a_name_of_today():
    sections = {section.name: section.default_factory() for section in dataclasses.fields(DqnConfig)}
    for name in RENAMED["dqn"].values():
        section, key = name.split(".")
        assert hasattr(sections[section], key), name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"replay": {"capacity": 100}}, "dqn.learning_starts = 128: the replay buffer holds only 100"),
        (
            {"replay": {"capacity": 100}, "dqn": {"learning_starts": 1}},
            "dqn.batch_size = 128: the replay buffer holds only 100: lower it, or raise replay.capacity",
        ),
        ({"dqn": {"steps": 128}}, "dqn.steps = 128: the first update comes after 128 steps: raise it, or lower dqn.l"),
        ({"dqn": {"steps": 150, "evaluate_every": 151}}, "dqn.evaluate_every = 151: the budget of 150 steps would end"),
        ({"replay": {"n_step": 0}}, "replay.n_step = 0: it needs a prior"),
    ],
)
def test_options_that_cannot_learn_are_refused(options, message):
    config = DqnConfig()
    config.check()
    for section, values in options.items():
        config = config.change(section, **values)
    with pytest.raises(ConfigError, match=message):
        config.check()


def test_every_head_and_loss_is_made():
    pytest.importorskip("torch")
    from agents.dqn import losses, network

    assert [network.head_shape(head, 13) for head in HEADS] == [(13, 2), (1, 14)]
    for td_loss in TD_LOSSES:
        assert losses.make_td_loss(DqnConfig().change("dqn", td_loss=td_loss).dqn, "branching").rewards in (1, 13)
