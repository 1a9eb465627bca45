"""The desk's own: alarms, heartbeats, policies, the keys of commands."""
