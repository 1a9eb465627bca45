"""Pictures as SVG, drawn by the server."""
