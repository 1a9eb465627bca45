"""The inbox: the reports of violations that came in from outside, and what was read out of them."""
