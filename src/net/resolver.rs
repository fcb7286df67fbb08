//! Asks the system's resolver: for each name once a process. What several ask at the same time is one question, and its answer stands.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::{lock, reason};
use crate::logic::units::human_duration;
use crate::system;

/// Asks for the addresses of a name, for as long as it takes.
type Ask = fn(&str) -> io::Result<Vec<SocketAddr>>;

/// The resolver of this host.
#[derive(Debug)]
pub struct Resolver {
    ask: Ask,
    names: Mutex<Vec<(String, Arc<Question>)>>,
}

#[derive(Debug, Default)]
struct Question {
    asked: Mutex<Asked>,
    is_over: Condvar,
}

#[derive(Debug, Default)]
struct Asked {
    /// A thread waits for the answer.
    is_open: bool,
    answer: Option<Vec<SocketAddr>>,
    /// How often it failed, and how at last.
    failures: u32,
    failure: Option<(io::ErrorKind, String)>,
}

impl Default for Resolver {
    fn default() -> Self {
        Self::by(|name| (name, 0).to_socket_addrs().map(Iterator::collect))
    }
}

impl Resolver {
    const fn by(ask: Ask) -> Self {
        Self {
            ask,
            names: Mutex::new(Vec::new()),
        }
    }

    /// The addresses of a name. The system's call knows no timeout: it goes on, on a thread of its own, for whoever asks next.
    ///
    /// # Errors
    /// The name is unknown, no server could be asked, or there was no answer in time.
    pub fn resolve(&self, name: &str, port: u16, timeout: Duration) -> io::Result<Vec<SocketAddr>> {
        let question = self.question(name);
        let mut asked = lock(&question.asked);
        if asked.answer.is_none() && !asked.is_open {
            let (ask, name, question) = (self.ask, name.to_owned(), Arc::clone(&question));
            system::thread("resolve", Box::new(move || question.close(ask(&name))))?;
            asked.is_open = true;
        }
        let before = asked.failures;
        let is_open = |asked: &mut Asked| asked.answer.is_none() && asked.failures == before;
        let waited = question.is_over.wait_timeout_while(asked, timeout, is_open);
        let (asked, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match (&asked.answer, &asked.failure) {
            (Some(addresses), _) => {
                let at = |address: &SocketAddr| {
                    let mut address = *address;
                    address.set_port(port);
                    address
                };
                Ok(addresses.iter().map(at).collect())
            }
            (None, Some((kind, why))) if asked.failures != before => {
                Err(io::Error::new(*kind, why.clone()))
            }
            (None, _) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("timed out after {}", human_duration(timeout)),
            )),
        }
    }

    fn question(&self, name: &str) -> Arc<Question> {
        let mut names = lock(&self.names);
        if let Some((_, question)) = names.iter().find(|(known, _)| known == name) {
            return Arc::clone(question);
        }
        let question = Arc::default();
        names.push((name.to_owned(), Arc::clone(&question)));
        question
    }
}

impl Question {
    fn close(&self, answer: io::Result<Vec<SocketAddr>>) {
        let mut asked = lock(&self.asked);
        asked.is_open = false;
        match answer {
            Ok(addresses) => asked.answer = Some(addresses),
            Err(error) => {
                asked.failures = asked.failures.wrapping_add(1);
                asked.failure = Some((error.kind(), reason::of(&error)));
            }
        }
        drop(asked);
        self.is_over.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
    use std::thread;

    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    #[test]
    fn what_many_ask_at_once_and_again_is_one_question() {
        static ASKED: AtomicU32 = AtomicU32::new(0);
        let resolver = Resolver::by(|name| {
            ASKED.fetch_add(1, SeqCst);
            thread::sleep(Duration::from_millis(100));
            Ok(vec![format!("192.0.2.{}:0", name.len()).parse().unwrap()])
        });
        thread::scope(|scope| {
            for port in [443, 80, 8443] {
                let resolver = &resolver;
                scope.spawn(move || {
                    let found = resolver.resolve("a.example", port, SOON).unwrap();
                    assert_eq!(found, [format!("192.0.2.9:{port}").parse().unwrap()]);
                });
            }
        });
        resolver.resolve("a.example", 1, SOON).unwrap();
        assert_eq!(ASKED.load(SeqCst), 1);
        resolver.resolve("another.example", 1, SOON).unwrap();
        assert_eq!(ASKED.load(SeqCst), 2);
    }

    #[test]
    fn a_failure_is_told_to_all_who_wait_and_the_next_one_asks_again() {
        static ASKED: AtomicU32 = AtomicU32::new(0);
        let resolver = Resolver::by(|_| {
            thread::sleep(Duration::from_millis(50));
            match ASKED.fetch_add(1, SeqCst) {
                0 => Err(io::Error::other("no answer")),
                _ => Ok(vec!["192.0.2.1:0".parse().unwrap()]),
            }
        });
        let error = resolver.resolve("a.example", 1, SOON).unwrap_err();
        assert_eq!(error.to_string(), "no answer");
        assert!(resolver.resolve("a.example", 1, SOON).is_ok());
    }

    #[test]
    fn an_answer_that_comes_late_is_there_for_whoever_asks_next() {
        let resolver = Resolver::by(|_| {
            thread::sleep(Duration::from_millis(300));
            Ok(vec!["192.0.2.1:0".parse().unwrap()])
        });
        let error = resolver.resolve("a.example", 1, Duration::from_millis(10));
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(resolver.resolve("a.example", 1, SOON).is_ok());
    }
}
