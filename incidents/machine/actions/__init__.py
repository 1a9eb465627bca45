"""What people and the clock do to a case: refuse first, then add events to the decider."""
