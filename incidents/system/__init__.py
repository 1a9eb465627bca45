"""The system: files, processes and connections of the machine."""
