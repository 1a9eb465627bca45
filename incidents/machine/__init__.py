"""The escalation policy as a pure machine: values in, values out, `now` is an argument."""
