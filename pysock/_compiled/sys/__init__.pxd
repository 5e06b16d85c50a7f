# Declarations of csrc, one file for each header. Nothing is here at run time.
