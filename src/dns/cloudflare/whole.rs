//! The records of some names out of those of their whole zone.

use serde_json::Value;

use super::item::{matters, record, text};
use crate::logic::idn;
use crate::logic::provider::{Found, Whole};

/// The records of some names, gathered from the pages of their zone.
pub struct WholeZone<'a> {
    /// None where one of them is not as it must be.
    names: Vec<(&'a str, Option<Vec<Found>>)>,
    /// So many came in this reading.
    items: u64,
    /// In the one before.
    before: u64,
    /// Some item may be of any name.
    is_unsure: bool,
    /// It was read a second time.
    is_read_twice: bool,
    /// The page after the only one was empty.
    is_end_seen: bool,
}

impl<'a> WholeZone<'a> {
    /// Of these names nothing is known yet.
    #[must_use]
    pub fn of(names: &[&'a str]) -> Self {
        Self {
            names: names.iter().map(|name| (*name, Some(vec![]))).collect(),
            items: 0,
            before: 0,
            is_unsure: false,
            is_read_twice: false,
            is_end_seen: false,
        }
    }

    /// Whether all pages are to be read once more, as more names were not seen in them than there are pages: what neither reading shows is
    /// not there. Once.
    pub fn is_worth_another_reading(&mut self, pages: u64, most: u64) -> bool {
        let unseen = self.unseen();
        let is_worth =
            !self.is_end_seen && pages > 1 && unseen > pages && pages.saturating_mul(2) <= most;
        let is_first = !self.is_read_twice;
        self.is_read_twice |= is_worth;
        let again = is_first && is_worth;
        if again {
            self.before = std::mem::take(&mut self.items);
        }
        again
    }

    /// Whether the page after the only one is read too, as that is full by what servers like to have for a limit, and more names than one
    /// were not seen: where it is empty, they are not there.
    #[must_use]
    pub fn is_worth_the_next_page(&self, number: u64) -> bool {
        number == 1 && self.is_round() && self.unseen() > 1
    }

    /// As many names were not seen so far.
    fn unseen(&self) -> u64 {
        let is_unseen = |known: &Option<Vec<Found>>| known.as_ref().is_some_and(Vec::is_empty);
        let unseen = self.names.iter().filter(|(_, known)| is_unseen(known));
        unseen.count() as u64
    }

    /// A page of so many items need not be the whole list because the server says so.
    const fn is_round(&self) -> bool {
        self.items > 0 && self.items % 50 == 0
    }

    /// Takes in a page.
    pub fn add(&mut self, items: &[Value]) {
        self.is_end_seen |= items.is_empty() && self.is_round();
        self.items += items.len() as u64;
        for item in items.iter().filter(|item| matters(item)) {
            let Ok(name) = text(item, "name") else {
                self.is_unsure = true;
                continue;
            };
            let ascii = idn::to_ascii(name).unwrap_or_default();
            let mut names = self.names.iter_mut();
            let Some((_, known)) = names.find(|(name, _)| *name == ascii) else {
                continue;
            };
            match (known.as_mut(), record(item)) {
                // Between two pages a record may move from one to the other.
                (Some(found), Ok(record)) if found.iter().all(|it| it.id != record.id) => {
                    found.push(record);
                }
                (_, Ok(_)) => {}
                (_, Err(_)) => *known = None,
            }
        }
    }

    /// What is known for sure, now that all `pages` are in, of which `count` items were promised. Of several pages one may have moved out
    /// of sight, so that what is not there has to be seen not to be.
    #[must_use]
    pub fn read(self, pages: u64, count: Option<u64>) -> Whole {
        let is_page = match pages {
            1 => !self.is_round(),
            _ => self.is_end_seen && pages == 2,
        };
        let is_page = is_page && count == Some(self.items);
        // What is promised and does not come may be what is not seen.
        let is_short = count.is_some_and(|count| self.items.max(self.before) < count);
        let is_all = (is_page || self.is_read_twice) && !is_short;
        let is_sure = !self.is_unsure;
        let known = self.names.into_iter().filter_map(|(name, found)| {
            let found = found.filter(|found| is_sure && (is_all || !found.is_empty()))?;
            Some((name.to_owned(), found))
        });
        Whole {
            names: known.collect(),
            calls: pages,
        }
    }
}
