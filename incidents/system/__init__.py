"""The system: files, processes and connections, as this program needs them of its machine."""
