"""The names of the idempotency keys that this program makes itself."""

from __future__ import annotations

from typing import Final

IMPORTED: Final = "import:"
"""How the key of an imported finding begins."""

RECOVERED: Final = "recover:"
"""How the key of an order that is repeated after a loss begins."""

LINE: Final = "line:"
"""How the key of a line typed at a terminal begins, which counts for a minute."""

FORM: Final = ":console:"
"""What the key of a console's form contains; each page has its own."""
