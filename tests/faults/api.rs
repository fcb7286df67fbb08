//! Cloudflare's API: what it refuses, breaks, forgets and says wrongly.

use cadence::world;

use super::matrix::Fault;
use super::stage::{Moment, Stage};

pub fn faults() -> Vec<Fault> {
    [400, 500].map(status).into()
}

/// The API answers like this at that moment.
fn answers(stage: &Stage, moment: Moment, fault: &world::Fault) -> bool {
    let api = stage.home.world.cloudflare();
    match moment {
        Moment::Read | Moment::All => api.set_fault(Some(fault.clone())),
        Moment::Write => api.fail_next_write(1, fault.clone()),
        _ => return false,
    }
    true
}

fn status(code: u16) -> Fault {
    Fault::new(format!("status {code}"), move |stage, moment| {
        let fault = world::Fault::Status {
            code,
            retry_after: None,
            body: None,
        };
        answers(stage, moment, &fault)
    })
}
