//! The pictures of the README, of what is really printed: `CADENCE_BLESS=1 cargo test --test pictures` makes them anew. Here they are held
//! against what is printed today, line by line, but for times.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot set its scene fails"
)]

#[path = "../support/mod.rs"]
mod support;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use support::{Home, RECORD};

/// Of a character and of a line, in pixels.
const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 19.0;
const MARGIN: f64 = 16.0;

/// What is printed on a terminal of 80 columns and more, in the colours that it asks for, as a picture (SVG 1.1).
fn picture(typed: &str, printed: &str) -> String {
    let text = format!("\x1b[2m$ {typed}\x1b[0m\n{}", printed.trim_end());
    let lines: Vec<Vec<(&str, String)>> = text.lines().map(spans).collect();
    let columns = |line: &Vec<(&str, String)>| line.iter().map(|(_, it)| it.chars().count()).sum();
    let widest: usize = lines.iter().map(columns).max().unwrap();
    let (width, height) = (pixels(widest, WIDTH), pixels(lines.len(), HEIGHT));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" aria-label=\"{typed}\">\n\
         <style>text{{font:14px ui-monospace,Menlo,Consolas,monospace;fill:#d6dbe3;white-space:pre}}\
         .g{{fill:#7fd88f}}.y{{fill:#e5c07b}}.r{{fill:#f07178}}.d{{fill:#8a93a3}}.b{{font-weight:bold;fill:#fff}}</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1b1f27\"/>\n"
    );
    for (number, line) in lines.iter().enumerate() {
        let y = MARGIN + HEIGHT.mul_add(f64::from(u32::try_from(number).unwrap()), 14.0);
        let mut column = 0;
        let _ = write!(svg, "<text y=\"{y:.0}\">");
        for (class, it) in line {
            let x = WIDTH.mul_add(f64::from(u32::try_from(column).unwrap()), MARGIN);
            let shown = it
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;");
            let _ = write!(svg, "<tspan x=\"{x:.1}\" class=\"{class}\">{shown}</tspan>");
            column += it.chars().count();
        }
        svg.push_str("</text>\n");
    }
    svg + "</svg>\n"
}

fn pixels(count: usize, each: f64) -> f64 {
    each.mul_add(f64::from(u32::try_from(count).unwrap()), 2.0 * MARGIN)
}

/// The parts of a line, each with the class of its colour.
fn spans(line: &str) -> Vec<(&'static str, String)> {
    let mut spans = vec![];
    let mut class = "";
    for (number, part) in line.split('\x1b').enumerate() {
        let mut text = part;
        if number > 0 {
            let (code, rest) = part.trim_start_matches('[').split_once('m').unwrap();
            class = match code {
                "32" => "g",
                "33" => "y",
                "31" => "r",
                "2" => "d",
                "1" => "b",
                _ => "",
            };
            text = rest;
        }
        if !text.is_empty() {
            spans.push((class, text.to_owned()));
        }
    }
    spans
}

/// The first word of each line: what is told, and not when and for how long.
fn gist(svg: &str) -> Vec<String> {
    let lines = svg.lines().filter(|line| line.starts_with("<text"));
    let word = |line: &str| {
        let mut parts = line.split(['<', '>']).skip(2).step_by(2);
        let text = parts
            .find(|part| !part.trim().is_empty())
            .unwrap_or_default();
        let digits = |c: char| c.is_ascii_digit() || c == ':';
        let mut words = text.split_whitespace().filter(|it| !it.starts_with(digits));
        words.next().unwrap_or_default().to_owned()
    };
    lines.map(word).collect()
}

#[test]
fn the_pictures_of_the_readme_show_what_is_printed() {
    let home = Home::with(RECORD);
    home.settle();
    // The line is renumbered, and then all is well for some time.
    home.world
        .set_address(Some("93.184.216.35".parse().unwrap()));
    for _ in 0..20 {
        home.cycle();
        home.pass(Duration::from_secs(125));
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/pictures");
    for (name, arguments) in [("cycle", ["reconcile", ""]), ("status", ["status", ""])] {
        let arguments: Vec<&str> = arguments.into_iter().filter(|it| !it.is_empty()).collect();
        let typed = format!("cadence {}", arguments[0]);
        let ended =
            home.run(&[&arguments[..], &["--format", "pretty", "--color", "always"]].concat());
        let printed = String::from_utf8(ended.stdout).unwrap();
        let made = picture(&typed, &printed);
        let file = folder.join(format!("{name}.svg"));
        if std::env::var_os("CADENCE_BLESS").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&file, &made).unwrap();
        }
        let kept = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(gist(&kept), gist(&made), "{name}: {printed}");
    }
}
