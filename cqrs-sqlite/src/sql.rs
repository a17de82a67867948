//! Every statement, from the files under `sql/`.

macro_rules! statements {
    ($($name:ident = $file:literal;)*) => {$(
        pub(crate) const $name: &str =
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/", $file, ".sql"));
    )*};
}

statements! {
    LOG = "read/log";
    PLACE = "read/place";
    HEAD = "read/head";
    LAST_RECORDED = "read/last_recorded";
    RANGE_FORWARD = "read/range_forward";
    RANGE_BACKWARD = "read/range_backward";
    STREAM_PLACE = "read/stream_place";
    STREAM_FORWARD = "read/stream_forward";
    STREAM_BACKWARD = "read/stream_backward";
    STREAM_NUMBER = "read/stream_number";
    STREAM_NAME = "read/stream_name";
    HEADER = "read/header";
    KIND = "read/kind";
    KINDS_OF_TYPE = "read/kinds_of_type";
    CATEGORY = "read/category";
    CATEGORY_NAME = "read/category_name";
    CATEGORIES_BY_NAME = "read/categories_by_name";
    CATEGORIES_BY_TENANT = "read/categories_by_tenant";
    RUNS_BY_CATEGORY_FORWARD = "read/runs_by_category_forward";
    RUNS_BY_CATEGORY_BACKWARD = "read/runs_by_category_backward";
    RUNS_BY_KIND_FORWARD = "read/runs_by_kind_forward";
    RUNS_BY_KIND_BACKWARD = "read/runs_by_kind_backward";
    RUNS_BY_TAG_FORWARD = "read/runs_by_tag_forward";
    RUNS_BY_TAG_BACKWARD = "read/runs_by_tag_backward";
    RUNS_BY_CORRELATION_FORWARD = "read/runs_by_correlation_forward";
    RUNS_BY_CORRELATION_BACKWARD = "read/runs_by_correlation_backward";
    TAG_WEIGHT = "read/tag_weight";
    OPERATION = "read/operation";
    OPERATION_RECORD = "read/operation_record";
    OPERATIONS_AFTER = "read/operations_after";
    OPERATION_STREAMS = "read/operation_streams";
    SNAPSHOT = "read/snapshot";
    SNAPSHOT_PLACE = "read/snapshot_place";
    CHECKPOINT = "read/checkpoint";
    LEASE = "read/lease";
    LEASES = "read/leases";
    TABLE = "read/table";
    ROW = "read/row";
    ROWS_FORWARD = "read/rows_forward";
    ROWS_BACKWARD = "read/rows_backward";

    NEW_EVENT = "write/event";
    SET_HEAD = "write/head";
    NEW_STREAM = "write/stream";
    NEW_CATEGORY = "write/category";
    NEW_KIND = "write/kind";
    NEW_OPERATION = "write/operation";
    SET_SNAPSHOT = "write/snapshot";
    SET_CHECKPOINT = "write/checkpoint";
    SET_LEASE = "write/lease";
    NEW_TABLE = "write/table";
    SET_ROW = "write/row";
    DELETE_ROW = "write/delete_row";
    DELETE_ROWS = "write/delete_rows";

    UNINDEXED = "index/tail";
    INDEX_STREAM = "index/by_stream";
    INDEX_CATEGORY = "index/by_category";
    INDEX_KIND = "index/by_kind";
    INDEX_TAG = "index/by_tag";
    INDEX_CORRELATION = "index/by_correlation";
    SET_INDEXED = "index/through";
}
