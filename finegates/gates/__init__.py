"""Facts about gates, without torch: layout, laws, snapshots, cuts, and what they remove."""
