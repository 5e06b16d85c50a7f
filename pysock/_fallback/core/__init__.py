"""The functions of the GIL policy, which have no effect here."""
