"""The acts on reports, reporters, the intake rules and what snapshots show."""
