//! A long life: cycles that run, crash, are killed and replaced.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::strace::{has_strace, strace};
use crate::support::{Home, RECORD};
use crate::{QUICK, Timer, children_of, is_idle, status_of, until, wake, write_script};

/// Stands in for the program while the timer runs, as a newer version does: real cycles, the next of which is due in a second. Of 16, two crash,
/// one says nothing of use and one leaves an orphan.
const NEWER: &str = "#!/bin/sh
case $1 in
  recover | timer*) exec \"$0.real\" \"$@\" ;;
esac
count=$(($(cat \"$0.count\" 2>/dev/null || echo 0) + 1))
echo $count >\"$0.count.new\" && mv \"$0.count.new\" \"$0.count\"
case $((count % 16)) in
  3) kill -KILL $$ ;;
  7) kill -SEGV $$ ;;
  11) sleep 0.1 & ;;
esac
\"$0.real\" reconcile --quiet || exit
printf 1 >&0
";

/// A home in which the program can be replaced.
fn home() -> (Home, Timer) {
    let home = Home::in_the_clear(&format!("{RECORD}{QUICK}"));
    home.rewrite(|text| text.replace("mode = \"production\"", "mode = \"test\""));
    let (program, real) = (home.path("cadence"), home.path("cadence.real"));
    let built = home.command(&[]).get_program().to_owned();
    fs::copy(&built, &real).unwrap();
    fs::copy(&built, &program).unwrap();
    let timer = Timer::start(home.command_of(&program, &["timer", "--quiet"]));
    until("it does not wait", || is_idle(&timer));
    (home, timer)
}

fn count(program: &Path) -> u64 {
    let text = fs::read_to_string(program.with_extension("count"));
    text.unwrap_or_default().trim().parse().unwrap_or_default()
}

/// Whatever is wrong with a cycle, the next one comes, within a minute; here it is woken before.
fn live(turns: u64) {
    let (home, timer) = home();
    let program = home.path("cadence");
    write_script(&program, NEWER);
    let id = timer.0.id();
    let memory = || {
        let text = status_of(id, "RssAnon");
        let kib = text.trim_end_matches(" kB");
        kib.parse::<u64>().unwrap()
    };
    let open = || fs::read_dir(format!("/proc/{id}/fd")).unwrap().count();
    let begun = Instant::now();
    let mut kills = 0;
    let mut at_first = None;
    while count(&program) < turns {
        assert!(
            begun.elapsed() < Duration::from_secs(3600),
            "it stands still"
        );
        if is_idle(&timer) {
            // By then its heap is as large as it gets.
            if count(&program) > turns / 5 && at_first.is_none() {
                at_first = Some((memory(), open()));
            }
            // It waits for a minute after a cycle that crashed.
            wake(&home, &timer);
        } else if count(&program) % 16 == 13 {
            for cycle in children_of(id) {
                if std::process::Command::new("kill")
                    .args(["-KILL", &cycle.to_string()])
                    .output()
                    .is_ok_and(|out| out.status.success())
                {
                    kills += 1;
                }
            }
        }
        std::thread::sleep(Duration::from_millis(3));
    }
    until("it does not wait", || is_idle(&timer));
    let (before, now) = (at_first.unwrap(), (memory(), open()));
    let took = begun.elapsed();
    println!(
        "figure: a life of {turns} turns, {kills} of them killed from outside, two in 16 by themselves | {took:?} | {} KiB of anonymous \
         memory after a fifth of them, {} at the end",
        before.0, now.0
    );
    assert_eq!(before.1, now.1, "open files");
    assert!(now.0 <= before.0 + 64, "{before:?} {now:?}");
    assert!(children_of(id).is_empty());
    // The real one again: nothing was lost.
    fs::copy(home.path("cadence.real"), home.path("cadence.new")).unwrap();
    fs::rename(home.path("cadence.new"), &program).unwrap();
    let cycle = crate::cycles(&home);
    fs::remove_file(home.state_file("state.json")).unwrap();
    until("no cycle followed", || {
        wake(&home, &timer);
        (1..cycle.max(2)).contains(&crate::cycles(&home))
    });
    let (status, logged) = timer.stop();
    assert!(status.success(), "{status}: {logged}");
    assert!(
        logged.contains("error: a cycle was ended by signal 11\n"),
        "{logged}"
    );
}

