//! The internet around a booted system: the loopback world, in a network namespace that both share.
//!
//! `world FOLDER` serves until it is killed. In the folder it leaves `cadence.toml`, a configuration that points at it and has one
//! record, and `token`. `world FOLDER COMMAND..` tells it to do something, and prints its answer:
//!
//! - `address IPV4`: the ISP gives another address;
//! - `line up`, `line down`;
//! - `published`: the content of every record at the provider;
//! - `writes`: how many requests changed a record;
//! - `plug`: whether the plug is on, and after that its changes so far, as in `on off on`;
//! - `plug-urls`: that plug, as keys of `[recovery]`;
//! - `lock-plug PASSWORD`: another plug, that tells nothing without its password, as keys of `[recovery]`.
#![allow(clippy::unwrap_used, reason = "a fault of the test ends it")]

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use cadence::world::{Files, Line, PlugModel, World};

/// Where the package expects the token.
const TOKEN_FILE: &str = "/etc/cadence/cloudflare.token";
const ZONE: &str = "example.com";
const RECORD: &str = "[[record]]\nname = \"vpn.example.com\"\ncreate = true\n";
/// A plug that cannot time itself.
const PLUG: PlugModel = PlugModel::Http;
/// A world that does not answer is dead.
const PATIENCE: Duration = Duration::from_secs(10);
/// A plug that can have a password.
const LOCKED_PLUG: PlugModel = PlugModel::Shelly2;
const SOCKET: &str = "socket";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.split_first() {
        Some((folder, [])) => serve(Path::new(folder)),
        Some((folder, command)) => tell(Path::new(folder), &command.join(" ")),
        None => {
            eprintln!("usage: world FOLDER [COMMAND..]");
            ExitCode::from(2)
        }
    }
}

fn serve(folder: &Path) -> ExitCode {
    let world = World::start_in_the_clear().unwrap();
    world.cloudflare().add_zone(ZONE);
    let files = Files {
        token: Path::new(TOKEN_FILE),
        ca: None,
    };
    fs::write(folder.join("token"), world.token()).unwrap();
    // The system that is tested has a link and a default route, as any other.
    let config = world.config_toml(files, RECORD);
    let config = config.replace("interface = \"lo\"\n", "");
    fs::write(folder.join("cadence.toml"), config).unwrap();
    // Last of all: whoever finds it finds the rest.
    let listener = UnixListener::bind(folder.join(SOCKET)).unwrap();
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).unwrap();
        let answer = match obey(&world, line.trim()) {
            Ok(answer) => format!("ok {answer}"),
            Err(error) => format!("no {error}"),
        };
        // A client that is gone has had its command done all the same.
        let _ = stream.write_all(answer.as_bytes());
    }
    ExitCode::SUCCESS
}

fn tell(folder: &Path, command: &str) -> ExitCode {
    let mut stream = UnixStream::connect(folder.join(SOCKET)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    writeln!(stream, "{command}").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    if let Some(answer) = answer.strip_prefix("ok ") {
        if !answer.is_empty() {
            println!("{answer}");
        }
        return ExitCode::SUCCESS;
    }
    eprintln!("world: {command}: {answer}");
    ExitCode::FAILURE
}

fn obey(world: &World, command: &str) -> Result<String, String> {
    let words: Vec<&str> = command.split(' ').collect();
    let answer = match words[..] {
        ["address", address] => {
            let address = address.parse().map_err(|_| "no IPv4 address".to_owned())?;
            world.set_address(Some(address));
            String::new()
        }
        ["line", line @ ("up" | "down")] => {
            let line = if line == "up" { Line::Up } else { Line::Down };
            world.set_line(line).map_err(|error| error.to_string())?;
            String::new()
        }
        ["published"] => {
            let records = world.cloudflare().records();
            let contents = records.iter().filter_map(|r| r["content"].as_str());
            contents.collect::<Vec<_>>().join(" ")
        }
        ["writes"] => world.cloudflare().writes().len().to_string(),
        ["plug"] => {
            let changes = world.plugs().journal(PLUG);
            let words = [world.plugs().is_on(PLUG)]
                .into_iter()
                .chain(changes.iter().map(|change| change.on))
                .map(|on| if on { "on" } else { "off" });
            words.collect::<Vec<_>>().join(" ")
        }
        ["plug-urls"] => {
            let (off, on) = world.plugs().urls();
            format!("off_url = \"{off}\"\non_url = \"{on}\"")
        }
        ["lock-plug", password] => {
            world.plugs().set_password(LOCKED_PLUG, Some(password));
            let address = world.plugs().address(LOCKED_PLUG);
            format!("plug = \"shelly2\"\naddress = \"{address}\"")
        }
        _ => return Err("no such command".to_owned()),
    };
    Ok(answer)
}
