//! Enumerations that go by a name outside.

use std::fmt;

use serde::Deserialize as _;
use serde::de::{Deserializer, Error, Visitor};
use serde_json::Value;

/// An enumeration, each of its values with the name that it has in JSON, in telemetry and in the state: written once.
macro_rules! named {
    ($(#[$about:meta])* pub enum $Enum:ident {
        $($(#[$value:meta])* $Value:ident = $name:literal,)+
    }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        pub enum $Enum {
            $($(#[$value])* #[cfg_attr(test, schemars(rename = $name))] $Value,)+
        }

        impl ::serde::Serialize for $Enum {
            fn serialize<S: ::serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $Enum {
            fn deserialize<D: ::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let place = $crate::logic::named::place(from, &[$($name),+])?;
                // It is one of them.
                Ok(Self::ALL[place])
            }
        }

        impl $Enum {
            /// Each of them, in their order.
            pub const ALL: &'static [Self] = &[$(Self::$Value),+];

            /// That of this name.
            #[allow(dead_code, reason = "most are read as a part of something")]
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.as_str() == name)
            }

            /// The name as in JSON.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$Value => $name,)+
                }
            }
        }
    };
}
pub(crate) use named;

/// Reads a type by its `of`, from the values that are there: what is derived takes some KB of the binary for each.
macro_rules! read_by_value {
    ($Type:ident) => {
        impl<'de> ::serde::Deserialize<'de> for $Type {
            fn deserialize<D: ::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let stored = $crate::logic::named::stored(from)?;
                let read = Self::of(&stored);
                read.ok_or_else(|| ::serde::de::Error::custom("something is missing, or not known"))
            }
        }
    };
}
pub(crate) use read_by_value;

/// What stands there, whatever it is: once for all types.
///
/// # Errors
/// It is not even that.
#[inline(never)]
pub fn stored<'de, D: Deserializer<'de>>(from: D) -> Result<Value, D::Error> {
    Value::deserialize(from)
}

/// Reads a name, and says which one of these it is. For all enumerations: what is derived for each takes 1.3 KB of the binary.
///
/// # Errors
/// It is none of them.
pub fn place<'de, D: Deserializer<'de>>(
    from: D,
    names: &'static [&'static str],
) -> Result<usize, D::Error> {
    struct Name(&'static [&'static str]);
    impl Visitor<'_> for Name {
        type Value = usize;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a name")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<usize, E> {
            let place = self.0.iter().position(|name| *name == text);
            place.ok_or_else(|| E::unknown_variant(text, self.0))
        }
    }
    from.deserialize_str(Name(names))
}
