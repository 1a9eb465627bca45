"""The settings: from options, then the environment, then the settings file."""
