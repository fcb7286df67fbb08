//! Whose roots vouch for the servers that were asked, where they are not the built-in ones alone.

use super::finding::Finding;
use crate::app::adapters::Adapters;
use crate::config::Env;
use crate::logic::advice;
use crate::logic::moment::Moment;
use crate::logic::trust::{ROOTS_OF, Trust};

/// What there is to tell, once everybody was asked.
pub fn look(adapters: &Adapters, env: &Env, now: &Moment) -> Option<Finding> {
    let mut found = told(adapters, now)?;
    if env.get("SSL_CERT_DIR").is_some() {
        found.message += "; SSL_CERT_DIR is not read";
    }
    Some(found)
}

fn told(adapters: &Adapters, now: &Moment) -> Option<Finding> {
    const CHECK: &str = "roots";
    let (roots, trust) = (adapters.host_roots(), adapters.settings.network.trust);
    if let Some(used) = adapters.vouching(now) {
        let told = used.told();
        return Some(if used.unasked {
            let (what, fix) = advice::told_apart(&told);
            Finding {
                fix,
                ..Finding::warn(CHECK, what)
            }
        } else {
            Finding::ok(CHECK, told)
        });
    }
    let seconds = u64::try_from(now.wall.as_second()).unwrap_or_default();
    match trust {
        Trust::System => {}
        // Where each file is of 1970, as on Nix and ostree, no store is ever a witness.
        Trust::Auto if trust.asks(seconds) && roots.at(seconds).is_none() => {
            let path = roots.path()?.display();
            let what = format!(
                "the built-in roots (of {ROOTS_OF}) are over two years old, and those of {path} do not count: by its date that file is not as new"
            );
            let fix = "update cadence, or where this host keeps that file up to date, set network.trust to \"system\"";
            return Some(Finding::warn(CHECK, what).fix(fix));
        }
        Trust::Auto | Trust::Builtin => return None,
    }
    let Some(path) = roots.path() else {
        let what = "network.trust is \"system\", and this host has no file of roots where one is looked for";
        let fix = "install ca-certificates, or name the file by the variable SSL_CERT_FILE";
        return Some(Finding::warn(CHECK, what).fix(fix));
    };
    if roots.at(seconds).is_none() {
        let what = format!(
            "network.trust is \"system\", and no certificate can be read from {}",
            path.display()
        );
        let fix = "install ca-certificates anew, or correct the variable SSL_CERT_FILE";
        return Some(Finding::warn(CHECK, what).fix(fix));
    }
    let told = format!("those of {} count beside the built-in ones", path.display());
    Some(Finding::ok(CHECK, told))
}
