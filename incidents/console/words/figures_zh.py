"""The words of overview, simulation, audit and policy (zh)."""

TEXTS: dict[str, str] = {}
