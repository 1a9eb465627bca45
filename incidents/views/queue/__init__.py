"""The queue: what the desk must do now, with its warnings."""
