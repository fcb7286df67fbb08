# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_cadence_global_optspecs
    string join \n config= state-dir= format= json color= v/verbose q/quiet h/help V/version
end

function __fish_cadence_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_cadence_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_cadence_using_subcommand
    set -l cmd (__fish_cadence_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c cadence -n "__fish_cadence_needs_command" -l config -d 'Read this configuration instead of /etc/cadence/cadence.toml' -r -F
complete -c cadence -n "__fish_cadence_needs_command" -l state-dir -d 'Keep state in this folder instead of /var/lib/cadence' -r -f -a "(__fish_complete_directories)"
complete -c cadence -n "__fish_cadence_needs_command" -l format -d 'Output format: `auto` is `pretty`, or `logfmt` for `reconcile` without a terminal' -r -f -a "auto\t'`pretty`; `logfmt` for `reconcile` without a terminal'
pretty\t'For people'
logfmt\t'One line of key=value pairs for what is worth a line'
json\t'One JSON document'"
complete -c cadence -n "__fish_cadence_needs_command" -l color -d 'When to use colours; `NO_COLOR` is honoured' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cadence -n "__fish_cadence_needs_command" -l json -d 'Same as --format json: one JSON document on stdout'
complete -c cadence -n "__fish_cadence_needs_command" -s v -l verbose -d 'Print more; twice for every detail'
complete -c cadence -n "__fish_cadence_needs_command" -s q -l quiet -d 'Print nothing but errors'
complete -c cadence -n "__fish_cadence_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cadence -n "__fish_cadence_needs_command" -s V -l version -d 'Print version'
complete -c cadence -n "__fish_cadence_needs_command" -f -a "reconcile" -d 'Observe, compare and update once, then exit'
complete -c cadence -n "__fish_cadence_needs_command" -f -a "status" -d 'Show readiness, address, records and the last 24 hours'
complete -c cadence -n "__fish_cadence_needs_command" -f -a "probe" -d 'Check every signal once, in parallel; changes nothing'
complete -c cadence -n "__fish_cadence_needs_command" -f -a "recover" -d 'Power-cycle the modem once'
complete -c cadence -n "__fish_cadence_needs_command" -f -a "history" -d 'List address changes, readiness changes, record writes and outages'
complete -c cadence -n "__fish_cadence_needs_command" -f -a "report" -d 'Report how available the line was, as a page, a summary or JSON'
complete -c cadence -n "__fish_cadence_needs_command" -f -a "forward" -d 'Show the port forwards of the router, or remove those of cadence'
complete -c cadence -n "__fish_cadence_needs_command" -f -a "metrics" -d 'Print Prometheus metrics'
complete -c cadence -n "__fish_cadence_needs_command" -f -a "notify" -d 'Show or test who is notified'
complete -c cadence -n "__fish_cadence_needs_command" -f -a "init" -d 'Create a first configuration, asking for what flags leave out'
complete -c cadence -n "__fish_cadence_needs_command" -f -a "check" -d 'Check config, token, zones, records and this host, with fixes'
complete -c cadence -n "__fish_cadence_needs_command" -f -a "timer" -d 'Keep running, and start each cycle when it is due (containers)'
complete -c cadence -n "__fish_cadence_needs_command" -f -a "demo" -d 'Watch real cycles in a simulated world; needs no account and no network'
complete -c cadence -n "__fish_cadence_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cadence -n "__fish_cadence_using_subcommand reconcile" -l splay -d 'Sleep a random time up to DURATION first (cron)' -r
complete -c cadence -n "__fish_cadence_using_subcommand reconcile" -l wait -d 'Wait up to DURATION for another cycle to finish' -r
complete -c cadence -n "__fish_cadence_using_subcommand reconcile" -l config -d 'Read this configuration instead of /etc/cadence/cadence.toml' -r -F
complete -c cadence -n "__fish_cadence_using_subcommand reconcile" -l state-dir -d 'Keep state in this folder instead of /var/lib/cadence' -r -f -a "(__fish_complete_directories)"
complete -c cadence -n "__fish_cadence_using_subcommand reconcile" -l format -d 'Output format: `auto` is `pretty`, or `logfmt` for `reconcile` without a terminal' -r -f -a "auto\t'`pretty`; `logfmt` for `reconcile` without a terminal'
pretty\t'For people'
logfmt\t'One line of key=value pairs for what is worth a line'
json\t'One JSON document'"
complete -c cadence -n "__fish_cadence_using_subcommand reconcile" -l color -d 'When to use colours; `NO_COLOR` is honoured' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cadence -n "__fish_cadence_using_subcommand reconcile" -l dry-run -d 'Observe and decide; write neither DNS nor state'
complete -c cadence -n "__fish_cadence_using_subcommand reconcile" -l trust -d 'Accept an address at once if two providers agree on it; one is never enough, even for the address that is trusted'
complete -c cadence -n "__fish_cadence_using_subcommand reconcile" -l no-cache -d 'Ignore what earlier cycles verified'
complete -c cadence -n "__fish_cadence_using_subcommand reconcile" -l if-due -d 'Exit unless a cycle is due (cron)'
complete -c cadence -n "__fish_cadence_using_subcommand reconcile" -l json -d 'Same as --format json: one JSON document on stdout'
complete -c cadence -n "__fish_cadence_using_subcommand reconcile" -s v -l verbose -d 'Print more; twice for every detail'
complete -c cadence -n "__fish_cadence_using_subcommand reconcile" -s q -l quiet -d 'Print nothing but errors'
complete -c cadence -n "__fish_cadence_using_subcommand reconcile" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cadence -n "__fish_cadence_using_subcommand status" -l check -d 'Exit 0 if all is well, 1 while something changes, 2 if something is wrong or stale, 3 without state; with `alive`, 0 if cycles run' -r -f -a "ready\t'Whether all is well: the default'
alive\t'Whether cycles run, whatever they find'"
complete -c cadence -n "__fish_cadence_using_subcommand status" -l config -d 'Read this configuration instead of /etc/cadence/cadence.toml' -r -F
complete -c cadence -n "__fish_cadence_using_subcommand status" -l state-dir -d 'Keep state in this folder instead of /var/lib/cadence' -r -f -a "(__fish_complete_directories)"
complete -c cadence -n "__fish_cadence_using_subcommand status" -l format -d 'Output format: `auto` is `pretty`, or `logfmt` for `reconcile` without a terminal' -r -f -a "auto\t'`pretty`; `logfmt` for `reconcile` without a terminal'
pretty\t'For people'
logfmt\t'One line of key=value pairs for what is worth a line'
json\t'One JSON document'"
complete -c cadence -n "__fish_cadence_using_subcommand status" -l color -d 'When to use colours; `NO_COLOR` is honoured' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cadence -n "__fish_cadence_using_subcommand status" -l json -d 'Same as --format json: one JSON document on stdout'
complete -c cadence -n "__fish_cadence_using_subcommand status" -s v -l verbose -d 'Print more; twice for every detail'
complete -c cadence -n "__fish_cadence_using_subcommand status" -s q -l quiet -d 'Print nothing but errors'
complete -c cadence -n "__fish_cadence_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cadence -n "__fish_cadence_using_subcommand probe" -l only -d 'Only these signals' -r -f -a "host\t'A default route or a link'
router\t'The router'
wan\t'The internet beyond it'
public-ip\t'The public address, as each provider reports it'
dns\t'What public DNS answers for each record'
forward\t'The ports that the router is to forward, if it tells'
plug\t'The plug; without --only, if recovery is enabled'
ups\t'The UPS; without --only, if one is configured'"
complete -c cadence -n "__fish_cadence_using_subcommand probe" -l config -d 'Read this configuration instead of /etc/cadence/cadence.toml' -r -F
complete -c cadence -n "__fish_cadence_using_subcommand probe" -l state-dir -d 'Keep state in this folder instead of /var/lib/cadence' -r -f -a "(__fish_complete_directories)"
complete -c cadence -n "__fish_cadence_using_subcommand probe" -l format -d 'Output format: `auto` is `pretty`, or `logfmt` for `reconcile` without a terminal' -r -f -a "auto\t'`pretty`; `logfmt` for `reconcile` without a terminal'
pretty\t'For people'
logfmt\t'One line of key=value pairs for what is worth a line'
json\t'One JSON document'"
complete -c cadence -n "__fish_cadence_using_subcommand probe" -l color -d 'When to use colours; `NO_COLOR` is honoured' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cadence -n "__fish_cadence_using_subcommand probe" -l json -d 'Same as --format json: one JSON document on stdout'
complete -c cadence -n "__fish_cadence_using_subcommand probe" -s v -l verbose -d 'Print more; twice for every detail'
complete -c cadence -n "__fish_cadence_using_subcommand probe" -s q -l quiet -d 'Print nothing but errors'
complete -c cadence -n "__fish_cadence_using_subcommand probe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cadence -n "__fish_cadence_using_subcommand recover" -l config -d 'Read this configuration instead of /etc/cadence/cadence.toml' -r -F
complete -c cadence -n "__fish_cadence_using_subcommand recover" -l state-dir -d 'Keep state in this folder instead of /var/lib/cadence' -r -f -a "(__fish_complete_directories)"
complete -c cadence -n "__fish_cadence_using_subcommand recover" -l format -d 'Output format: `auto` is `pretty`, or `logfmt` for `reconcile` without a terminal' -r -f -a "auto\t'`pretty`; `logfmt` for `reconcile` without a terminal'
pretty\t'For people'
logfmt\t'One line of key=value pairs for what is worth a line'
json\t'One JSON document'"
complete -c cadence -n "__fish_cadence_using_subcommand recover" -l color -d 'When to use colours; `NO_COLOR` is honoured' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cadence -n "__fish_cadence_using_subcommand recover" -s y -l yes -d 'Do not ask for confirmation'
complete -c cadence -n "__fish_cadence_using_subcommand recover" -l force -d 'Ignore the mains, the cooldown, the caps, and that the plug may be cut off'
complete -c cadence -n "__fish_cadence_using_subcommand recover" -l dry-run -d 'Show what would happen; switch nothing'
complete -c cadence -n "__fish_cadence_using_subcommand recover" -l on -d 'Cut nothing: only switch the plug on, without asking'
complete -c cadence -n "__fish_cadence_using_subcommand recover" -l forget -d 'Switch nothing: give up an unfinished cut whose plug can never be reached again'
complete -c cadence -n "__fish_cadence_using_subcommand recover" -l json -d 'Same as --format json: one JSON document on stdout'
complete -c cadence -n "__fish_cadence_using_subcommand recover" -s v -l verbose -d 'Print more; twice for every detail'
complete -c cadence -n "__fish_cadence_using_subcommand recover" -s q -l quiet -d 'Print nothing but errors'
complete -c cadence -n "__fish_cadence_using_subcommand recover" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cadence -n "__fish_cadence_using_subcommand history" -l since -d 'Only events from the last DURATION, such as 12h or 7d' -r
complete -c cadence -n "__fish_cadence_using_subcommand history" -l limit -d 'Only the last N events' -r
complete -c cadence -n "__fish_cadence_using_subcommand history" -l kind -d 'Only events of these kinds' -r -f -a "address\t''
readiness\t''
record\t''
converged\t''
outage\t''
line\t''
recovery\t''
ups\t''
forward\t''
lan\t''
vpn\t''
gap\t''
error\t''"
complete -c cadence -n "__fish_cadence_using_subcommand history" -l config -d 'Read this configuration instead of /etc/cadence/cadence.toml' -r -F
complete -c cadence -n "__fish_cadence_using_subcommand history" -l state-dir -d 'Keep state in this folder instead of /var/lib/cadence' -r -f -a "(__fish_complete_directories)"
complete -c cadence -n "__fish_cadence_using_subcommand history" -l format -d 'Output format: `auto` is `pretty`, or `logfmt` for `reconcile` without a terminal' -r -f -a "auto\t'`pretty`; `logfmt` for `reconcile` without a terminal'
pretty\t'For people'
logfmt\t'One line of key=value pairs for what is worth a line'
json\t'One JSON document'"
complete -c cadence -n "__fish_cadence_using_subcommand history" -l color -d 'When to use colours; `NO_COLOR` is honoured' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cadence -n "__fish_cadence_using_subcommand history" -l reverse -d 'Newest first'
complete -c cadence -n "__fish_cadence_using_subcommand history" -l json -d 'Same as --format json: one JSON document on stdout'
complete -c cadence -n "__fish_cadence_using_subcommand history" -s v -l verbose -d 'Print more; twice for every detail'
complete -c cadence -n "__fish_cadence_using_subcommand history" -s q -l quiet -d 'Print nothing but errors'
complete -c cadence -n "__fish_cadence_using_subcommand history" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cadence -n "__fish_cadence_using_subcommand report" -l since -d 'Cover the last DURATION, such as 7d or 365d [default: 30d]' -r
complete -c cadence -n "__fish_cadence_using_subcommand report" -s o -l output -d 'Write the page to this file, or to stdout with -' -r -F
complete -c cadence -n "__fish_cadence_using_subcommand report" -l config -d 'Read this configuration instead of /etc/cadence/cadence.toml' -r -F
complete -c cadence -n "__fish_cadence_using_subcommand report" -l state-dir -d 'Keep state in this folder instead of /var/lib/cadence' -r -f -a "(__fish_complete_directories)"
complete -c cadence -n "__fish_cadence_using_subcommand report" -l format -d 'Output format: `auto` is `pretty`, or `logfmt` for `reconcile` without a terminal' -r -f -a "auto\t'`pretty`; `logfmt` for `reconcile` without a terminal'
pretty\t'For people'
logfmt\t'One line of key=value pairs for what is worth a line'
json\t'One JSON document'"
complete -c cadence -n "__fish_cadence_using_subcommand report" -l color -d 'When to use colours; `NO_COLOR` is honoured' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cadence -n "__fish_cadence_using_subcommand report" -l json -d 'Same as --format json: one JSON document on stdout'
complete -c cadence -n "__fish_cadence_using_subcommand report" -s v -l verbose -d 'Print more; twice for every detail'
complete -c cadence -n "__fish_cadence_using_subcommand report" -s q -l quiet -d 'Print nothing but errors'
complete -c cadence -n "__fish_cadence_using_subcommand report" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cadence -n "__fish_cadence_using_subcommand forward" -l config -d 'Read this configuration instead of /etc/cadence/cadence.toml' -r -F
complete -c cadence -n "__fish_cadence_using_subcommand forward" -l state-dir -d 'Keep state in this folder instead of /var/lib/cadence' -r -f -a "(__fish_complete_directories)"
complete -c cadence -n "__fish_cadence_using_subcommand forward" -l format -d 'Output format: `auto` is `pretty`, or `logfmt` for `reconcile` without a terminal' -r -f -a "auto\t'`pretty`; `logfmt` for `reconcile` without a terminal'
pretty\t'For people'
logfmt\t'One line of key=value pairs for what is worth a line'
json\t'One JSON document'"
complete -c cadence -n "__fish_cadence_using_subcommand forward" -l color -d 'When to use colours; `NO_COLOR` is honoured' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cadence -n "__fish_cadence_using_subcommand forward" -l remove -d 'Give all of them back to the router'
complete -c cadence -n "__fish_cadence_using_subcommand forward" -l json -d 'Same as --format json: one JSON document on stdout'
complete -c cadence -n "__fish_cadence_using_subcommand forward" -s v -l verbose -d 'Print more; twice for every detail'
complete -c cadence -n "__fish_cadence_using_subcommand forward" -s q -l quiet -d 'Print nothing but errors'
complete -c cadence -n "__fish_cadence_using_subcommand forward" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cadence -n "__fish_cadence_using_subcommand metrics" -l config -d 'Read this configuration instead of /etc/cadence/cadence.toml' -r -F
complete -c cadence -n "__fish_cadence_using_subcommand metrics" -l state-dir -d 'Keep state in this folder instead of /var/lib/cadence' -r -f -a "(__fish_complete_directories)"
complete -c cadence -n "__fish_cadence_using_subcommand metrics" -l format -d 'Output format: `auto` is `pretty`, or `logfmt` for `reconcile` without a terminal' -r -f -a "auto\t'`pretty`; `logfmt` for `reconcile` without a terminal'
pretty\t'For people'
logfmt\t'One line of key=value pairs for what is worth a line'
json\t'One JSON document'"
complete -c cadence -n "__fish_cadence_using_subcommand metrics" -l color -d 'When to use colours; `NO_COLOR` is honoured' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cadence -n "__fish_cadence_using_subcommand metrics" -l json -d 'Same as --format json: one JSON document on stdout'
complete -c cadence -n "__fish_cadence_using_subcommand metrics" -s v -l verbose -d 'Print more; twice for every detail'
complete -c cadence -n "__fish_cadence_using_subcommand metrics" -s q -l quiet -d 'Print nothing but errors'
complete -c cadence -n "__fish_cadence_using_subcommand metrics" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cadence -n "__fish_cadence_using_subcommand notify" -l config -d 'Read this configuration instead of /etc/cadence/cadence.toml' -r -F
complete -c cadence -n "__fish_cadence_using_subcommand notify" -l state-dir -d 'Keep state in this folder instead of /var/lib/cadence' -r -f -a "(__fish_complete_directories)"
complete -c cadence -n "__fish_cadence_using_subcommand notify" -l format -d 'Output format: `auto` is `pretty`, or `logfmt` for `reconcile` without a terminal' -r -f -a "auto\t'`pretty`; `logfmt` for `reconcile` without a terminal'
pretty\t'For people'
logfmt\t'One line of key=value pairs for what is worth a line'
json\t'One JSON document'"
complete -c cadence -n "__fish_cadence_using_subcommand notify" -l color -d 'When to use colours; `NO_COLOR` is honoured' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cadence -n "__fish_cadence_using_subcommand notify" -l test -d 'Send a test to each now'
complete -c cadence -n "__fish_cadence_using_subcommand notify" -l json -d 'Same as --format json: one JSON document on stdout'
complete -c cadence -n "__fish_cadence_using_subcommand notify" -s v -l verbose -d 'Print more; twice for every detail'
complete -c cadence -n "__fish_cadence_using_subcommand notify" -s q -l quiet -d 'Print nothing but errors'
complete -c cadence -n "__fish_cadence_using_subcommand notify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cadence -n "__fish_cadence_using_subcommand init" -l from -d 'Take records and API token from another tool\'s FILE' -r -F
complete -c cadence -n "__fish_cadence_using_subcommand init" -l record -d 'Keep this record on the home\'s address; may be repeated' -r
complete -c cadence -n "__fish_cadence_using_subcommand init" -l type -d 'The type of each record: A (default) or AAAA; repeat it for both' -r -f -a "A\t''
AAAA\t''"
complete -c cadence -n "__fish_cadence_using_subcommand init" -l zone -d 'The zone of the records; found from their names by default' -r
complete -c cadence -n "__fish_cadence_using_subcommand init" -l token-file -d 'Read the API token from FILE, or from stdin if it is -' -r -F
complete -c cadence -n "__fish_cadence_using_subcommand init" -l router -d 'The router\'s address, if it is not the default gateway' -r
complete -c cadence -n "__fish_cadence_using_subcommand init" -l plug -d 'The modem\'s smart plug: shelly1, shelly2 or tasmota' -r -f -a "shelly1\t''
shelly2\t''
tasmota\t''"
complete -c cadence -n "__fish_cadence_using_subcommand init" -l plug-address -d 'The plug\'s host or host:port' -r
complete -c cadence -n "__fish_cadence_using_subcommand init" -l notify -d 'Notify of outages and changes by this service: ntfy or healthchecks' -r -f -a "ntfy\t''
healthchecks\t''"
complete -c cadence -n "__fish_cadence_using_subcommand init" -l notify-url-file -d 'Read the service\'s secret URL from FILE, or from stdin if it is -' -r -F
complete -c cadence -n "__fish_cadence_using_subcommand init" -l config -d 'Read this configuration instead of /etc/cadence/cadence.toml' -r -F
complete -c cadence -n "__fish_cadence_using_subcommand init" -l state-dir -d 'Keep state in this folder instead of /var/lib/cadence' -r -f -a "(__fish_complete_directories)"
complete -c cadence -n "__fish_cadence_using_subcommand init" -l format -d 'Output format: `auto` is `pretty`, or `logfmt` for `reconcile` without a terminal' -r -f -a "auto\t'`pretty`; `logfmt` for `reconcile` without a terminal'
pretty\t'For people'
logfmt\t'One line of key=value pairs for what is worth a line'
json\t'One JSON document'"
complete -c cadence -n "__fish_cadence_using_subcommand init" -l color -d 'When to use colours; `NO_COLOR` is honoured' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cadence -n "__fish_cadence_using_subcommand init" -l create -d 'Let cadence create a missing record'
complete -c cadence -n "__fish_cadence_using_subcommand init" -s y -l yes -d 'Ask nothing: take everything from flags'
complete -c cadence -n "__fish_cadence_using_subcommand init" -l offline -d 'Contact no one; write without verifying'
complete -c cadence -n "__fish_cadence_using_subcommand init" -l json -d 'Same as --format json: one JSON document on stdout'
complete -c cadence -n "__fish_cadence_using_subcommand init" -s v -l verbose -d 'Print more; twice for every detail'
complete -c cadence -n "__fish_cadence_using_subcommand init" -s q -l quiet -d 'Print nothing but errors'
complete -c cadence -n "__fish_cadence_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cadence -n "__fish_cadence_using_subcommand check" -l config -d 'Read this configuration instead of /etc/cadence/cadence.toml' -r -F
complete -c cadence -n "__fish_cadence_using_subcommand check" -l state-dir -d 'Keep state in this folder instead of /var/lib/cadence' -r -f -a "(__fish_complete_directories)"
complete -c cadence -n "__fish_cadence_using_subcommand check" -l format -d 'Output format: `auto` is `pretty`, or `logfmt` for `reconcile` without a terminal' -r -f -a "auto\t'`pretty`; `logfmt` for `reconcile` without a terminal'
pretty\t'For people'
logfmt\t'One line of key=value pairs for what is worth a line'
json\t'One JSON document'"
complete -c cadence -n "__fish_cadence_using_subcommand check" -l color -d 'When to use colours; `NO_COLOR` is honoured' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cadence -n "__fish_cadence_using_subcommand check" -l offline -d 'Check this host only; contact no one else'
complete -c cadence -n "__fish_cadence_using_subcommand check" -l show-config -d 'Check nothing: show the configuration in force, and where each value is from'
complete -c cadence -n "__fish_cadence_using_subcommand check" -l json -d 'Same as --format json: one JSON document on stdout'
complete -c cadence -n "__fish_cadence_using_subcommand check" -s v -l verbose -d 'Print more; twice for every detail'
complete -c cadence -n "__fish_cadence_using_subcommand check" -s q -l quiet -d 'Print nothing but errors'
complete -c cadence -n "__fish_cadence_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cadence -n "__fish_cadence_using_subcommand timer" -l config -d 'Read this configuration instead of /etc/cadence/cadence.toml' -r -F
complete -c cadence -n "__fish_cadence_using_subcommand timer" -l state-dir -d 'Keep state in this folder instead of /var/lib/cadence' -r -f -a "(__fish_complete_directories)"
complete -c cadence -n "__fish_cadence_using_subcommand timer" -l format -d 'Output format: `auto` is `pretty`, or `logfmt` for `reconcile` without a terminal' -r -f -a "auto\t'`pretty`; `logfmt` for `reconcile` without a terminal'
pretty\t'For people'
logfmt\t'One line of key=value pairs for what is worth a line'
json\t'One JSON document'"
complete -c cadence -n "__fish_cadence_using_subcommand timer" -l color -d 'When to use colours; `NO_COLOR` is honoured' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cadence -n "__fish_cadence_using_subcommand timer" -l json -d 'Same as --format json: one JSON document on stdout'
complete -c cadence -n "__fish_cadence_using_subcommand timer" -s v -l verbose -d 'Print more; twice for every detail'
complete -c cadence -n "__fish_cadence_using_subcommand timer" -s q -l quiet -d 'Print nothing but errors'
complete -c cadence -n "__fish_cadence_using_subcommand timer" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cadence -n "__fish_cadence_using_subcommand demo" -l config -d 'Read this configuration instead of /etc/cadence/cadence.toml' -r -F
complete -c cadence -n "__fish_cadence_using_subcommand demo" -l state-dir -d 'Keep state in this folder instead of /var/lib/cadence' -r -f -a "(__fish_complete_directories)"
complete -c cadence -n "__fish_cadence_using_subcommand demo" -l format -d 'Output format: `auto` is `pretty`, or `logfmt` for `reconcile` without a terminal' -r -f -a "auto\t'`pretty`; `logfmt` for `reconcile` without a terminal'
pretty\t'For people'
logfmt\t'One line of key=value pairs for what is worth a line'
json\t'One JSON document'"
complete -c cadence -n "__fish_cadence_using_subcommand demo" -l color -d 'When to use colours; `NO_COLOR` is honoured' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cadence -n "__fish_cadence_using_subcommand demo" -l json -d 'Same as --format json: one JSON document on stdout'
complete -c cadence -n "__fish_cadence_using_subcommand demo" -s v -l verbose -d 'Print more; twice for every detail'
complete -c cadence -n "__fish_cadence_using_subcommand demo" -s q -l quiet -d 'Print nothing but errors'
complete -c cadence -n "__fish_cadence_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cadence -n "__fish_cadence_using_subcommand help; and not __fish_seen_subcommand_from reconcile status probe recover history report forward metrics notify init check timer demo help" -f -a "reconcile" -d 'Observe, compare and update once, then exit'
complete -c cadence -n "__fish_cadence_using_subcommand help; and not __fish_seen_subcommand_from reconcile status probe recover history report forward metrics notify init check timer demo help" -f -a "status" -d 'Show readiness, address, records and the last 24 hours'
complete -c cadence -n "__fish_cadence_using_subcommand help; and not __fish_seen_subcommand_from reconcile status probe recover history report forward metrics notify init check timer demo help" -f -a "probe" -d 'Check every signal once, in parallel; changes nothing'
complete -c cadence -n "__fish_cadence_using_subcommand help; and not __fish_seen_subcommand_from reconcile status probe recover history report forward metrics notify init check timer demo help" -f -a "recover" -d 'Power-cycle the modem once'
complete -c cadence -n "__fish_cadence_using_subcommand help; and not __fish_seen_subcommand_from reconcile status probe recover history report forward metrics notify init check timer demo help" -f -a "history" -d 'List address changes, readiness changes, record writes and outages'
complete -c cadence -n "__fish_cadence_using_subcommand help; and not __fish_seen_subcommand_from reconcile status probe recover history report forward metrics notify init check timer demo help" -f -a "report" -d 'Report how available the line was, as a page, a summary or JSON'
complete -c cadence -n "__fish_cadence_using_subcommand help; and not __fish_seen_subcommand_from reconcile status probe recover history report forward metrics notify init check timer demo help" -f -a "forward" -d 'Show the port forwards of the router, or remove those of cadence'
complete -c cadence -n "__fish_cadence_using_subcommand help; and not __fish_seen_subcommand_from reconcile status probe recover history report forward metrics notify init check timer demo help" -f -a "metrics" -d 'Print Prometheus metrics'
complete -c cadence -n "__fish_cadence_using_subcommand help; and not __fish_seen_subcommand_from reconcile status probe recover history report forward metrics notify init check timer demo help" -f -a "notify" -d 'Show or test who is notified'
complete -c cadence -n "__fish_cadence_using_subcommand help; and not __fish_seen_subcommand_from reconcile status probe recover history report forward metrics notify init check timer demo help" -f -a "init" -d 'Create a first configuration, asking for what flags leave out'
complete -c cadence -n "__fish_cadence_using_subcommand help; and not __fish_seen_subcommand_from reconcile status probe recover history report forward metrics notify init check timer demo help" -f -a "check" -d 'Check config, token, zones, records and this host, with fixes'
complete -c cadence -n "__fish_cadence_using_subcommand help; and not __fish_seen_subcommand_from reconcile status probe recover history report forward metrics notify init check timer demo help" -f -a "timer" -d 'Keep running, and start each cycle when it is due (containers)'
complete -c cadence -n "__fish_cadence_using_subcommand help; and not __fish_seen_subcommand_from reconcile status probe recover history report forward metrics notify init check timer demo help" -f -a "demo" -d 'Watch real cycles in a simulated world; needs no account and no network'
complete -c cadence -n "__fish_cadence_using_subcommand help; and not __fish_seen_subcommand_from reconcile status probe recover history report forward metrics notify init check timer demo help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
