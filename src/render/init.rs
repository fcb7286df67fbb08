//! The output of `cadence init`: what was found, what was written, and what to do now.

use std::path::Path;

use serde::Serialize;

use super::text::{hang, pair_some};
use super::{Form, Paint, Style, check, json};
use crate::app::check::Finding;
use crate::app::init::{Report, Step, Told, Written};

/// The column of what is told of a step.
const INDENT: usize = 6;

/// A first configuration: `cadence init`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Document<'a> {
    /// Which document this is.
    schema: &'static str,
    /// Where the configuration is.
    config: &'a Path,
    /// What was verified before it was written.
    checks: &'a [Finding],
    /// The files that were written.
    written: &'a [Written],
    /// A token file that was there and stays as it is.
    kept: Option<&'a Path>,
    /// What to do now, one after the other.
    next: &'a [Step],
}

/// What is told beside the questions.
#[must_use]
pub fn told(told: &Told<'_>, style: &Style) -> String {
    match told {
        Told::Found(finding) => check::pretty(finding, *style),
        Told::Text(text) => hang(text, 0, 0, style.width) + "\n",
    }
}

/// The whole report.
#[must_use]
pub fn report(report: &Report, style: &Style) -> String {
    match style.form {
        Form::Json => json::line(&Document {
            schema: "cadence.init/1",
            config: &report.config,
            checks: &report.findings,
            written: &report.written,
            kept: report.kept.as_deref(),
            next: &report.next,
        }),
        Form::Pretty | Form::Logfmt if style.quiet => String::new(),
        Form::Logfmt => logfmt(report, *style),
        Form::Pretty => pretty(report, *style),
    }
}

fn logfmt(report: &Report, style: Style) -> String {
    let mut text: String = report
        .findings
        .iter()
        .map(|finding| check::logfmt(finding, style))
        .collect();
    let mut line = |pairs: &[(&str, Option<&str>)]| {
        let mut line = String::new();
        for (key, value) in pairs {
            pair_some(&mut line, key, *value);
        }
        text += &line;
        text.push('\n');
    };
    for Written { path, mode, group } in &report.written {
        let path = path.to_string_lossy();
        line(&[
            ("written", Some(&path)),
            ("mode", Some(mode)),
            ("group", *group),
        ]);
    }
    if let Some(kept) = &report.kept {
        line(&[("kept", Some(&kept.to_string_lossy()))]);
    }
    for Step { command, about } in &report.next {
        let command = command.as_deref().unwrap_or_default();
        line(&[("next", Some(command)), ("about", Some(about))]);
    }
    text
}

fn pretty(report: &Report, style: Style) -> String {
    let heading = |text| style.paint(Paint::Bold, text);
    let mut lines = vec![String::new(), heading("Written")];
    for file in &report.written {
        let group = file.group.map(|group| format!(", group {group}"));
        let about = format!("mode {}{}", file.mode, group.unwrap_or_default());
        lines.push(format!("  {} ({about})", file.path.display()));
    }
    let kept = report.kept.iter();
    lines.extend(kept.map(|kept| format!("  {} was there, and stays as it is", kept.display())));
    lines.extend([String::new(), heading("Next")]);
    for Step { command, about } in &report.next {
        lines.extend(command.iter().map(|command| format!("  {command}")));
        let indent = if command.is_some() { INDENT } else { 2 };
        let about = hang(about, indent, indent, style.width);
        lines.push(format!("{:indent$}{about}", ""));
    }
    let findings = report.findings.iter().filter(|_| !report.told);
    let findings: String = findings.map(|found| check::pretty(found, style)).collect();
    format!("{findings}{}\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::check::Level;

    fn all() -> Report {
        let written = |path: &str, mode: &str, group| Written {
            path: path.into(),
            mode: mode.to_owned(),
            group,
        };
        let step = |command: Option<&str>, about: &str| Step {
            command: command.map(str::to_owned),
            about: about.to_owned(),
        };
        Report {
            config: "/etc/cadence/cadence.toml".into(),
            findings: vec![Finding::ok("zone", "example.com is visible")],
            told: false,
            written: vec![
                written("/etc/cadence/cloudflare.token", "0640", Some("cadence")),
                written("/etc/cadence/cadence.toml", "0644", None),
            ],
            kept: None,
            next: vec![
                step(
                    Some("sudo cadence check"),
                    "tells what this host still lacks, and so many other things that it takes a second line",
                ),
                step(None, "cron begins within a minute"),
            ],
        }
    }

    #[test]
    fn people_read_what_was_found_what_was_written_and_what_comes_next() {
        let text = report(&all(), &Style::plain(Form::Pretty));
        assert_eq!(
            text,
            "  \
  ok   zone       example.com is visible

Written
  /etc/cadence/cloudflare.token (mode 0640, group cadence)
  /etc/cadence/cadence.toml (mode 0644)

Next
  sudo cadence check
      tells what this host still lacks, and so many other things that it takes a
      second line
  cron begins within a minute
"
        );
    }

    #[test]
    fn what_was_told_is_not_told_again_and_a_token_that_stays_is_named() {
        let all = Report {
            told: true,
            written: vec![],
            kept: Some("/etc/cadence/cloudflare.token".into()),
            next: vec![],
            ..all()
        };
        assert_eq!(
            report(&all, &Style::plain(Form::Pretty)),
            "\nWritten\n  /etc/cadence/cloudflare.token was there, and stays as it is\n\nNext\n"
        );
        assert_eq!(
            all.findings.first().map(|found| found.level),
            Some(Level::Ok)
        );
    }

    #[test]
    fn logs_read_a_line_for_each_thing() {
        assert_eq!(
            report(&all(), &Style::plain(Form::Logfmt)),
            "\
check=zone result=ok message=\"example.com is visible\"
written=/etc/cadence/cloudflare.token mode=0640 group=cadence
written=/etc/cadence/cadence.toml mode=0644
next=\"sudo cadence check\" about=\"tells what this host still lacks, and so many other things that it takes a second line\"
next=\"\" about=\"cron begins within a minute\"
"
        );
    }

    #[test]
    fn machines_read_one_document_and_quiet_is_quiet() {
        let text = report(&all(), &Style::plain(Form::Json));
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["schema"], "cadence.init/1");
        assert_eq!(document["config"], "/etc/cadence/cadence.toml");
        assert_eq!(document["written"][0]["mode"], "0640");
        assert_eq!(document["next"][1]["command"], serde_json::Value::Null);
        let quiet = Style {
            quiet: true,
            ..Style::plain(Form::Pretty)
        };
        assert_eq!(report(&all(), &quiet), "");
    }
}
