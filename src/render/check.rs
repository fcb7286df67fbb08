//! The output of `cadence check`.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use super::text::{because, hang};
use super::{Form, Paint, Style, json};
use crate::app::check::{Finding, Level};

/// The column of messages and fixes.
const INDENT: usize = 18;
/// The column of a fix itself.
const MEND_INDENT: usize = INDENT + "fix: ".len();

/// What was found, one object each: `cadence check`, of receivers alone `cadence notify`, and of port forwards alone `cadence forward`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Document<'a> {
    /// Which document this is.
    schema: &'static str,
    /// Each thing that was looked at.
    checks: &'a [Finding],
}

/// One line a finding with its fix beneath, and a summary; or one JSON document.
#[must_use]
pub fn report(findings: &[Finding], style: &Style) -> String {
    let shown = |finding: &&Finding| !style.quiet || finding.level == Level::Fail;
    let lines = findings.iter().filter(shown);
    match style.form {
        Form::Json => json::line(&Document {
            schema: "cadence.check/1",
            checks: findings,
        }),
        Form::Logfmt => lines.map(|finding| logfmt(finding, *style)).collect(),
        Form::Pretty => {
            let mut text: String = lines.map(|finding| pretty(finding, *style)).collect();
            if !style.quiet {
                let (worst, summary) = summary(findings);
                let summary = style.paint(paint(worst), &summary);
                let _ = writeln!(text, "\n{}{summary}", priority(worst, *style));
            }
            text
        }
    }
}

/// A finding on one line of logfmt.
pub(super) fn logfmt(finding: &Finding, style: Style) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let fix = finding
        .fix
        .as_ref()
        .map_or(String::new(), |fix| format!(" fix={}", quoted(fix)));
    format!(
        "{}check={} result={} message={}{fix}\n",
        priority(finding.level, style),
        finding.check,
        finding.level.as_str(),
        quoted(&finding.message),
    )
}

/// A finding on a line with its fix beneath.
pub(super) fn pretty(finding: &Finding, style: Style) -> String {
    let Finding {
        check,
        level,
        message,
        fix,
    } = finding;
    let priority = priority(*level, style);
    let mark = style.paint(paint(*level), &format!("{:<4}", level.as_str()));
    let fix = fix.as_ref().map_or(String::new(), |fix| {
        // What is to be written to a file stands on lines of its own.
        let lines = fix.lines();
        let lines = lines.map(|line| hang(line, MEND_INDENT, MEND_INDENT, style.width));
        let lines: Vec<String> = lines.collect();
        let fix = lines.join(&format!("\n{priority}{:MEND_INDENT$}", ""));
        format!(
            "{priority}{:INDENT$}{} {fix}\n",
            "",
            style.paint(Paint::Dim, "fix:")
        )
    });
    let message = hang(message, INDENT, INDENT, style.width);
    format!("{priority}  {mark} {check:<10} {message}\n{fix}")
}

/// The worst, and `18 checks: 15 ok, 1 warning, 2 failed`.
fn summary(findings: &[Finding]) -> (Level, String) {
    let (mut worst, mut counted) = (Level::Ok, vec![]);
    for (level, one, many) in [
        (Level::Ok, "ok", "ok"),
        (Level::Warn, "warning", "warnings"),
        (Level::Fail, "failed", "failed"),
    ] {
        let number = findings.iter().filter(|it| it.level == level).count();
        if number > 0 {
            worst = level;
            counted.push(format!("{number} {}", if number == 1 { one } else { many }));
        }
    }
    let checks = match findings.len() {
        1 => "1 check".to_owned(),
        many => format!("{many} checks"),
    };
    let counted = Some(counted.join(", ")).filter(|counted| !counted.is_empty());
    (worst, format!("{checks}{}", because(counted)))
}

const fn paint(level: Level) -> Paint {
    match level {
        Level::Ok => Paint::Good,
        Level::Warn => Paint::Warn,
        Level::Fail => Paint::Bad,
    }
}

