"""The words of overview, simulation, audit and policy (en)."""

TEXTS: dict[str, str] = {}
