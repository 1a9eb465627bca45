"""The wording: sentences for people from codes and facts, in each language."""
