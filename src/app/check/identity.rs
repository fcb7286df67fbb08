//! Who a process is to the kernel, and what permission bits allow it.

use std::fs::{self, Metadata};
use std::io;
use std::ops::RangeInclusive;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Which groups may send ICMP echo requests without privileges; see `icmp(7)`.
const PING_GROUP_RANGE: &str = "/proc/sys/net/ipv4/ping_group_range";

/// Entering a folder, or running a file.
const ENTER: u32 = 0o1;
/// Making new files in a folder.
const WRITE: u32 = 0o3;
/// Reading a file.
const READ: u32 = 0o4;

/// The effective user and all groups, the primary one first.
#[derive(Debug, PartialEq, Eq)]
pub struct Identity {
    uid: u32,
    gids: Vec<u32>,
}

/// Owner, group and permission bits of a file or folder.
#[derive(Debug, Clone, Copy)]
pub struct Access {
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its permission bits.
    pub mode: u32,
}

impl From<&Metadata> for Access {
    fn from(meta: &Metadata) -> Self {
        Self {
            uid: meta.uid(),
            gid: meta.gid(),
            mode: meta.mode(),
        }
    }
}

impl Identity {
    /// That of a user by name or number; none where `/etc/passwd` does not have it. `group` replaces the primary group where it is
    /// not empty, and `more` are groups beside those of `/etc/group`.
    #[must_use]
    pub fn of_user(user: &str, group: &str, more: &str) -> Option<Self> {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Self::find(&read("/etc/passwd"), &read("/etc/group"), user, group, more)
    }

    /// Looks a user up as in `passwd(5)` and `group(5)`. Without a name it is root.
    #[must_use]
    pub fn find(passwd: &str, groups: &str, user: &str, group: &str, more: &str) -> Option<Self> {
        let user = entry(passwd, if user.is_empty() { "root" } else { user })?;
        let number = |key: &str| entry(groups, key)?.get(2)?.parse::<u32>().ok();
        let [name, _, uid, primary, ..] = *user else {
            return None;
        };
        let mut gids = vec![if group.is_empty() {
            primary.parse().ok()?
        } else {
            number(group)?
        }];
        let member = |line: &&str| {
            let members = line.rsplit(':').next().unwrap_or_default();
            members.split(',').any(|member| member == name)
        };
        let joined = groups.lines().filter(member);
        let joined = joined.filter_map(|line| line.split(':').nth(2)?.parse().ok());
        gids.extend(joined.chain(more.split_ascii_whitespace().filter_map(number)));
        Some(Self {
            uid: uid.parse().ok()?,
            gids,
        })
    }

    /// That of this process; none where `/proc` does not tell.
    #[must_use]
    pub fn of_process() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/self/status").ok()?)
    }

    /// Reads `Uid:`, `Gid:` and `Groups:` of `proc_pid_status(5)`; the second number of the first two is the effective one.
    #[must_use]
    pub fn parse(status: &str) -> Option<Self> {
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

    /// Whether new files can be made in such a folder.
    #[must_use]
    pub fn may_write_in(&self, folder: Access) -> bool {
        self.may(WRITE, folder)
    }

    /// Root may do anything, others what the first class that they belong to may.
    fn may(&self, wanted: u32, access: Access) -> bool {
        let class = if self.uid == access.uid {
            6
        } else if self.gids.contains(&access.gid) {
            3
        } else {
            0
        };
        self.uid == 0 || access.mode >> class & wanted == wanted
    }

    /// Whether it may run a file.
    #[must_use]
    pub fn may_run(&self, file: Access) -> bool {
        // Also root may only where somebody may.
        file.mode & 0o111 != 0 && self.may(ENTER, file)
    }

    /// What keeps it from reading a file: the file, or a folder on the way there; none where it can read it.
    ///
    /// # Errors
    /// The file is not there, or the user who asks may not look at it.
    pub fn barrier(&self, file: &Path) -> io::Result<Option<PathBuf>> {
        // Beyond a link, the folders of its target count.
        let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
        let mut way: Vec<&Path> = file.ancestors().collect();
        way.reverse();
        for step in way {
            let wanted = if step == file { READ } else { ENTER };
            if !self.may(wanted, Access::from(&fs::metadata(step)?)) {
                return Ok(Some(step.to_owned()));
            }
        }
        Ok(None)
    }

    /// Whether a folder or file is its own.
    #[must_use]
    pub const fn owns(&self, access: Access) -> bool {
        self.uid == access.uid
    }

    /// How `net.ipv4.ping_group_range` must be for it to send echo requests, as the kernel writes it; none where it is so already.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn ping_range_to_set(&self) -> io::Result<Option<String>> {
        let text = fs::read_to_string(PING_GROUP_RANGE)?;
        let allowed = parse_range(&text).ok_or(io::ErrorKind::InvalidData)?;
        Ok(self.widened(&allowed))
    }

    /// The range with the primary group in it. Those that it holds already keep what they have.
    fn widened(&self, allowed: &RangeInclusive<u32>) -> Option<String> {
        if self.gids.iter().any(|gid| allowed.contains(gid)) {
            return None;
        }
        let gid = self.gids.first().copied().unwrap_or_default();
        let (low, high) = if allowed.is_empty() {
            (gid, gid)
        } else {
            (gid.min(*allowed.start()), gid.max(*allowed.end()))
        };
        Some(format!("{low} {high}"))
    }
}

