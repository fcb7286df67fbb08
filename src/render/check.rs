//! The output of `cadence check`.
