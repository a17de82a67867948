//! The shapes of the standard library's types, as serde stores them.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::CString;
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroI128, NonZeroIsize, NonZeroU8,
    NonZeroU16, NonZeroU32, NonZeroU64, NonZeroU128, NonZeroUsize, Saturating, Wrapping,
};
use std::ops::{Bound, Range, RangeFrom, RangeInclusive, RangeTo};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, SystemTime};

use super::{Field, Scalar, Schema, Shape, Tagging, Variant};

macro_rules! scalars {
    ($($scalar:ident: $($ty:ty),+;)*) => {$($(
        #[diagnostic::do_not_recommend]
        impl Schema for $ty {
            const SHAPE: &'static Shape = &Shape::Scalar(Scalar::$scalar);
        }
    )+)*};
}

scalars! {
    Unit: ();
    Bool: bool;
    I8: i8, NonZeroI8;
    I16: i16, NonZeroI16;
    I32: i32, NonZeroI32;
    I64: i64, isize, NonZeroI64, NonZeroIsize;
    I128: i128, NonZeroI128;
    U8: u8, NonZeroU8;
    U16: u16, NonZeroU16;
    U32: u32, NonZeroU32;
    U64: u64, usize, NonZeroU64, NonZeroUsize;
    U128: u128, NonZeroU128;
    F32: f32;
    F64: f64;
    Char: char;
    Text: str, String, PathBuf, IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6;
    Bytes: CString;
    Any: serde_json::Value, Box<serde_json::value::RawValue>;
    Uuid: uuid::Uuid;
}

macro_rules! same_as_inner {
    ($($ty:ident),+) => {$(
        impl<T: Schema + ?Sized> Schema for $ty<T> {
            const SHAPE: &'static Shape = T::SHAPE;
        }
    )+};
}

same_as_inner!(Rc, Arc, RefCell, Mutex, RwLock);

impl<T: Schema> Schema for Box<T> {
    const SHAPE: &'static Shape = T::SHAPE;
}

#[diagnostic::do_not_recommend]
impl Schema for Box<str> {
    const SHAPE: &'static Shape = str::SHAPE;
}

impl<T: Schema> Schema for Box<[T]> {
    const SHAPE: &'static Shape = <[T]>::SHAPE;
}

impl<T: Schema + ?Sized> Schema for &T {
    const SHAPE: &'static Shape = T::SHAPE;
}

impl<T: Schema + Copy> Schema for Cell<T> {
    const SHAPE: &'static Shape = T::SHAPE;
}

impl<T: Schema> Schema for Wrapping<T> {
    const SHAPE: &'static Shape = T::SHAPE;
}

impl<T: Schema> Schema for Saturating<T> {
    const SHAPE: &'static Shape = T::SHAPE;
}

impl<T: Schema + ToOwned + ?Sized> Schema for Cow<'_, T> {
    const SHAPE: &'static Shape = T::SHAPE;
}

impl<T: ?Sized> Schema for PhantomData<T> {
    const SHAPE: &'static Shape = <()>::SHAPE;
}

impl<T: Schema> Schema for Option<T> {
    const SHAPE: &'static Shape = &Shape::Optional(T::SHAPE);
}

impl<T: Schema> Schema for [T] {
    const SHAPE: &'static Shape = &Shape::List(T::SHAPE);
}

macro_rules! lists {
    ($variant:ident: $($ty:ident<T $(, $more:ident)?>),+) => {$(
        impl<T: Schema $(, $more)?> Schema for $ty<T $(, $more)?> {
            const SHAPE: &'static Shape = &Shape::$variant(T::SHAPE);
        }
    )+};
}

lists!(List: Vec<T>, VecDeque<T>, LinkedList<T>, BinaryHeap<T>);
lists!(Set: BTreeSet<T>, HashSet<T, S>);

impl<T: Schema, const N: usize> Schema for [T; N] {
    const SHAPE: &'static Shape = &Shape::Array(N, T::SHAPE);
}

impl<K: Schema, V: Schema> Schema for BTreeMap<K, V> {
    const SHAPE: &'static Shape = &Shape::Map(K::SHAPE, V::SHAPE);
}

impl<K: Schema, V: Schema, S> Schema for HashMap<K, V, S> {
    const SHAPE: &'static Shape = &Shape::Map(K::SHAPE, V::SHAPE);
}

macro_rules! tuples {
    ($(($($part:ident),+))+) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($part: Schema),+> Schema for ($($part,)+) {
            const SHAPE: &'static Shape = &Shape::Tuple(&[$($part::SHAPE),+]);
        }
    )+};
}

tuples! {
    (A)
    (A, B)
    (A, B, C)
    (A, B, C, D)
    (A, B, C, D, E)
    (A, B, C, D, E, F)
    (A, B, C, D, E, F, G)
    (A, B, C, D, E, F, G, H)
}

macro_rules! structs {
    ($($ty:ty [$($generic:ident)?] { $($name:literal: $shape:ty),+ };)*) => {$(
        #[diagnostic::do_not_recommend]
        impl$(<$generic: Schema>)? Schema for $ty {
            const SHAPE: &'static Shape = &Shape::Struct {
                fields: &[$(Field::new($name, <$shape as Schema>::SHAPE)),+],
                closed: false,
            };
        }
    )*};
}

structs! {
    Duration [] { "secs": u64, "nanos": u32 };
    SystemTime [] { "secs_since_epoch": u64, "nanos_since_epoch": u32 };
    Range<T> [T] { "start": T, "end": T };
    RangeInclusive<T> [T] { "start": T, "end": T };
    RangeFrom<T> [T] { "start": T };
    RangeTo<T> [T] { "end": T };
}

impl<T: Schema, E: Schema> Schema for Result<T, E> {
    const SHAPE: &'static Shape = &Shape::Enum {
        tagging: Tagging::External,
        variants: &[Variant::new("Ok", Some(T::SHAPE)), Variant::new("Err", Some(E::SHAPE))],
    };
}

impl<T: Schema> Schema for Bound<T> {
    const SHAPE: &'static Shape = &Shape::Enum {
        tagging: Tagging::External,
        variants: &[
            Variant::new("Unbounded", None),
            Variant::new("Included", Some(T::SHAPE)),
            Variant::new("Excluded", Some(T::SHAPE)),
        ],
    };
}
