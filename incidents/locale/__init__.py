"""The words: what codes and facts say to people, in English, for command line and API."""
