"""What people look at: queue, sites, incidents, why. Views read, and never do what is due.

Each takes a connection (best of `store.engine.reading`: one state of the database, however many
queries) and `now`, aware; each returns plain documents with times in RFC 3339, UTC, and people's
own words resolved, null where they have been erased.
"""

from incidents.views.acts import dead_letters, order, unsettled
from incidents.views.enforcement import enforcement
from incidents.views.queue import queue
from incidents.views.register import incident, site, sites
from incidents.views.timeline import part_of_story, timeline
from incidents.views.why import why

__all__ = [
    "dead_letters", "enforcement", "incident", "order", "part_of_story", "queue", "site", "sites",
    "timeline", "unsettled", "why",
]  # fmt: skip
