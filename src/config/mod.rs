//! The configuration: TOML and environment in, [`Settings`] out.

mod env;
mod settings;
pub mod token;

pub use env::Env;
pub use settings::{
    Cloudflare, Endpoint, Mode, Network, PlugKind, Recovery, RouterAddress, Settings, WanScheme,
    WanTarget,
};
pub use token::{Token, TokenError};
