"""PowerDNS: names of a site that is down lead to a notice, through the server's API."""
