"""Values: valid texts, choices, times and names, wherever people or programs enter them."""
