"""The client: the desk of a server (`incidents serve`), asked over HTTP.

with Client("https://desk.host.example", token=TOKEN) as desk:
    logged = desk.post("/sites/shop.example/incidents", {"category": "gambling"}, key="r-17")
    for site in desk.items("/sites", state="suspended"):
        ...
"""

from incidents.client.http import Client, ProblemError, ServerError

__all__ = ["Client", "ProblemError", "ServerError"]
