//! A compose file (<https://docs.docker.com/reference/compose-file/services/>): which service is one of the tools, and its environment.

use serde_json::{Map, Value};

use super::environment::{self, NAMES, Variables};
use super::imported::{Imported, is_one_of, shown};
use super::json::{self, text};

type Object = Map<String, Value>;

/// Images whose configuration is a file, and that file.
const BY_FILE: [(&str, &str); 5] = [
    (
        "qmcgaw/ddns-updater",
        "data/config.json, or the value of its CONFIG in a file",
    ),
    ("timothyjmiller/cloudflare-ddns", "config.json"),
    ("jeessy/ddns-go", ".ddns_go_config.yaml"),
    ("ddclient", "ddclient.conf"),
    ("inadyn", "inadyn.conf"),
];
/// An image, and a tool, whose configuration is its environment.
const BY_ENVIRONMENT: &str = "favonia/cloudflare-ddns";

/// The service of a compose file that keeps records, and which tool it is.
///
/// # Errors
/// There is none, or more than one.
pub fn read(
    root: &Object,
    beside: &dyn Fn(&str) -> Option<String>,
    into: &mut Imported,
) -> Result<&'static str, String> {
    let shell = beside(".env").map_or(vec![], |text| {
        environment::dotenv(&text, "", &mut Imported::default())
    });
    let services = root.get("services").and_then(Value::as_object);
    let mut found: Vec<(&str, &Object)> = vec![];
    let mut by_file = None;
    for (name, service) in services.into_iter().flatten() {
        let Some(service) = service.as_object() else {
            continue;
        };
        let image = image(service, &shell);
        let vars = variables(service, &shell, beside, &mut Imported::default());
        let has_any = vars.iter().any(|(name, _)| is_one_of(NAMES, name));
        if has_any || is_of(&image, BY_ENVIRONMENT) {
            found.push((name, service));
        } else if let Some((_, file)) = BY_FILE.iter().find(|(part, _)| image.contains(part)) {
            by_file = Some((name, file));
        }
    }
    let service = match found.as_slice() {
        [(_, service)] => *service,
        [] => return Err(match by_file {
            Some((name, file)) => format!(
                "the service {} has its configuration in a file of its own; fix: name that one, in one of its volumes: {file}",
                shown(name)
            ),
            None => "no service in it is one of favonia's or timothymiller's cloudflare-ddns with its environment".to_owned(),
        }),
        [(one, _), (other, _), ..] => return Err(format!(
            "several services keep records ({}, {}), and one is taken; fix: put the one to take into a file of its own",
            shown(one),
            shown(other)
        )),
    };
    let vars = variables(service, &shell, beside, into);
    let file = |path: &str| beside(outside(root, service, path).as_deref()?);
    environment::read(&vars, &file, into);
    let image = image(service, &shell);
    if is_of(&image, "timothyjmiller/cloudflare-ddns") {
        return Ok("timothymiller/cloudflare-ddns");
    }
    into.is_guess = !is_of(&image, BY_ENVIRONMENT);
    Ok(BY_ENVIRONMENT)
}

/// Its image, filled in where its variables are known.
fn image(service: &Object, shell: &Variables) -> String {
    let image = json::field(service, "image").unwrap_or_default();
    environment::filled(&image, shell).unwrap_or(image)
}

/// Whether it is an image of this owner and name, in whatever registry and version.
fn is_of(image: &str, name: &str) -> bool {
    image.split_once(name).is_some_and(|(before, after)| {
        matches!(before.as_bytes().last(), None | Some(b'/'))
            && matches!(after.as_bytes().first(), None | Some(b':' | b'@'))
    })
}

/// The environment of a service: its files, and over them what is written in it.
fn variables(
    service: &Object,
    shell: &Variables,
    beside: &dyn Fn(&str) -> Option<String>,
    into: &mut Imported,
) -> Variables {
    let mut vars = vec![];
    for path in each(service.get("env_file")) {
        let path = match path {
            Value::Object(own) => json::field(own, "path"),
            path => text(path),
        };
        let path = path.unwrap_or_default();
        match beside(&path) {
            Some(text) => vars.extend(environment::dotenv(&text, &path, into)),
            None => into.lose(&["env_file ", &path].concat(), "it cannot be read"),
        }
    }
    let mut put = |name: &str, value: Option<String>| {
        // Without a value it is that of the shell.
        let value = value.unwrap_or_else(|| ["${", name, "}"].concat());
        match environment::filled(&value, shell) {
            _ if !environment::is_name(name) => {
                into.lose("environment", "an entry is not NAME=value");
            }
            Ok(value) => vars.push((name.to_owned(), value)),
            Err(lacks) => {
                let lacks = shown(&lacks);
                let why = [
                    "its value is that of a variable ",
                    &lacks,
                    ", which is not set in a .env beside the file",
                ];
                into.lose(name, &why.concat());
            }
        }
    };
    let written = service.get("environment");
    if let Some(Value::Object(map)) = written {
        for (name, value) in map {
            put(name, text(value));
        }
        return vars;
    }
    for pair in each(written) {
        let pair = text(pair).unwrap_or_default();
        match pair.split_once('=') {
            Some((name, value)) => put(name, Some(value.to_owned())),
            None => put(&pair, None),
        }
    }
    vars
}

/// One, or each of a list.
fn each(value: Option<&Value>) -> &[Value] {
    match value {
        None | Some(Value::Null) => &[],
        Some(Value::Array(list)) => list,
        Some(single) => std::slice::from_ref(single),
    }
}

/// The file of this host that the container sees at this path: a secret, or a volume.
fn outside(root: &Object, service: &Object, path: &str) -> Option<String> {
    if let Some(name) = path.strip_prefix("/run/secrets/") {
        let secret = root.get("secrets")?.as_object()?.get(name)?.as_object()?;
        return json::field(secret, "file");
    }
    for volume in each(service.get("volumes")) {
        let volume = match volume {
            Value::Object(own) => {
                [json::field(own, "source")?, json::field(own, "target")?].join(":")
            }
            volume => text(volume)?,
        };
        let (source, rest) = volume.split_once(':')?;
        if rest
            .strip_prefix(path)
            .is_some_and(|mode| mode.is_empty() || mode.starts_with(':'))
        {
            return Some(source.to_owned());
        }
    }
    None
}
