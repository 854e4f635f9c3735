"""By score: FLOP, BOSS, GRaSP over orders, GES over classes, hill climbing, exact search."""