/// The number of a group of this host.
#[must_use]
pub fn group_id(name: &str) -> Option<u32> {
    let groups = fs::read_to_string("/etc/group").ok()?;
    entry(&groups, name)?.get(2)?.parse().ok()
}

/// The fields of the entry whose name, or number in the third field, is this.
fn entry<'a>(table: &'a str, key: &str) -> Option<Vec<&'a str>> {
    let fields = |line: &'a str| line.split(':').collect::<Vec<_>>();
    let is = |entry: &Vec<&str>| entry.first() == Some(&key) || entry.get(2) == Some(&key);
    table.lines().map(fields).find(is)
}

/// Reads `0 2147483647`. The kernel's own default, `1 0`, holds nobody.
#[must_use]
pub fn parse_range(text: &str) -> Option<RangeInclusive<u32>> {
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

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
        cadence:x:998:997:cadence, keeps this network reachable:/var/lib/cadence:/usr/sbin/nologin\n\
        broken:x:no:1\nshort:x\n";
    const GROUPS: &str = "root:x:0:\nadm:x:4:ada,cadence\ncadence:x:997:\ndialout:x:20:ada,cadence2\nbad:x:y:cadence\n";

    #[test]
    fn a_user_is_found_by_name_or_number_with_all_groups() {
        let find = |user, group, more| Identity::find(PASSWD, GROUPS, user, group, more);
        let identity = |uid, gids: &[u32]| {
            Some(Identity {
                uid,
                gids: gids.to_vec(),
            })
        };
        assert_eq!(find("cadence", "", ""), identity(998, &[997, 4]));
        assert_eq!(find("998", "", ""), identity(998, &[997, 4]));
        assert_eq!(find("", "", ""), identity(0, &[0]));
        assert_eq!(
            find("cadence", "root", "dialout 4 nogroup"),
            identity(998, &[0, 4, 20, 4])
        );
        for (user, group) in [
            ("nobody", ""),
            ("broken", ""),
            ("short", ""),
            ("cadence", "nogroup"),
        ] {
            assert_eq!(find(user, group, ""), None, "{user} {group}");
        }
    }

    #[test]
    fn what_bars_the_way_to_a_file_is_named() {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        let top = tempfile::tempdir().unwrap();
        mode(top.path(), 0o755);
        let inner = fs::canonicalize(top.path()).unwrap().join("inner");
        let (file, link) = (inner.join("file"), top.path().join("link"));
        fs::create_dir(&inner).unwrap();
        fs::write(&file, "x").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let gid = fs::metadata(&file).unwrap().gid();
        let stranger = Identity {
            uid: 4_000_000,
            gids: vec![4_000_000],
        };
        let member = Identity {
            uid: 4_000_000,
            gids: vec![4_000_000, gid],
        };
        for (folder, bits, of_stranger, of_member) in [
            (0o755, 0o644, None, None),
            (0o755, 0o640, Some(&file), None),
            (0o755, 0o600, Some(&file), Some(&file)),
            (0o750, 0o644, Some(&inner), None),
            (0o700, 0o644, Some(&inner), Some(&inner)),
            (0o711, 0o644, None, None),
        ] {
            mode(&inner, folder);
            mode(&file, bits);
            for path in [&file, &link] {
                assert_eq!(stranger.barrier(path).unwrap().as_ref(), of_stranger);
                assert_eq!(member.barrier(path).unwrap().as_ref(), of_member);
            }
        }
        let missing = stranger.barrier(&inner.join("other")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_range_is_never_narrowed() {
        let me = Identity {
            uid: 998,
            gids: vec![997, 4],
        };
        for (range, wanted) in [
            ("1 0", Some("997 997")),
            ("0 2147483647", None),
            ("997 997", None),
            ("0 4", None),
            ("100 200", Some("100 997")),
            ("1000 2000", Some("997 2000")),
        ] {
            let range = parse_range(range).unwrap();
            assert_eq!(me.widened(&range).as_deref(), wanted, "{range:?}");
        }
    }
}
