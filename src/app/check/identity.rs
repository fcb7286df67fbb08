//! Who this process is to the kernel, and what the permission bits of a folder allow it.

use std::fs;
use std::ops::RangeInclusive;

/// Which groups may send ICMP echo requests without privileges; see `icmp(7)`.
const PING_GROUP_RANGE: &str = "/proc/sys/net/ipv4/ping_group_range";

/// The effective user and all groups.
#[derive(Debug, PartialEq, Eq)]
pub struct Identity {
    uid: u32,
    gids: Vec<u32>,
}

/// Owner, group and permission bits of a folder.
#[derive(Debug, Clone, Copy)]
pub struct Access {
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its permission bits.
    pub mode: u32,
}

impl Identity {
    /// That of this process; none where `/proc` does not tell.
    pub fn of_process() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/self/status").ok()?)
    }

    /// Reads `Uid:`, `Gid:` and `Groups:` of `proc_pid_status(5)`; the second number of the first two is the effective one.
    fn parse(status: &str) -> Option<Self> {
        let numbers = |key: &str| -> Option<Vec<u32>> {
            let line = status.lines().find_map(|line| line.strip_prefix(key))?;
            line.split_ascii_whitespace()
                .map(|number| number.parse().ok())
                .collect()
        };
        let effective = |key| numbers(key)?.get(1).copied();
        let mut gids = numbers("Groups:").unwrap_or_default();
        gids.insert(0, effective("Gid:")?);
        Some(Self {
            uid: effective("Uid:")?,
            gids,
        })
    }

    /// Whether new files can be made in such a folder: root can in any, others by the first class that they belong to.
    pub fn may_write_in(&self, folder: Access) -> bool {
        let class = if self.uid == folder.uid {
            6
        } else if self.gids.contains(&folder.gid) {
            3
        } else {
            0
        };
        self.uid == 0 || folder.mode >> class & 0o3 == 0o3
    }

    /// Whether the kernel lets this process send echo requests; none where it does not tell.
    pub fn may_ping(&self) -> Option<bool> {
        let allowed = parse_range(&fs::read_to_string(PING_GROUP_RANGE).ok()?)?;
        Some(self.gids.iter().any(|gid| allowed.contains(gid)))
    }
}

/// Reads `0 2147483647`. The kernel's own default, `1 0`, holds nobody.
fn parse_range(text: &str) -> Option<RangeInclusive<u32>> {
    let mut numbers = text.split_ascii_whitespace();
    let range = numbers.next()?.parse().ok()?..=numbers.next()?.parse().ok()?;
    numbers.next().is_none().then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tcadence\nUmask:\t0022\nUid:\t0\t998\t0\t998\nGid:\t0\t997\t0\t997\nGroups:\t4 27 \nNgid:\t0\n";

    #[test]
    fn the_effective_user_and_every_group_are_read() {
        let identity = |uid, gids: &[u32]| {
            Some(Identity {
                uid,
                gids: gids.to_vec(),
            })
        };
        assert_eq!(Identity::parse(STATUS), identity(998, &[997, 4, 27]));
        assert_eq!(
            Identity::parse("Uid:\t1 2 3 4\nGid:\t5 6 7 8\nGroups:\t\n"),
            identity(2, &[6])
        );
        for text in ["", "Uid:\t1\nGid:\t1 2 3 4\n", "Uid:\tx y\nGid:\t1 2\n"] {
            assert_eq!(Identity::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_range_holds_its_ends_and_the_default_of_the_kernel_nobody() {
        assert_eq!(parse_range("0\t2147483647\n"), Some(0..=2_147_483_647));
        assert_eq!(parse_range("100 100"), Some(100..=100));
        assert!(parse_range("1\t0\n").unwrap().is_empty());
        for text in ["", "1", "a b", "-1 5", "1 2 3", "0 99999999999"] {
            assert_eq!(parse_range(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_first_class_that_fits_decides_who_may_write() {
        let me = Identity {
            uid: 998,
            gids: vec![997, 4],
        };
        let root = Identity {
            uid: 0,
            gids: vec![0],
        };
        for (uid, gid, mode, allowed) in [
            (998, 997, 0o755, true),
            (998, 997, 0o555, false),
            (998, 997, 0o277, false),
            (0, 4, 0o770, true),
            (0, 4, 0o750, false),
            (0, 0, 0o777, true),
            (0, 0, 0o775, false),
        ] {
            let folder = Access { uid, gid, mode };
            assert_eq!(me.may_write_in(folder), allowed, "{uid} {gid} {mode:o}");
            assert!(root.may_write_in(folder));
        }
    }
}
