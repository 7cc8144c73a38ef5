//! The bytes that appear in place of a value's type and mean something else.

pub(crate) const SLOT_INFO: u8 = 244;
pub(crate) const FUNCTION: u8 = 245;
/// Functions as the release candidates of Redis 7.0 wrote them; refused by all releases.
pub(crate) const FUNCTION_PRE_RELEASE: u8 = 246;
pub(crate) const MODULE_AUX: u8 = 247;
pub(crate) const IDLE: u8 = 248;
pub(crate) const FREQ: u8 = 249;
pub(crate) const AUX: u8 = 250;
pub(crate) const RESIZE_DB: u8 = 251;
pub(crate) const EXPIRE_TIME_MS: u8 = 252;
pub(crate) const EXPIRE_TIME: u8 = 253;
pub(crate) const SELECT_DB: u8 = 254;
pub(crate) const EOF: u8 = 255;

/// What stands in front of each piece of a module's data.
pub(crate) mod module {
    pub(crate) const EOF: u64 = 0;
    pub(crate) const SIGNED: u64 = 1;
    pub(crate) const UNSIGNED: u64 = 2;
    pub(crate) const FLOAT: u64 = 3;
    pub(crate) const DOUBLE: u64 = 4;
    pub(crate) const STRING: u64 = 5;
}
