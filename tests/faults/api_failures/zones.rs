//! A zone that is not where the state remembers it.

use std::fs;

use serde_json::json;

use super::support::Home;
use super::{NEW, cycle, renumbered};

fn remember_zone(home: &Home, id: &str) {
    let mut state = home.state();
    state["zones"] = json!({"example.com": {"id": id}});
    fs::write(home.state_file("state.json"), state.to_string()).unwrap();
}

#[test]
fn a_zone_that_was_made_anew_is_found_in_the_same_cycle() {
    // One that is another account's now, and one that is no id at all.
    for stale in ["00000000000000000000000000000000", "example"] {
        let home = renumbered();
        let id = home.state()["zones"]["example.com"]["id"].clone();
        remember_zone(&home, stale);
        let said = cycle(&home);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{stale}");
        assert_eq!(said.record["outcome"], "updated", "{stale}");
        assert_eq!(home.published("A").as_deref(), Some(NEW), "{stale}");
        assert_eq!(home.state()["zones"]["example.com"]["id"], id, "{stale}");
    }
}

#[test]
fn a_zone_that_left_the_account_is_told() {
    let home = renumbered();
    let cloudflare = home.world.cloudflare();
    let other = cloudflare.add_zone("example.net");
    cloudflare.add_token("a-token-that-sees-the-other-zone", &[other]);
    fs::write(home.path("token"), "a-token-that-sees-the-other-zone").unwrap();
    let said = cycle(&home);
    assert_eq!(said.code, 1);
    assert_eq!(
        said.err,
        "error: vpn.example.com A: the token sees no zone vpn.example.com or example.com; fix: check the name, and that \
         the token has Zone:Read and its Zone Resources include it\n"
    );
}
