//! Enumerations that go by a name outside.

/// An enumeration, each of its values with the name that it has in JSON, in telemetry and in the state: written once.
macro_rules! named {
    ($(#[$about:meta])* pub enum $Enum:ident {
        $($(#[$value:meta])* $Value:ident = $name:literal,)+
    }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, ::serde::Serialize, ::serde::Deserialize)]
        pub enum $Enum {
            $($(#[$value])* #[serde(rename = $name)] $Value,)+
        }

        impl $Enum {
            /// Each of them, in their order.
            pub const ALL: &'static [Self] = &[$(Self::$Value),+];

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
