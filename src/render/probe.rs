//! The output of `cadence probe`.
