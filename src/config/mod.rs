//! The configuration: TOML and environment in, [`Settings`] out.
//!
//! `load` opens the file, `schema` knows the sections and keys, `section` and `reader` read them with errors that say where,
//! what was found and what is allowed. `token` finds the API token and `credentials` the plug's password, which are no part
//! of the configuration.

mod bounds;
mod credentials;
mod entries;
mod env;
mod forwards;
mod from_files;
mod host_part;
pub mod http_plug;
pub mod in_force;
mod load;
mod paths;
pub mod presets;
mod reader;
mod receiver_sections;
mod receiver_url;
pub mod receivers;
mod schema;
mod secret;
mod secret_places;
mod section;
mod server;
mod settings;
pub mod sheets;
mod suggest;
pub mod token;
mod ups;
mod url;
mod value;

#[cfg(test)]
mod tests;

pub use credentials::{
    CREDENTIAL as PASSWORD_CREDENTIAL, Credentials, CredentialsError, Password,
    load as load_credentials,
};
pub use env::{Env, RECORDS};
pub use load::{ConfigError, explain, explain_text, load, parse};
pub use paths::{ETC as CONFIG_FILE, VAR_LIB as STATE_DIR, config_file, state_dir};
pub use receiver_url::{load_url, url_of};
pub use schema::{TOKEN_FILE, zone_of};
pub use secret_places::add_secrets;
pub use server::{Endpoint, RouterAddress, WanScheme, WanTarget};
pub use settings::{Cloudflare, Mode, Network, PlugKind, Recovery, Settings};
pub use token::{
    CREDENTIAL as TOKEN_CREDENTIAL, Source as TokenSource, Token, TokenError, load as load_token,
    read as read_token,
};
pub use ups::UpsServer;
pub use url::{hardware_address, plug_address as parse_plug_address, router as parse_router};

use std::path::Path;

use crate::logic::policy::{Broken, Facts, Rule, broken};

/// The policy rules that the settings break and that the operator does not waive.
///
/// `token_file` is [`Token::file`].
#[must_use]
pub fn check_policy(settings: &Settings, token_file: Option<(&Path, u32)>) -> Vec<Broken> {
    let facts = Facts {
        policy: &settings.policy,
        ttls: settings
            .records
            .iter()
            .filter_map(|record| record.ttl)
            .collect(),
        recovery: settings.recovery.limits.clone(),
        wan_hosts: settings
            .network
            .wan_targets
            .iter()
            .map(|target| target.host.as_str())
            .collect(),
        token_file,
    };
    let mut broken = broken(&facts);
    let is_waived = |rule: Rule| settings.waive.iter().any(|name| name == rule.name());
    broken.retain(|broken| !is_waived(broken.rule));
    broken
}
