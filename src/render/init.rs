//! The output of `cadence init`: what was found, what was written, and what to do now.

use std::path::Path;

use serde::Serialize;

use super::text::{WIDTH, pair, wrap};
use super::{Form, Paint, Style, check, json};
use crate::app::check::Finding;
use crate::app::init::{Report, Step, Written};

/// The column of what is told of a step.
const INDENT: usize = 6;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    config: &'a Path,
    checks: &'a [Finding],
    written: &'a [Written],
    /// A token file that was there and stays.
    kept: Option<&'a Path>,
    next: &'a [Step],
}

/// One finding, for people.
#[must_use]
pub fn finding(finding: &Finding, style: &Style) -> String {
    check::pretty(finding, *style)
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
    let mut line = |pairs: &[(&str, &str)]| {
        let mut line = String::new();
        for (key, value) in pairs {
            pair(&mut line, key, value);
        }
        text += &line;
        text.push('\n');
    };
    for file in &report.written {
        let path = file.path.to_string_lossy();
        let mut pairs = vec![("written", &*path), ("mode", &file.mode)];
        pairs.extend(file.group.map(|group| ("group", group)));
        line(&pairs);
    }
    if let Some(kept) = &report.kept {
        line(&[("kept", &kept.to_string_lossy())]);
    }
    for step in &report.next {
        line(&[
            ("next", step.command.as_deref().unwrap_or("")),
            ("about", &step.about),
        ]);
    }
    text
}

fn pretty(report: &Report, style: Style) -> String {
    let mut text = String::new();
    if !report.told {
        text.extend(report.findings.iter().map(|found| finding(found, &style)));
    }
    text += &format!("\n{}\n", style.paint(Paint::Bold, "Written"));
    for file in &report.written {
        let group = file
            .group
            .map_or(String::new(), |group| format!(", group {group}"));
        text += &format!("  {} (mode {}{group})\n", file.path.display(), file.mode);
    }
    if let Some(kept) = &report.kept {
        text += &format!("  {} was there and stays as it is\n", kept.display());
    }
    text += &format!("\n{}\n", style.paint(Paint::Bold, "Next"));
    for Step { command, about } in &report.next {
        let indent = match command {
            Some(command) => {
                text += &format!("  {command}\n");
                INDENT
            }
            None => 2,
        };
        for line in wrap(about, WIDTH - indent, WIDTH - indent) {
            text += &format!("{:indent$}{line}\n", "");
        }
    }
    text
}
