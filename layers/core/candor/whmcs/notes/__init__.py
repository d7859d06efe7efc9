"""Drafts in WHMCS: a new ticket or reply gets a draft of an answer, as a note that only staff see."""
