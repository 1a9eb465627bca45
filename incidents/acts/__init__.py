"""The acts: what carries an order out, one file for each way into the world, behind one port."""
