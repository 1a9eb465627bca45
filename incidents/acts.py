"""The old name of `enforcement`, by which adapters of one's own import its port and its options."""

import sys

from incidents.enforcement import port
from incidents.settings import options

sys.modules[f"{__name__}.port"] = port
sys.modules[f"{__name__}.options"] = options
