//! The functional core: everything that decides. No clock, file, socket, environment, randomness or logger in here.

pub mod address;
pub mod idn;
pub mod moment;
pub mod observation;
pub mod policy;
pub mod records;
pub mod units;
