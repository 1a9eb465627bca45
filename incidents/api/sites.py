"""The sites over HTTP: the register, how a site stands and why, and the acts on it."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from incidents import clock, inputs
from incidents.api.caller import Caller, actor, caller, etag
from incidents.machine import commands as c

router = APIRouter(tags=["sites"])

Looking = Annotated[Caller, Depends(caller)]
Acting = Annotated[Caller, Depends(actor)]
Document = dict[str, Any]


class Finding(BaseModel, extra="forbid"):
    """A violation that was found."""

    urls: list[str] = Field([], max_length=inputs.MAX_URLS)
    category: str | None = Field(None, max_length=100)
    note: str | None = Field(None, max_length=inputs.MAX_TEXT_CHARACTERS)
    at: str | None = Field(None, max_length=64, description="RFC 3339; none: now.")
    again: bool = False


@router.get("/sites/{site}")
def show(by: Looking, site: str, response: Response) -> Document:
    """How a site stands, and whom to call."""
    by.needs("look")
    with by.reading() as connection:
        found: Document = by.house.views.site(connection, inputs.site(site), clock.now())
    response.headers["ETag"] = etag(found["id"], found["seq"])
    return found


@router.post("/sites/{site}/incidents", status_code=201)
def log(by: Acting, site: str, finding: Finding) -> Document:
    """Log a violation. The desk then has an hour to reach the responsible person (R2)."""
    command = c.Log(
        by=by.by,
        at=None if finding.at is None else clock.parse(finding.at, UTC, clock.now()),
        urls=inputs.urls(finding.urls),
        category=finding.category and inputs.text("category", limit=100)(finding.category),
        note=finding.note and inputs.text("note")(finding.note),
        again=finding.again,
    )
    return by.submit(inputs.site(site), command)
