//! The thresholds between compact encodings and tables.

use number::DoubleText;

/// With a limit by count, a node still never exceeds this many bytes.
const NODE_SAFETY_BYTES: usize = 8 << 10;
/// The size classes -1 … -5 of `list-max-listpack-size`.
const NODE_SIZE_CLASSES: [usize; 5] = [4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10];
/// Larger counts in `list-max-listpack-size` mean this one.
const NODE_MAX_COUNT: i64 = (1 << 15) - 1;

/// The thresholds up to which a type keeps its compact encoding; the configuration parameters of the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `list-max-listpack-size`: entries of a list node if positive, a size class (-1 = 4 KB … -5 = 64 KB) if negative.
    pub list_max_listpack_size: i64,
    /// `list-compress-depth`: accepted; nodes are never compressed in memory.
    pub list_compress_depth: u32,
    /// List elements of at least this many bytes stand alone in a node (`DEBUG QUICKLIST-PACKED-THRESHOLD`).
    /// Zero means: elements larger than a node may be.
    pub list_packed_threshold: usize,
    /// `hash-max-listpack-entries`: fields.
    pub hash_max_listpack_entries: usize,
    /// `hash-max-listpack-value`: bytes of a field or a value.
    pub hash_max_listpack_value: usize,
    /// `set-max-intset-entries`: members of a set of integers.
    pub set_max_intset_entries: usize,
    /// `set-max-listpack-entries`: members; 0 for versions before Redis 7.2, whose sets have no listpacks.
    pub set_max_listpack_entries: usize,
    /// `set-max-listpack-value`: bytes of a member.
    pub set_max_listpack_value: usize,
    /// `zset-max-listpack-entries`: members.
    pub zset_max_listpack_entries: usize,
    /// `zset-max-listpack-value`: bytes of a member.
    pub zset_max_listpack_value: usize,
    /// `stream-node-max-bytes`: bytes of a stream's node; 0 means no limit.
    pub stream_node_max_bytes: usize,
    /// `stream-node-max-entries`: entries of a stream's node, deleted ones included; 0 means no limit.
    pub stream_node_max_entries: usize,
    /// How a score that is no integer stands in a listpack, which depends on the version.
    pub score_text: DoubleText,
}

impl Default for Limits {
    fn default() -> Self {
        Limits::DEFAULT
    }
}

impl Limits {
    /// The defaults of the current versions.
    pub const DEFAULT: Limits = Limits {
        list_max_listpack_size: -2,
        list_compress_depth: 0,
        list_packed_threshold: 1 << 30,
        hash_max_listpack_entries: 512,
        hash_max_listpack_value: 64,
        set_max_intset_entries: 512,
        set_max_listpack_entries: 128,
        set_max_listpack_value: 64,
        zset_max_listpack_entries: 128,
        zset_max_listpack_value: 64,
        stream_node_max_bytes: 4096,
        stream_node_max_entries: 100,
        score_text: DoubleText::Shortest,
    };

    /// The most bytes and the most entries of a list node; one of the two is unlimited.
    #[inline]
    pub fn list_node_limit(&self) -> (usize, usize) {
        match self.list_max_listpack_size {
            count @ 0.. => (usize::MAX, count.clamp(1, NODE_MAX_COUNT) as usize),
            class => (NODE_SIZE_CLASSES[(class.unsigned_abs().min(5) - 1) as usize], usize::MAX),
        }
    }

    /// The most bytes that a packed list node comes to, but for one whose elements are larger than that.
    #[inline]
    pub fn list_node_bytes(&self) -> usize {
        match self.list_node_limit() {
            (usize::MAX, _) => NODE_SAFETY_BYTES,
            (most, _) => most,
        }
    }

    /// Whether a list node of these many bytes and entries would be too large.
    #[inline]
    pub fn list_node_exceeded(&self, bytes: usize, count: usize) -> bool {
        bytes > self.list_node_bytes() || count > self.list_node_limit().1
    }

    /// Whether a list element of `len` bytes stands alone in a plain node.
    #[inline]
    pub fn is_large_element(&self, len: usize) -> bool {
        match self.list_packed_threshold {
            0 => len > self.list_node_bytes(),
            threshold => len >= threshold,
        }
    }
}
