# Declarations of csrc, one file for each header. They contain no code.
