//! Pods of an Exchange, as the operator builds them, run as local processes.
