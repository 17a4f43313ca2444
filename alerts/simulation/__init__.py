"""A province's opinion stream made up by the product itself, with its truth: to choose budgets, and to repeat our tables."""
