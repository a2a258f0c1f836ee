"""The configuration: one TOML file and the environment, typed, with every fault reported at once.

values.py       what one value must be
schema.py       what may stand in the file, section by section
environment.py  what the environment sets
load.py         reading, and collecting faults
whole.py        the Config the rest of the house is given
fit.py          how controllers, categories, logins and terms must fit together
wiring.py       how listeners, certificate, smarthost and keys must fit together
caution.py      what is no fault, yet worth saying
"""

from gateway.config.faults import ConfigError, Fault
from gateway.config.load import find, load, warnings
from gateway.config.schema import Login
from gateway.config.values import Listen
from gateway.config.whole import Config

__all__ = ["Config", "ConfigError", "Fault", "Listen", "Login", "find", "load", "warnings"]
