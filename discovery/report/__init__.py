"""What a campaign has come to: facts, figures and a page for a group meeting."""
