"""The cloud adapter: stops and starts the machine behind a site, through Apache Libcloud."""
