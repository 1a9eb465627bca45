"""The PowerDNS adapter: names of a site that is down lead to a notice page, through the API."""
