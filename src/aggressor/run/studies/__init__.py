"""Questions to a store, answered by the pipeline without trading."""
