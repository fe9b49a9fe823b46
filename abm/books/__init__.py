"""The state, in columns: ledger, loans, accounts, terms; and how passes are compiled."""
