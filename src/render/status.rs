//! The output of `cadence status`.
