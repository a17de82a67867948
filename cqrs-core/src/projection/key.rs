//! Keys of rows as bytes that sort like the keys.
//!
//! Numbers are big-endian with the sign bit flipped; text ends in two zero
//! bytes and escapes its own zeros as 0x00 0xff, so that tuples sort part by
//! part (the tuple layer of FoundationDB uses the same scheme).

use crate::message::{ActorId, TenantId, Timestamp};

/// A key of a row.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of a row",
    label = "a key is needed here",
    note = "use text, an integer, a `Timestamp`, a `TenantId`, a type with `#[derive(Id)]`, or a tuple of up to four of them"
)]
pub trait TableKey: Send + Sync + Sized + 'static {
    /// Appends the key's bytes; they sort like the keys.
    fn encode_key(&self, out: &mut Vec<u8>);

    /// Takes a key off the front of `bytes`; `None` if there is none.
    fn decode_key(bytes: &mut &[u8]) -> Option<Self>;
}

fn encode_text(text: &str, out: &mut Vec<u8>) {
    for &byte in text.as_bytes() {
        out.push(byte);
        if byte == 0 {
            out.push(0xff);
        }
    }
    out.extend([0, 0]);
}

impl TableKey for String {
    fn encode_key(&self, out: &mut Vec<u8>) {
        encode_text(self, out);
    }

    fn decode_key(bytes: &mut &[u8]) -> Option<Self> {
        let mut text = Vec::new();
        loop {
            let (&byte, rest) = bytes.split_first()?;
            *bytes = rest;
            if byte != 0 {
                text.push(byte);
                continue;
            }
            let (&next, rest) = bytes.split_first()?;
            *bytes = rest;
            match next {
                0xff => text.push(0),
                0 => return Self::from_utf8(text).ok(),
                _ => return None,
            }
        }
    }
}

macro_rules! texts {
    ($($name:ident;)*) => {$(
        impl TableKey for $name {
            fn encode_key(&self, out: &mut Vec<u8>) {
                encode_text(self.as_str(), out);
            }

            fn decode_key(bytes: &mut &[u8]) -> Option<Self> {
                String::decode_key(bytes).map(Self::new)
            }
        }
    )*};
}

texts! {
    TenantId;
    ActorId;
}

macro_rules! integers {
    ($($unsigned:ty, $signed:ty, $bytes:literal;)*) => {$(
        impl TableKey for $unsigned {
            fn encode_key(&self, out: &mut Vec<u8>) {
                out.extend(self.to_be_bytes());
            }
            fn decode_key(bytes: &mut &[u8]) -> Option<Self> {
                let (head, rest) = bytes.split_first_chunk::<$bytes>()?;
                *bytes = rest;
                Some(Self::from_be_bytes(*head))
            }
        }
        impl TableKey for $signed {
            fn encode_key(&self, out: &mut Vec<u8>) {
                (self.cast_unsigned() ^ (1 << (<$signed>::BITS - 1))).encode_key(out);
            }
            fn decode_key(bytes: &mut &[u8]) -> Option<Self> {
                let flipped = <$unsigned>::decode_key(bytes)?;
                Some((flipped ^ (1 << (<$signed>::BITS - 1))).cast_signed())
            }
        }
    )*};
}

integers! {
    u8, i8, 1;
    u16, i16, 2;
    u32, i32, 4;
    u64, i64, 8;
    u128, i128, 16;
}

impl TableKey for uuid::Uuid {
    fn encode_key(&self, out: &mut Vec<u8>) {
        out.extend(self.as_bytes());
    }

    fn decode_key(bytes: &mut &[u8]) -> Option<Self> {
        u128::decode_key(bytes).map(Self::from_u128)
    }
}

impl TableKey for Timestamp {
    fn encode_key(&self, out: &mut Vec<u8>) {
        self.as_micros().encode_key(out);
    }

    fn decode_key(bytes: &mut &[u8]) -> Option<Self> {
        i64::decode_key(bytes).map(Self::from_micros)
    }
}

impl TableKey for () {
    fn encode_key(&self, out: &mut Vec<u8>) {
        out.push(0);
    }

    fn decode_key(bytes: &mut &[u8]) -> Option<Self> {
        let (_, rest) = bytes.split_first()?;
        *bytes = rest;
        Some(())
    }
}

macro_rules! tuples {
    ($(($($part:ident $index:tt),+);)*) => {$(
        impl<$($part: TableKey),+> TableKey for ($($part,)+) {
            fn encode_key(&self, out: &mut Vec<u8>) {
                $(self.$index.encode_key(out);)+
            }
            fn decode_key(bytes: &mut &[u8]) -> Option<Self> {
                Some(($($part::decode_key(bytes)?,)+))
            }
        }
    )*};
}

tuples! {
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
}

pub(super) fn to_bytes<K: TableKey>(key: &K) -> Vec<u8> {
    let mut out = Vec::with_capacity(32);
    key.encode_key(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_sort_like_keys_and_read_back() {
        let keys = [
            (String::new(), -5_i64),
            (String::new(), 7),
            ("\0".to_owned(), 0),
            ("a".to_owned(), i64::MIN),
            ("a".to_owned(), i64::MAX),
            ("a\0b".to_owned(), 1),
            ("ab".to_owned(), 1),
            ("é".to_owned(), 1),
        ];
        let encoded: Vec<_> = keys.iter().map(to_bytes).collect();
        assert!(encoded.is_sorted());
        for (key, bytes) in keys.iter().zip(&encoded) {
            let mut rest = bytes.as_slice();
            assert_eq!(<(String, i64)>::decode_key(&mut rest).as_ref(), Some(key));
            assert!(rest.is_empty());
        }
    }

    #[test]
    fn a_tenant_is_a_key_as_its_text_is() {
        let (tenant, text) = (TenantId::new("a\0b"), "a\0b".to_owned());
        let bytes = to_bytes(&(tenant.clone(), 7_u32));
        assert_eq!(bytes, to_bytes(&(text, 7_u32)));
        assert_eq!(<(TenantId, u32)>::decode_key(&mut &bytes[..]), Some((tenant, 7)));
        let actor = ActorId::new("ada");
        assert_eq!(ActorId::decode_key(&mut &to_bytes(&actor)[..]), Some(actor));
    }

    #[test]
    fn broken_bytes_are_no_key() {
        for bytes in [&b"a"[..], b"a\0", b"a\0\x01", &[0xff, 0, 0]] {
            assert_eq!(String::decode_key(&mut { bytes }), None, "{bytes:?}");
        }
        assert_eq!(u32::decode_key(&mut &[1, 2, 3][..]), None);
    }
}
