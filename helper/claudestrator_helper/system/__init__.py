"""Other programs and processes: git, ps."""
