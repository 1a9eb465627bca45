"""The views: documents for people and programs. Views only read, and never process due items.

Each view takes a connection (ideally of `store.database.engine.reading`: one state of the database,
for any number of queries) and `now`, an aware time. It returns plain documents with times in RFC
3339, UTC, and with people's text, which is null once erased.
"""

from incidents.views.filing import all_filings, filing, filing_details, filings_of
from incidents.views.filing import terms as filing_terms
from incidents.views.health import enforcement
from incidents.views.orders import dead_letters, order
from incidents.views.queue.alarms import alarms_now
from incidents.views.queue.police import duties
from incidents.views.queue.queue import item, queue
from incidents.views.register import active_policy, incident, policy_history, site, sites
from incidents.views.timeline import newest_of_story, part_of_story, timeline
from incidents.views.unsettled_orders import unsettled
from incidents.views.why.answer import why

__all__ = [
    "active_policy", "alarms_now", "all_filings", "dead_letters", "duties", "enforcement", "filing",
    "filing_details", "filing_terms", "filings_of", "incident", "item",
    "newest_of_story", "order", "part_of_story", "policy_history", "queue", "site", "sites",
    "timeline", "unsettled", "why",
]  # fmt: skip
