"""The pure decisions about reports: the intake rules, and which reports are of one finding."""
