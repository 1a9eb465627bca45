"""The old name of `enforcement`, from which custom adapters import its port and options."""

import sys

from incidents.enforcement import port
from incidents.settings import options

sys.modules[f"{__name__}.port"] = port
sys.modules[f"{__name__}.options"] = options
