"""The fixtures of tests/house.py and tests/service.py, for this folder."""

from tests.house import house, open_house, write_config
from tests.service import serve

__all__ = ["house", "open_house", "serve", "write_config"]
