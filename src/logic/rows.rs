//! Lines of telemetry as rows of a spreadsheet, in the JSON of its API: numbers are numbers, and everything else is text that means nothing
//! to it. <https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values>.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::Value;

/// So many go out in one request: some 80 KiB, which a slow line sends in the time that there is.
pub const MOST: usize = 500;
/// No cycle leaves a longer line.
const LONGEST: usize = 2048;
/// So many digits a spreadsheet keeps of a number.
const DIGITS: usize = 15;

/// How far somebody is in the lines of telemetry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Of the file of this day ..
    pub day: Date,
    /// .. so many bytes are done.
    pub offset: u64,
    /// There are more rows than went out the last time.
    pub more: bool,
    /// To which sheet they went: a number that stands for it. Only there a header is known to be.
    pub to: u32,
}

/// What goes out at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The names of the columns, where it is not known that the sheet has them.
    pub header: Option<String>,
    /// At most [`MOST`] rows.
    pub rows: Vec<String>,
    /// Where the last of them ends.
    pub place: Place,
}

impl Batch {
    /// One row that says that it is a test.
    #[must_use]
    pub fn of_test(columns: &str, now: Timestamp) -> Self {
        Self {
            header: Some(array(columns)),
            rows: vec![array(&format!("{now:.0},,TEST"))],
            place: Place {
                day: Date::ZERO,
                offset: 0,
                more: false,
                to: 0,
            },
        }
    }
}

/// A line as a row; none for what is no line of a cycle, as what a power loss left of one: no request is to fail for it again and again.
#[must_use]
pub fn row(line: &str) -> Option<String> {
    let line = line.trim_end();
    let (time, _) = line.split_once(',')?;
    let is_plain = line.len() <= LONGEST && !line.contains(char::is_control);
    (is_plain && time.parse::<Timestamp>().is_ok()).then(|| array(line))
}

/// The fields of a line.
#[must_use]
pub fn array(line: &str) -> String {
    let cells: Vec<String> = line.trim_end().split(',').map(cell).collect();
    format!("[{}]", cells.join(","))
}

/// The rows as a `ValueRange`.
#[must_use]
pub fn body<'a>(rows: impl Iterator<Item = &'a String>) -> String {
    let rows: Vec<&str> = rows.map(String::as_str).collect();
    let rows = rows.join(",");
    format!(r#"{{"majorDimension":"ROWS","values":[{rows}]}}"#)
}

fn cell(field: &str) -> String {
    let (whole, fraction) = field.split_once('.').unwrap_or((field, "0"));
    let is_digits = |it: &str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = is_digits(whole)
        && is_digits(fraction)
        && (whole == "0" || !whole.starts_with('0'))
        && field.len() <= DIGITS;
    if is_number {
        field.to_owned()
    } else {
        Value::from(field).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "2026-11-28T12:34:56Z,77,HEALTHY,READY,,93.184.216.34,,0.4,12.3,74,noop=1,3,idle,412.5,120\n";

    #[test]
    fn numbers_are_numbers_and_everything_else_is_text() {
        assert_eq!(
            row(LINE).unwrap(),
            r#"["2026-11-28T12:34:56Z",77,"HEALTHY","READY","","93.184.216.34","",0.4,12.3,74,"noop=1",3,"idle",412.5,120]"#
        );
        for text in [
            "",
            "007",
            "1.",
            ".5",
            "1e5",
            "-1",
            "1.2.3",
            "0x1",
            "=1+1",
            "1234567890123456",
        ] {
            let cell = cell(text);
            assert!(cell.starts_with('"') && cell.ends_with('"'), "{cell}");
        }
    }

    #[test]
    fn what_is_no_line_of_a_cycle_is_no_row() {
        let zeros = format!("{LINE}\0\0\0\n");
        let long = format!("2026-11-28T12:34:56Z,{}\n", "x".repeat(LONGEST));
        for line in [
            "",
            "\n",
            "time,cycle\n",
            "2026-11-28T12:3",
            "HEALTHY,READY\n",
            &zeros,
            &long,
        ] {
            assert_eq!(row(line), None, "{line:?}");
        }
    }

    #[test]
    fn whatever_stands_in_the_lines_a_request_is_json() {
        let odd = row("2026-11-28T12:34:56Z,\"=HYPERLINK(1)\",\\,\u{2028},ü\n").unwrap();
        let rows = [row(LINE).unwrap(), odd];
        let parsed: Value = serde_json::from_str(&body(rows.iter())).unwrap();
        assert_eq!(parsed["majorDimension"], "ROWS");
        assert_eq!(parsed["values"][0][1], 77);
        assert_eq!(parsed["values"][1][1], "\"=HYPERLINK(1)\"");
        assert_eq!(parsed["values"][1][2], "\\");
    }
}
