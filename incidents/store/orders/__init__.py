"""What goes out: orders, their deliveries and leases."""
