"""The base of all answers: they hold what is said of them, and nothing else."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """What all answers have in common: they hold what is said here, and nothing else."""

    model_config = ConfigDict(extra="forbid")
