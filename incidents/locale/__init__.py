"""The words: codes and facts as sentences for people, in each language."""
