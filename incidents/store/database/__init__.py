"""The database: its connections, its file or server, and its errors."""
