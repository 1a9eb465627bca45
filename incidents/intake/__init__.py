"""The intake: foreign reports, read from files, on their way to becoming commands."""
