"""Agent-based market of securities lending: ledger, loan book, margining, agents."""