#[test]
fn a_life_of_200_turns_with_kills_needs_no_more_at_its_end_than_at_its_start() {
    live(200);
}

#[test]
#[ignore = "takes minutes; tests/run --all runs it"]
fn a_life_of_10_000_turns_with_kills_needs_no_more_at_its_end_than_at_its_start() {
    live(10_000);
}

#[test]
fn a_program_that_is_gone_is_told_once_and_started_again_once_it_is_back() {
    let (home, timer) = home();
    let (program, away) = (home.path("cadence"), home.path("away"));
    fs::rename(&program, &away).unwrap();
    fs::remove_file(home.state_file("state.json")).unwrap();
    (0..9).for_each(|_| wake(&home, &timer));
    fs::rename(&away, &program).unwrap();
    until("no cycle followed", || {
        wake(&home, &timer);
        crate::cycles(&home) == 1
    });
    let (status, logged) = timer.stop();
    assert!(status.success(), "{status}: {logged}");
    let told = format!("cannot start {}", program.display());
    let logged = crate::support::joined(&logged);
    assert_eq!(logged.matches(&told).count(), 1, "{logged}");
    assert!(logged.contains("no such file or directory"), "{logged}");
}

#[test]
fn where_the_kernel_gives_no_process_that_is_told_once_and_the_next_cycle_runs() {
    const FORKS: &str = "clone,clone3,fork,vfork";
    if !has_strace() {
        return;
    }
    let home = crate::quick();
    let traced = strace(
        &home.command(&["timer", "--quiet"]),
        &[
            "-D",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            &format!("trace={FORKS}"),
            "-e",
            &format!("inject={FORKS}:error=ENOMEM:when=1"),
        ],
    );
    let timer = Timer::start(traced);
    until("it does not wait", || is_idle(&timer));
    assert_eq!(crate::cycles(&home), 0);
    until("no cycle followed", || {
        wake(&home, &timer);
        crate::cycles(&home) == 1
    });
    let (status, logged) = timer.stop();
    assert!(status.success(), "{status}: {logged}");
    let logged = crate::support::joined(&logged);
    assert_eq!(
        logged.matches("cannot allocate memory").count(),
        1,
        "{logged}"
    );
}

/// Whoever reads the log of a container does not read the same each minute.
#[test]
fn what_is_wrong_with_each_cycle_is_told_once_for_as_long_as_it_lasts() {
    let home = crate::quick();
    let config = home.path("cadence.toml");
    let good = fs::read_to_string(&config).unwrap();
    let wrong = |text: &str, timer: &Timer| {
        fs::write(&config, text).unwrap();
        for _ in 0..4 {
            wake(&home, timer);
            until("it does not wait", || is_idle(timer));
        }
    };
    fs::write(home.path("cadence.toml"), "mode = 1\n").unwrap();
    let timer = Timer::of(&home);
    until("it does not wait", || is_idle(&timer));
    wrong("mode = 1\n", &timer);
    wrong("mode = 2\n", &timer);
    wrong("mode = 1\n", &timer);
    wrong(&good, &timer);
    wrong("mode = 1\n", &timer);
    let (status, logged) = timer.stop();
    assert!(status.success(), "{status}: {logged}");
    let logged = crate::support::joined(&logged);
    assert_eq!(logged.matches("mode = 1").count(), 3, "{logged}");
    assert_eq!(logged.matches("mode = 2").count(), 1, "{logged}");
}

/// Somebody runs one by hand, or there is a second timer.
#[test]
fn a_cycle_of_somebody_else_that_runs_is_no_trouble() {
    let home = crate::quick();
    home.settle();
    let lock = fs::File::open(home.state_file("lock")).unwrap();
    fs2::FileExt::try_lock_exclusive(&lock).unwrap();
    assert_eq!(home.run(&["reconcile"]).status.code(), Some(75));
    // The next one is due.
    home.pass(Duration::from_secs(600));
    let before = crate::cycles(&home);
    let timer = Timer::of(&home);
    until("it does not wait", || is_idle(&timer));
    wake(&home, &timer);
    until("it does not wait", || is_idle(&timer));
    assert_eq!(crate::cycles(&home), before);
    drop(lock);
    until("no cycle followed", || {
        wake(&home, &timer);
        crate::cycles(&home) > before
    });
    let (status, logged) = timer.stop();
    assert!(status.success(), "{status}");
    assert_eq!(logged, "");
}
