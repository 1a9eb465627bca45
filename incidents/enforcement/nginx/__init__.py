"""The nginx adapter: writes a map of the sites that are down, for the hosting provider's nginx."""
