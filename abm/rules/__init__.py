"""What is owed under an agreement: compiled functions of columns that move nothing."""
