//! DNS, TLS, HTTP and captive portals, at every exchange with a server.

use super::matrix::Fault;

pub fn faults() -> Vec<Fault> {
    vec![]
}
