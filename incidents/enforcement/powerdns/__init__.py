"""PowerDNS: the names of a site lead to a notice while it is down, through the server's API."""
