//! What the state keeps of rare things, read by its values.
//!
//! A derived reader takes 2 to 10 KB of the binary for each structure, and gains time where there are a thousand of one. Of these there is one
//! or a handful.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use jiff::Timestamp;
use serde::de::{Deserialize as _, Deserializer, Error as _};
use serde_json::Value;

/// What can be read from a value of a document.
pub trait Stored: Sized {
    /// None where the value is not of its kind.
    fn of(value: &Value) -> Option<Self>;

    /// What it is where the document does not have it; none where it must.
    #[must_use]
    fn missing() -> Option<Self> {
        None
    }
}

/// A structure, with its reader: each field by its name, or by `as "name"`. What may be missing is `= something` then; of a list, a flag and an
/// option that is known.
macro_rules! stored {
    ($(#[$about:meta])* $seen:vis struct $Name:ident {
        $($(#[$what:meta])* $open:vis $field:ident $(as $key:literal)? : $Type:ty $(= $default:expr)?,)+
    }) => {
        $(#[$about])*
        #[derive(::serde::Serialize)]
        $seen struct $Name {
            $($(#[$what])* $(#[serde(rename = $key)])? $open $field: $Type,)+
        }

        impl $crate::logic::stored::Stored for $Name {
            fn of(it: &::serde_json::Value) -> Option<Self> {
                Some(Self {
                    $($field: $crate::logic::stored::field(
                        it,
                        $crate::logic::stored::stored!(@key $field $($key)?),
                        $crate::logic::stored::stored!(@default $($default)?),
                    )?,)+
                })
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $Name {
            fn deserialize<D: ::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $crate::logic::stored::read(from, stringify!($Name))
            }
        }
    };
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
    (@default) => { $crate::logic::stored::Stored::missing() };
    (@default $default:expr) => { Some($default) };
}
pub(crate) use stored;

/// One field.
pub fn field<T: Stored>(of: &Value, key: &str, missing: Option<T>) -> Option<T> {
    match of.get(key) {
        Some(value) => T::of(value),
        None => missing,
    }
}

/// Reads a whole structure.
///
/// # Errors
/// It is not one of that name.
pub fn read<'de, T: Stored, D: Deserializer<'de>>(
    from: D,
    name: &'static str,
) -> Result<T, D::Error> {
    let value = any(from)?;
    // Not what it holds: it may be long.
    T::of(&value).ok_or_else(|| D::Error::custom(format_args!("not a {name} as it is stored")))
}

/// What stands there, whatever it is: once for all of them.
#[inline(never)]
fn any<'de, D: Deserializer<'de>>(from: D) -> Result<Value, D::Error> {
    Value::deserialize(from)
}

impl<T: Stored> Stored for Option<T> {
    fn of(value: &Value) -> Option<Self> {
        if value.is_null() {
            Some(None)
        } else {
            T::of(value).map(Some)
        }
    }

    fn missing() -> Option<Self> {
        Some(None)
    }
}

impl<T: Stored> Stored for Vec<T> {
    fn of(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(T::of).collect()
    }

    fn missing() -> Option<Self> {
        Some(vec![])
    }
}

impl Stored for bool {
    fn of(value: &Value) -> Option<Self> {
        value.as_bool()
    }

    fn missing() -> Option<Self> {
        Some(false)
    }
}

impl Stored for i64 {
    fn of(value: &Value) -> Option<Self> {
        value.as_i64()
    }
}

impl Stored for String {
    fn of(value: &Value) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }
}

impl Stored for PathBuf {
    fn of(value: &Value) -> Option<Self> {
        value.as_str().map(Self::from)
    }
}

macro_rules! parsed {
    ($($Type:ty)+) => {
        $(impl Stored for $Type {
            fn of(value: &Value) -> Option<Self> {
                value.as_str()?.parse().ok()
            }
        })+
    };
}
parsed!(IpAddr Ipv4Addr Timestamp);

macro_rules! numbers {
    ($($Type:ty)+) => {
        $(impl Stored for $Type {
            fn of(value: &Value) -> Option<Self> {
                value.as_u64()?.try_into().ok()
            }
        })+
    };
}
numbers!(u8 u16 u32 u64 usize);

#[cfg(test)]
mod tests {
    use super::*;

    stored! {
        /// One with a field of each sort.
        #[derive(Debug, PartialEq)]
        struct Kept {
            count: u8,
            #[serde(skip_serializing_if = "Option::is_none")]
            name as "type": Option<String>,
            is_new: bool,
            rest: u32 = 7,
            all: Vec<IpAddr>,
        }
    }

    fn of(text: &str) -> Result<Kept, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_structure_is_read_as_it_was_written_and_may_lack_what_is_optional() {
        let kept = Kept {
            count: 3,
            name: Some("a".to_owned()),
            is_new: true,
            rest: 9,
            all: vec![IpAddr::from([11, 0, 0, 1])],
        };
        let text = serde_json::to_string(&kept).unwrap();
        assert_eq!(
            text,
            r#"{"count":3,"type":"a","is_new":true,"rest":9,"all":["11.0.0.1"]}"#
        );
        assert_eq!(of(&text), Ok(kept));
        let least = Kept {
            count: 0,
            name: None,
            is_new: false,
            rest: 7,
            all: vec![],
        };
        assert_eq!(of(r#"{"count": 0, "more": {}}"#), Ok(least));
    }

    #[test]
    fn what_is_of_another_kind_or_too_large_or_missing_is_refused() {
        for text in [
            "{}",
            "7",
            "[0]",
            r#"{"count": 256}"#,
            r#"{"count": -1}"#,
            r#"{"count": 1.5}"#,
            r#"{"count": "1"}"#,
            r#"{"count": 1, "rest": null}"#,
            r#"{"count": 1, "type": 7}"#,
            r#"{"count": 1, "all": ["nobody"]}"#,
        ] {
            let error = of(text).unwrap_err();
            assert!(error.starts_with("not a Kept as it is stored"), "{error}");
        }
    }
}
