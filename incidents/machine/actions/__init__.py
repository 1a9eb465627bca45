"""Actions of people and programs on a case: refuse first, then add events to the decider."""
