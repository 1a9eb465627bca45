"""How events change a case: the only lines that ever write to one."""
