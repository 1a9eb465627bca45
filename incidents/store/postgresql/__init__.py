"""PostgreSQL below SQLAlchemy: its connections, their pipeline, and the poolers between."""
