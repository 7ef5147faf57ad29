"""What a run did and cost."""
