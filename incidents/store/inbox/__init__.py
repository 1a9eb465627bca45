"""The report inbox in the store: reports, who sent them, and whose the reported sites are."""
