"""The transparency log: its Merkle tree, its proofs and tiles, and its signed notes."""
