//! What was written works: `check` finds no fault, and two cycles publish the record.

use std::fs;

use crate::Host;
use crate::support::gist;

#[test]
fn two_cycles_on_what_was_written_publish_the_record() {
    let host = Host::new();
    host.done(&["--record", "vpn.example.com", "--create"]);
    // What a loopback world needs besides, as an operator would add it.
    let world = &host.home.world;
    let list = |urls: Vec<String>| serde_json::Value::from(urls).to_string();
    let network = format!(
        "[network]\nwan_targets = {}\nip_providers = {}\ndoh = {}\n",
        list(world.wan_targets()),
        list(world.ip_provider_urls()),
        list(world.doh_urls())
    );
    let text = host.written();
    assert!(text.contains("\n[network]\n"));
    fs::write(
        host.home.path("cadence.toml"),
        text.replacen("[network]\n", &network, 1),
    )
    .unwrap();
    let command = |arguments: &[&str]| {
        let mut command = host.home.command(arguments);
        command
            .env("CADENCE_CLOUDFLARE_API_URL", world.api_url())
            .env("CADENCE_NETWORK_CA_FILE", host.home.path("ca.pem"))
            .env("CADENCE_NETWORK_ROUTER", "127.0.0.1");
        command
    };
    let out = command(&["check", "--json"]).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(out.status.code(), Some(0), "{text}");
    let cycle = || {
        let out = command(&["reconcile", "--json"]).output().unwrap();
        gist(&serde_json::from_slice(&out.stdout).unwrap())
    };
    assert_eq!(cycle(), "PROBING held");
    assert_eq!(cycle(), "READY created/api");
    assert_eq!(host.home.published("A").as_deref(), Some("93.184.216.34"));
}
