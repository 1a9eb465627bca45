"""The workers: this process alone, or a pool of others, that do the jobs of a proof or a replay."""
