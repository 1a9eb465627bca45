"""The figures of the console: charts of numbers, and diagrams of the state machines, as SVG."""
