"""The checks: whether what is filed can be true."""
