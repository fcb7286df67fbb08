//! What the grammar of the command line says about a command, for its page.

use clap::builder::PossibleValue;
use clap::{Arg, ArgAction, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use super::markup;

/// The sections NAME and SYNOPSIS.
pub fn opening(command: &Command) -> String {
    let mut name = Vec::new();
    Man::new(command.clone())
        .render_name_section(&mut name)
        .unwrap();
    let mut synopsis = Roff::new();
    synopsis.control("SH", ["SYNOPSIS"]).text(usage(command));
    // An option is not parted from its value.
    let synopsis = synopsis.render().replace(" \\fI", "\\~\\fI");
    tidy(&name) + &tidy(synopsis.as_bytes())
}

/// How it is called: the command's own options by name, those of every command in a word.
fn usage(command: &Command) -> Vec<Inline> {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let mut line = vec![bold(name), roman(" [")];
    line.push(italic("GLOBAL OPTIONS"));
    line.push(roman("]"));
    let own = |arg: &&Arg| {
        arg.get_help_heading().is_none() && !is_about_itself(arg) && !arg.is_hide_set()
    };
    for arg in command.get_arguments().filter(own) {
        line.push(roman(" ["));
        line.push(bold(format!("--{}", arg.get_long().unwrap_or_default())));
        if arg
            .get_num_args()
            .is_some_and(|it| it.min_values() == 0 && it.takes_values())
        {
            let values = arg.get_value_names().unwrap_or_default();
            line.push(roman(format!("[={}]]", values.join(" "))));
            continue;
        }
        for value in arg.get_value_names().unwrap_or_default() {
            if arg.get_action().takes_values() {
                line.extend([roman(" "), italic(value.as_str())]);
            }
        }
        line.push(roman("]"));
        if matches!(arg.get_action(), ArgAction::Append) && arg.get_value_delimiter().is_none() {
            line.push(roman("..."));
        }
    }
    if command.has_subcommands() {
        line.extend([roman(" "), italic("COMMAND"), roman(" [")]);
        line.extend([italic("OPTIONS"), roman("]")]);
    }
    line
}

fn is_about_itself(arg: &Arg) -> bool {
    matches!(
        arg.get_action(),
        ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
    )
}

/// The sections OPTIONS and GLOBAL OPTIONS.
pub fn options(command: &Command) -> String {
    let mut text = Vec::new();
    Man::new(command.clone().mut_args(with_plain_values_in_a_row))
        .render_options_section(&mut text)
        .unwrap();
    tidy(&text)
}

/// Values that need no words of their own need no lines of their own.
fn with_plain_values_in_a_row(arg: Arg) -> Arg {
    let values = arg.get_possible_values();
    let is_told = values.iter().any(|value| value.get_help().is_some());
    if !arg.get_action().takes_values()
        || values.is_empty()
        || is_told
        || arg.is_hide_possible_values_set()
    {
        return arg;
    }
    let values: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
    let help = arg.get_help().cloned().unwrap_or_default();
    arg.help(format!("{help}: {}", values.join(", ")))
        .hide_possible_values(true)
}

/// The section COMMANDS.
pub fn commands(command: &Command) -> String {
    let mut text = Vec::new();
    let command = command.clone().subcommand_help_heading("COMMANDS");
    Man::new(command)
        .render_subcommands_section(&mut text)
        .unwrap();
    tidy(&text)
}

/// Without what every piece brings along, and with the code of the help texts in bold.
fn tidy(roff: &[u8]) -> String {
    let text = std::str::from_utf8(roff).unwrap();
    let text = text
        .replace(".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n", "")
        .replace("\\*(Aq", "\\(aq")
        .replace(".br\n\n.br\n", ".sp\n");
    let lines = text.lines().map(|line| markup::bold(line, str::to_owned));
    lines.map(|line| line + "\n").collect()
}
