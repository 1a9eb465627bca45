"""The nginx adapter: a map of the sites that are down, included by the hosting provider's nginx."""
