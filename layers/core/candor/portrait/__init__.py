"""Portrait: what a company's own site says about it: its name, its voice, its colours, its words."""
