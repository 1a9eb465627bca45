"""Values: valid texts, choices, times and names, wherever they are entered."""
