"""The settings: what options, then the environment, then the settings file say."""
