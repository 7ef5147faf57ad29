"""A market with known truth: an order-by-order book, its flow, and labelled scenarios inside it."""
