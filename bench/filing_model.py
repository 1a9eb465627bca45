"""The model that pydantic validates a row of a customer list with: what the import reads, as well
as pydantic says it by itself, without a function in Python."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, Json, StringConstraints

Open = Annotated[str, StringConstraints(max_length=64)]
Sealed = Annotated[str, StringConstraints(max_length=4_000)]
_LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
Host = Annotated[
    str,
    StringConstraints(max_length=253, to_lower=True, pattern=rf"^{_LABEL}(?:\.{_LABEL})*$"),
]


class Server(BaseModel):
    """A server."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    ip: Open | None = None
    province: Sealed | None = None
    city: Sealed | None = None
    place: Sealed | None = None
    count: Annotated[str, StringConstraints(pattern="^[0-9]+$")] | None = None


class Filing(BaseModel):
    """A row of the list."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    site: Host
    subject_kind: Literal["company", "person"] | None = None
    subject_name: Sealed | None = None
    subject_number: Sealed | None = None
    responsible_name: Sealed | None = None
    responsible_phone: Sealed | None = None
    responsible_email: Sealed | None = None
    home_url: Sealed | None = None
    icp_number: Open | None = None
    icp_licence: Open | None = None
    public_security_number: Open | None = None
    registrar: Sealed | None = None
    service_type: (
        Literal[
            "forum", "microblog", "blog", "news", "shop", "video", "game", "search", "mail",
            "portal", "company", "other",
        ]
        | None
    ) = None  # fmt: skip
    level: Literal["2", "3"] | None = None
    nature: Literal["commercial", "non_commercial"] | None = None
    hosting: Literal["virtual_host", "cloud_server", "managed", "other"] | None = None
    access_method: (
        Literal["leased_virtual_space", "leased_server", "hosted_server", "dedicated_line", "other"]
        | None
    ) = None
    access_provider: Sealed | None = None
    ip: Open | None = None
    contract_ip: Open | None = None
    opened_on: date | None = None
    filed_on: date | None = None
    server: Json[Server] | None = Field(None, alias="server.web-1")
