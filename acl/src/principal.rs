//! Identities: random ids that are never reused. Names are for people and paths; every decision hangs on ids.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub struct $name(pub [u8; 16]);
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "("))?;
                for byte in self.0 {
                    write!(f, "{byte:02x}")?;
                }
                write!(f, ")")
            }
        }
    };
}
id!(/// A user, a group or a role.
    PrincipalId);
id!(/// A calendar.
    CalendarId);
id!(/// A calendar object: one per resource, the same for its whole life.
    ObjectId);
id!(/// A link: shown in lists, and no secret.
    LinkId);

/// Whom a grant is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Grantee {
    /// One user.
    User(PrincipalId),
    /// A group, nested members included.
    Group(PrincipalId),
    /// Every signed-in user.
    Everyone,
    /// All who have a role.
    Role(PrincipalId),
}