/// The syslog priority, where the output goes to the journal.
const fn priority(level: Level, style: Style) -> &'static str {
    match level {
        _ if !style.priority => "",
        Level::Ok => "<6>",
        Level::Warn => "<4>",
        Level::Fail => "<3>",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(check: &'static str, level: Level, message: &str, fix: Option<&str>) -> Finding {
        Finding {
            check,
            level,
            message: message.to_owned(),
            fix: fix.map(str::to_owned),
        }
    }

    fn findings() -> Vec<Finding> {
        vec![
            finding(
                "token",
                Level::Ok,
                "from /etc/cadence/cloudflare.token",
                None,
            ),
            finding(
                "icmp",
                Level::Warn,
                "not permitted",
                Some("sudo sysctl -w a=\"0 1\""),
            ),
            finding(
                "public_ip",
                Level::Fail,
                "nobody answers",
                Some("check the line"),
            ),
        ]
    }

    #[test]
    fn people_read_aligned_lines_with_mends_beneath_and_a_summary() {
        assert_eq!(
            report(&findings(), &Style::plain(Form::Pretty)),
            "  \
  ok   token      from /etc/cadence/cloudflare.token
  warn icmp       not permitted
                  fix: sudo sysctl -w a=\"0 1\"
  fail public_ip  nobody answers
                  fix: check the line

3 checks: 1 ok, 1 warning, 1 failed
"
        );
    }

    #[test]
    fn a_mend_of_several_lines_stays_in_its_column() {
        let fix = "sudo systemctl edit cadence.timer, and add:\n[Timer]\nRandomizedDelaySec=10s";
        let found = [finding("timer", Level::Warn, "has 5s", Some(fix))];
        assert!(report(&found, &Style::plain(Form::Pretty)).starts_with(
            "  \
  warn timer      has 5s
                  fix: sudo systemctl edit cadence.timer, and add:
                       [Timer]
                       RandomizedDelaySec=10s

"
        ));
        assert_eq!(
            report(&found, &Style::plain(Form::Logfmt)).lines().count(),
            1
        );
    }

    #[test]
    fn logs_read_one_line_a_finding() {
        let journal = Style {
            priority: true,
            ..Style::plain(Form::Logfmt)
        };
        assert_eq!(
            report(&findings(), &journal),
            "\
<6>check=token result=ok message=\"from /etc/cadence/cloudflare.token\"
<4>check=icmp result=warn message=\"not permitted\" fix=\"sudo sysctl -w a=\\\"0 1\\\"\"
<3>check=public_ip result=fail message=\"nobody answers\" fix=\"check the line\"
"
        );
    }

    #[test]
    fn machines_read_one_document() {
        let text = report(&findings()[1..2], &Style::plain(Form::Json));
        assert_eq!(
            text,
            "{\"schema\":\"cadence.check/1\",\"checks\":[{\"check\":\"icmp\",\"result\":\"warn\",\
             \"message\":\"not permitted\",\"fix\":\"sudo sysctl -w a=\\\"0 1\\\"\"}]}\n"
        );
        let text = report(&findings()[..1], &Style::plain(Form::Json));
        let ok: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(ok["checks"][0]["fix"], Value::Null);
    }

    #[test]
    fn quiet_leaves_only_what_failed() {
        let quiet = Style {
            quiet: true,
            ..Style::plain(Form::Pretty)
        };
        assert_eq!(
            report(&findings(), &quiet),
            "  fail public_ip  nobody answers\n                  fix: check the line\n"
        );
        assert_eq!(report(&findings()[..2], &quiet), "");
    }

    #[test]
    fn the_summary_counts() {
        let all = findings();
        assert_eq!(summary(&all[..1]).1, "1 check: 1 ok");
        assert_eq!(summary(&all[..2]).1, "2 checks: 1 ok, 1 warning");
        assert_eq!(summary(&all[2..]).1, "1 check: 1 failed");
        assert_eq!(
            summary(&[&all[1..2], &all[1..2]].concat()).1,
            "2 checks: 2 warnings"
        );
    }
}
