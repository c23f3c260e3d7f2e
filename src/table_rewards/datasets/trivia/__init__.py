"""TRivia's training data: tables, questions, consistency."""
