"""The wording: codes and facts as sentences for people, in each language."""
