//! The output of `cadence history`.
