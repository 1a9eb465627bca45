"""The rules (R1 … R5) as predicates on a case, and the guards of the state tables."""
