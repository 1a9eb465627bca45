"""What is measured, against which floors and peers; `scripts/bench` runs it. See README.md."""
