"""The peers: other people's timers and queues, each run as its documentation would have it."""
