//! Names, UIDs and validators derived with keys of the database: what is shown instead of what is withheld.

use crate::principal::{CalendarId, LinkId, ObjectId, PrincipalId};

/// The database's secret, from which every keyed value is derived under its own label. Never shown, never logged.
#[derive(Clone)]
pub struct DatabaseKey([u8; 32]);

impl std::fmt::Debug for DatabaseKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DatabaseKey(…)")
    }
}

impl DatabaseKey {
    /// Takes the secret.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }
    /// The secret of one link's view: names, UIDs and tags derived with it are of that link alone, so that nobody can put two
    /// links, or a link and a share, together by them.
    #[must_use]
    pub fn of_link(&self, link: LinkId) -> Self {
        Self(self.derive("link-view", &[&link.0]))
    }
    /// 32 keyed bytes of `parts` (each framed by its length) under `label`.
    pub fn derive(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for part in std::iter::once(label.as_bytes()).chain(parts.iter().copied()) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        *hasher.finalize().as_bytes()
    }
    /// The pseudonym an object's resource bears: 26 characters of base32 and `.ics`.
    pub fn object_name(&self, calendar: CalendarId, object: ObjectId) -> String {
        format!("{}.ics", base32(&self.derive("object-name", &[&calendar.0, &object.0])))
    }
    /// The pseudonym of an object's UID: in the form of a UUID version 8.
    pub fn object_uid(&self, calendar: CalendarId, object: ObjectId) -> String {
        uuid(&self.derive("object-uid", &[&calendar.0, &object.0]))
    }
    /// A resource's lasting identifier for one viewer, a `urn:uuid:` (RFC 5842 §3.1): nobody else is shown the same one, so
    /// that nobody can put two views of a resource together by it.
    pub fn resource_id(&self, viewer: PrincipalId, parts: &[&[u8]]) -> String {
        let all: Vec<&[u8]> = std::iter::once(viewer.0.as_slice()).chain(parts.iter().copied()).collect();
        format!("urn:uuid:{}", uuid(&self.derive("resource-id", &all)))
    }
    /// The name under which a calendar is mounted in a viewer's home: 26 characters of base32, the same at every level.
    pub fn mount_name(&self, viewer: PrincipalId, calendar: CalendarId) -> String {
        base32(&self.derive("mount", &[&viewer.0, &calendar.0]))
    }
    /// A strong entity tag, quotes included: `"` 22 characters of base64url `"`.
    pub fn etag(&self, parts: &[&[u8]]) -> String {
        format!("\"{}\"", base64url(&self.derive("etag", parts)))
    }
}

/// A UUID of version 8 (RFC 9562 §5.8) made of the first 128 bits.
fn uuid(bytes: &[u8; 32]) -> String {
    let mut hex = String::with_capacity(36);
    for (index, byte) in bytes.iter().take(16).enumerate() {
        let byte = match index {
            6 => (byte & 0x0f) | 0x80,
            8 => (byte & 0x3f) | 0x80,
            _ => *byte,
        };
        if matches!(index, 4 | 6 | 8 | 10) {
            hex.push('-');
        }
        hex.push_str(&format!("{byte:02x}"));
    }
    hex
}

/// 26 characters of lower-case base32 (RFC 4648 §6): the first 128 bits.
pub fn base32(bytes: &[u8; 32]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut out = String::with_capacity(26);
    let mut buffer = 0u32;
    let mut bits = 0;
    for byte in bytes.iter().take(16) {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            let index = (buffer >> bits) & 31;
            out.push(char::from(ALPHABET.get(index as usize).copied().unwrap_or(b'a')));
        }
    }
    let index = (buffer << (5 - bits)) & 31;
    out.push(char::from(ALPHABET.get(index as usize).copied().unwrap_or(b'a')));
    out
}

/// 22 characters of base64url: the first 128 bits.
pub fn base64url(bytes: &[u8; 32]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes.first_chunk::<16>().unwrap_or(&[0; 16]))
}
