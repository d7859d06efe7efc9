"""Config: what an administrator may change while everything runs, and what was changed, when and by whom."""
