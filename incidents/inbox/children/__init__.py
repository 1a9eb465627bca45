"""The children that work on what anybody may have sent, with little memory and little time."""
