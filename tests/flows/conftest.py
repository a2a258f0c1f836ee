"""The fixtures of tests/house.py, for this folder."""

from tests.house import house, open_house, write_config

__all__ = ["house", "open_house", "write_config"]
