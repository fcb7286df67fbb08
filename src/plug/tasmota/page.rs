//! The pages of a Tasmota that execute no command: `HandleRootStatusRefresh` and `HandleInformation` of the firmware's
//! `xdrv_01_webserver.ino`, since 6.4. Both are templates that the plug's own script fills in.

use std::time::Duration;

use crate::config::hardware_address;

/// What the main page asks for every few seconds: the relays.
pub const RELAYS: &str = "/?m=1";
/// About the device.
pub const ABOUT: &str = "/in";

/// What a cell of the table begins with, before the weight of its letters: up to 9 the script completes it.
const CELLS: [&str; 2] = ["{c}", "%;text-align:center;font-weight:"];

/// Whether each relay is on, in their order: none where the page tells of none, and nothing where this is not that page.
///
/// Since 14.4 the colour of its button tells; before, and beside it unless `SetOption161` hides that, the weight of its letters. The
/// letters are the operator's own.
pub fn relays(page: &str) -> Option<Vec<bool>> {
    let buttons: Vec<_> = page
        .split("').style.background='var(--c_btn")
        .skip(1)
        .map_while(|rest| read(rest, ")'", "off)'"))
        .collect();
    if !buttons.is_empty() {
        return Some(buttons);
    }
    let (_, tables) = page.split_once("{t}")?;
    let (_, table) = tables.rsplit_once("{t}<tr>").unwrap_or_default();
    let cells = table.split("<td style='width:").skip(1).map_while(|rest| {
        let style = rest.trim_start_matches(|it: char| it.is_ascii_digit());
        let weight = CELLS.iter().find_map(|start| style.strip_prefix(start))?;
        read(weight, "bold;font-size:", "normal;font-size:")
    });
    Some(cells.collect())
}

fn read(text: &str, on: &str, off: &str) -> Option<bool> {
    if text.starts_with(on) {
        Some(true)
    } else {
        text.starts_with(off).then_some(false)
    }
}

/// The hardware address. A plug that is an access point, or has a cable, shows further ones that are made from the first (by a
/// bit that is set, or by counting up), in an order that depends on the version: the first is the smallest.
pub fn id(page: &str) -> Option<String> {
    values(page)
        .filter(|value| value.contains(':'))
        .filter_map(hardware_address)
        .min()
}

/// Since when it runs: `128T14:35:44`.
pub fn uptime(page: &str) -> Option<Duration> {
    values(page).find_map(|value| {
        let (days, time) = value.split_once(|it: char| !it.is_ascii_digit())?;
        let [hours, minutes, seconds] = *time.split(':').collect::<Vec<_>>() else {
            return None;
        };
        let parts = [(24, hours), (60, minutes), (60, seconds)];
        let mut parts = parts.into_iter();
        let seconds = parts.try_fold(days.parse::<u64>().ok()?, |sum, (times, part)| {
            sum.checked_mul(times)?.checked_add(part.parse().ok()?)
        })?;
        Some(Duration::from_secs(seconds))
    })
}

/// What stands on the right of the table.
fn values(page: &str) -> impl Iterator<Item = &str> {
    page.split("}2")
        .skip(1)
        .map(|rest| rest.split_once("}1").map_or(rest, |(value, _)| value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "{t}{s}Voltage{m}230 V{e}</table>{t}<tr><td style='width:50{c}bold;font-size:54px'>AN</div></td>\
                       <td style='width:50{c}normal;font-size:54px'>AUS</div></td></tr></table>";
    const WHOLE: &str = "{t}</table>{t}<tr><td style='width:50%;text-align:center;font-weight:bold;font-size:54px'>AN</td></tr>\
                         <tr><td style='width:50%;text-align:center;font-weight:normal;font-size:54px'>AUS</td></tr></table>\n\n";
    const NEW: &str = "<img style='display:none;' src onerror=\"eb('o1').style.background='var(--c_btnoff)';\
                       eb('o2').style.background='var(--c_btn)';\">{t}</table>\n\n";

    #[test]
    fn relays_are_told_by_letters_or_by_buttons() {
        assert_eq!(relays(OLD), Some(vec![true, false]));
        assert_eq!(relays(WHOLE), Some(vec![true, false]));
        assert_eq!(relays(NEW), Some(vec![false, true]));
        for untold in [
            "{t}</table>\n\n",
            "<html>{t}<tr>",
            "{t}<tr><td style='width:50{c}thin;font-size:",
            // The tabs of a plug that measures three phases.
            "{t}<tr><td style='width:50%'><button style='background:#1fa3ec;font-weight:bold' onclick='la(\"&k03=0\");'>L1</button></td>",
        ] {
            assert_eq!(relays(untold), Some(vec![]), "{untold}");
        }
        for other in ["", "<html><table><tr>", "{\"POWER\":\"ON\"}"] {
            assert_eq!(relays(other), None, "{other}");
        }
    }

    #[test]
    fn the_id_is_the_stations_own_address_wherever_it_stands() {
        let page = |addresses: [&str; 2]| addresses.map(|it| format!("}}1MAC}}2{it}")).concat();
        // An ESP8266 and its access point; an ESP32, which counts.
        for addresses in [
            ["5C:CF:7F:00:00:01", "5E:CF:7F:00:00:01"],
            ["5C:CF:7F:00:00:01", "5C:CF:7F:00:00:02"],
        ] {
            let [first, second] = addresses;
            assert_eq!(id(&page([first, second])).unwrap(), "5CCF7F000001");
            assert_eq!(id(&page([second, first])).unwrap(), "5CCF7F000001");
        }
        assert_eq!(
            id("}1AP}2SSId a<br>BSSId 04:D9:F5:00:00:01}1Chip}2123456789012"),
            None
        );
    }

    #[test]
    fn the_uptime_is_no_date() {
        let page = "Version}29.1.0}1Build Date}22020-11-07T11:57:45}1Uptime}2128T14:35:44}1Boot}23";
        assert_eq!(
            uptime(page),
            Some(Duration::from_secs(128 * 86_400 + 52_544))
        );
        assert_eq!(uptime("}2128 14:35:44"), uptime(page));
        assert_eq!(
            uptime("}2T14:35:44}218446744073709551615T1:1:1}21T2:3"),
            None
        );
        assert_eq!(uptime(""), None);
    }
}
