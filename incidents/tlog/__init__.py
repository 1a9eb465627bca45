"""The transparency log: its Merkle tree, its proofs and tiles, and the notes that are signed."""
