"""The fixtures of tests/house.py and tests/service.py, for this folder."""

from tests.house import house, open_house, write_config
from tests.service import landlord, service

__all__ = ["house", "landlord", "open_house", "service", "write_config"]
