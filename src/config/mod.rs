//! The configuration: TOML and environment in, [`Settings`] out.

mod settings;

pub use settings::{
    Cloudflare, Endpoint, Mode, Network, PlugKind, Recovery, RouterAddress, Settings, WanScheme,
    WanTarget,
};
