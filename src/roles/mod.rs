//! What a process can be: each role as a function that runs until it is told to stop.
