"""The cloud: the machine behind a site is stopped and started, through Apache Libcloud."""
