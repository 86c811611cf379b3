"""Configuration of a MusicVAE's training: data set, model and training options."""

from dataclasses import dataclass, field, fields
from typing import ClassVar

from experiments.config.renamed import RENAMED
from experiments.config.settings import Settings
from songs.options import option
from vae.config import ModelConfig, TrainingOptions
from vae.dataset import dataset_name

RENAMED["vae"] |= {
    one.name: f"{section}.{one.name}"
    for section, kind in (("model", ModelConfig), ("training", TrainingOptions))
    for one in fields(kind)
}


@dataclass(frozen=True)
class Data:
    """The melodies."""

    folder: str = option("vae-data", "folder of data sets, see `kuznechik vae generate-dataset`")
    transposed: bool = option(False, "melodies in C major or A minor instead of all keys")


@dataclass(frozen=True)
class VaeConfig(Settings):
    """Configuration of a MusicVAE's training."""

    KIND: ClassVar[str] = "vae"

    data: Data = field(default_factory=Data)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingOptions = field(default_factory=TrainingOptions)

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return self.training.seed

    @property
    def dataset(self) -> str:
        """Name of the data set."""
        return dataset_name(self.model.bars, self.model.representation, self.data.transposed)
