"""The settings: flags > environment > secret files > settings file > defaults."""

from larkpost.settings.loading import expand, load
from larkpost.settings.model import HomePaths, Settings, day_names, keys, read_days

__all__ = ["HomePaths", "Settings", "day_names", "expand", "keys", "load", "read_days"]
